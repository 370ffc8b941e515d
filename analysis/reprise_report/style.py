"""How figures look: colours that colour-blind readers tell apart, and a second sign for each of them."""

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

# Okabe and Ito's colours without yellow, which is too light for lines on paper.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
# The same for areas: light and dark take turns, so that copies in grey keep the difference.
VARIANT_COLOURS = ("#E69F00", "#0072B2", "#56B4E9", "#000000", "#CC79A7", "#009E73", "#F0E442", "#D55E00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ((), (5, 2), (2, 1.5), (6, 2, 1.5, 2), (8, 2), (1, 1), (4, 1, 1, 1, 1, 1), (3, 3))
HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "oo", "++", "--")


def set_up():
    """Settings that make the same data the same bytes, and text that browsers can search."""
    plt.rcdefaults()
    plt.rcParams.update({
        "svg.hashsalt": "reprise", "svg.fonttype": "none", "hatch.linewidth": 0.6,
        "font.family": "DejaVu Sans", "font.size": 9, "axes.titlesize": 10, "axes.titlelocation": "left",
        "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#DDDDDD",
        "grid.linewidth": 0.6, "axes.axisbelow": True, "legend.frameon": False, "legend.fontsize": 8.5,
        "figure.constrained_layout.use": True, "lines.linewidth": 1.6, "lines.markersize": 5,
        "path.simplify": True, "figure.dpi": 100, "savefig.facecolor": "white",
    })  # fmt: skip


def signed(value, digits=1):
    """A number with its sign, and a minus that is as wide as a plus; none where all digits are zero."""
    text = f"{value:+.{digits}f}"
    return (text if float(text) else text[1:]).replace("-", "−")


class Look:
    """Colour, marker and dashes of each policy, the same in all figures of a page."""

    def __init__(self, names):
        self.names = list(dict.fromkeys(names))

    def _pick(self, options, name):
        return options[self.names.index(name) % len(options)]

    def colour(self, name):
        return self._pick(COLOURS, name)

    def hatch(self, name):
        return self._pick(HATCHES, name)

    def line(self, name, marker=True):
        look = {"color": self.colour(name), "label": name, "dashes": self._pick(DASHES, name)}
        if marker:
            look |= {"marker": self._pick(MARKERS, name), "markerfacecolor": "white", "markeredgewidth": 1.4}
        return look

    def point(self, name):
        return {"color": self.colour(name), "marker": self._pick(MARKERS, name)}
