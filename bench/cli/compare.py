"""``bench compare``: two derainers, every cell, in plain sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_EXAMPLES = """Examples:

  bench compare rdmc none --run runs

  bench compare rdmc prenet --run runs --format csv"""


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("compare", epilog=_EXAMPLES)(command)


def command(
    first: Annotated[str, typer.Argument(metavar="A", help="A derainer's label, or none.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    run: Annotated[
        list[Path] | None, typer.Option(help="A run's --out folder, or several. [default: runs]")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text, md, latex, csv, html or json.")] = "text",
) -> None:
    """Compare two derainers in every cell they share, with intervals of the differences."""
    import json

    from bench.keep.records import read_records
    from reports.tables.compare import compare, comparison_table, sentence
    from reports.tables.renderers import renderer

    records = [record for folder in run or [Path("runs")] for record in read_records(folder)]
    found = compare(records, first, second)
    if form == "json":
        rows = [difference.row() for difference in found]
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False))
    elif form == "text":
        from reports.tables.renderers.escape import visible

        for difference in found:
            typer.echo(visible(sentence(difference)))
    else:
        typer.echo(renderer(form)([comparison_table(found)]), nl=False)
