"""Does a record say what its own resamples say?

A record that passes may still come from a machine that lies; `bench verify` scores it again and re-runs a sample.
"""

from __future__ import annotations

import math

import numpy as np

from bench.keep.records import Record, Score
from bench.score.stats import Estimate, Sampled, estimate

#: Replicates are kept as float32, scores as float64.
_ROUNDING = 1e-5
#: A score lies among its replicates; further out than this many of their deviations it is not theirs.
_DEVIATIONS = 8.0


def record_problems(record: Record) -> list[str]:
    """What one record says against itself."""
    found = []
    timed = record.run.get("seconds_per_image") is not None
    if timed and not (record.run.get("processor") and record.run.get("device")):
        found.append(f"{record.filename()}: states seconds without the machine that took them: run it again")
    for score in record.scores:
        reason = _score_problem(record, score)
        if reason:
            found.append(
                f"{record.filename()}: {score.metric} {reason}: run the cell again or remove the file"
            )
    return found


def _score_problem(record: Record, score: Score) -> str | None:
    metric = record.description.metric(score.metric)
    assert metric is not None  # the record's own check
    bottom, top = metric.limits
    numbers = [v for v in (score.value, score.low, score.high) if v is not None]
    if not all(bottom <= value <= top for value in numbers):
        return f"is outside [{bottom:g}, {top:g}]"
    if score.low is not None and score.high is not None and score.low > score.high:
        return f"has an interval that ends before it begins, [{score.low:g}, {score.high:g}]"
    replicates = record.replicate(score.metric)
    if replicates is None or record.bootstrap is None or score.value is None:
        return None
    if len(replicates) != record.bootstrap.resamples:
        return f"has {len(replicates)} replicates where {record.bootstrap.resamples} are stated"
    finite = replicates[np.isfinite(replicates)]
    reach = (
        _DEVIATIONS * float(finite.std()) + _ROUNDING * (1 + abs(score.value)) if finite.size else math.inf
    )
    if finite.size and abs(float(finite.mean()) - score.value) > reach:
        return f"of {score.value:g} is not the score of its replicates, whose mean is {finite.mean():g}"
    expected = estimate(Sampled(score.value, replicates), record.bootstrap.level, (bottom, top))
    if not _agree(score, expected):
        return f"has an interval that its replicates do not give, [{expected.low:g}, {expected.high:g}]"
    return None


def _agree(score: Score, expected: Estimate) -> bool:
    pairs = ((score.low, expected.low), (score.high, expected.high))
    for stated, found in pairs:
        if stated is None or math.isnan(found):
            if (stated is None) != math.isnan(found):
                return False
        elif abs(stated - found) > _ROUNDING * (1 + abs(found)):
            return False
    return True
