"""Verifies an entry of the board: scores it again from its evidence, and runs a sample of it where that can be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.engine.verify import verify
from bench.errors import BadRecord, BenchError
from bench.hashing import sha256_file
from bench.keep.difference import disagreement
from bench.keep.entry import Entry, open_entry
from bench.score.rescore import score_again


@dataclass
class EntryVerdict:
    """What came of verifying an entry.

    Attributes:
        label: The derainer's label.
        sha256: Hash of the entry's bytes.
        records: How many records were scored again.
        problems: What differs, a line each.
        images: How many images were run again with the same evidence,
        run: of how many records.
        left: Why the other records were not run again: reason to number of records.
    """

    label: str
    sha256: str
    records: int = 0
    problems: list[str] = field(default_factory=list)
    images: int = 0
    run: int = 0
    left: Counter[str] = field(default_factory=Counter)


def verify_entry(
    path: Path,
    sample: int,
    *,
    device: str = "auto",
    workers: int | None = None,
    choices: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] = lambda name: None,
) -> EntryVerdict:
    """Score every record of an entry again, then run some of its images again where data and derainer are at hand.

    Args:
        path: The entry.
        sample: How many images of each record to run again; 0 for none.
        device: See :func:`bench.run`.
        workers: See :func:`bench.run`.
        choices: See :func:`bench.engine.verify.verify`.
        progress: Told of each record before it is run again.

    Raises:
        BadRecord: If the file is no entry.
    """
    with open_entry(path) as entry:
        verdict = EntryVerdict(entry.statement.label, sha256_file(path))
        for stated, found in score_again(entry.store, (*entry.records, *entry.references)):
            problem = disagreement(stated, found)
            verdict.records += 1
            if problem:
                verdict.problems.append(f"{stated.filename()}: {problem}")
        if not verdict.problems and sample:
            _run_again(entry, verdict, sample, device, workers, choices or {}, progress)
    return verdict


def _run_again(
    entry: Entry,
    verdict: EntryVerdict,
    sample: int,
    device: str,
    workers: int | None,
    choices: Mapping[str, Any],
    progress: Callable[[str], None],
) -> None:
    for record in entry.records:
        progress(record.filename())
        try:
            scenes = verify(
                entry.store.records / record.filename(),
                sample,
                device=device,
                workers=workers,
                choices=choices,
            )
        except BadRecord as error:  # other weights, code or packages: what was claimed cannot be had here
            verdict.left[str(error).replace(record.filename(), "a record")] += 1
            continue
        except BenchError as error:  # its data or its derainer is not at hand
            verdict.left[str(error)] += 1
            continue
        verdict.run += 1
        for scene in scenes:
            if scene.problem:
                verdict.problems.append(f"{record.filename()}: {scene.scene}: {scene.problem}")
            else:
                verdict.images += 1
