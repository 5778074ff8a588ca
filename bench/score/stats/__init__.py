"""Statistics: paired bootstrap over scenes for every score, and what follows from it.

Pure functions of arrays; docs/statistics.md says what the numbers mean.
"""

from __future__ import annotations

from bench.score.stats.bootstrap import (
    LEVEL,
    UNDEFINED,
    CountArray,
    Estimate,
    FloatArray,
    Sampled,
    estimate,
    finite_mean,
    interval,
    mean_replicates,
    resample_counts,
)
from bench.score.stats.confusion import class_iou, confusion_replicates, confusion_scores, resampled_confusion
from bench.score.stats.correlation import image_correlation, kendall, score_correlation, spearman
from bench.score.stats.detection import (
    DetectionTable,
    class_mean,
    detection_replicates,
    detection_scores,
    image_precision,
    match_detections,
    precision_grid,
)
from bench.score.stats.errors import Change, DetectionError, cured_and_caused, find_errors
from bench.score.stats.paired import (
    Mean,
    compared,
    difference,
    harm,
    mean_over,
    ranks,
    recovery,
    recovery_replicates,
    relative,
    subtract,
)

__all__ = [
    "LEVEL",
    "UNDEFINED",
    "Change",
    "CountArray",
    "DetectionError",
    "DetectionTable",
    "Estimate",
    "FloatArray",
    "Mean",
    "Sampled",
    "class_iou",
    "class_mean",
    "compared",
    "confusion_replicates",
    "confusion_scores",
    "cured_and_caused",
    "detection_replicates",
    "detection_scores",
    "difference",
    "estimate",
    "find_errors",
    "finite_mean",
    "harm",
    "image_correlation",
    "image_precision",
    "interval",
    "kendall",
    "match_detections",
    "mean_over",
    "mean_replicates",
    "precision_grid",
    "ranks",
    "recovery",
    "recovery_replicates",
    "relative",
    "resample_counts",
    "resampled_confusion",
    "score_correlation",
    "spearman",
    "subtract",
]
