"""``bench worst``: the scenes that lose most by deraining, and those that gain most."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options

_EXAMPLES = """Examples:

  bench worst runs --task detection

  bench worst runs --task segmentation --derainer rdmc --count 10 --format md"""


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("worst", epilog=_EXAMPLES)(command)


def command(
    runs: Annotated[list[Path], typer.Argument(help="The --out folder of a run, or several.")],
    task: Annotated[
        str | None,
        typer.Option(help="Whose headline score counts. [default: the first that keeps one per image]"),
    ] = None,
    derainer: Annotated[str | None, typer.Option(help="Only this one's scenes. [default: all]")] = None,
    count: Annotated[int, typer.Option(min=1, help="How many scenes of each kind.")] = 5,
    label: options.Label = None,
    form: Annotated[str, typer.Option("--format", help="text, md, latex, csv, html or json.")] = "text",
) -> None:
    """Show the scenes that lose and gain most by deraining, each scored as if it were the set."""
    from reports.combine import read_runs
    from reports.results import read_results
    from reports.tables.images import worst
    from reports.tables.renderers import format_of, render_tables

    format_of(form, None)
    results = read_results(read_runs(runs, label or ()))
    typer.echo(render_tables(worst(results, task, count, derainer), form), nl=False)
