"""From a plan and what came of it to records: what they say beside scores, and which may stand side by side."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from bench import environment
from bench.engine.outline import Outline
from bench.engine.plan import Cell, Plan
from bench.engine.scheduler import Execution
from bench.engine.work import Settings
from bench.errors import BadConfig
from bench.keep.manifest import fingerprint, make_boxes, make_manifest
from bench.keep.records import DataInfo, DerainerInfo, Head, ModelInfo, RainInfo, Record
from bench.keep.store import Store
from bench.rain import spec_of
from bench.score.scorer import Scorer, cell_key
from bench.vocabulary import BOXES, OBJECT, OUTLINES, OWN, REFERENCES
from downstream.tasks import is_registered


def make_heads(plan: Plan) -> list[tuple[Cell, Head]]:
    """Return each cell with what is known of its record before scoring."""
    keys = {(id(cell.variant), cell.label, cell.task.about.name, cell.model): cell.key for cell in plan.cells}
    data = {id(v.data): v for v in plan.outline.variants}
    fingerprints = {name: fingerprint(make_manifest(v.data, v.digests)) for name, v in data.items()}
    heads = []
    for cell in plan.cells:
        variant, task, component = cell.variant, cell.task, plan.components.derainers.get(cell.label)
        rows = {label: (id(variant), label, task.about.name, cell.model) for label in REFERENCES}
        model = None
        if cell.model is not None:
            loaded = plan.components.models[cell.model]
            model = ModelInfo(
                name=loaded.name,
                classes=task.classes(loaded.classes, variant.data),
                key=loaded.key,
                unscored=("masks",) if loaded.masks and OUTLINES not in task.needs else (),
            )
        heads.append(
            (
                cell,
                Head(
                    derainer=DerainerInfo(
                        label=cell.label,
                        name=component.name if component else cell.label,
                        card=component.card if component else {},
                        key=component.key if component else {},
                    ),
                    data=DataInfo(
                        name=variant.data.name,
                        kind=variant.data.kind,
                        split=variant.data.split,
                        scenes=len(variant.data.scenes),
                        fingerprint=fingerprints[id(variant.data)],
                        depth_source=(variant.rain_key or {}).get("depth"),
                        notes=variant.data.notes,
                    ),
                    rain=RainInfo(
                        name=variant.rain.name,
                        version=variant.rain.version,
                        seed=variant.seed,
                    ),
                    variant=variant.name,
                    task=task.about.name,
                    about=None if is_registered(task.about.name) else task.about,
                    model=model,
                    evidence=cell.key,
                    references={label: keys[row] for label, row in rows.items() if row in keys},
                ),
            )
        )
    return heads


def check_labels(store: Store, heads: Sequence[tuple[Cell, Head]]) -> None:
    """Refuse to mix, under one name, records of different derainers, models or files.

    Raises:
        BadConfig: Naming what differs, before anything is written.
    """
    there = {Head.of(old).row: old for old in _records(store)}
    own = {old.data.name: old.rain.name for old in there.values()}
    for cell, head in heads:
        rain = own.get(head.data.name, head.rain.name)
        if (rain == OWN) != (head.rain.name == OWN):
            raise BadConfig(
                f"{store.root} holds results of {head.data.name} with --rain {rain}, and its photos cannot be both of "
                f"real rain and clean: give {head.variant} another --out"
            )
        old = there.get(head.row)
        if old is None or not old.images or cell.fault:  # what failed altogether has nothing to be mixed with
            continue
        if old.evidence == head.evidence:
            if old.data.fingerprint != head.data.fingerprint:
                raise BadConfig(
                    f"{store.root} holds results of {old.variant} made from other files: give another --out"
                )
            continue
        label, where = head.derainer.label, f"{head.task} on {head.variant}"
        if old.derainer.key != head.derainer.key:
            name = head.derainer.name
            advice = "another label" if name == OBJECT else f"a label (new={name}...)"
            raise BadConfig(
                f"{store.root} holds a result of {label}, {where}, with other weights, code or settings: "
                f"give it {advice} or another --out"
            )
        model = head.model
        what = (
            f"model {model.name} was another (weights, config or versions)"
            if old.model and model and old.model.key != model.key
            else "rain was drawn by other code"
            if old.rain.version != head.rain.version
            else f"{head.task} is computed by other code of yours"
            if head.about is not None
            else "evidence was made by another version of this program"
        )
        raise BadConfig(f"{store.root} holds a result of {where} whose {what}: give another --out")


def write_manifests(store: Store, plan: Plan) -> None:
    """Keep what scoring needs of every data set of a plan."""
    for variant in {id(v.data): v for v in plan.outline.variants}.values():
        manifest = make_manifest(variant.data, variant.digests)
        filed = store.write_manifest(manifest)
        derived = variant.data.detection is not None and variant.data.detection.derived
        wanted = any(BOXES in task.needs for task in plan.outline.tasks)
        if derived and wanted and not store.has_boxes(filed):
            store.write_boxes(filed, make_boxes(variant.data))


def write_records(
    store: Store,
    plan: Plan,
    heads: Sequence[tuple[Cell, Head]],
    execution: Execution,
    settings: Settings,
    *,
    again: bool = False,
) -> Iterator[Record]:
    """Score the cells of a plan, write the records that are new and yield all of them, in the plan's order.

    Args:
        store: Where the evidence lies.
        plan: What was to be done.
        heads: From :func:`make_heads`.
        execution: What came of it.
        settings: How networks were loaded.
        again: Write records that are there already once more.
    """
    places = {id(variant): index for index, variant in enumerate(plan.outline.variants)}
    failed: dict[tuple[int, str], dict[str, str]] = {}
    for failure in execution.failures:
        for key in failure.keys:
            failed.setdefault((failure.variant, key), {}).setdefault(failure.scene or "", failure.reason)
    for cell in plan.cells:
        if cell.fault:
            failed[places[id(cell.variant)], cell.key] = {"": cell.fault}
    records = _records(store)
    # One network may look under two labels: its cells have the same evidence.
    finished = {(old.cell, old.model.name if old.model else None): old for old in records}
    superseded = {Head.of(old).row: old.filename() for old in records}
    scored = {Head.of(old).row for old in records if old.images}
    lacking = {cell.key for cell in plan.cells if cell.missing}
    scorers: dict[str, Scorer] = {}
    about: dict[str, Any] = {
        "versions": environment.versions(),
        "processor": environment.processor(),
        "device": settings.device,
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    if execution.threads:
        about |= {"threads": execution.threads, "workers": execution.workers}
    for cell, head in heads:
        filed = head.data.fingerprint
        if filed not in scorers:
            scorers[filed] = Scorer(store, filed)
        scorer = scorers[filed]
        old = finished.get((cell_key(head), head.model.name if head.model else None))
        new_evidence = execution.images and not lacking.isdisjoint({cell.key, *head.references.values()})
        if old is not None and scorer.complete(old) and not new_evidence:
            yield old
            continue
        place = places[id(cell.variant)]
        notes = {note.text for note in execution.notes if (note.variant, note.key) == (place, cell.key)}
        about_cell = {
            "choices": _choices(plan.outline, cell),
            "seconds_per_image": scorer.seconds(head),
            **_restoring(execution, cell, old),
            "notes": sorted(notes.union(old.run.get("notes", ()) if old else ())),
        }
        record = scorer.record(head, about | about_cell, failed.get((place, head.evidence)))
        if old is not None and not again and _same(old, record):
            yield old
            continue
        if cell.fault and head.row in scored:
            yield record  # what the label stood for when it could be loaded is kept
            continue
        path = store.write_record(record)
        before = superseded.get(head.row, path.name)
        if before != path.name:
            (store.records / before).unlink(missing_ok=True)
        yield record


def _records(store: Store) -> list[Record]:
    return store.read_records() if store.records.is_dir() else []


def _restoring(execution: Execution, cell: Cell, old: Record | None) -> dict[str, float]:
    """What the derainer took before the model looked; of an earlier run where this one restored nothing."""
    if seconds := execution.restoring.get(cell.key):
        return {"restoring_seconds_per_image": median(seconds)}
    known = old.run.get("restoring_seconds_per_image") if old else None
    return {} if known is None else {"restoring_seconds_per_image": known}


def _same(one: Record, other: Record) -> bool:
    return one.model_dump(exclude={"run"}) == other.model_dump(exclude={"run"})


def _choices(found: Outline, cell: Cell) -> dict[str, Any]:
    """Return the suite that holds this cell alone, as plain values; `bench verify` runs it again."""
    suite = found.suite
    rain = {"rain": (spec_of(cell.variant.rain),), "models": ()}
    alone = suite.model_copy(
        update={
            "variants": (cell.variant.choice.model_copy(update=rain),),
            "derainers": tuple(str(spec) for spec in found.derainers if spec.label == cell.label),
            "tasks": (found.spec_of(cell.task),),
            "models": () if cell.model is None else (found.models[cell.model],),
        }
    )
    return alone.model_dump(mode="json", exclude_defaults=True, exclude={"timeout"})
