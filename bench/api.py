"""The main job as a function: what ``bench run`` does, for scripts and notebooks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench import environment, memo
from bench.engine import Engine, Execution, LocalEngine
from bench.errors import BadConfig, BadData, OutputError
from bench.manifest import make_manifest
from bench.plan import CLEAN, NONE, Cell, Components, Outline, Plan, make_plan, outline
from bench.records import Record
from bench.scoring import Scorer, cell_key
from bench.store import Store
from bench.suite import Suite, suite_of
from bench.worker import Settings, make_jobs

if TYPE_CHECKING:
    import pandas as pd

#: What is done about evidence that a store has already: make what is missing; make everything again; refuse to touch
#: a store that has any of it; make nothing and score what there is.
Strategy = Literal["only-missing", "always", "never", "only-cache"]
STRATEGIES: tuple[Strategy, ...] = ("only-missing", "always", "never", "only-cache")


class Watcher:
    """What a run tells the outside; every method may be overridden, none has to be."""

    def stage(self, text: str) -> None:
        """Say what the run is about to do."""

    def begin(self, images: int) -> None:
        """Say how many images are to be looked at."""

    def advance(self, images: int) -> None:
        """Say that so many more are done."""

    def end(self) -> None:
        """Say that all are done, or that the run was stopped."""


@dataclass(frozen=True)
class Run:
    """What came of a run.

    Attributes:
        records: The records of its cells, in the order of the table.
        out: The store.
    """

    records: tuple[Record, ...]
    out: Path

    @property
    def problems(self) -> list[str]:
        """One line per cell that is not complete."""
        return [
            f"{record.derainer.label} on {record.variant}, {record.task}: {record.reason}"
            for record in self.records
            if record.status != "ok"
        ]

    def rows(self) -> list[dict[str, Any]]:
        """Return the report's rows; see ``bench report --format json``."""
        from reports import rows

        return rows(self.records)

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def _repr_html_(self) -> str:
        from reports import render

        return render(self.records, "html")

    def __repr__(self) -> str:
        from reports import render

        return render(self.records, "md")


def run(
    derainer: str | Sequence[str] = (),
    task: str | Sequence[str] = "detection",
    data: str = "street",
    split: str | None = None,
    rain: str | Sequence[str] = "streaks:medium",
    model: str | Sequence[str] = (),
    checkpoint: str | Sequence[str] = (),
    out: str | Path = "runs",
    limit: int | None = None,
    device: str = "auto",
    seed: int = 0,
    *,
    precision: str = "auto",
    tile: str = "auto",
    trust_checkpoint: str | Sequence[str] = (),
    workers: int | None = None,
    strategy: Strategy = "only-missing",
    fail_fast: bool = False,
    watcher: Watcher | None = None,
) -> Run:
    """Restore a rainy data set with each derainer, show it to the models, and score what they see.

    Args:
        derainer: ``[LABEL=]NAME[:ARG]``, several separated by commas or as a sequence. The rows ``clean`` and
            ``none`` are always there.
        task: ``detection``, ``segmentation``, ``restoration``, or several.
        data: ``street`` or ``KIND:DIR``.
        split: The data set's split; None takes the kind's default.
        rain: ``streaks:light|medium|heavy``, ``rainfall:R``, ``none``, or several.
        model: A name of the model index, an embedded one or a config file; ``TASK=NAME`` where several tasks need one.
        checkpoint: The model's checkpoint; ``TASK=FILE`` likewise.
        out: The store; evidence that it has already is not made again.
        limit: Only the first so many scenes.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        seed: Seeds the rain.
        precision: ``auto``, ``fp32`` or ``bf16``: what derainers compute in.
        tile: ``auto``, ``off`` or ``SIZE[+OVERLAP]``: how derainers cut large images.
        trust_checkpoint: SHA-256 of checkpoints that may be unpickled although they are not plain weights.
        workers: Worker processes; None takes one per core or per GPU.
        strategy: What is done about evidence that the store has already.
        fail_fast: Stop at the first failure instead of finishing the rest.
        watcher: Is told what goes on.

    Returns:
        The run, whose ``rows()`` are the report's rows.

    Raises:
        BenchError: On a wrong choice, before the first image.

    Example:
        >>> from bench import run
        >>> result = run(derainer="median", limit=2, out="runs/example")  # doctest: +SKIP
        >>> result.to_pandas()  # doctest: +SKIP
    """
    choices = {
        "derainer": derainer,
        "task": task,
        "data": data,
        "split": split,
        "rain": rain,
        "model": model,
        "checkpoint": checkpoint,
        "limit": limit,
        "seed": seed,
        "precision": precision,
        "tile": tile,
        "trust_checkpoint": trust_checkpoint,
    }
    suite = suite_of(choices)
    return run_suite(
        suite,
        out,
        device=device,
        workers=workers,
        strategy=strategy,
        fail_fast=fail_fast,
        watcher=watcher,
    )


