"""Do the records of a board say what the records around them say?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.errors import BenchError
from bench.hashing import content_key
from bench.keep.difference import MACHINES
from bench.keep.records import Record
from bench.score.stats import compared
from bench.vocabulary import CLEAN, GAIN, NONE, RECOVERY, REFERENCES
from reports.honesty import record_problems
from reports.results import Group, Results, paired, read_results, sampled_score


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
        # The rows may be of another machine than what is compared with them; recovery divides by what rain took.
        scale = abs(clean.value - rainy.value) if kind == RECOVERY and clean is not None else 1.0
        same = (math.isnan(stated) and not expected.defined) or (
            scale > 0 and math.isclose(stated, expected.value, rel_tol=MACHINES, abs_tol=MACHINES / scale)
        )
        if not same:
            given = f"rows {' and '.join(rows)} give" if len(rows) > 1 else f"row {rows[0]} gives"
            found.append(
                f"{record.filename()}: {score.metric} of {stated:g} is not what {given}, "
                f"{expected.value:g}: run the cell again or remove the file"
            )
    return found
