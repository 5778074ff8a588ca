"""Means over rains and over data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from bench.errors import BadRecord
from bench.keep.records import Record
from bench.score.stats import Sampled, estimate, mean_over, ranks, relative
from bench.vocabulary import CLEAN, NONE, REFERENCES
from downstream.tasks.base import Metric
from reports.arrangement import Best
from reports.results import Group, paired, sampled_score
from reports.tables.cells import Filled, as_shown, better, column_of
from reports.tables.marks import PLAIN, Standing, by_rank, by_value
from reports.tables.table import Cell, Column


def mean_columns(
    groups: Sequence[Group],
    metric: str,
    over: str = "rains",
    *,
    key: str = "mean",
    heading: str | None = None,
) -> list[Filled]:
    """The mean over rains (mPC) and, where there is a clean score, its share of that (rPC).

    Args:
        groups: The groups of one series, or of several data sets; dry ones are left out of the mean.
        metric: Its name.
        over: What the mean is over, for its header and its notes.
        key: What the columns' keys begin with.
        heading: What stands above the columns; None says how many rains there are.

    Raises:
        BadRecord: If the groups measured the metric under different protocols.
    """
    wet = [group for group in groups if not group.dry]
    if len(wet) < 2:
        return []
    shown, protocol = wet[0].metric(metric), _one_protocol(wet, metric)
    means: dict[str, Sampled] = {}
    notes: dict[str, str | None] = {}
    levels = [r.bootstrap.level for g in wet for r in g.records.values() if r.bootstrap]
    level = levels[0] if levels else 0.95
    for label in sorted({label for group in wet for label in group.records}, key=wet[0].arrangement.key):
        records = [group.records.get(label) for group in wet]
        mean = mean_over([_joint(record, metric, records) for record in records])
        notes[label] = None
        if mean.covered:
            means[label] = mean.score
        if mean.covered < mean.asked:
            scored = [record is not None and sampled_score(record, metric) is not None for record in records]
            missing = [_place(g, wet) for g, there in zip(wet, scored, strict=True) if not there]
            notes[label] = f"over {mean.covered} of {mean.asked} {over}; missing: {', '.join(missing)}"
            reasons = {_reason(record, metric) for record in records}
            if not mean.covered and len(reasons) == 1:
                # One reason under every rain says more than the names of the rains.
                notes[label] = reasons.pop() or notes[label]
    full = {label: score for label, score in means.items() if label not in REFERENCES and not notes[label]}
    comparable = {label: score for label, score in full.items() if len(score.replicates)}
    marks = _mean_marks(comparable, means.get(NONE), shown, level, wet[0].arrangement.best)
    models = {group.model and group.seen_by for group in wet}
    model = next(iter(models)) if len(models) == 1 else None
    about = {"task": wet[0].task, "model": model, "metric": f"{key}/{metric}"}
    variants = tuple(dict.fromkeys(group.shown for group in wet))
    span = heading or f"mean of {len(wet)} {over}"
    filled = [
        Filled(
            replace(column_of(shown, f"{key}/{metric}", protocol, span, about), over=variants),
            {
                label: _mean_cell(
                    means.get(label), shown.limits, level, marks.get(label, PLAIN), notes[label]
                )
                for label in notes
            },
        )
    ]
    clean = means.get(CLEAN)
    if clean is not None and wet[0].about.compared and shown.headline:
        name = f"{key}/relative_{metric}"
        share = Column(name, "of clean", "%", protocol, 1, 100.0, True, span, {**about, "metric": name},
                       variants)  # fmt: skip
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
            cells[label] = _mean_cell(part, (-np.inf, np.inf), level, marks.get(label, PLAIN), notes[label])
        filled.append(Filled(share, cells))
    return filled


def _reason(record: Record | None, metric: str) -> str | None:
    """Why a record has no such score."""
    if record is None:
        return None
    score = record.score(metric)
    return score.note if score is not None else record.reason


def _joint(record: Record | None, metric: str, others: Sequence[Record | None]) -> Sampled | None:
    """The record's score; its replicates only where they may be averaged with the others', else none."""
    if record is None:
        return None
    score = sampled_score(record, metric)
    if score is None:
        return None
    alike = all(other is None or _averaged(record, other) for other in others)
    return score if alike else Sampled(score.value, np.zeros(0))


def _averaged(one: Record, other: Record) -> bool:
    """Whether replicates of two records may be averaged: of the same resamples, or of different data sets.

    Data sets are resampled apart, each from a seed of its own.
    """
    if one.data.name == other.data.name:
        return paired(one, other)
    a, b = one.bootstrap, other.bootstrap
    return (
        a is not None
        and b is not None
        and (a.resamples, a.level) == (b.resamples, b.level)
        and one.coverage == other.coverage == 1
    )


def _place(group: Group, among: Sequence[Group]) -> str:
    """What tells a group from the others of a mean: its rain, or its variant."""
    return group.rain if len({other.first.data.name for other in among}) == 1 else group.header


def _mean_cell(
    score: Sampled | None,
    bounds: tuple[float, float],
    level: float,
    standing: Standing,
    note: str | None,
) -> Cell:
    if score is None or not np.isfinite(score.value):
        return Cell(None, note=note or "not measured")
    if not len(score.replicates):
        return Cell(score.value, mark=standing.mark, note=note, tied=standing.tied)
    found = estimate(score, level, bounds)
    return Cell(found.value, found.low, found.high, standing.mark, note, standing.tied)


def _mean_marks(
    means: Mapping[str, Sampled], rainy: Sampled | None, metric: Metric, level: float, best: Best
) -> dict[str, Standing]:
    places = ranks(means, level, higher_is_better=metric.higher_is_better)
    if best == "ties":
        return by_rank(places)
    values = {label: means[label].value for label in places}
    than = rainy.value if rainy is not None and np.isfinite(rainy.value) else None
    return by_value(
        values,
        [label for label, place in places.items() if place == 1],
        passable=better(values, than, metric),
        **as_shown(metric),
    )


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
