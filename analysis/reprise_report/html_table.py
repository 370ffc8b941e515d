"""A table as HTML, without the columns that say nothing."""

from html import escape

# A table of up to so many lines is kept on one printed page.
KEPT_TOGETHER_MAX = 14


def html_table(headings, rows, left=(), wrapped=()):
    """Rows of cells that are HTML already; the first column and those named in `left` align left.

    A column whose cells are all empty is left out, but for the first.
    """
    kept = [n for n in range(len(headings)) if n == 0 or any(row[n] for row in rows)]

    def kind(n):
        names = ["left"] * (headings[n] in left) + ["wrap"] * (headings[n] in wrapped)
        return f' class="{" ".join(names)}"' if names else ""

    head = "".join(f"<th{kind(n)}>{escape(headings[n])}</th>" for n in kept)
    body = "".join("<tr>" + "".join(f"<td{kind(n)}>{row[n]}</td>" for n in kept) + "</tr>" for row in rows)
    short = ' class="short"' if len(rows) <= KEPT_TOGETHER_MAX else ""
    return f"<table{short}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
