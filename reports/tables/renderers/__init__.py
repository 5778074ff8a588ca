"""Renderers: tables in, text out. Each reads nothing but `reports.tables.table.Table`, or its numbers as flat rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.errors import BadConfig, unknown
from reports.tables.table import Table

#: Formats for reading, and for programs.
TABLES, ROWS = ("text", "md", "latex", "html"), ("csv", "json")
FORMATS = (*TABLES, *ROWS)

_ENDINGS: Mapping[str, str] = {
    ".txt": "text",
    ".md": "md",
    ".markdown": "md",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
    ".csv": "csv",
    ".json": "json",
}


def format_of(form: str | None, out: Path | None) -> str:
    """The format asked for: by name, else by the ending of the file, else text.

    Raises:
        UnknownName: If there is no such format.
        BadConfig: If the file's ending says another one, or none.
    """
    if form is not None and form not in FORMATS:
        raise unknown("format", form, FORMATS)
    if out is None:
        return form or "text"
    found = _ENDINGS.get(out.suffix.lower())
    if found is None and form is None:
        raise BadConfig(
            f"--out {out}: no format has this ending; use {', '.join(_ENDINGS)}, or give --format"
        )
    if found is not None and form not in (None, found):
        raise BadConfig(f"--out {out} is a file of format {found}, and --format says {form}: leave one out")
    return form or found or "text"


def render_tables(tables: Sequence[Table], form: str) -> str:
    """Tables in a format."""
    if form in ROWS:
        from reports.tables.flat import table_rows

        return render_rows(table_rows(tables), form)
    return _renderer(form)(tables)


def render_rows(rows: Sequence[dict[str, Any]], form: str) -> str:
    """Flat rows as `csv` or `json`."""
    if form == "csv":
        from reports.tables.renderers.spreadsheet import render_csv

        return render_csv(rows)
    import json

    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _renderer(form: str) -> Callable[[Sequence[Table]], str]:
    if form == "md":
        from reports.tables.renderers.markdown import render_markdown

        return render_markdown
    if form == "latex":
        from reports.tables.renderers.latex import render_latex

        return render_latex
    if form == "html":
        from reports.tables.renderers.html import render_html

        return render_html
    if form == "text":
        from reports.tables.renderers.plain import render_text

        return render_text
    raise unknown("format", form, FORMATS)
