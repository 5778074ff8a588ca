"""Numbers as flat rows, one per number: what JSON and CSV hold, and a data frame is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bench.errors import unknown
from bench.keep.records import Record
from reports.arrangement import PLAIN, Arrangement
from reports.tables.table import Table

#: The keys of a row, in order. Further ones (`class`, `scene`) stand before `variant` where a table has them.
KEYS = (
    "derainer",
    "variant",
    "task",
    "model",
    "metric",
    "protocol",
    "value",
    "low",
    "high",
    "images",
    "coverage",
    "status",
    "note",
)


def flat_rows(records: Sequence[Record], arrangement: Arrangement = PLAIN) -> list[dict[str, Any]]:
    """One row per score; a record without scores has one row of its headline metric, without a value."""
    rows: list[dict[str, Any]] = []
    for record in records:
        head = (
            arrangement.label(record.derainer.label),
            arrangement.variant(record),
            record.task,
            arrangement.name(record.model.name) if record.model else None,
        )
        scores: list[tuple[Any, ...]] = [
            (score.metric, score.protocol, score.value, score.low, score.high, score.images,
             record.coverage, record.status, score.note or record.reason)
            for score in record.scores
        ]  # fmt: skip
        if not scores:
            metric = record.description.headline
            scores = [(metric.name, record.protocol(metric), None, None, None, record.images,
                       record.coverage, record.status, record.reason)]  # fmt: skip
        rows += [dict(zip(KEYS, (*head, *score), strict=True)) for score in scores]
    return rows


def chosen(rows: Sequence[dict[str, Any]], metrics: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of some metrics, in the order of these.

    Raises:
        UnknownName: If no row is of one of them.
    """
    known = {row["metric"] for row in rows}
    for metric in metrics:
        if metric not in known:
            raise unknown("column", metric, known)
    return [row for metric in metrics for row in rows if row["metric"] == metric]


def table_rows(tables: Sequence[Table]) -> list[dict[str, Any]]:
    """One row per cell of some tables, as stored: fractions, not percent; what is not finite is None."""
    rows = []
    for table in tables:
        for row in table.rows:
            for cell, column in zip(row.cells, table.columns, strict=True):
                note = "; ".join(filter(None, (row.note, cell.note))) or None
                found = (cell.value, cell.low, cell.high)
                value, low, high = (None if v is None or not math.isfinite(v) else v for v in found)
                numbers = {
                    "protocol": column.protocol or None,
                    "value": value,
                    "low": low,
                    "high": high,
                    "note": note,
                }
                about = {**(row.about or {table.head: row.name}), **column.about, **cell.about}
                rows.append(about | numbers)
    keys = columns_of(rows)
    return [{key: row.get(key) for key in keys} for row in rows]


def columns_of(rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """The keys of some rows, in the order of all tables."""
    further = [key for row in rows for key in row if key not in KEYS]
    return (KEYS[0], *dict.fromkeys(further), *KEYS[1:])
