"""``bench report``: records to tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options

_EXAMPLES = """Examples:

  bench report runs

  bench report runs/a runs/b --table survey --out table.tex --name pairs-rain100h=Rain100H
               --rename 'rdmc=RDMC (ours)' --reference Rainy=none --group 'CNN: prenet,brn; Ours: rdmc'

  bench report runs --table detection --columns ap,ap50,ap_recovery --sort ap_recovery

  bench report runs --figures figures"""


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("report", epilog=_EXAMPLES)(command)


def command(
    runs: Annotated[list[Path], typer.Argument(help="The --out folder of a run, or several.")],
    form: Annotated[
        str | None,
        typer.Option(
            "--format", help="text, md, latex, csv, html or json. [default: by --out's ending, else text]"
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            help="summary, paper, survey, robustness, models, detection, segmentation, restoration, cost, per-class, "
            "per-tag, images, errors, correlation. [default: summary; every score for csv and json]"
        ),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Column keys, or groups of columns, in order, separated by commas.")
    ] = None,
    sort: Annotated[str | None, typer.Option(help="A column key (best first), or name.")] = None,
    intervals: Annotated[
        bool | None,
        typer.Option("--intervals/--no-intervals", help="[default: all but the tables paper and survey]"),
    ] = None,
    label: options.Label = None,
    rename: options.Rename = None,
    only: options.Only = "",
    drop: options.Drop = "",
    order: options.Order = "",
    reference: options.Reference = None,
    group: options.Grouped = "",
    cite: options.Cite = None,
    name: options.Name = None,
    best: options.BestBy = "value",
    quote: options.Quote = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file; its ending says the format.")] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Draw the figures into this folder, as PNG, SVG and PDF.")
    ] = None,
) -> None:
    """Show what came out of one run or several as tables or figures."""
    from bench.files import ensure_folder, write_atomic
    from bench.listing import names_in
    from bench.quoting import quoted
    from reports import print_tables, render
    from reports.arrangement import arrangement_of
    from reports.combine import read_runs
    from reports.tables.renderers import format_of
    from reports.tables.table import Choice

    arrangement = arrangement_of(
        rename=rename or (),
        only=only,
        drop=drop,
        order=order,
        reference=reference or (),
        group=group,
        cite=cite or (),
        name=name or (),
        best=best,
        quotes=quoted(quote or ()),
    )
    chosen = format_of(form, out)
    records = read_runs(runs, label or ())
    if figures is not None:
        from reports.figures import draw_figures

        for path in draw_figures(
            records, ensure_folder(figures), arrangement, intervals=intervals is not False
        ):
            typer.echo(path)
        return
    choice = Choice(tuple(names_in(columns)) if columns else None, sort, intervals)
    if chosen == "text" and out is None:
        print_tables(records, table or "summary", choice, arrangement)
        return
    text = render(records, chosen, table, choice, arrangement)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_atomic(out, text.encode())
