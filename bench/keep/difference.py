"""In what two records of one cell differ: as stated and as scored again, or as two machines have it."""

from __future__ import annotations

import math

from bench.keep.records import Record


def disagreement(stated: Record, found: Record) -> str | None:
    """Return the first thing in which a record differs from what its evidence gives; None where it does not.

    Numbers may differ by a millionth: another processor adds in another order.
    """
    if stated.images != found.images:
        return f"it counts {stated.images} images, its evidence has {found.images}"
    scores = {score.metric: score for score in found.scores}
    for score in stated.scores:
        other = scores.pop(score.metric, None)
        if other is None:
            return f"its evidence gives no {score.metric}"
        for part in ("value", "low", "high"):
            one, two = getattr(score, part), getattr(other, part)
            if not _same(one, two):
                what = score.metric if part == "value" else f"the interval of {score.metric}"
                return f"{what} is {_shown(one)} in the record, {_shown(two)} by its evidence"
        if (score.protocol, score.images) != (other.protocol, other.images):
            return f"{score.metric} is not measured as the record says"
    if scores:
        return f"it leaves out {next(iter(scores))}, which its evidence gives"
    if stated.bootstrap != found.bootstrap or stated.replicates.keys() != found.replicates.keys():
        return "its resamples are not those that its evidence gives"
    for metric in stated.replicates:
        one, two = _replicates(stated, metric), _replicates(found, metric)
        if len(one) != len(two) or not all(map(_same, one, two)):
            return f"the resamples of {metric} are not those that its evidence gives"
    return None if stated.cell == found.cell else "its cell's key is not that of its content"


def contradiction(one: Record, other: Record) -> str | None:
    """Return the first thing in which two records contradict each other; None where they do not.

    They may be of two machines, on which a network's numbers differ in the last digits and a pixel's class now and
    then: a ten-thousandth, less than tables print, is no contradiction. And they may be of two releases: what only one
    of them states, such as a class's own score, is none either.
    """
    if one.images != other.images:
        return f"it counts {other.images} images, not {one.images}"
    scores = {score.metric: score for score in other.scores}
    for score in one.scores:
        found = scores.get(score.metric)
        if found is None:
            continue
        if score.protocol != found.protocol:
            return f"{score.metric} is measured by {found.protocol}, not by {score.protocol}"
        if not _same(score.value, found.value, MACHINES):
            return f"{score.metric} is {_shown(found.value)}, not {_shown(score.value)}"
    return None


#: How far numbers of one evidence may lie apart, absolute and relative; replicates are kept as float32.
_TOLERANCE = 1e-6
#: The same for numbers of two machines.
MACHINES = 1e-4


def _same(one: float | None, two: float | None, tolerance: float = _TOLERANCE) -> bool:
    if one is None or two is None:
        return one is two
    if math.isnan(one) or math.isnan(two):
        return math.isnan(one) and math.isnan(two)
    return math.isclose(one, two, rel_tol=tolerance, abs_tol=tolerance)


def _shown(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.6g}"


def _replicates(record: Record, metric: str) -> list[float]:
    values = record.replicate(metric)
    return [] if values is None else [float(value) for value in values]
