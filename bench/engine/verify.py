"""Runs a sample of a record's images again and compares the evidence."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.engine.local import ThisMachine
from bench.engine.session import open_session
from bench.engine.suite import Suite, code_in, make_suite, override_suite
from bench.errors import BadConfig, BadRecord
from bench.keep.difference import disagreement
from bench.keep.records import Record, read_record
from bench.keep.store import Store
from bench.score.rescore import score_again
from bench.seeds import rng_from
from downstream.tasks import find_task, is_known, load_task
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


def verify(
    path: Path,
    sample: int,
    *,
    device: str = "auto",
    workers: int | None = None,
    choices: Mapping[str, Any] | None = None,
) -> list[Verdict]:
    """Run some of a record's scenes again and hold them against its evidence.

    A record is data, whoever sent it: nothing that it names is run but what comes with the program or an installed
    package. Code of anybody's own (Python files, configs, TorchScript) is run where the user names it, and checkpoints
    are unpickled where the user trusts them.

    Args:
        path: A record in a store.
        sample: How many scenes; chosen by the record's key.
        device: See :func:`bench.run`.
        workers: See :func:`bench.run`.
        choices: What the user names in the place of what the record does: ``derainer``, ``model``, ``checkpoint``,
            ``task``, ``rain``, ``data``, ``trust_checkpoint``, as for :func:`bench.engine.suite.suite_of`.

    Returns:
        One verdict per scene.

    Raises:
        BadRecord: If the record is not in a store with its evidence, does not say how it was made, or names code that
            the user did not.
        BenchError: If what it was made from is not there any more.
    """
    record = read_record(path)
    suite = _suite(record, choices or {})
    (task,) = suite.load_tasks()
    if task.about.name != record.task:
        raise BadConfig(
            f"--task {suite.tasks[0]} is the task {task.about.name}, the record is of {record.task}"
        )
    kept = _kept(path, Store(path.resolve().parent.parent), record, task)
    names = sorted(kept)
    chosen = rng_from("verify", record.cell).permutation(len(names))[:sample]
    scenes = {names[index] for index in chosen}
    fresh = _again(record, suite, scenes, device, workers)
    return [Verdict(name, _compare(task, kept[name], fresh.get(name))) for name in sorted(scenes)]


def check_scores(path: Path, task: str | None = None) -> str | None:
    """Score a record again from its evidence, without data or networks.

    Args:
        path: A record in a store.
        task: The record's task, where it is ``FILE.py:NAME``; its code is run.

    Returns:
        In what the record differs from its evidence; None where it does not.

    Raises:
        BadRecord: If the record is not in a store with its evidence.
    """
    if task is not None:
        load_task(task)
    record = read_record(path)
    store = Store(path.resolve().parent.parent)
    if is_known(record.task):
        _kept(path, store, record, find_task(record.task))
    ((_, found),) = score_again(store, [record])
    return disagreement(record, found)


def _kept(path: Path, store: Store, record: Record, task: Task) -> dict[str, Row]:
    """Return the rows that a record is made of, by scene."""
    rows = store.read(record.evidence, task)
    listed = store.read_manifest(record.data.fingerprint)["scenes"] if rows else []
    kept = {name: rows[name, digest] for name, digest in listed if (name, digest) in rows}
    if not kept:
        raise BadRecord(
            f"{path} lies apart from its evidence: give the record in the store that it was made in"
        )
    return kept


#: The choices that may be several elsewhere.
_LISTS = ("derainer", "task", "rain", "model", "checkpoint")


def _suite(record: Record, choices: Mapping[str, Any]) -> Suite:
    """Return the suite of a record's cell, with what the user names in the place of what the record does.

    Raises:
        BadRecord: If the record does not say how it was made, or names code that the user did not.
    """
    from derainers import parse_derainers

    stated = record.run.get("choices")
    if not isinstance(stated, dict) or not stated:
        raise BadRecord(f"{record.filename()} does not say how it was made: run its cell again to verify it")
    # Trust is the user's to give, never a record's to claim.
    suite = make_suite({**stated, "checkpoint_trust": ()}, record.filename())
    # Each names one thing, so that commas in it separate nothing.
    named = {
        option: [text] if option in _LISTS and isinstance(text, str) else text
        for option, text in choices.items()
    }
    if "derainer" in named:
        # The label is the record's: the user says what the code is, not what it is called.
        specs = parse_derainers(named["derainer"])
        if len(specs) != 1:
            raise BadConfig(f"--derainer {', '.join(named['derainer'])}: name one, that of the record")
        named["derainer"] = [str(replace(specs[0], label=record.derainer.label))]
    foreign = [f"--{option} {text}" for option, text in code_in(suite) if option not in named]
    if foreign:
        raise BadRecord(
            f"{record.filename()} names code, which is not run unless you name it: "
            f"look at it, then add {' '.join(foreign)}"
        )
    return override_suite(suite, named) if named else suite


def _again(
    record: Record, suite: Suite, scenes: set[str], device: str, workers: int | None
) -> dict[str, Row]:
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
