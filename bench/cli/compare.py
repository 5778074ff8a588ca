"""``bench compare``: two derainers, every cell, in plain sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options

_EXAMPLES = """Examples:

  bench compare rdmc none --run runs

  bench compare rdmc prenet --run runs/a --run runs/b --format csv

  bench compare rdmc none --fail-below ap_recovery=0.6 --fail-if-worse"""


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
    fail_below: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC=VALUE",
            help="Exit with 1 where A's score is worse, e.g. ap_recovery=0.6 (a fraction).",
        ),
    ] = None,
    fail_if_worse: Annotated[
        bool, typer.Option("--fail-if-worse", help="Exit with 1 where A is worse than B beyond noise.")
    ] = False,
) -> None:
    """Compare two derainers in every cell they share, with intervals of the differences."""
    from reports.combine import read_runs
    from reports.tables.compare import compare, comparison_table, sentence
    from reports.tables.gate import below, parse_limits, worse
    from reports.tables.renderers import ROWS, format_of, render_rows, render_tables
    from reports.tables.renderers.escape import visible

    format_of(form, None)
    limits = parse_limits(fail_below or ())
    records = read_runs(run or [Path("runs")], label or ())
    found = compare(records, first, second)
    failed = below(records, first, limits) + (worse(found) if fail_if_worse else [])
    if form in ROWS:
        typer.echo(render_rows([difference.row() for difference in found], form), nl=False)
    elif form == "text":
        for difference in found:
            typer.echo(visible(sentence(difference)))
    else:
        typer.echo(render_tables([comparison_table(found)], form), nl=False)
    for line in failed:
        typer.echo(f"failed: {visible(line)}", err=True)
    if failed:
        raise typer.Exit(1)
