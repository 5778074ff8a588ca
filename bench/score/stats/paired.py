"""What follows from two or more derainers on the same scenes: differences, recovery, harm, shared ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.score.stats.bootstrap import LEVEL, UNDEFINED, Estimate, FloatArray, Sampled, estimate, interval


def difference(first: Sampled, second: Sampled, level: float = LEVEL) -> Estimate:
    """First minus second, with the interval of the paired difference.

    Args:
        first: A score and its replicates.
        second: Another score whose replicates come from the same resamples.
        level: Confidence level.

    Raises:
        ValueError: If the two have different numbers of resamples.
    """
    return estimate(subtract(first, second), level)


def subtract(first: Sampled, second: Sampled) -> Sampled:
    """First minus second, replicate by replicate.

    Raises:
        ValueError: If the two have different numbers of resamples.
    """
    if first.replicates.shape != second.replicates.shape:
        raise ValueError(
            "Expected scores on the same resamples, but got "
            f"{first.replicates.shape} and {second.replicates.shape} replicates"
        )
    return Sampled(first.value - second.value, first.replicates - second.replicates)


def recovery(derained: Sampled, rainy: Sampled, clean: Sampled, level: float = LEVEL) -> Estimate:
    """How much of what the rain took was won back: (derained - rainy) / (clean - rainy).

    Undefined unless the interval of clean - rainy lies above 0: without a loss there is nothing to win
    back. The interval is the percentile interval of the ratio, which is skewed.

    Raises:
        ValueError: If the three have different numbers of resamples.
    """
    score = recovery_replicates(derained, rainy, clean, level)
    if score is None:
        return UNDEFINED
    return Estimate(score.value, *interval(score.replicates, level))


def recovery_replicates(
    derained: Sampled, rainy: Sampled, clean: Sampled, level: float = LEVEL
) -> Sampled | None:
    """Recovery of every resample; None where recovery is undefined, see `recovery`."""
    loss = subtract(clean, rainy)
    if not estimate(loss, level).low > 0:
        return None
    won = subtract(derained, rainy)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Sampled(won.value / loss.value, won.replicates / loss.replicates)


def harm(derained_clean: Sampled, clean: Sampled, level: float = LEVEL) -> Estimate:
    """Score on derained clean images minus score on clean images; negative is damage."""
    return difference(derained_clean, clean, level)


def compared(
    kind: str, derained: Sampled, rainy: Sampled, clean: Sampled | None, level: float = LEVEL
) -> Estimate:
    """What a derainer's score is stated against, by the name of the comparison.

    Args:
        kind: ``recovery``, ``harm``, or ``gain``: derained minus rainy, all there is where nothing clean is known.
        derained: A score and its replicates.
        rainy: That of the images as they are.
        clean: That of the clean images; None for a gain.
        level: Confidence level.

    Raises:
        ValueError: If they have different numbers of resamples, or the clean one is needed and absent.
    """
    if kind == "gain":
        return difference(derained, rainy, level)
    if clean is None:
        raise ValueError(f"Expected a clean score for {kind}, but got none")
    return recovery(derained, rainy, clean, level) if kind == "recovery" else harm(derained, clean, level)


def ranks(
    scores: Mapping[str, Sampled], level: float = LEVEL, *, higher_is_better: bool = True
) -> dict[str, int]:
    """Ranks with ties: a rank is shared where the interval of the difference to its best contains 0.

    The best of those without a rank opens a rank, all within noise of it share it, and the next rank counts
    everyone above (1, 1, 3, ...). Undefined scores get no rank.

    Args:
        scores: By derainer, all on the same resamples.
        level: Confidence level.
        higher_is_better: Direction of the score.

    Returns:
        Rank by derainer, best first; equal values in the order of their names. A score whose replicates give
        no interval gets no rank.
    """
    sign = -1.0 if higher_is_better else 1.0
    ranked = [n for n, s in scores.items() if np.isfinite(s.value) and _told(s, level)]
    waiting = sorted(ranked, key=lambda n: (sign * scores[n].value, n))
    result: dict[str, int] = {}
    while waiting:
        best = waiting[0]
        place = len(result) + 1
        tied = [n for n in waiting if n == best or not _differs(scores[best], scores[n], level)]
        result.update(dict.fromkeys(tied, place))
        waiting = [n for n in waiting if n not in result]
    return result


def _told(score: Sampled, level: float) -> bool:
    return not len(score.replicates) or bool(np.isfinite(estimate(score, level).low))


def _differs(first: Sampled, second: Sampled, level: float) -> bool:
    gap = difference(first, second, level)
    # Without an interval (a record without replicates) only equal values are a tie.
    return gap.excludes_zero if np.isfinite(gap.low) else gap.value != 0


@dataclass(frozen=True)
class Mean:
    """A mean over severities.

    Attributes:
        score: The mean with its interval, over the severities that were measured.
        covered: How many were measured.
        asked: How many were asked for.
    """

    score: Sampled
    covered: int
    asked: int

    @property
    def coverage(self) -> float:
        """Measured over asked, in [0, 1]."""
        return self.covered / self.asked if self.asked else 0.0


def mean_over(scores: Sequence[Sampled | None]) -> Mean:
    """Mean over severities (mPC where the clean variant is left out); missing ones lower the coverage,
    never the mean.

    Source: Michaelis et al., Benchmarking robustness in object detection (2019), mPC.

    Args:
        scores: One per severity asked for, on the same resamples; None or NaN where it was not measured.
    """
    there = [s for s in scores if s is not None and np.isfinite(s.value)]
    if not there:
        return Mean(Sampled(float("nan"), np.zeros(0)), 0, len(scores))
    value = float(np.mean([s.value for s in there]))
    return Mean(Sampled(value, np.mean([s.replicates for s in there], axis=0)), len(there), len(scores))


def relative(score: Sampled, clean: Sampled) -> Sampled:
    """Score over clean score, replicate by replicate (rPC for an mPC)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        replicates: FloatArray = score.replicates / clean.replicates
        value = float(np.float64(score.value) / np.float64(clean.value))
    return Sampled(value, replicates)
