"""Does a record say what its own replicates, and the records around it, say?

A record that passes may still come from a machine that lies; `bench verify` re-runs a sample for that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bench.errors import BenchError
from bench.hashing import content_key
from bench.keep.records import Record, Score
from bench.score.stats import Estimate, Sampled, compared, estimate
from bench.vocabulary import CLEAN, GAIN, NONE, REFERENCES
from reports.results import Group, Results, paired, read_results, sampled_score

#: Replicates are kept as float32, scores as float64.
_ROUNDING = 1e-5
#: A score lies among its replicates; further out than this many of their deviations it is not theirs.
_DEVIATIONS = 8.0


def problems(records: Sequence[Record]) -> list[str]:
    """Everything in the records that contradicts something else in them, one line each."""
    by_record = {record.filename(): record_problems(record) for record in records}
    found = [line for lines in by_record.values() for line in lines]
    try:
        results = read_results(records)
    except BenchError as error:
        return [*found, str(error)]
    # A wrong score makes its recovery wrong too; one line says enough.
    return found + [line for name, line in reference_problems(results) if not by_record[name]]


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


def reference_problems(results: Results) -> list[tuple[str, str]]:
    """Recovery, harm and gain that the reference rows do not give, and references to other rows.

    Returns:
        The record's file name and a line, for each.
    """
    found = []
    for group in results:
        found += _copied(group)
        for label, record in group.records.items():
            for name in REFERENCES:
                row = group.records.get(name)
                if row is not None and record.references.get(name, row.evidence) != row.evidence:
                    line = f"its row {name} was another than {row.filename()}: take both from one run"
                    found.append((record.filename(), f"{record.filename()}: {line}"))
            if label not in REFERENCES:
                found += [(record.filename(), line) for line in _derived_problems(group, record)]
    return found


def _copied(group: Group) -> list[tuple[str, str]]:
    """Derainers whose evidence is another's: two networks do not agree to the last digit on every image.

    Those that leave the image as it is agree with the row `none`, and with each other.
    """
    rainy = group.records.get(NONE)
    owners: dict[str, str] = {} if rainy is None else {_fingerprint(rainy): NONE}
    found = []
    for label, record in group.records.items():
        if label in REFERENCES:
            continue
        owner = owners.setdefault(_fingerprint(record), label)
        owner = owners.setdefault(record.evidence, owner) if owner == label else owner
        if owner not in (label, NONE):
            line = f"{label} has the very evidence of {owner}: one of them is a copy, remove it"
            found.append((record.filename(), f"{record.filename()}: {line}"))
    return found


def _fingerprint(record: Record) -> str:
    """A hash of what a record says of every image and resample."""
    return content_key([record.replicates, record.breakdown.get("images")])


def _derived_problems(group: Group, record: Record) -> list[str]:
    if record.bootstrap is None:
        return []
    found = []
    for score in record.scores:
        if score.metric not in group.about.comparisons:
            continue
        stem, _, kind = score.metric.rpartition("_")
        rows = (NONE,) if kind == GAIN else REFERENCES
        others = [group.records[label] for label in rows if label in group.records]
        if len(others) < len(rows) or not all(paired(record, other) for other in others):
            continue
        parts = {r.derainer.label: sampled_score(r, stem) for r in (record, *others)}
        there = {label: part for label, part in parts.items() if part is not None and len(part.replicates)}
        if len(there) < len(parts):
            continue
        own, rainy, clean = there[record.derainer.label], there[NONE], there.get(CLEAN)
        expected = compared(kind, own, rainy, clean, record.bootstrap.level)
        stated = math.nan if score.value is None else score.value
        same = (math.isnan(stated) and not expected.defined) or math.isclose(
            stated, expected.value, rel_tol=1e-6, abs_tol=1e-9
        )
        if not same:
            given = f"rows {' and '.join(rows)} give" if len(rows) > 1 else f"row {rows[0]} gives"
            found.append(
                f"{record.filename()}: {score.metric} of {stated:g} is not what {given}, "
                f"{expected.value:g}: run the cell again or remove the file"
            )
    return found


def _agree(score: Score, expected: Estimate) -> bool:
    pairs = ((score.low, expected.low), (score.high, expected.high))
    for stated, found in pairs:
        if stated is None or math.isnan(found):
            if (stated is None) != math.isnan(found):
                return False
        elif abs(stated - found) > _ROUNDING * (1 + abs(found)):
            return False
    return True
