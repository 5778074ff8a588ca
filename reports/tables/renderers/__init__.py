"""Renderers: tables in, text out. Each reads nothing but `reports.tables.table.Table`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.errors import unknown
from reports.tables.table import Table

FORMATS = ("md", "latex", "csv", "html", "text")


def renderer(form: str) -> Callable[[Sequence[Table]], str]:
    """The renderer of a format.

    Raises:
        UnknownName: If there is no such format.
    """
    if form == "md":
        from reports.tables.renderers.markdown import render_markdown

        return render_markdown
    if form == "latex":
        from reports.tables.renderers.latex import render_latex

        return render_latex
    if form == "csv":
        from reports.tables.renderers.spreadsheet import render_csv

        return render_csv
    if form == "html":
        from reports.tables.renderers.html import render_html

        return render_html
    if form == "text":
        from reports.tables.renderers.plain import render_text

        return render_text
    raise unknown("format", form, (*FORMATS, "json"))
