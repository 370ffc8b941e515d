"""A figure with the numbers that it shows, and how it becomes SVG and PNG."""

import io
import re
from dataclasses import dataclass

import matplotlib.pyplot as plt
from matplotlib.backends.backend_svg import FigureCanvasSVG

# Verdana has the widths of DejaVu Sans, so text keeps its place where the latter is not installed.
FONTS = "'DejaVu Sans', Verdana, sans-serif"


@dataclass
class Figure:
    """One picture: where it stands, what it says, its SVG and PNG, and its data as columns."""

    name: str
    title: str
    caption: str
    svg: str
    columns: tuple
    rows: list
    png: bytes = b""
    # Shown below the picture, as HTML.
    table: str = ""

    def csv(self):
        lines = [",".join(self.columns)]
        for row in self.rows:
            lines.append(",".join("" if value is None else quoted(value) for value in row))
        return "\n".join(lines) + "\n"


def quoted(value):
    text = format(value, ".15g") if isinstance(value, float) else str(value)
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text


def finish(drawing, name, title, caption, columns, rows, raster=False):
    """Turns a matplotlib figure into a `Figure` and frees it."""
    text = io.StringIO()
    # Not through `savefig`, which draws everything twice.
    FigureCanvasSVG(drawing).print_svg(text, metadata={"Date": None, "Creator": None})
    png = io.BytesIO()
    if raster:
        drawing.savefig(png, format="png", dpi=160, metadata={"Software": None})
    plt.close(drawing)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"font(-family)?: ([\d.]+px )?'DejaVu Sans'[^;\"]*", rf"font\1: \2{FONTS}", svg)
    # Several pictures share one page: their plain identifiers must differ.
    svg = re.sub(r'\bid="((?:figure|axes|patch|matplotlib|xtick|ytick|line2d|text|legend|PathCollection|LineCollection|QuadMesh|patch)[^"]*)"', rf'id="{name}-\1"', svg)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
    return Figure(name, title, caption, svg, tuple(columns), rows, png.getvalue())
