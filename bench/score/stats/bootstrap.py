"""The paired bootstrap: which scenes a resample holds, and what the replicates say.

Every derainer sees the same scenes, so one matrix of multiplicities serves them all: replicate `r` of every
score comes from the same draw of scenes, and differences, ratios and ranks are taken element by element.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
CountArray = npt.NDArray[np.uint16]

LEVEL = 0.95
#: Replicates of one scene differ by how they were added up, and by float32 where they come from records.
_ALIKE = 1e-6


@dataclass(frozen=True)
class Sampled:
    """A score and its bootstrap replicates.

    Attributes:
        value: The score on all scenes; NaN where it is not defined.
        replicates: float64 (R,), the same score on each resample, in the order of the resamples.
    """

    value: float
    replicates: FloatArray


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; all three are NaN where the number is not defined."""

    value: float
    low: float
    high: float

    @property
    def defined(self) -> bool:
        """Whether there is a number at all."""
        return bool(np.isfinite(self.value))

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of 0. False where the interval is not defined."""
        return bool(self.low > 0 or self.high < 0)


UNDEFINED = Estimate(float("nan"), float("nan"), float("nan"))


def resample_counts(n: int, resamples: int, seed: int) -> CountArray:
    """How often each scene is in each resample of size n, drawn with replacement.

    Source: Efron, Bootstrap methods: another look at the jackknife, Annals of Statistics 7 (1979).

    Args:
        n: Number of scenes, at least 1.
        resamples: Number of resamples R, at least 1.
        seed: Any non-negative integer; the same three arguments give the same matrix everywhere.

    Returns:
        uint16 (R, n); every row sums to n.

    Raises:
        ValueError: If n or resamples is below 1.
    """
    if n < 1 or resamples < 1:
        raise ValueError(f"Expected at least one scene and one resample, but got {n} and {resamples}")
    rng = np.random.default_rng(seed)
    counts = np.empty((resamples, n), dtype=np.uint16)
    for row in counts:
        row[:] = np.bincount(rng.integers(0, n, size=n), minlength=n)
    return counts


def finite_mean(values: npt.ArrayLike) -> tuple[float, int]:
    """Mean of the finite values, and how many were left out.

    Identical images have infinite PSNR: such an image is counted, not averaged.
    """
    array = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(array)
    mean = float(array[finite].mean()) if finite.any() else float("nan")
    return mean, int(array.size - finite.sum())


def mean_replicates(values: npt.ArrayLike, counts: CountArray) -> FloatArray:
    """Mean over the scenes of each resample; infinite and missing values are left out as in `finite_mean`.

    Args:
        values: (n,) one value per scene.
        counts: (R, n) from `resample_counts`.

    Returns:
        float64 (R,); NaN where a resample holds no finite value.

    Raises:
        ValueError: If values and counts disagree about the number of scenes.
    """
    array = np.asarray(values, dtype=np.float64)
    check_scenes(len(array), counts)
    finite = np.isfinite(array)
    weights = counts[:, finite].astype(np.float64)
    total = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(weights @ array[finite] / total)


def check_scenes(n: int, counts: CountArray) -> None:
    """Hold n values against a matrix of multiplicities.

    Raises:
        ValueError: If the matrix is for another number of scenes.
    """
    if counts.ndim != 2 or counts.shape[1] != n:
        raise ValueError(f"Expected multiplicities of shape (resamples, {n}), but got {counts.shape}")


def interval(
    replicates: npt.ArrayLike,
    level: float = LEVEL,
    value: float | None = None,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> tuple[float, float]:
    """The bootstrap interval of the replicates; undefined replicates are left out.

    With a value it is the basic interval, `2 value - quantile`: average precision of a finite set is biased
    upwards, resampling repeats the bias, and the basic interval takes it off, where percentiles would
    double it. Without a value it is the percentile interval, which suits ratios.

    Source: Davison and Hinkley, Bootstrap Methods and their Application (1997), section 5.2.

    Args:
        replicates: (R,).
        level: Confidence level in (0, 1).
        value: The score on all scenes.
        bounds: What the score cannot go beyond; the interval is cut there.

    Returns:
        (low, high); both NaN where fewer than half of the replicates are defined, and where some are not and
        the others are all alike: then a single scene carries the score, and resampling cannot tell how far
        another would move it.
    """
    array = np.asarray(replicates, dtype=np.float64)
    finite = array[np.isfinite(array)]
    if finite.size == 0 or 2 * finite.size < array.size:
        return float("nan"), float("nan")
    tail = (1.0 - level) / 2.0
    ordered = np.sort(finite)
    if finite.size < array.size and ordered[-1] - ordered[0] <= _ALIKE:
        return float("nan"), float("nan")
    low, high = _quantile(ordered, tail), _quantile(ordered, 1.0 - tail)
    if value is not None:
        low, high = 2.0 * value - high, 2.0 * value - low
    return float(np.clip(low, *bounds)), float(np.clip(high, *bounds))


def _quantile(ordered: FloatArray, share: float) -> float:
    """The quantile of sorted values by linear interpolation: `np.quantile`, which takes ten times as long."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def estimate(
    score: Sampled, level: float = LEVEL, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> Estimate:
    """The score with its basic interval (see `interval`)."""
    if not np.isfinite(score.value):
        return UNDEFINED
    return Estimate(score.value, *interval(score.replicates, level, score.value, bounds))
