"""Columns of metrics: which cell each derainer gets, and who is best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.errors import BadRecord
from bench.keep.records import Record
from bench.score.stats import Sampled, estimate, mean_over, ranks, relative
from bench.vocabulary import CLEAN, REFERENCES
from downstream.tasks.base import COMPARISONS, Metric
from reports.results import Group, label_order, paired, sampled_score
from reports.tables.table import Cell, Column, Mark, Row

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
    marks = marked(group_ranks(group, metric))
    for label, record in group.records.items():
        score = scores[label]
        if score is None:
            if metric.endswith(_STEMS) and label in REFERENCES:
                cells[label] = Cell(None, note="stated for derainers only")
            else:
                cells[label] = Cell(None, note=record.reason or "not measured")
        elif score.value is None:
            cells[label] = Cell(None, note=score.note or "not defined")
        else:
            cells[label] = Cell(
                score.value, score.low, score.high, marks.get(label), _remark(record, score.note)
            )
    key = f"{prefix}/{metric}" if prefix else metric
    return Filled(_column(group.metric(metric), key, protocols.pop(), span), cells)


def _remark(record: Record, note: str | None) -> str | None:
    if record.status == "ok":
        return note
    partial = f"{record.images} of {record.data.scenes} scenes: {record.reason}"
    return f"{partial}; {note}" if note else partial


def _column(metric: Metric, key: str, protocol: str, span: str) -> Column:
    return Column(
        key=key,
        title=metric.title,
        unit=metric.unit,
        protocol=protocol,
        digits=metric.digits,
        scale=metric.scale,
        higher_is_better=metric.higher_is_better,
        group=span,
    )


def group_ranks(group: Group, metric: str) -> dict[str, int]:
    """Shared ranks of the derainers (not the references) by a metric.

    Recovery, harm and gain order derainers as the metric they are made of does. Only complete records on the same
    resamples are ranked: others have no paired difference.
    """
    stem = next((metric.removesuffix(end) for end in _STEMS if metric.endswith(end)), metric)
    complete = [r for label, r in group.records.items() if label not in REFERENCES and r.status == "ok"]
    if not complete or complete[0].bootstrap is None:
        return {}
    scores: dict[str, Sampled] = {}
    for record in complete:
        score = sampled_score(record, stem)
        if score is not None and len(score.replicates) and paired(complete[0], record):
            scores[record.derainer.label] = score
    return ranks(scores, complete[0].bootstrap.level, higher_is_better=group.metric(stem).higher_is_better)


def marked(places: Mapping[str, int]) -> dict[str, Mark]:
    """Best and second from shared ranks; no best of one, and no second best of two."""
    if len(places) < 2:
        return {}
    order = sorted(set(places.values()))
    kinds: tuple[Mark, ...] = ("best", "second") if len(places) > 2 else ("best",)
    names = dict(zip(order, kinds, strict=False))
    return {label: names[place] for label, place in places.items() if place in names}


def mean_columns(
    groups: Sequence[Group], metric: str, key: str = "mean", heading: str | None = None
) -> list[Filled]:
    """The mean over rains (mPC) and, where there is a clean score, its share of that (rPC).

    Args:
        groups: The groups of one series; dry ones are left out of the mean.
        metric: Its name.
        key: What the columns' keys begin with.
        heading: What stands above the columns; None says how many rains there are.

    Raises:
        BadRecord: If the groups measured the metric under different protocols.
    """
    wet = [group for group in groups if not group.dry]
    if len(wet) < 2:
        return []
    shown, protocol = wet[0].metric(metric), _one_protocol(wet, metric)
    heading = heading or f"mean of {len(wet)} rains"
    means: dict[str, Sampled] = {}
    notes: dict[str, str | None] = {}
    levels = [r.bootstrap.level for g in wet for r in g.records.values() if r.bootstrap]
    level = levels[0] if levels else 0.95
    for label in sorted({label for group in wet for label in group.records}, key=label_order):
        records = [group.records.get(label) for group in wet]
        mean = mean_over([_joint(record, metric, records) for record in records])
        notes[label] = None
        if mean.covered:
            means[label] = mean.score
        if mean.covered < mean.asked:
            scored = [record is not None and sampled_score(record, metric) is not None for record in records]
            missing = [g.first.rain.name for g, there in zip(wet, scored, strict=True) if not there]
            notes[label] = f"over {mean.covered} of {mean.asked} rains; missing: {', '.join(missing)}"
            reasons = {_reason(record, metric) for record in records}
            if not mean.covered and len(reasons) == 1:
                # One reason under every rain says more than the names of the rains.
                notes[label] = reasons.pop() or notes[label]
    full = {label: score for label, score in means.items() if label not in REFERENCES and not notes[label]}
    comparable = {label: score for label, score in full.items() if len(score.replicates)}
    marks = marked(ranks(comparable, level, higher_is_better=shown.higher_is_better))
    filled = [
        Filled(
            _column(shown, f"{key}/{metric}", protocol, heading),
            {
                label: _mean_cell(means.get(label), shown.limits, level, marks.get(label), notes[label])
                for label in notes
            },
        )
    ]
    clean = means.get(CLEAN)
    if clean is not None and wet[0].about.compared and shown.headline:
        share = Column(f"{key}/relative_{metric}", "of clean", "%", protocol, 1, 100.0, True, heading)
        cells = {}
        for label in notes:
            part = None
            if label in means and not notes[CLEAN]:
                same = len(means[label].replicates) == len(clean.replicates)
                part = (
                    relative(means[label], clean)
                    if same
                    else Sampled(means[label].value / clean.value, np.zeros(0))
                )
            cells[label] = _mean_cell(part, (-np.inf, np.inf), level, marks.get(label), notes[label])
        filled.append(Filled(share, cells))
    return filled


def _reason(record: Record | None, metric: str) -> str | None:
    """Why a record has no such score."""
    if record is None:
        return None
    score = record.score(metric)
    return score.note if score is not None else record.reason


def _joint(record: Record | None, metric: str, others: Sequence[Record | None]) -> Sampled | None:
    """The record's score; its replicates only where all rains were resampled alike, else none."""
    if record is None:
        return None
    score = sampled_score(record, metric)
    if score is None:
        return None
    alike = all(other is None or paired(record, other) for other in others)
    return score if alike else Sampled(score.value, np.zeros(0))


