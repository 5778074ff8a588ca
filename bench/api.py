"""The main job as a function: what ``bench run`` does, for scripts and notebooks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.engine import recall
from bench.engine.outcome import check_labels, make_heads, write_manifests, write_records
from bench.engine.plan import Components, Outline, check_classes, make_plan, outline, where
from bench.engine.scheduler import Engine, Execution, LocalEngine, Stopped, resolve_device
from bench.engine.suite import Suite, suite_of
from bench.engine.work import Settings, make_jobs
from bench.errors import BadConfig, BadData, BenchError, OutputError
from bench.keep.records import Record
from bench.keep.store import Store
from bench.problems import Problems

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

    def note(self, text: str) -> None:
        """Say something odd about the data or the choices, which a reader of the results should know."""

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
        """One line per cell that is not complete; cells that one derainer lacks for one reason share theirs."""
        cells: dict[tuple[str, str | None], list[str]] = {}
        for record in self.records:
            if record.status != "ok":
                where = cells.setdefault((record.derainer.label, record.reason), [])
                where.append(f"{record.variant}, {record.task}")
        return [
            f"{label} on {where[0]}{f' and {len(where) - 1} further cells' if where[1:] else ''}: {reason}"
            for (label, reason), where in cells.items()
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
    save_images: bool = False,
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
        save_images: Keep the images that the run looks at, as ``OUT/images/VARIANT/DERAINER/SCENE.png``.
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
        save_images=save_images,
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
    save_images: bool = False,
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
        heads = make_heads(plan)
        check_labels(store, heads)
        if strategy == "never" and any(len(c.missing) < len(c.variant.data.scenes) for c in plan.cells):
            raise BadData(
                f"{out} already has evidence of this run: give another --out, or a strategy other than never"
            )
        store.prepare()
        if not components.faults:  # what was wrong may be mended by the next time
            recall.remember(store, found, settings, components)
        write_manifests(store, plan)
        execution = Execution()
        if plan.shards and strategy != "only-cache":
            watcher.begin(plan.images)
            try:
                jobs = make_jobs(plan, store, settings, again=again, save_images=save_images)
                execution = make_engine().execute(plan, jobs, watcher.advance)
            finally:
                watcher.end()
        watcher.stage("scoring")
        return Run(tuple(write_records(store, plan, heads, execution, settings, again=again)), Path(out))


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

    Raises:
        BenchError: On the first precondition that is not met.
    """
    if workers is not None and workers < 1:
        raise BadConfig(f"--workers {workers}: there must be one at least")
    store = Store(Path(out))
    check_writable(Path(out))
    store.check()
    watcher.stage("checking data and choices")
    found = outline(suite)
    for note in found.notes:
        watcher.note(note)
    trust = ",".join(suite.checkpoint_trust) or None
    # On a cluster it is not this machine that has to have the GPUs.
    resolve = getattr(engine, "resolve_device", resolve_device)
    settings = Settings(resolve(device), suite.precision, suite.tile, trust)
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

        components = recall.recall(store, found, settings)
        if components is None:
            watcher.stage("loading networks")
            components = make_engine().components(found)
            settle_faults(found, components, fail_fast, watcher)
        for note in check_classes(found, components):
            watcher.note(note)
        yield found, components, store, settings, make_engine


def settle_faults(found: Outline, components: Components, fail_fast: bool, watcher: Watcher) -> None:
    """Decide what derainers that cannot be loaded mean for a run: it goes on as long as one is left.

    Raises:
        BenchError: If none is left; all faults are named.
        Stopped: With ``fail_fast``, on the first fault.
    """
    faults = components.faults
    if faults and len(faults) == len(components.derainers):
        problems = Problems(where(found.suite))
        for index, fault in enumerate(faults.values()):
            with problems.at(f"derainers.{index}"):
                raise BenchError(fault)
        problems.settle()
    for label, fault in faults.items():
        if fail_fast:
            raise Stopped(f"{fault} (stopped by --fail-fast)")
        watcher.note(f"{label} is left out, the others run: {fault}")


def check_writable(path: Path) -> None:
    """Check that a folder can be made and written to, without making it.

    Raises:
        OutputError: If not.
    """
    import os
    import tempfile

    place = path
    try:
        while not place.exists() and place != place.parent:
            place = place.parent
        if not place.is_dir():
            raise OutputError(f"{place} is a file, not a folder: give another --out")
        handle, name = tempfile.mkstemp(prefix=".tmp-", dir=place)
        os.close(handle)
        os.unlink(name)
    except OSError as error:
        raise OutputError(f"cannot write to {place}: {error.strerror or error}; give another --out") from None


__all__ = ["STRATEGIES", "Run", "Strategy", "Watcher", "run", "run_suite"]
