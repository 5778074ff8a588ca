"""Scene by scene: what each image scores as if it were the set, and what deraining changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.errors import BadData, unknown
from bench.keep.records import Record
from bench.vocabulary import NONE, REFERENCES
from downstream.tasks.base import Metric
from reports.results import Group, Results
from reports.tables.parts import caption_of
from reports.tables.table import Cell, Column, Row, Table


def image_values(record: Record) -> dict[str, dict[str, float | None]]:
    """Values per image by metric and scene: {metric: {scene: value}}; empty where a record keeps none."""
    scenes = record.breakdown.get("scenes", ())
    columns = record.breakdown.get("images", {})
    return {metric: dict(zip(scenes, values, strict=True)) for metric, values in columns.items()}


def images(results: Results) -> Iterable[Table]:
    """One row per scene and derainer, one table per variant, task and model."""
    for group in results:
        values = {
            label: image_values(record)
            for label, record in group.records.items()
            if label not in group.arrangement.drop
        }
        metrics = _metrics(group)
        if not metrics:
            continue
        rainy = image_values(group.records[NONE]) if NONE in group.records else {}
        scenes = list(dict.fromkeys(s for found in values.values() for v in found.values() for s in v))
        rows = [
            Row(
                label,
                tuple(
                    cell
                    for metric in metrics
                    for cell in _cells(found.get(metric.name, {}), rainy.get(metric.name, {}), scene, label)
                ),
                title=f"{scene}, {group.arrangement.label(label)}",
                about={"derainer": group.arrangement.label(label), "scene": scene},
            )
            for scene in scenes
            for label, found in values.items()
        ]
        protocols = [group.first.protocol(metric) for metric in metrics]
        title = f"Images: {group.title}"
        columns = tuple(
            column
            for metric, protocol in zip(metrics, protocols, strict=True)
            for column in _columns(metric, protocol, group)
        )
        caption = caption_of(f"{title}, each image as if it were the set", [group], protocols)
        yield Table(title, caption, columns, tuple(rows), (), False, "scene, derainer")


def _metrics(group: Group) -> list[Metric]:
    """The metrics of a task that its records have for each image."""
    kept = {name for record in group.records.values() for name in record.breakdown.get("images", {})}
    return [metric for metric in group.about.metrics if metric.name in kept]


def _columns(metric: Metric, protocol: str, group: Group) -> tuple[Column, Column]:
    unit = "points" if metric.unit == "%" else metric.unit
    own = Column(metric.name, metric.title, metric.unit, protocol, metric.digits, metric.scale,
                 metric.higher_is_better, about={**group.facts, "metric": metric.name})  # fmt: skip
    change = f"{metric.name}_change"
    against = Column(change, f"{metric.title} change", unit, protocol, metric.digits, metric.scale,
                     metric.higher_is_better, about={**group.facts, "metric": change})  # fmt: skip
    return own, against


def _cells(
    own: dict[str, float | None], rainy: dict[str, float | None], scene: str, label: str
) -> tuple[Cell, Cell]:
    value, before = own.get(scene), rainy.get(scene)
    if value is None:
        absent = Cell(None, note="not defined for this image, or not looked at")
        return absent, absent
    if label in REFERENCES:
        return Cell(value), Cell(None, note="stated for derainers only")
    if before is None:
        return Cell(value), Cell(None, note="the rainy image has none")
    return Cell(value), Cell(value - before)


@dataclass(frozen=True)
class Change:
    """What a derainer changed on one scene, in one metric."""

    scene: str
    label: str
    before: float
    after: float

    @property
    def gap(self) -> float:
        """After minus before, as stored."""
        return self.after - self.before


def worst(results: Results, task: str | None, count: int, derainer: str | None = None) -> list[Table]:
    """The scenes that lose and gain most by deraining, by the headline metric of a task.

    Args:
        results: All records.
        task: The task; None takes the first one that has values for each image.
        count: How many scenes of each kind.
        derainer: Only this one's; None for all.

    Returns:
        One table for each variant and model: those that lose most first, then those that gain most.

    Raises:
        UnknownName: If there is no such task or derainer.
        BadData: If no record has values for each image.
    """
    if task is not None and task not in results.tasks:
        raise unknown("task", task, results.tasks)
    if derainer is not None and derainer not in results.labels:
        raise unknown("derainer", derainer, results.labels)
    able = [g for g in results if NONE in g.records and g.about.headline in _metrics(g)]
    chosen = task or next((g.task for g in able), None)
    tables = [_worst(group, count, derainer) for group in able if group.task == chosen]
    if not tables:
        raise BadData("these records keep no values for each image of that task: run it again")
    return tables


def changes(group: Group, derainer: str | None = None) -> list[Change]:
    """What each derainer changed on each scene in the headline metric, the largest loss first."""
    metric = group.about.headline
    rainy = image_values(group.records[NONE]).get(metric.name, {})
    found = [
        Change(scene, label, before, after)
        for label, record in group.records.items()
        if label not in REFERENCES and derainer in (None, label)
        for scene, after in image_values(record).get(metric.name, {}).items()
        if after is not None and (before := rainy.get(scene)) is not None
    ]
    sign = 1 if metric.higher_is_better else -1
    return sorted(found, key=lambda change: (sign * change.gap, change.scene, change.label))


def _worst(group: Group, count: int, derainer: str | None) -> Table:
    metric = group.about.headline
    ordered = changes(group, derainer)
    sign = 1 if metric.higher_is_better else -1
    losing = [change for change in ordered if sign * change.gap < 0][:count]
    gaining = [change for change in ordered if sign * change.gap > 0][::-1][:count]
    own, against = _columns(metric, group.first.protocol(metric), group)
    columns = (_before(own), own, against)
    rows = [
        Row(
            change.label,
            (Cell(change.before), Cell(change.after), Cell(change.gap)),
            title=f"{change.scene}, {group.arrangement.label(change.label)}",
            section=section,
            about={"derainer": group.arrangement.label(change.label), "scene": change.scene},
        )
        for section, found in (("lose most", losing), ("gain most", gaining))
        for change in found
    ]
    title = f"Scenes that lose and gain most: {group.title}"
    caption = caption_of(title, [group], [own.protocol])
    return Table(title, caption, columns, tuple(rows), (), False, "scene, derainer")


def _before(column: Column) -> Column:
    about = {**column.about, "metric": f"{column.key}_rainy"}
    return Column(f"{column.key}_rainy", f"{column.title} rainy", column.unit, column.protocol, column.digits,
                  column.scale, column.higher_is_better, about=about)  # fmt: skip


def scenes_of(found: Sequence[Change]) -> list[str]:
    """The scenes of some changes, each once."""
    return list(dict.fromkeys(change.scene for change in found))