def run_suite(
    suite: Suite,
    out: str | Path = "runs",
    *,
    device: str = "auto",
    workers: int | None = None,
    strategy: Strategy = "only-missing",
    fail_fast: bool = False,
    watcher: Watcher | None = None,
    engine: Callable[[Settings], Engine] | None = None,
) -> Run:
    """Run a suite; see :func:`run` for the arguments.

    Args:
        engine: Makes the engine from the settings; None takes this machine's processes.
    """
    if strategy not in STRATEGIES:
        raise BadConfig(f"strategy {strategy!r}: choose one of {', '.join(STRATEGIES)}")
    watcher = watcher or Watcher()
    with preparing(
        suite, out, device=device, workers=workers, fail_fast=fail_fast, watcher=watcher, engine=engine
    ) as (
        found,
        components,
        store,
        settings,
        make_engine,
    ):
        again = strategy == "always"
        plan = make_plan(found, components, store, again=again)
        heads = _heads(plan, found)
        _check_labels(store, heads)
        if strategy == "never" and any(len(c.missing) < len(c.variant.data.scenes) for c in plan.cells):
            raise BadData(
                f"{out} already has evidence of this run: give another --out, or a strategy other than never"
            )
        store.prepare()
        memo.remember(store, found, settings, components)
        for variant in found.variants:
            store.write_manifest(make_manifest(variant.data, variant.digests))
        execution = Execution()
        if plan.shards and strategy != "only-cache":
            watcher.begin(plan.images)
            try:
                jobs = make_jobs(plan, store, settings, again=again)
                execution = make_engine().execute(plan, jobs, watcher.advance)
            finally:
                watcher.end()
        watcher.stage("scoring")
        return Run(tuple(_score(store, plan, heads, execution, settings)), Path(out))


@contextlib.contextmanager
def preparing(
    suite: Suite,
    out: str | Path,
    *,
    device: str,
    workers: int | None,
    fail_fast: bool,
    watcher: Watcher,
    engine: Callable[[Settings], Engine] | None,
) -> Iterator[tuple[Outline, Components, Store, Settings, Callable[[], Engine]]]:
    """Check every precondition of a suite and load its networks, or recall what they are.

    Nothing is written. The engine is started when it is first needed and closed at the end.
    """
    from bench.engine import resolve_device

    store = Store(Path(out))
    check_writable(Path(out))
    watcher.stage("checking data and choices")
    found = outline(suite)
    trust = ",".join(suite.checkpoint_trust) or None
    settings = Settings(resolve_device(device), suite.precision, suite.tile, trust)
    with contextlib.ExitStack() as stack:
        started: list[Engine] = []

        def make_engine() -> Engine:
            if not started:
                made = (
                    engine(settings)
                    if engine
                    else LocalEngine(settings, workers=workers, fail_fast=fail_fast)
                )
                stack.callback(made.close)
                started.append(made)
            return started[0]

        components = memo.recall(store, found, settings)
        if components is None:
            watcher.stage("loading networks")
            components = make_engine().components(found)
        yield found, components, store, settings, make_engine


def check_writable(path: Path) -> None:
    """Check that a folder can be made and written to, without making it.

    Raises:
        OutputError: If not.
    """
    import os
    import tempfile

    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise OutputError(f"{place} is a file, not a folder: give another --out")
    try:
        handle, name = tempfile.mkstemp(prefix=".tmp-", dir=place)
        os.close(handle)
        os.unlink(name)
    except OSError as error:
        raise OutputError(f"cannot write to {place}: {error.strerror or error}; give another --out") from None


def _heads(plan: Plan, found: Outline) -> list[tuple[Cell, dict[str, Any]]]:
    """Return each cell with the fields of its record that are known before scoring."""
    keys = {(id(cell.variant), cell.label, cell.task, cell.model): cell.key for cell in plan.cells}
    fingerprints = {id(v): _fingerprint(make_manifest(v.data, v.digests)) for v in found.variants}
    heads = []
    for cell in plan.cells:
        variant, component = cell.variant, plan.components.derainers.get(cell.label)
        references = {
            label: keys[id(variant), label, cell.task, cell.model]
            for label in (CLEAN, NONE)
            if (id(variant), label, cell.task, cell.model) in keys
        }
        model = None
        if cell.model is not None:
            loaded = plan.components.models[cell.model]
            classes = (
                len(variant.data.segmentation.classes) if variant.data.segmentation else len(loaded.classes)
            )
            count = classes if cell.task == "segmentation" else len(loaded.classes)
            model = {"name": loaded.name, "classes": count, "key": loaded.key}
        heads.append(
            (
                cell,
                {
                    "derainer": {
                        "label": cell.label,
                        "name": component.name if component else cell.label,
                        "card": component.card if component else {},
                        "key": component.key if component else {},
                    },
                    "data": {
                        "name": variant.data.name,
                        "kind": variant.data.kind,
                        "split": variant.data.split,
                        "scenes": len(variant.data.scenes),
                        "fingerprint": fingerprints[id(variant)],
                        "depth_source": (variant.rain_key or {}).get("depth"),
                        "notes": variant.data.notes,
                    },
                    "rain": {
                        "name": variant.rain_name,
                        "version": "own" if variant.data.own_rain else variant.rain.version,
                        "seed": variant.seed,
                    },
                    "variant": variant.name,
                    "task": cell.task,
                    "model": model,
                    "evidence": cell.key,
                    "references": references,
                },
            )
        )
    return heads


