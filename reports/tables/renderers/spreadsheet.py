"""Flat rows as one CSV table, with every digit there is."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from reports.tables.flat import columns_of
from reports.tables.renderers.escape import spreadsheet


def render_csv(rows: Sequence[dict[str, Any]]) -> str:
    """One line per number under one header; what is missing is empty, and `note` says why."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    keys = columns_of(rows)
    writer.writerow(keys)
    writer.writerows([_text(row.get(key)) for key in keys] for row in rows)
    return buffer.getvalue()


def _text(value: Any) -> str:
    if value is None:
        return ""
    return spreadsheet(value) if isinstance(value, str) else repr(value)
