"""Tables of what a score is made of: classes, tags, kinds of errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench.keep.records import Record
from downstream.tasks.base import Metric
from reports.results import Group, Results
from reports.tables.cells import plain_column
from reports.tables.parts import caption_of, sampling_of, table_of
from reports.tables.table import Cell, Column, Row, Table


def per_class(results: Results) -> Iterable[Table]:
    """Every class by derainer, one table per variant and model."""
    for group in results:
        metric = group.about.by_class or group.about.headline
        scores = {label: class_scores(record) for label, record in group.records.items()}
        known = (record.breakdown.get("counts") for record in group.records.values())
        yield from _parts(group, scores, metric, "class", next(filter(None, known), None))


def per_tag(results: Results) -> Iterable[Table]:
    """The scenes of every tag by derainer, one table per variant and model."""
    for group in results:
        scores = {label: found for label, r in group.records.items() if (found := tag_scores(r))}
        yield from _parts(group, scores, group.about.headline, "tag")


def _parts(
    group: Group,
    scores: Mapping[str, Mapping[str, float | None]],
    metric: Metric,
    kind: str,
    counts: Mapping[str, Any] | None = None,
) -> Iterable[Table]:
    """A table of what a score is made of: a row for each part, a column for each derainer.

    Args:
        group: The records.
        scores: By derainer and part.
        metric: How a part's score is shown; ``NAME/PART`` in records that have its interval.
        kind: What a part is.
        counts: Of what each part has how many: ``of`` and ``classes``.
    """
    names = list(dict.fromkeys(name for found in scores.values() for name in found))
    if not names:
        return
    protocol, arrangement = group.first.protocol(metric), group.arrangement
    columns = tuple(
        Column(
            label,
            arrangement.label(label),
            metric.unit,
            protocol,
            metric.digits,
            metric.scale,
            metric.higher_is_better,
            about={"derainer": arrangement.label(label), **group.facts, "metric": metric.name},
        )
        for label in scores
        if label not in arrangement.drop
    )
    amounts: Mapping[str, int] = counts["classes"] if counts else {}
    first = (
        (Column("count", counts["of"], digits=0, higher_is_better=None, about={"metric": "count"}),)
        if counts
        else ()
    )
    rows = tuple(
        Row(
            name,
            (
                *(Cell(float(amounts.get(name, 0))) for _ in first),
                *(
                    _part_cell(scores[c.key].get(name), group.records[c.key], kind, f"{metric.name}/{name}")
                    for c in columns
                ),
            ),
            about={kind: name},
        )
        for name in names
    )
    caption = f"{metric.title} of each {kind} on {group.shown}" + (
        f" by {group.seen_by}" if group.model else ""
    )
    yield Table(
        caption,
        caption_of(caption, [group], [protocol]),
        (*first, *columns),
        rows,
        (),
        bool(counts),
        kind,
        sampling=sampling_of([group]),
    )


def class_scores(record: Record) -> dict[str, float | None]:
    """Score of each class, from the record's breakdown or its `METRIC/CLASS` scores."""
    stated = {s.metric.partition("/")[2]: s.value for s in record.scores if "/" in s.metric}
    return stated or dict(record.breakdown.get("classes", {}))


def tag_scores(record: Record) -> dict[str, float | None]:
    """Headline score of the scenes of each tag, whose number is part of the name, from the record's breakdown."""
    tags = record.breakdown.get("tags", {})
    return {f"{tag} ({part['scenes']})": part["value"] for tag, part in tags.items()}


def class_title(group: Group) -> str:
    """What a class's score is called."""
    return group.about.by_class.title if group.about.by_class else group.about.headline.title


def _part_cell(value: float | None, record: Record, kind: str, metric: str) -> Cell:
    if value is not None:
        score = record.score(metric)
        return Cell(value, score.low, score.high, note=score.note) if score else Cell(value)
    return Cell(
        None, note=(record.reason if record.status != "ok" else None) or f"{kind} not in these scenes"
    )


def errors(results: Results) -> Iterable[Table]:
    """Which detection errors deraining cured and caused, one table per variant and model."""
    for group in results:
        changes = {
            label: record.breakdown["changes"]
            for label, record in group.records.items()
            if "changes" in record.breakdown
        }
        if not changes:
            continue
        columns = []
        for kind in next(iter(changes.values())):
            for what, better in (("cured", True), ("caused", False)):
                column = Column(f"{kind}/{what}", what, "", "", 0, 1.0, better, kind,
                                {**group.facts, "metric": f"{kind}/{what}"})  # fmt: skip
                columns.append(
                    # Counts without intervals: a mark would claim more than is known.
                    plain_column(
                        column, {k: float(v[kind][what]) for k, v in changes.items()}, "", marks=False
                    )
                )
        title = f"Errors cured and caused on {group.shown} by {group.seen_by}"
        notes = ["errors on rainy images that are gone, and new ones; docs/statistics.md defines the kinds"]
        yield table_of(title, title, [group], columns, list(changes), notes)