def _fingerprint(manifest: dict[str, Any]) -> str:
    from bench.hashing import content_key

    return content_key(manifest)


def _check_labels(store: Store, heads: Sequence[tuple[Cell, dict[str, Any]]]) -> None:
    """Refuse to mix, under one name, records of different derainers, models or files.

    Raises:
        BadConfig: Naming the two, before anything is written.
    """
    if not store.records.is_dir():
        return
    there = {}
    for record in store.read_records():
        model = record.model.name if record.model else None
        there[record.variant, record.task, model, record.derainer.label] = record
    for _, head in heads:
        model = head["model"]["name"] if head["model"] else None
        record = there.get((head["variant"], head["task"], model, head["derainer"]["label"]))
        if record is None or record.evidence == head["evidence"]:
            if record is not None and record.data.fingerprint != head["data"]["fingerprint"]:
                raise BadConfig(
                    f"{store.root} holds results of {record.variant} made from other files: give another --out"
                )
            continue
        differ = [
            part
            for part, old, new in (
                ("derainer", record.derainer.key, head["derainer"]["key"]),
                ("model", record.model.key if record.model else None, head["model"] and head["model"]["key"]),
                ("rain", record.rain.version, head["rain"]["version"]),
            )
            if old != new
        ]
        what = differ[0] if differ else "program"
        raise BadConfig(
            f"{store.root} holds a result of {head['derainer']['label']} on {head['variant']} whose {what} was another "
            f"(weights, code or settings): give it a label (new={head['derainer']['name']}...) or another --out"
        )


def _score(
    store: Store,
    plan: Plan,
    heads: Sequence[tuple[Cell, dict[str, Any]]],
    execution: Execution,
    settings: Settings,
) -> Iterator[Record]:
    failed: dict[str, dict[str, str]] = {}
    for failure in execution.failures:
        for key in failure.keys:
            failed.setdefault(key, {}).setdefault(failure.scene or "", failure.reason)
    finished = {record.filename(): record for record in store.read_records()}
    scorers: dict[str, Scorer] = {}
    about = {
        "versions": environment.versions(),
        "processor": environment.processor(),
        "device": settings.device,
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    for cell, head in heads:
        fingerprint = head["data"]["fingerprint"]
        if fingerprint not in scorers:
            scorers[fingerprint] = Scorer(store, fingerprint)
        scorer = scorers[fingerprint]
        key = cell_key(head)
        old = next((r for r in finished.values() if r.cell == key and r.status == "ok"), None)
        if old is not None and not execution.images:
            yield old
            continue
        run_info = about | {
            "choices": _choices(plan.outline, cell),
            "seconds_per_image": scorer.seconds(head["evidence"], head["task"]),
            "notes": sorted(note for label, note in execution.notes if label == head["derainer"]["label"]),
        }
        record = scorer.record(head | {"run": run_info}, failed.get(head["evidence"]))
        if old is None or old.model_dump(exclude={"run"}) != record.model_dump(exclude={"run"}):
            store.write_record(record)
        yield record


def _choices(found: Outline, cell: Cell) -> dict[str, Any]:
    """Return the suite that holds this cell alone, as plain values; `bench verify` runs it again."""
    suite = found.suite
    rain = {} if cell.variant.data.own_rain else {"rain": (cell.variant.rain.name,)}
    alone = suite.model_copy(
        update={
            "variants": (cell.variant.choice.model_copy(update=rain),),
            "derainers": tuple(str(spec) for spec in found.derainers if spec.label == cell.label),
            "tasks": (cell.task,),
            "models": () if cell.model is None else (found.models[cell.model],),
        }
    )
    return alone.model_dump(mode="json", exclude_defaults=True)


__all__ = ["STRATEGIES", "Run", "Strategy", "Watcher", "run", "run_suite"]
