"""Whether one score orders derainers, or images, as another does: Spearman and Kendall with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from bench.score.stats.bootstrap import (
    LEVEL,
    UNDEFINED,
    CountArray,
    Estimate,
    FloatArray,
    Sampled,
    check_scenes,
    interval,
)

_KENDALL_BLOCK = 512


def mean_ranks(values: npt.ArrayLike) -> FloatArray:
    """Ranks from 1, ties sharing the mean of their places: float64 (n,)."""
    array = np.asarray(values, dtype=np.float64)
    _, inverse, counts = np.unique(array, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[inverse])


def spearman(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Spearman's rank correlation, ties sharing ranks; pairs with a NaN are left out.

    Infinite values take part: identical images have the highest PSNR there is.

    Returns:
        A value in [-1, 1]; NaN for fewer than two pairs or a constant side.
    """
    x, y = _pairs(first, second)
    if len(x) < 2:
        return float("nan")
    return _pearson(mean_ranks(x), mean_ranks(y), np.ones(len(x)))


def kendall(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Kendall's tau-b; pairs with a NaN are left out.

    Source: Kendall, The treatment of ties in ranking problems, Biometrika 33 (1945).

    Returns:
        A value in [-1, 1]; NaN for fewer than two pairs or a constant side.
    """
    x, y = _pairs(first, second)
    agree = x_pairs = y_pairs = 0.0
    for start in range(0, len(x), _KENDALL_BLOCK):
        block = slice(start, start + _KENDALL_BLOCK)
        dx = _order(x[block, None], x[None, :])
        dy = _order(y[block, None], y[None, :])
        agree += float((dx * dy).sum())
        x_pairs += float(np.abs(dx).sum())
        y_pairs += float(np.abs(dy).sum())
    if x_pairs == 0 or y_pairs == 0:
        return float("nan")
    return agree / float(np.sqrt(x_pairs * y_pairs))


def score_correlation(
    first: Sequence[Sampled],
    second: Sequence[Sampled],
    how: Callable[[npt.ArrayLike, npt.ArrayLike], float] = spearman,
    level: float = LEVEL,
) -> Estimate:
    """Rank correlation of two scores across derainers, with the interval that resampled scenes give.

    Args:
        first: One score per derainer.
        second: Another score per derainer, same order and resamples.
        how: `spearman` or `kendall`.
        level: Confidence level.

    Returns:
        The correlation; undefined below three derainers, where it can only be -1, 0 or 1.
    """
    x, y = np.array([s.value for s in first]), np.array([s.value for s in second])
    if (np.isfinite(x) & np.isfinite(y)).sum() < 3:
        return UNDEFINED
    value = how(x, y)
    rows_x, rows_y = (np.stack([s.replicates for s in scores], axis=1) for scores in (first, second))
    replicates = np.array([how(a, b) for a, b in zip(rows_x, rows_y, strict=True)])
    return Estimate(value, *interval(replicates, level))


def image_correlation(
    first: npt.ArrayLike, second: npt.ArrayLike, counts: CountArray, level: float = LEVEL
) -> Estimate:
    """Spearman's correlation of two values per image, with its bootstrap interval over images.

    The ranks are those among all images; a resample weights them.

    Args:
        first: (n,) one value per image.
        second: (n,) another.
        counts: (R, n) from `resample_counts`.
        level: Confidence level.

    Raises:
        ValueError: If values and counts disagree about the number of images.
    """
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    check_scenes(len(x), counts)
    known = ~(np.isnan(x) | np.isnan(y))
    if known.sum() < 3:
        return UNDEFINED
    x_ranks, y_ranks = mean_ranks(x[known]), mean_ranks(y[known])
    value = _pearson(x_ranks, y_ranks, np.ones(int(known.sum())))
    replicates = np.array([_pearson(x_ranks, y_ranks, row) for row in counts[:, known].astype(np.float64)])
    return Estimate(value, *interval(replicates, level))


def _pairs(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"Expected two vectors of one length, but got shapes {x.shape} and {y.shape}")
    known = ~(np.isnan(x) | np.isnan(y))
    return x[known], y[known]


def _order(left: FloatArray, right: FloatArray) -> npt.NDArray[np.int8]:
    return (left > right).astype(np.int8) - (left < right).astype(np.int8)


def _pearson(x: FloatArray, y: FloatArray, weights: FloatArray) -> float:
    total = weights.sum()
    if total == 0:
        return float("nan")
    dx, dy = x - weights @ x / total, y - weights @ y / total
    spread = (weights @ (dx * dx)) * (weights @ (dy * dy))
    return float(weights @ (dx * dy) / np.sqrt(spread)) if spread > 0 else float("nan")
