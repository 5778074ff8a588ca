"""Two derainers against each other, cell by cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.errors import BadData, unknown
from bench.keep.records import Record
from bench.score.stats import Estimate
from downstream.tasks.base import Metric
from reports.metrics import written
from reports.results import paired_difference, read_results
from reports.tables.table import Cell, Column, Row, Table


@dataclass(frozen=True)
class Difference:
    """First minus second in one cell.

    Attributes:
        first: Label of the first derainer.
        second: Label of the second.
        variant: The variant.
        task: The task.
        model: The model; None for restoration.
        metric: The metric and how it is shown.
        protocol: How it was measured.
        gap: The difference as stored, with its paired interval; None where one of the two has no score.
        reason: Why there is no difference or no interval.
        images: Scenes that both were scored on.
        lost: Whether the second has scores there and the first was not run or failed.
    """

    first: str
    second: str
    variant: str
    task: str
    model: str | None
    metric: Metric
    protocol: str
    gap: Estimate | None
    reason: str | None
    images: int
    lost: bool = False

    def row(self) -> dict[str, Any]:
        """The difference as JSON."""
        gap = self.gap or Estimate(math.nan, math.nan, math.nan)
        numbers = {name: _number(getattr(gap, name)) for name in ("value", "low", "high")}
        return {
            "first": self.first,
            "second": self.second,
            "variant": self.variant,
            "task": self.task,
            "model": self.model,
            "metric": self.metric.name,
            "protocol": self.protocol,
            **numbers,
            "images": self.images,
            "reason": self.reason,
        }


def compare(records: Sequence[Record], first: str, second: str) -> list[Difference]:
    """First minus second in every cell that either is in.

    Raises:
        UnknownName: If the records have no derainer of that label.
        BadData: If the two are the same label, or there are no records.
        BadRecord: If the records must not be compared.
    """
    results = read_results(records)
    for label in (first, second):
        if label not in results.labels:
            raise unknown("derainer", label, results.labels)
    if first == second:
        raise BadData(f"{first} was named twice: name two derainers to compare")
    found = []
    for group in results:
        one, other = group.records.get(first), group.records.get(second)
        for metric in (m for m in group.about.metrics if m.place == "summary"):
            gap, reason = None, None
            if one is None or other is None:
                reason = f"{first if one is None else second} was not run there"
            else:
                gap = paired_difference(one, other, metric.name)
                if gap is None:
                    reason = _why(one, metric.name) or _why(other, metric.name)
                elif math.isnan(gap.low):
                    without = _without_interval(one, metric.name) or _without_interval(other, metric.name)
                    reason = without or "not the same scenes, so no interval"
            scores = [record.score(metric.name) for record in (one, other) if record is not None]
            protocol = next((score.protocol for score in scores if score is not None), "")
            lost = other is not None and bool(other.scores) and (one is None or not one.scores)
            images = min((record.images for record in (one, other) if record is not None), default=0)
            found.append(
                Difference(
                    first,
                    second,
                    group.variant,
                    group.task,
                    group.model,
                    metric,
                    protocol,
                    gap,
                    reason,
                    images,
                    lost,
                )
            )
    return found


def _why(record: Record, metric: str) -> str | None:
    score = record.score(metric)
    if score is not None and score.value is not None:
        return None
    note = record.reason or (score.note if score else None) or "not measured"
    return f"{record.derainer.label}: {note}"


def _without_interval(record: Record, metric: str) -> str | None:
    score = record.score(metric)
    return score.note if score is not None and score.low is None else None


def sentence(difference: Difference) -> str:
    """The difference in plain words."""
    metric = difference.metric
    place = f"On {difference.variant}" + (f", {difference.model}" if difference.model else "")
    pair = f"{difference.first} and {difference.second}"
    gap = difference.gap
    if gap is None:
        return f"{place}: {metric.title} of {pair} cannot be compared: {difference.reason}."
    unit = {"%": " points", "": ""}.get(metric.unit, f" {metric.unit}")
    amount = f"{written(abs(gap.value), metric.digits, metric.scale)}{unit}"
    side = "above" if gap.value >= 0 else "below"
    if difference.reason:
        text = f"{place}: {difference.first} is {amount} {metric.title} {side} {difference.second}"
        return f"{text} ({difference.reason})."
    low, high = (written(v, metric.digits, metric.scale) for v in (gap.low, gap.high))
    interval = f"[{low}, {high}]"
    if not gap.excludes_zero:
        return f"{place}: no difference between {pair} beyond noise in {metric.title} ({interval}{unit})."
    better = "better" if (gap.value > 0) == metric.higher_is_better else "worse"
    text = f"{place}: {difference.first} is {better} than {difference.second} by {amount} {metric.title}"
    return f"{text} ({interval})."


def comparison_table(differences: Sequence[Difference]) -> Table:
    """The differences as a table, one row per cell, one column per metric."""
    metrics = {d.metric.name: d.metric for d in differences}
    columns = []
    for name, metric in metrics.items():
        protocols = sorted({d.protocol for d in differences if d.metric.name == name and d.protocol})
        unit = "points" if metric.unit == "%" else metric.unit
        protocol = ", ".join(protocols)
        columns.append(Column(name, metric.title, unit, protocol, metric.digits, metric.scale, None))
    rows: dict[str, dict[str, Cell]] = {}
    for d in differences:
        label = d.variant + (f", {d.model}" if d.model else "")
        rows.setdefault(label, {})[d.metric.name] = _cell(d)
    empty = Cell(None, note="another task")
    first = differences[0]
    return Table(
        name=f"{first.first} minus {first.second}",
        caption=f"{first.first} minus {first.second}, with intervals of the paired difference.",
        columns=tuple(columns),
        rows=tuple(
            Row(label, tuple(cells.get(name, empty) for name in metrics)) for label, cells in rows.items()
        ),
        head="cell",
    )


def _cell(d: Difference) -> Cell:
    if d.gap is None:
        return Cell(None, note=d.reason)
    return Cell(d.gap.value, _number(d.gap.low), _number(d.gap.high), note=d.reason)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
