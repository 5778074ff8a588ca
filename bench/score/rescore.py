"""Scores records again from their evidence, on a machine without data, networks, torch or a GPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bench.errors import BadData, BadRecord
from bench.keep.records import Head, Record
from bench.keep.store import Store
from bench.score.scorer import Scorer
from downstream.tasks import is_known


def rescore(store: Store) -> list[tuple[Record, bool]]:
    """Score every record of a store again and write those that change.

    Returns:
        Each record with whether it differs from what was there.

    Raises:
        BadData: If the store has no records.
        BadRecord: If a record, manifest or evidence file is not valid, or evidence of a record has been lost since; no
            record is written then.
    """
    records = store.read_records() if store.records.is_dir() else []
    if not records:
        raise BadData(f"no records in {store.root}: give the --out folder of a run")
    results = []
    for old, new in score_again(store, records):
        if new.images < old.images:
            raise BadRecord(
                f"{old.filename()} was made from {old.images} scenes, of which {new.images} have evidence now: "
                f"run the suite again, which makes it again (`bench store verify {store.root}` names damaged files)"
            )
        if new.images == old.images:
            new = new.model_copy(update={"reason": old.reason})  # why scenes failed is not in the evidence
        results.append((old, new))
    for old, new in results:
        if new != old:
            path = store.write_record(new)
            if path.name != old.filename():
                (store.records / old.filename()).unlink()
    return [(new, new != old) for old, new in results]


def score_again(store: Store, records: Iterable[Record]) -> Iterator[tuple[Record, Record]]:
    """Score records of a store from its evidence; nothing is written.

    Yields:
        Each record with what its evidence gives.

    Raises:
        BadRecord: If a task comes from a file that was not named, or a manifest or evidence file is not valid.
    """
    scorers: dict[str, Scorer] = {}
    for record in records:
        if not is_known(record.task):
            raise BadRecord(
                f"{record.filename()} is of task {record.task}, which comes from a file: "
                f"name it with --task FILE.py:NAME"
            )
        fingerprint = record.data.fingerprint
        if fingerprint not in scorers:
            scorers[fingerprint] = Scorer(store, fingerprint)
        yield record, scorers[fingerprint].record(Head.of(record), record.run)
