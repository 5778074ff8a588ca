"""``bench compare``: two derainers, every cell, in plain sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options

_EXAMPLES = """Examples:

  bench compare rdmc none --run runs

  bench compare rdmc prenet --run runs/a --run runs/b --format csv"""


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("compare", epilog=_EXAMPLES)(command)


def command(
    first: Annotated[str, typer.Argument(metavar="A", help="A derainer's label, or none.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    run: Annotated[
        list[Path] | None, typer.Option(help="A run's --out folder, or several. [default: runs]")
    ] = None,
    label: options.Label = None,
    form: Annotated[str, typer.Option("--format", help="text, md, latex, csv, html or json.")] = "text",
) -> None:
    """Compare two derainers in every cell they share, with intervals of the differences."""
    from reports.combine import read_runs
    from reports.tables.compare import compare, comparison_table, sentence
    from reports.tables.renderers import ROWS, format_of, render_rows, render_tables

    format_of(form, None)
    found = compare(read_runs(run or [Path("runs")], label or ()), first, second)
    if form in ROWS:
        typer.echo(render_rows([difference.row() for difference in found], form), nl=False)
    elif form == "text":
        from reports.tables.renderers.escape import visible

        for difference in found:
            typer.echo(visible(sentence(difference)))
    else:
        typer.echo(render_tables([comparison_table(found)], form), nl=False)
