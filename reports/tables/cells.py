"""Columns of metrics: which cell each derainer gets, and who is best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.keep.records import Record
from bench.score.stats import Sampled, ranks
from bench.vocabulary import NONE, REFERENCES
from downstream.tasks.base import COMPARISONS, Metric
from reports.metrics import written
from reports.results import Group, paired, sampled_score
from reports.tables.marks import PLAIN, Standing, by_rank, by_value, places_of
from reports.tables.table import Cell, Column, Row

_STEMS = tuple(f"_{kind}" for kind in COMPARISONS)


@dataclass(frozen=True)
class Filled:
    """A column with the cell of each derainer that has one."""

    column: Column
    cells: Mapping[str, Cell]


def metric_column(group: Group, metric: str, *, span: str = "", prefix: str = "") -> Filled | None:
    """The column of one metric of one group.

    Args:
        group: The records to compare.
        metric: Its name.
        span: Header above the column.
        prefix: Put before the metric's name, with a slash, as the column's key.

    Returns:
        The column; None where no record has the metric.
    """
    scores = {label: record.score(metric) for label, record in group.records.items()}
    protocols = {score.protocol for score in scores.values() if score is not None}
    if not protocols:
        return None
    cells = {}
    marks = group_marks(group, metric)
    for label, record in group.records.items():
        score, standing = scores[label], marks.get(label, PLAIN)
        value, low, high = (None, None, None) if score is None else (score.value, score.low, score.high)
        note: str | None
        if score is None:
            derived = metric.endswith(_STEMS) and label in REFERENCES
            note = "stated for derainers only" if derived else record.reason or "not measured"
        elif score.value is None:
            note = score.note or "not defined"
        else:
            note = _remark(record, score.note)
        about: dict[str, Any] = {
            "images": record.images if score is None else score.images,
            "coverage": record.coverage,
            "status": record.status,
        }
        cells[label] = Cell(value, low, high, standing.mark, note, standing.tied, about=about)
    key = f"{prefix}/{metric}" if prefix else metric
    column = column_of(group.metric(metric), key, protocols.pop(), span, {**group.facts, "metric": metric})
    return Filled(column, cells)


def _remark(record: Record, note: str | None) -> str | None:
    if record.status == "ok":
        return note
    partial = f"{record.images} of {record.data.scenes} scenes: {record.reason}"
    return f"{partial}; {note}" if note else partial


def column_of(metric: Metric, key: str, protocol: str, span: str, about: Mapping[str, Any]) -> Column:
    """The column of a metric."""
    return Column(
        key=key,
        title=metric.title,
        unit=metric.unit,
        protocol=protocol,
        digits=metric.digits,
        scale=metric.scale,
        higher_is_better=metric.higher_is_better,
        group=span,
        about=about,
    )


def group_marks(group: Group, metric: str) -> dict[str, Standing]:
    """How the derainers of a group stand by a metric; who is not ranked is not marked.

    What follows from another metric is no better than the rainy image where that one is.
    """
    places, stem = group_ranks(group, metric), _stem(metric)
    if group.arrangement.best == "ties":
        return by_rank(places)
    values = {label: _value(group, label, metric) for label in places}
    own = {label: _value(group, label, stem) for label in places}
    return by_value(
        {label: value for label, value in values.items() if value is not None},
        [label for label, place in places.items() if place == 1],
        passable=better(own, _value(group, NONE, stem), group.metric(stem)),
        **as_shown(group.metric(metric)),
    )


def _value(group: Group, label: str, metric: str) -> float | None:
    record = group.records.get(label)
    score = record.score(metric) if record else None
    return score.value if score else None


def better(values: Mapping[str, float | None], than: float | None, metric: Metric) -> set[str]:
    """Whose number, as shown, is better than another; all where there is no other."""

    def shown(value: float) -> float:
        return float(written(value, metric.digits, metric.scale)) * (1 if metric.higher_is_better else -1)

    return {
        label
        for label, value in values.items()
        if value is not None and (than is None or shown(value) > shown(than))
    }


def as_shown(metric: Metric) -> dict[str, Any]:
    """What of a metric says how its numbers compare as they are shown."""
    return {"digits": metric.digits, "scale": metric.scale, "higher_is_better": metric.higher_is_better}


def _stem(metric: str) -> str:
    """The metric that another follows from; itself where it follows from none."""
    return next((metric.removesuffix(end) for end in _STEMS if metric.endswith(end)), metric)


def group_ranks(group: Group, metric: str) -> dict[str, int]:
    """Shared ranks of the derainers (not the references) by a metric.

    Recovery, harm and gain order derainers as the metric they are made of does. Only complete records on the same
    resamples are ranked: others have no paired difference.
    """
    stem = _stem(metric)
    complete = [r for label, r in group.records.items() if label not in REFERENCES and r.status == "ok"]
    if not complete or complete[0].bootstrap is None:
        return {}
    scores: dict[str, Sampled] = {}
    for record in complete:
        score = sampled_score(record, stem)
        if score is not None and len(score.replicates) and paired(complete[0], record):
            scores[record.derainer.label] = score
    return ranks(scores, complete[0].bootstrap.level, higher_is_better=group.metric(stem).higher_is_better)


def ranks_by_value(group: Group, metric: str) -> dict[str, int]:
    """The place of each derainer that is ranked, by value; numbers that are shown alike share one."""
    values = {label: _value(group, label, metric) for label in group_ranks(group, metric)}
    there = {label: value for label, value in values.items() if value is not None}
    return places_of(there, **as_shown(group.metric(metric)))


def plain_column(
    column: Column, values: Mapping[str, float | None], note: str, *, marks: bool = True
) -> Filled:
    """A column of numbers without intervals; best and second are marked if it has a direction and marks are wanted."""
    there = {k: v for k, v in values.items() if v is not None and k not in REFERENCES}
    best: dict[str, Standing] = {}
    if marks and column.higher_is_better is not None:
        best = by_value(
            there, digits=column.digits, scale=column.scale, higher_is_better=column.higher_is_better
        )
    cells = {
        label: Cell(None, note=note) if value is None else Cell(value, mark=best.get(label, PLAIN).mark)
        for label, value in values.items()
    }
    return Filled(column, cells)


def assemble(columns: Sequence[Filled], labels: Sequence[str], missing: str = "not run") -> tuple[Row, ...]:
    """One row per label; a column without a cell for it is missing, for the reason given."""
    absent = Cell(None, note=missing)
    return tuple(
        Row(label, tuple(filled.cells.get(label, absent) for filled in columns), label in REFERENCES)
        for label in labels
    )
