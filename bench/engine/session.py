"""What a run has open: its data, its networks, its store and its workers, checked before the first image."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.engine import recall
from bench.engine.outline import Outline, check_seats, outline, where
from bench.engine.plan import Components, Plan, check_classes, make_plan
from bench.engine.pool import Place, Pool
from bench.engine.scheduler import Execution, Forecast, Progress, Stopped, execute, forecast, load
from bench.engine.suite import Suite
from bench.engine.work import Settings, Work, make_works
from bench.errors import BenchError, OutputError
from bench.keep.store import Store
from bench.problems import Problems


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


@dataclass
class Session:
    """An outline with its networks known; made by :func:`open_session`.

    Attributes:
        outline: The suite with its data opened.
        components: What its networks are.
        store: Where evidence and records lie.
        settings: How networks are loaded.
        place: Where work is done.
    """

    outline: Outline
    store: Store
    settings: Settings
    place: Place
    components: Components = field(default_factory=lambda: Components({}, ()))
    _pool: Pool | None = None

    def plan(self, *, again: bool = False) -> Plan:
        """Return what is to be done; see :func:`bench.engine.plan.make_plan`."""
        return make_plan(self.outline, self.components, self.store, again=again)

    def works(self, plan: Plan, *, again: bool = False, save_images: bool = False) -> Sequence[Work]:
        """Return the work of each variant; see :func:`bench.engine.work.make_works`."""
        return make_works(plan, self.store, self.settings, again=again, save_images=save_images)

    def execute(
        self, plan: Plan, works: Sequence[Work], progress: Progress, *, fail_fast: bool = False
    ) -> Execution:
        """Do the work; see :func:`bench.engine.scheduler.execute`."""
        return execute(self._workers(), plan, works, progress, fail_fast=fail_fast)

    def forecast(self, plan: Plan) -> Forecast:
        """Return about what a plan will take."""
        return forecast(self._workers(), plan, self.works(plan))

    def load(self) -> None:
        """Load the networks in the workers and keep what they are."""
        self.components = load(self._workers(), self.outline.networks)

    def remember(self) -> None:
        """Keep in the store what the networks are, so that a run with nothing left to do need not load them."""
        if not self.components.faults:  # what was wrong may be mended by the next time
            recall.remember(self.store, self.outline.networks, self.settings, self.components)

    def close(self) -> None:
        """Let go of the workers, if any were started."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _workers(self) -> Pool:
        if self._pool is None:
            self._pool = self.place.open(self.settings)
        return self._pool


@contextlib.contextmanager
def open_session(
    suite: Suite,
    out: Path,
    place: Place,
    *,
    device: str = "auto",
    fail_fast: bool = False,
    watcher: Watcher | None = None,
) -> Iterator[Session]:
    """Check every precondition of a suite and load its networks, or recall what they are.

    Nothing is written. Workers are started when they are first needed and ended at the end.

    Args:
        suite: What is to be run.
        out: The store's folder.
        place: Where work is done.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        fail_fast: Raise where one of several derainers cannot be loaded.
        watcher: Is told what goes on.

    Raises:
        BenchError: On the first precondition that is not met.
    """
    watcher = watcher or Watcher()
    store = Store(out)
    check_writable(out)
    store.check()
    watcher.stage("checking data and choices")
    found = outline(suite)
    for note in found.notes:
        watcher.note(note)
    check_seats(found)
    trust = ",".join(suite.checkpoint_trust) or None
    # On a cluster it is not this machine that has to have the GPUs.
    settings = Settings(
        place.resolve_device(device), suite.precision, suite.tile, trust, timeout=suite.timeout
    )
    session = Session(found, store, settings, place)
    try:
        recalled = recall.recall(store, found.networks, settings)
        if recalled is None:
            watcher.stage("loading networks")
            session.load()
            _settle_faults(session, fail_fast, watcher)
        else:
            session.components = recalled
        for note in check_classes(found, session.components):
            watcher.note(note)
        yield session
    finally:
        session.close()


def check_writable(path: Path) -> None:
    """Check that a folder can be made and written to, without making it.

    Raises:
        OutputError: If not.
    """
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


def _settle_faults(session: Session, fail_fast: bool, watcher: Watcher) -> None:
    """Decide what derainers that cannot be loaded mean for a run: it goes on as long as one is left.

    Raises:
        BenchError: If none is left; all faults are named.
        Stopped: With ``fail_fast``, on the first fault.
    """
    faults = session.components.faults
    if faults and len(faults) == len(session.components.derainers):
        problems = Problems(where(session.outline.suite))
        for index, fault in enumerate(faults.values()):
            with problems.at(f"derainers.{index}"):
                raise BenchError(fault)
        problems.settle()
    for label, fault in faults.items():
        if fail_fast:
            raise Stopped(f"{fault} (stopped by --fail-fast)")
        watcher.note(f"{label} is left out, the others run: {fault}")
