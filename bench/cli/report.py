"""``bench report``: records to tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_EXAMPLES = """Examples:

  bench report runs

  bench report runs --table paper --format latex --out table.tex

  bench report runs --table detection --columns ap,ap50,ap_recovery --sort ap_recovery

  bench report runs --figures figures"""


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("report", epilog=_EXAMPLES)(command)


def command(
    runs: Annotated[list[Path], typer.Argument(help="The --out folder of a run, or several.")],
    form: Annotated[str, typer.Option("--format", help="text, md, latex, csv, html or json.")] = "text",
    table: Annotated[
        str,
        typer.Option(
            help="summary, paper, detection, segmentation, restoration, cost, per-class, per-tag, errors, correlation."
        ),
    ] = "summary",
    columns: Annotated[str | None, typer.Option(help="Column keys in order, separated by commas.")] = None,
    sort: Annotated[str | None, typer.Option(help="A column key (best first), or name.")] = None,
    intervals: Annotated[
        bool | None, typer.Option("--intervals/--no-intervals", help="[default: all but the paper table]")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of the terminal.")] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Draw the figures into this folder, as PNG, SVG and PDF.")
    ] = None,
) -> None:
    """Show what came out of a run as tables or figures."""
    from bench.files import ensure_folder, write_atomic
    from bench.keep.records import read_records
    from reports import print_tables, render
    from reports.tables.table import Choice

    records = [record for run in runs for record in read_records(run)]
    if figures is not None:
        from reports.figures import draw_figures

        for path in draw_figures(records, ensure_folder(figures)):
            typer.echo(path)
        return
    names = tuple(name.strip() for name in columns.split(",") if name.strip()) if columns else None
    choice = Choice(names, sort, intervals)
    if form == "text" and out is None:
        print_tables(records, table, choice)
        return
    text = render(records, form, table, choice)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_atomic(out, text.encode())
