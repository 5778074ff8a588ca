"""Segmentation scores of all scenes and of every resample, from confusion matrices per image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bench.score.stats.bootstrap import CountArray, FloatArray, check_scenes

_CHUNK_BYTES = 128 << 20


def class_iou(confusion: npt.ArrayLike) -> FloatArray:
    """Intersection over union of each class.

    Args:
        confusion: (..., K, K) pixel counts; rows are the truth, columns the prediction.

    Returns:
        float64 (..., K) in [0, 1]; NaN for a class that is in neither.
    """
    matrix = np.asarray(confusion, dtype=np.float64)
    hit = np.diagonal(matrix, axis1=-2, axis2=-1)
    union = matrix.sum(axis=-1) + matrix.sum(axis=-2) - hit
    return _ratio(hit, union)


def confusion_scores(confusion: npt.ArrayLike, classes: Sequence[int] | None = None) -> dict[str, FloatArray]:
    """Scores of confusion matrices.

    Source: Everingham et al., The PASCAL VOC Challenge, IJCV 88 (2010), for the intersection over union; the
    means leave out classes that are in neither truth nor prediction, as MMSegmentation does.

    Args:
        confusion: (..., K, K) pixel counts; rows are the truth, columns the prediction.
        classes: Indices of the classes that the means are over; None for all.

    Returns:
        `miou` (mean IoU), `macc` (mean accuracy of the classes), `aacc` (accuracy over all pixels), each of
        shape (...), in [0, 1], NaN where no class is defined.
    """
    matrix = np.asarray(confusion, dtype=np.float64)
    hit = np.diagonal(matrix, axis1=-2, axis2=-1)
    truth = matrix.sum(axis=-1)
    chosen = slice(None) if classes is None else list(classes)
    return {
        "miou": _nanmean(class_iou(matrix)[..., chosen]),
        "macc": _nanmean(_ratio(hit, truth)[..., chosen]),
        "aacc": _ratio(hit.sum(axis=-1), truth.sum(axis=-1)),
    }


def resampled_confusion(per_image: npt.ArrayLike, counts: CountArray) -> FloatArray:
    """The confusion matrix of every resample.

    Args:
        per_image: (n, K, K) pixel counts per image.
        counts: (R, n) from `resample_counts`.

    Returns:
        float64 (R, K, K); exact below 2**53 pixels.

    Raises:
        ValueError: If the shapes do not fit.
    """
    matrices = np.asarray(per_image)
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2]:
        raise ValueError(f"Expected confusion matrices of shape (n, K, K), but got {matrices.shape}")
    n, classes, _ = matrices.shape
    check_scenes(n, counts)
    total = np.zeros((len(counts), classes * classes))
    step = max(1, _CHUNK_BYTES // (8 * max(classes * classes, len(counts))))
    for start in range(0, n, step):
        part = matrices[start : start + step].reshape(-1, classes * classes).astype(np.float64)
        total += counts[:, start : start + step].astype(np.float64) @ part
    return total.reshape(-1, classes, classes)


def confusion_replicates(
    per_image: npt.ArrayLike, counts: CountArray, classes: Sequence[int] | None = None
) -> dict[str, FloatArray]:
    """`confusion_scores` of every resample: `miou`, `macc`, `aacc`, each float64 (R,)."""
    return confusion_scores(resampled_confusion(per_image, counts), classes)


def _ratio(top: FloatArray, bottom: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(bottom > 0, top / bottom, np.nan)


def _nanmean(values: FloatArray) -> FloatArray:
    defined = ~np.isnan(values)
    return _ratio(np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1).astype(np.float64))
