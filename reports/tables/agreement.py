"""Whether PSNR and SSIM order derainers, and images, as AP and mIoU do."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bench.keep.records import Record
from bench.score.stats import image_correlation, kendall, resample_counts, score_correlation, spearman
from bench.vocabulary import CLEAN, NONE, REFERENCES
from downstream.tasks.restoration import Restoration
from reports.results import Group, Results, paired, sampled_score
from reports.tables.table import Cell, Column, Row, Table

_FIDELITY = [metric for metric in Restoration.metrics if metric.place == "summary"]
_NAMES = (("spearman", "Spearman"), ("kendall", "Kendall"))
_FEWEST = 3

How = Callable[[npt.ArrayLike, npt.ArrayLike], float]


def agreement_table(results: Results) -> Table:
    """Rank correlations across derainers (the row `none` among them), one row per variant and model."""
    columns = tuple(
        Column(f"{metric.name}/{name}", title, "", "", 2, 1.0, None, metric.title)
        for metric in _FIDELITY
        for name, title in _NAMES
    )
    rows = []
    for group in results:
        restoration = results.fidelity(group.variant)
        if group.about.looks != "model" or restoration is None:
            continue
        label = f"{group.about.headline.title}, {group.variant}, {group.model}"
        cells = [correlate(group, restoration, m.name, how) for m in _FIDELITY for how in (spearman, kendall)]
        rows.append(Row(label, tuple(cells)))
    caption = (
        "Rank correlation across derainers between fidelity (psnr@y, ssim@y) and what models see (ap@coco, "
        "miou), with bootstrap intervals over scenes; the rainy image takes part, the clean one does not."
    )
    return Table("correlation", caption, columns if rows else (), tuple(rows), head="score")


def correlate(group: Group, restoration: Group, metric: str, how: How = spearman) -> Cell:
    """The cell of one correlation; fewer than three derainers have none."""
    labels = [label for label in group.records if label != CLEAN and label in restoration.records]
    pairs = []
    for label in labels:
        own, other = group.records[label], restoration.records[label]
        x, y = sampled_score(other, metric), sampled_score(own, group.about.headline.name)
        if x is not None and y is not None and len(x.replicates) and paired(own, other):
            pairs.append((x, y))
    if len(pairs) < _FEWEST:
        return Cell(None, note=f"needs {_FEWEST} derainers or more")
    found = score_correlation([x for x, _ in pairs], [y for _, y in pairs], how)
    if not found.defined:
        return Cell(None, note="all derainers score the same")
    low, high = (None if math.isnan(v) else v for v in (found.low, found.high))
    return Cell(found.value, low, high)


def image_table(results: Results) -> Table:
    """Rank correlations across images of what deraining gained, one row per derainer, variant and model."""
    columns = tuple(
        Column(f"{metric.name}/{name}", title, "", "", 2, 1.0, None, f"gain in {metric.title}")
        for metric in _FIDELITY
        for name, title in _NAMES
    )
    rows = []
    for group in results:
        restoration = results.fidelity(group.variant)
        if group.about.looks != "model" or restoration is None or group.dry:
            continue
        for label in group.records:
            if label not in REFERENCES:
                cells = _image_cells(group, restoration, label)
                if cells:
                    what = group.about.headline.title
                    rows.append(Row(f"{label}: {what}, {group.variant}, {group.model}", cells))
    caption = (
        "Rank correlation across images between the gain in fidelity (psnr@y, ssim@y) and the gain in what models "
        "see (AP or mIoU of the image alone), both against the rainy image."
    )
    return Table("correlation across images", caption, columns if rows else (), tuple(rows), head="derainer")


def _image_cells(group: Group, restoration: Group, label: str) -> tuple[Cell, ...]:
    """One cell per column; nothing where a record keeps no values per image."""
    records = [chosen.records.get(name) for chosen in (group, restoration) for name in (label, NONE)]
    own, own_rainy, other, other_rainy = ({} if r is None else _by_scene(r) for r in records)
    cells = []
    for metric in _FIDELITY:
        seen, faith = group.about.headline.name, metric.name
        shared = [s for s in own if s in own_rainy and s in other and s in other_rainy]
        x = np.array([_gain(other[s], other_rainy[s], faith) for s in shared])
        y = np.array([_gain(own[s], own_rainy[s], seen) for s in shared])
        made = group.records[label].bootstrap
        if len(shared) < _FEWEST or made is None:
            return ()
        counts = resample_counts(len(shared), made.resamples, made.seed)
        found = image_correlation(x, y, counts, made.level)
        if not found.defined:
            return ()
        cells += [Cell(found.value, found.low, found.high), Cell(kendall(x, y))]
    return tuple(cells)


def _by_scene(record: Record) -> dict[str, dict[str, float | None]]:
    """Values per image by scene: {scene: {metric: value}}."""
    scenes, columns = record.breakdown.get("scenes", ()), record.breakdown.get("images", {})
    return {
        scene: {metric: column[i] for metric, column in columns.items()} for i, scene in enumerate(scenes)
    }


def _gain(after: dict[str, float | None], before: dict[str, float | None], metric: str) -> float:
    one, other = after.get(metric), before.get(metric)
    return math.nan if one is None or other is None else one - other
