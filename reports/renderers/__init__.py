"""Renderers: tables in, text out. Each reads nothing but `reports.table.Table`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.errors import unknown
from reports.table import Table

FORMATS = ("md", "latex", "csv", "html", "text")


def renderer(form: str) -> Callable[[Sequence[Table]], str]:
    """The renderer of a format.

    Raises:
        UnknownName: If there is no such format.
    """
    if form == "md":
        from reports.renderers.markdown import render_markdown

        return render_markdown
    if form == "latex":
        from reports.renderers.latex import render_latex

        return render_latex
    if form == "csv":
        from reports.renderers.spreadsheet import render_csv

        return render_csv
    if form == "html":
        from reports.renderers.html import render_html

        return render_html
    if form == "text":
        from reports.renderers.plain import render_text

        return render_text
    raise unknown("format", form, (*FORMATS, "json"))
