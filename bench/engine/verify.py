"""Runs a sample of a record's images again and compares the evidence."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from bench.engine.local import ThisMachine
from bench.engine.session import open_session
from bench.engine.suite import make_suite
from bench.errors import BadRecord
from bench.keep.records import Record, read_record
from bench.keep.store import Store
from bench.seeds import rng_from
from downstream.tasks import find_task
from downstream.tasks.base import Row, Task


@dataclass(frozen=True)
class Verdict:
    """What came of running one scene again.

    Attributes:
        scene: The scene's id.
        problem: What differs; None where the evidence is the same.
    """

    scene: str
    problem: str | None


def verify(path: Path, sample: int, *, device: str = "auto", workers: int | None = None) -> list[Verdict]:
    """Run some of a record's scenes again and hold them against its evidence.

    Args:
        path: A record in a store.
        sample: How many scenes; chosen by the record's key.
        device: See :func:`bench.run`.
        workers: See :func:`bench.run`.

    Returns:
        One verdict per scene.

    Raises:
        BadRecord: If the record is not in a store with its evidence, or does not say how it was made.
        BenchError: If what it was made from is not there any more.
    """
    record = read_record(path)
    store = Store(path.resolve().parent.parent)
    task = find_task(record.task)
    rows = store.read(record.evidence, task)
    listed = store.read_manifest(record.data.fingerprint)["scenes"] if rows else []
    kept = {name: rows[name, digest] for name, digest in listed if (name, digest) in rows}
    if not kept:
        raise BadRecord(
            f"{path} lies apart from its evidence: give the record in the store that it was made in"
        )
    names = sorted(kept)
    chosen = rng_from("verify", record.cell).permutation(len(names))[:sample]
    scenes = {names[index] for index in chosen}
    fresh = _again(record, scenes, device, workers)
    return [Verdict(name, _compare(task, kept[name], fresh.get(name))) for name in sorted(scenes)]


def _again(record: Record, scenes: set[str], device: str, workers: int | None) -> dict[str, Row]:
    choices = record.run.get("choices")
    if not choices:
        raise BadRecord(f"{record.filename()} does not say how it was made: run its cell again to verify it")
    suite = make_suite(choices, record.filename())
    with (
        tempfile.TemporaryDirectory() as folder,
        open_session(suite, Path(folder), ThisMachine(workers), device=device) as session,
    ):
        variant = session.outline.variants[0]
        few = replace(variant.data, scenes=tuple(s for s in variant.data.scenes if s.id in scenes))
        if not few.scenes:
            return {}
        digests = {name: digest for name, digest in variant.digests.items() if name in scenes}
        session.outline = replace(session.outline, variants=(replace(variant, data=few, digests=digests),))
        plan = session.plan()
        cells = [
            c for c in plan.cells if c.label == record.derainer.label and c.task.about.name == record.task
        ]
        if cells[0].key != record.evidence:
            raise BadRecord(
                f"{record.filename()} was made by other weights, code, packages or settings than are here now: "
                f"its key is {record.evidence[:12]}, here it is {cells[0].key[:12]}"
            )
        plan = replace(plan, cells=tuple(replace(cell, todo=tuple(digests)) for cell in cells))
        session.store.prepare()
        session.execute(plan, session.works(plan), lambda images: None)
        rows = session.store.read(record.evidence, find_task(record.task))
        return {name: row for (name, _), row in rows.items()}


def _compare(task: Task, kept: Row, fresh: Row | None) -> str | None:
    if fresh is None:
        return "could not be run again"
    if kept.digest != fresh.digest:
        return "the scene's files have changed"
    return task.difference(kept, fresh)
