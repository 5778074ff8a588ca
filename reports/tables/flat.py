"""Records as flat rows, one per score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.keep.records import Record

#: The keys of a row, in order.
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
)


def flat_rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One row per score; a record without scores has one row of its headline metric, without a value."""
    rows: list[dict[str, Any]] = []
    for record in records:
        head = (
            record.derainer.label,
            record.variant,
            record.task,
            record.model.name if record.model else None,
        )
        tail = (record.coverage, record.status)
        scores: list[tuple[Any, ...]] = [
            (score.metric, score.protocol, score.value, score.low, score.high, score.images)
            for score in record.scores
        ]
        if not scores:
            metric = record.description.headline
            scores = [(metric.name, record.protocol(metric), None, None, None, record.images)]
        rows += [dict(zip(KEYS, (*head, *score, *tail), strict=True)) for score in scores]
    return rows
