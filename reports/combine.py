"""Records of several runs as those of one: what two stores have in common stands in a report once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.errors import BadConfig, BadRecord, some, unknown
from bench.keep.entry import read_folder
from bench.keep.records import Head, Record
from bench.listing import pair
from bench.vocabulary import REFERENCES
from reports.honesty import record_problems


@dataclass(frozen=True)
class Found:
    """A record and where it came from."""

    record: Record
    place: str


def read_runs(folders: Sequence[Path], labels: Sequence[str] = ()) -> list[Record]:
    """Read the records of several runs as those of one.

    Args:
        folders: --out folders of runs, or folders of records and entries.
        labels: ``FOLDER:LABEL=OTHER`` each: what a derainer of one of the folders is called instead.

    Raises:
        BadData: If one is no folder of a run, or has no records.
        BadRecord: If a record is not valid or contradicts its own resamples, or two of one cell have different
            evidence.
        BadConfig, UnknownName: If a label is not written so, or names no folder or derainer.
    """
    names = [str(folder) for folder in folders]
    runs = {name: read_folder(folder) for name, folder in zip(names, folders, strict=True)}
    wrong = [line for records in runs.values() for record in records for line in record_problems(record)]
    if wrong:
        raise BadRecord(wrong[0] + (f" (and {len(wrong) - 1} more records or scores)" if wrong[1:] else ""))
    for text in labels:
        _relabel(runs, text)
    return combine(runs.items())


def combine(runs: Iterable[tuple[str, Sequence[Record]]]) -> list[Record]:
    """Make one run of several.

    Records of one cell (variant, task, model and label) with equal evidence are one: the one with more images, else the
    newer, with the mean of their times.

    Args:
        runs: Each with the name that messages give it.

    Raises:
        BadRecord: If two records of one cell have different evidence, or data sets of one name different files.
    """
    cells: dict[tuple[str, str, str | None, str], list[Found]] = {}
    data: dict[str, Found] = {}
    for place, records in runs:
        for record in records:
            found = Found(record, place)
            first = data.setdefault(record.data.name, found)
            if first.record.data.fingerprint != record.data.fingerprint:
                raise BadRecord(
                    f"{first.place} and {place} have different files under the name {record.data.name}: "
                    f"report them apart"
                )
            same = cells.setdefault(Head.of(record).row, [])
            if same and same[0].record.evidence != record.evidence:
                raise BadRecord(_conflict(same[0], found))
            same.append(found)
    return [_one([found.record for found in same]) for same in cells.values()]


def _one(records: Sequence[Record]) -> Record:
    """The best of records that say the same, with the times of all."""
    best = max(records, key=lambda record: (record.images, str(record.run.get("date", ""))))
    pooled = {}
    for name in ("seconds_per_image", "restoring_seconds_per_image"):
        times = [record.run.get(name) for record in records]
        known = [float(time) for time in times if isinstance(time, int | float)]
        if len(known) > 1:
            pooled[name] = fmean(known)
    return best.model_copy(update={"run": {**best.run, **pooled}}) if pooled else best


def _conflict(one: Found, other: Found) -> str:
    """What two records of one cell differ in, and what to do."""
    a, b = one.record, other.record
    label, where = a.derainer.label, f"{a.task} on {a.variant}"
    remedy = f"tell them apart with --label '{other.place}:{label}=OTHER'"
    if one.place == other.place:
        return f"{a.filename()} and {b.filename()} are two records of one cell: remove one"
    if a.derainer.key != b.derainer.key:
        what = f"another derainer as {label} ({_differing(a.derainer.key, b.derainer.key)})"
    elif a.model is not None and b.model is not None and a.model.key != b.model.key:
        what = f"another model as {a.model.name} ({_differing(a.model.key, b.model.key)})"
        remedy = "report them apart"
    elif a.rain.version != b.rain.version:
        what = f"rain drawn by other code ({a.rain.version} and {b.rain.version})"
        remedy = "report them apart"
    else:
        what = "evidence of another version of the program"
        remedy = "report them apart" if label in REFERENCES else remedy
    return f"{one.place} and {other.place} have {what}, in {where}: {remedy}"


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    names = dict.fromkeys([*one, *other])
    return some([name for name in names if one.get(name) != other.get(name)])


def _relabel(runs: dict[str, list[Record]], text: str) -> None:
    parts = pair(text)
    place = next((name for name in runs if parts and parts[0].startswith(f"{name}:")), None)
    if parts is None or place is None:
        raise BadConfig(
            f"--label {text}: write FOLDER:LABEL=OTHER, where FOLDER is one of {', '.join(runs)} as it is given"
        )
    old, new = parts[0][len(place) + 1 :], parts[1]
    found = {record.derainer.label for record in runs[place]}
    if old not in found:
        raise unknown(f"derainer of {place}", old, found)
    if new in found:
        raise BadConfig(f"--label {text}: {place} has a derainer of that name already")
    runs[place] = [
        relabelled(record, new) if record.derainer.label == old else record for record in runs[place]
    ]


def relabelled(record: Record, label: str) -> Record:
    """The record under another label."""
    return record.model_copy(update={"derainer": record.derainer.model_copy(update={"label": label})})
