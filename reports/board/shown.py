"""Tables as templates want them: each cell's text, marks and sorting value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.keep.records import distinct_slug
from bench.vocabulary import REFERENCES
from reports.board import words
from reports.board.checked import Filed
from reports.results import Group
from reports.tables.renderers.escape import SEEN
from reports.tables.table import Cell, Column, Table


def shown_table(
    name: str, table: Table, *, bars: str = "", filed: Mapping[str, Filed] | None = None
) -> dict[str, Any]:
    """A table for a template.

    Args:
        name: Its id on the page.
        table: The table.
        bars: Key of the column whose intervals are drawn too.
        filed: Where each row's record is, by label; None shows no such column.
    """
    notes = table.footnotes()
    grouped = any(column.group for column in table.columns)
    rows = []
    spans = {i: _span([row.cells[i] for row in table.rows]) for i in range(len(table.columns))}
    for row in table.rows:
        cells = []
        for i, (cell, column) in enumerate(zip(row.cells, table.columns, strict=True)):
            shown = shown_cell(cell, column)
            shown["note"] = notes[cell.note] if cell.note else None
            shown["interval"] = shown["interval"] if table.intervals else ""
            shown["bar"] = _bar(cell, spans[i]) if column.key == bars else None
            cells.append(shown)
        rows.append({**shown_row(row.label), "seen": SEEN * row.seen, "cells": cells,
                     "filed": filed[row.label] if filed is not None else None})  # fmt: skip
    return {
        "id": name,
        "caption": table.caption,
        "groups": [(words.rain(group), count) for group, count in table.groups()] if grouped else [],
        "columns": [shown_heading(column) for column in table.columns],
        "rows": rows,
        "notes": list(notes),
        "remarks": table.notes,
        "records": filed is not None,
    }


def shown_row(label: str) -> dict[str, Any]:
    """What a template needs of a row: its name in plain words, and its page."""
    reference = label in REFERENCES
    return {
        "label": label,
        "name": words.row(label),
        "reference": reference,
        "page": None if reference else derainer_page(label),
    }


def shown_cell(cell: Cell, column: Column) -> dict[str, Any]:
    """What a template needs of a number."""
    return {
        "text": cell.text(column),
        "sort": None if cell.value is None else repr(cell.value * column.scale),
        "interval": cell.interval_text(column),
        "mark": cell.mark,
        "tie": cell.tied,
        "seen": SEEN * cell.seen,
    }


def shown_heading(column: Column) -> dict[str, str]:
    """What a template needs of a column."""
    best = "low" if column.higher_is_better is False else "high"
    return {"header": column.header, "protocol": column.protocol, "best": best}


def derainer_page(label: str) -> str:
    """Address of a derainer's page, relative to the site."""
    return f"derainers/{distinct_slug(label)}.html"


def set_page(group: Group) -> str:
    """Address of a data set's page, relative to the site."""
    return f"sets/{distinct_slug(group.first.data.name)}.html"


def _span(cells: Sequence[Cell]) -> tuple[float, float]:
    values = [v for cell in cells for v in (cell.value, cell.low, cell.high) if v is not None]
    return (min(values), max(values)) if values else (0.0, 1.0)


def _bar(cell: Cell, span: tuple[float, float]) -> dict[str, str] | None:
    """Where the interval lies within its column, in percent."""
    width = span[1] - span[0]
    if cell.value is None or cell.low is None or cell.high is None or width <= 0:
        return None
    left, right, at = (100 * (v - span[0]) / width for v in (cell.low, cell.high, cell.value))
    return {"left": f"{left:.1f}", "width": f"{right - left:.1f}", "at": f"{at:.1f}"}
