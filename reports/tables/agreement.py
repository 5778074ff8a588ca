"""Whether measures of the image (PSNR, SSIM, NIQE ...) order derainers, and images, as AP and mIoU do."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from bench.keep.records import Record
from bench.score.stats import (
    Sampled,
    image_correlation,
    kendall,
    resample_counts,
    score_correlation,
    spearman,
)
from bench.vocabulary import CLEAN, NONE, REFERENCES
from downstream.tasks.base import Metric
from reports.glossary import has_clean
from reports.results import Group, Results, paired, sampled_score
from reports.tables.table import Cell, Column, Row, Table

_NAMES = (("spearman", "Spearman"), ("kendall", "Kendall"))
_FEWEST = 3
_SENSE = "a measure that is better when lower is turned round, so that 1 is agreement"

How = Callable[[npt.ArrayLike, npt.ArrayLike], float]


def agreement_table(results: Results) -> Table:
    """Rank correlations across derainers (the row `none` among them), one row per variant and model."""
    shown = _measured(results)
    rows = []
    for group in results:
        beside = _beside(results, group)
        if group.about.looks != "model" or not beside:
            continue
        label = f"{group.about.headline.title}, {group.shown}, {group.seen_by}"
        cells = [
            correlate(group, beside[task], metric.name, how) if task in beside else _absent(metric)
            for task, metric in shown
            for how in (spearman, kendall)
        ]
        rows.append(Row(label, tuple(cells), about=group.facts))
    caption = (
        f"Rank correlation across derainers between measures of the image ({_protocols(shown)}) and what models see "
        f"(ap@coco, miou), with bootstrap intervals over scenes; {_SENSE}; the rainy image takes part"
        f"{', the clean one does not' if has_clean(results) else ''}."
    )
    return Table("correlation", caption, _columns(shown, "") if rows else (), tuple(rows), head="score")


def correlate(group: Group, beside: Group, metric: str, how: How = spearman) -> Cell:
    """The cell of one correlation; fewer than three derainers have none.

    Args:
        group: What a model sees.
        beside: What is measured of the images, of the same variant.
        metric: A metric of `beside`.
        how: The coefficient.
    """
    labels = [label for label in group.records if label != CLEAN and label in beside.records]
    turned = not beside.metric(metric).higher_is_better
    pairs = []
    for label in labels:
        own, other = group.records[label], beside.records[label]
        x, y = sampled_score(other, metric), sampled_score(own, group.about.headline.name)
        if x is not None and y is not None and len(x.replicates) and paired(own, other):
            pairs.append((Sampled(-x.value, -x.replicates) if turned else x, y))
    if len(pairs) < _FEWEST:
        return Cell(None, note=f"needs {_FEWEST} derainers or more")
    found = score_correlation([x for x, _ in pairs], [y for _, y in pairs], how)
    if not found.defined:
        return Cell(None, note="all derainers score the same")
    low, high = (None if math.isnan(v) else v for v in (found.low, found.high))
    return Cell(found.value, low, high)


def image_table(results: Results) -> Table:
    """Rank correlations across images of what deraining gained, one row per derainer, variant and model."""
    shown = _measured(results)
    rows = []
    for group in results:
        beside = _beside(results, group)
        if group.about.looks != "model" or not beside or group.dry:
            continue
        for label in group.records:
            if label in REFERENCES:
                continue
            cells: list[Cell] = []
            for task, metric in shown:
                cells += _image_cells(group, beside.get(task), metric, label)
            if any(cell.value is not None for cell in cells):
                what = group.about.headline.title
                name = f"{label}: {what}, {group.shown}, {group.seen_by}"
                rows.append(Row(name, tuple(cells), about={"derainer": label, **group.facts}))
    caption = (
        f"Rank correlation across images between the gain in measures of the image ({_protocols(shown)}) and the gain "
        f"in what models see (AP or mIoU of the image alone), both against the rainy image; {_SENSE}."
    )
    columns = _columns(shown, "gain in ") if rows else ()
    return Table("correlation across images", caption, columns, tuple(rows), head="derainer")


def _measured(results: Results) -> list[tuple[str, Metric]]:
    """Each task that no model looks for, with each of its metrics that the summary shows, in the order of reports."""
    about = {group.task: group.about for group in results if group.about.looks == "nothing"}
    return [
        (task, metric)
        for task in results.tasks
        if task in about
        for metric in about[task].metrics
        if metric.place == "summary"
    ]


def _beside(results: Results, group: Group) -> dict[str, Group]:
    """What is measured of a group's images, by task."""
    return {
        other.task: other
        for other in results
        if other.variant == group.variant and other.about.looks == "nothing"
    }


def _columns(shown: Sequence[tuple[str, Metric]], before: str) -> tuple[Column, ...]:
    return tuple(
        _column(f"{metric.name}/{name}", title, f"{before}{metric.title}")
        for _, metric in shown
        for name, title in _NAMES
    )


def _column(key: str, title: str, span: str) -> Column:
    return Column(key, title, "", "", 2, 1.0, None, span, {"metric": key})


def _protocols(shown: Sequence[tuple[str, Metric]]) -> str:
    return ", ".join(dict.fromkeys(metric.protocol for _, metric in shown))


def _absent(metric: Metric) -> Cell:
    return Cell(None, note=f"{metric.title} was not measured")


def _image_cells(group: Group, beside: Group | None, metric: Metric, label: str) -> tuple[Cell, ...]:
    """One cell per coefficient; without a value where a record keeps no values per image."""
    nothing = (_absent(metric),) * len(_NAMES)
    if beside is None:
        return nothing
    records = [chosen.records.get(name) for chosen in (group, beside) for name in (label, NONE)]
    own, own_rainy, other, other_rainy = ({} if r is None else _by_scene(r) for r in records)
    seen = group.about.headline.name
    shared = [s for s in own if s in own_rainy and s in other and s in other_rainy]
    made = group.records[label].bootstrap
    if len(shared) < _FEWEST or made is None:
        return nothing
    sign = 1.0 if metric.higher_is_better else -1.0
    x = sign * np.array([_gain(other[s], other_rainy[s], metric.name) for s in shared])
    y = np.array([_gain(own[s], own_rainy[s], seen) for s in shared])
    counts = resample_counts(len(shared), made.resamples, made.seed)
    found = image_correlation(x, y, counts, made.level)
    if not found.defined:
        return (Cell(None, note="the gain is the same in every image"),) * len(_NAMES)
    return Cell(found.value, found.low, found.high), Cell(kendall(x, y))


def _by_scene(record: Record) -> dict[str, dict[str, float | None]]:
    """Values per image by scene: {scene: {metric: value}}."""
    scenes, columns = record.breakdown.get("scenes", ()), record.breakdown.get("images", {})
    return {
        scene: {metric: column[i] for metric, column in columns.items()} for i, scene in enumerate(scenes)
    }


def _gain(after: dict[str, float | None], before: dict[str, float | None], metric: str) -> float:
    one, other = after.get(metric), before.get(metric)
    return math.nan if one is None or other is None else one - other
