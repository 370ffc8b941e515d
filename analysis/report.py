"""Draws result folders as one HTML page that works without a network.

    reprise replay TRACE --policy always-2d,vllm-0.33,fastest --output results
    python3 analysis/report.py results --output report.html

Several folders of one trace are compared; folders of traces that differ in rate are drawn against it with
--by rate. The folder of an experiment or a sweep is drawn as that. Exit 0 done, 1 the results cannot be
drawn, 2 the call was wrong; an error is one line.
"""

import sys
from pathlib import Path

from reprise_report import call


def parser():
    form = call.parser(__doc__, "a folder of `reprise replay --output`, or of an experiment")
    form.add_argument("--output", default="report.html", help="the page to write (default: %(default)s)")
    form.add_argument("--figures", metavar="DIR", help="also write each figure as SVG, PNG and CSV into this folder")
    form.add_argument("--by", choices=("rate", "output_tokens", "context_tokens"),
                      help="draw folders of different traces along this axis")  # fmt: skip
    form.add_argument("--title", help="the page's heading")
    return form


def draw(options):
    from reprise_report import build, experiment, page

    study = experiment.read(options.folders, options.by)
    for note in page.gpu_time_notes(study.folders):
        print(f"report.py: {note}", file=sys.stderr)
    sections = build.sections(study, raster=bool(options.figures))
    title = options.title or study.title or "Replay of " + ", ".join(
        dict.fromkeys(Path(folder.summary["trace"]).name for folder in study.folders))
    call.write(Path(options.output), page.page(title, study, sections).encode())
    if options.figures:
        Path(options.figures).mkdir(parents=True, exist_ok=True)
        for figure in (figure for _, _, figures in sections for figure in figures):
            for ending, content in (("svg", figure.svg.encode()), ("png", figure.png), ("csv", figure.csv().encode())):
                call.write(Path(options.figures) / f"{figure.name}.{ending}", content)
    print(options.output)


if __name__ == "__main__":
    sys.exit(call.run("report.py", draw, parser().parse_args()))