def _mean_cell(
    score: Sampled | None, bounds: tuple[float, float], level: float, mark: Mark | None, note: str | None
) -> Cell:
    if score is None or not np.isfinite(score.value):
        return Cell(None, note=note or "not measured")
    if not len(score.replicates):
        return Cell(score.value, mark=mark, note=note)
    found = estimate(score, level, bounds)
    return Cell(found.value, found.low, found.high, mark, note)


def _one_protocol(groups: Sequence[Group], metric: str) -> str:
    seen: dict[str, str] = {}
    for group in groups:
        for record in group.records.values():
            score = record.score(metric)
            if score is not None:
                seen.setdefault(score.protocol, record.filename())
    if len(seen) > 1:
        (one, first), (two, second) = list(seen.items())[:2]
        raise BadRecord(
            f"{first} and {second} measure {metric} under different protocols, {one} and {two}: "
            "report them apart"
        )
    return next(iter(seen), "")


def plain_column(
    column: Column, values: Mapping[str, float | None], note: str, *, marks: bool = True
) -> Filled:
    """A column of numbers without intervals; best and second are marked if it has a direction and marks are wanted."""
    there = {k: v for k, v in values.items() if v is not None and k not in REFERENCES}
    best: dict[str, Mark] = {}
    if marks and column.higher_is_better is not None:
        exact = {label: Sampled(value, np.zeros(0)) for label, value in there.items()}
        best = marked(ranks(exact, higher_is_better=column.higher_is_better))
    cells = {
        label: Cell(None, note=note) if value is None else Cell(value, mark=best.get(label))
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
