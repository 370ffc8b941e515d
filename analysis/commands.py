"""Prints the help of every command as one page, which `analysis/COMMANDS.md` is.

    python3 analysis/commands.py --reprise .build/release/reprise > analysis/COMMANDS.md
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = ("report.py", "tables.py")


def help_of(*command):
    environment = os.environ | {"COLUMNS": "80", "NO_COLOR": "1"}
    done = subprocess.run([*command, "--help"], check=True, capture_output=True, text=True, env=environment)
    return done.stdout.rstrip()


def subcommands(text):
    """Names under SUBCOMMANDS, each indented by two spaces."""
    _, found, rest = text.partition("SUBCOMMANDS:\n")
    for line in rest.split("\n\n")[0].splitlines() if found else []:
        if line.startswith("  ") and not line.startswith("   "):
            name = line.split()[0]
            if name != "help":
                yield name


def sections(program, path=()):
    text = help_of(program, *path)
    yield " ".join(("reprise", *path)), text
    for name in subcommands(text):
        yield from sections(program, (*path, name))


def main():
    form = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    form.add_argument("--reprise", default=".build/release/reprise", help="the built program")
    program = str(Path(form.parse_args().reprise).resolve())
    print("# Every command's help\n\nMade by `python3 analysis/commands.py --reprise .build/release/reprise`.")
    for name, text in sections(program):
        print(f"\n## {name}\n\n```\n{text}\n```")
    for script in SCRIPTS:
        print(f"\n## analysis/{script}\n\n```\n{help_of(sys.executable, str(HERE / script))}\n```")


if __name__ == "__main__":
    main()
