"""Gathers the steps and requests of result folders into two tables, as Parquet or CSV.

    python3 analysis/tables.py results --output tables
    python3 -c 'import pandas; print(pandas.read_parquet("tables/steps.parquet").groupby("policy").regret_us.sum())'

Columns are those of the folders' own files (analysis/METRICS.md), after `folder` and `policy`. Exit 0 done,
1 the results cannot be read, 2 the call was wrong; an error is one line.
"""

import sys
from pathlib import Path

from reprise_report import call


def parser():
    form = call.parser(__doc__, "a folder of `reprise replay --output`")
    form.add_argument("--output", required=True, metavar="FOLDER", help="where steps.* and requests.* go")
    form.add_argument("--format", choices=("parquet", "csv"), default="parquet")
    return form


def tables(options):
    from reprise_report import results

    folders = results.load_all(options.folders)
    Path(options.output).mkdir(parents=True, exist_ok=True)
    for kind in ("steps", "requests"):
        path = Path(options.output) / f"{kind}.{options.format}"
        print(path, gather(folders, kind, path, options.format), "rows")


def gather(folders, kind, path, form):
    """Writes one table of all folders and policies, a policy at a time; returns its rows."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    partial, writer, count = path.with_name(path.name + ".partial"), None, 0
    for folder in folders:
        for policy in folder.policies:
            table = getattr(folder, kind)(policy)
            for place, (name, value) in enumerate((("folder", str(folder.path)), ("policy", policy))):
                column = pa.array([value] * len(table), pa.string())
                table = table.add_column(place, name, column if form == "csv" else column.dictionary_encode())
            if form == "csv":
                table = plain(table)
                writer = writer or pyarrow.csv.CSVWriter(partial, table.schema)
            else:
                writer = writer or pyarrow.parquet.ParquetWriter(partial, table.schema, compression="zstd")
            writer.write_table(table)
            count += len(table)
    writer.close()
    partial.replace(path)
    return count


def plain(table):
    """Dictionaries as strings, which CSV wants."""
    import pyarrow as pa

    for place, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(place, column.name, table[column.name].cast(pa.string()))
    return table


if __name__ == "__main__":
    sys.exit(call.run("tables.py", tables, parser().parse_args()))
