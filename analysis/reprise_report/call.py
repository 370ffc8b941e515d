"""What the programs of this folder share: how they are called, and how they fail."""

import argparse
import sys


def parser(documentation, folders):
    """A parser whose help is a program's own documentation, and which takes result folders."""
    description, _, rest = documentation.partition("\n\n")
    form = argparse.ArgumentParser(
        description=description, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter)
    form.add_argument("folders", nargs="+", metavar="DIR", help=folders)
    return form


def run(program, work, options):
    """Exit code of `work(options)`; what goes wrong is one line under the program's name."""
    from .errors import CallError, ReportError

    def failed(line, code=1):
        print(f"{program}: {line}", file=sys.stderr)
        return code

    try:
        work(options)
    except ModuleNotFoundError as error:
        return failed(f"{error.name} is not installed; pip install -r analysis/requirements.txt")
    except CallError as error:
        return failed(error, 2)
    except ReportError as error:
        return failed(error)
    except OSError as error:
        return failed(f"cannot write '{error.filename}': {error.strerror}; write elsewhere with --output")
    return 0


def write(path, content):
    """Writes a file that appears whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)
