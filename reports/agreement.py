"""Whether PSNR and SSIM order derainers as AP and mIoU do."""

from __future__ import annotations

import math

from bench.stats import kendall, score_correlation, spearman
from reports.metrics import HEADLINE, metric_of
from reports.results import CLEAN, Group, Results, paired, sampled_score
from reports.table import Cell, Column, Row, Table

_FIDELITY = ("psnr_y", "ssim_y")
_FEWEST = 3


def agreement_table(results: Results) -> Table:
    """Rank correlations across derainers (the row `none` among them), one row per variant and model."""
    columns = tuple(
        Column(f"{metric}/{name}", title, "", "", 2, 1.0, None, metric_of(metric).title)
        for metric in _FIDELITY
        for name, title in (("spearman", "Spearman"), ("kendall", "Kendall"))
    )
    rows = []
    for group in results:
        restoration = results.find(group.variant, "restoration", None)
        if group.task == "restoration" or restoration is None:
            continue
        label = f"{metric_of(HEADLINE[group.task]).title}, {group.variant}, {group.model}"
        cells = [correlate(group, restoration, m, how) for m in _FIDELITY for how in (spearman, kendall)]
        rows.append(Row(label, tuple(cells)))
    caption = (
        "Rank correlation across derainers between fidelity (psnr@y, ssim@y) and what models see (ap@coco, "
        "miou), with bootstrap intervals over scenes; the rainy image takes part, the clean one does not."
    )
    return Table("correlation", caption, columns if rows else (), tuple(rows), head="score")


def correlate(group: Group, restoration: Group, metric: str, how: object = spearman) -> Cell:
    """The cell of one correlation; fewer than three derainers have none."""
    labels = [label for label in group.records if label != CLEAN and label in restoration.records]
    pairs = []
    for label in labels:
        own, other = group.records[label], restoration.records[label]
        x, y = sampled_score(other, metric), sampled_score(own, HEADLINE[group.task])
        if x is not None and y is not None and len(x.replicates) and paired(own, other):
            pairs.append((x, y))
    if len(pairs) < _FEWEST:
        return Cell(None, note=f"needs {_FEWEST} derainers or more")
    found = score_correlation([x for x, _ in pairs], [y for _, y in pairs], how)  # type: ignore[arg-type]
    if not found.defined:
        return Cell(None, note="all derainers score the same")
    low, high = (None if math.isnan(v) else v for v in (found.low, found.high))
    return Cell(found.value, low, high)
