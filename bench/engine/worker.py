"""What happens to one shard: scene -> rain -> derainer -> uint8 -> every task asked for -> evidence -> store.

The same functions run in this machine's processes and in Ray's tasks. A worker keeps the networks that it has loaded,
so that shards share them.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bench import deadline
from bench.data.base import Scene
from bench.engine.outline import Networks
from bench.engine.plan import Component, Components
from bench.engine.process import place, threads
from bench.engine.suite import ModelChoice
from bench.engine.versions import read_variant, restore, setting_of
from bench.engine.work import CellWork, Failure, Note, Outcome, Settings, Work
from bench.errors import BenchError, blame, is_ctrl_c, said
from bench.files import ensure_folder
from bench.hashing import content_key
from bench.images import write_image
from bench.keep.evidence import read_index
from bench.keep.records import distinct_slug
from bench.keep.store import Store
from bench.vocabulary import CLEAN, NONE
from downstream.models.base import Seat
from downstream.tasks import load_task
from downstream.tasks.base import Row, Sight

if TYPE_CHECKING:
    import numpy as np

    from derainers import Derainer, DerainerSpec


def load_components(networks: Networks, settings: Settings) -> Components:
    """Load every derainer and model once and say what they are, or of a derainer why it cannot be loaded.

    Raises:
        BenchError: If a model cannot be loaded; the precondition of a run.
    """
    from derainers.harness.compound import probe

    # Whoever worked before in this process may have loaded what has been edited since.
    _derainer.cache_clear()
    _model.cache_clear()
    derainers = {}
    for spec in networks.derainers:
        try:
            with deadline.unit(f"derainer {spec.label}", LOAD):
                derainer = _derainer(spec, settings)
                probe(derainer)
            found = Component(spec.name, dict(derainer.key), card=derainer.card.kept())
        except BaseException as error:  # anyone's code and files: the others are to run all the same
            _let_through(error)
            found = broken(spec, blame(spec.label, error))
        derainers[spec.label] = found
    models = []
    for choice in networks.models:
        with deadline.unit(f"model {choice.label or choice.name}", LOAD):
            model = _model(choice, settings)
        name, masks = choice.label or model.name, bool(getattr(model, "masks", False))
        models.append(Component(name, dict(model.key), classes=tuple(model.classes), masks=masks))
    return Components(derainers, tuple(models))


def _let_through(error: BaseException) -> None:
    """Raise Ctrl-C again, which a worker does not hear, but a process that does its own work."""
    if is_ctrl_c(error):
        raise error


def broken(spec: DerainerSpec, fault: str) -> Component:
    """Return what stands for a derainer that cannot be loaded; evidence is never filed under its key."""
    return Component(spec.name, {"not loaded": spec.label}, fault=fault)


def do_work(work: Work, wait: bool) -> Outcome:
    """Make the evidence of a shard and put it into the store.

    A scene, derainer or model that fails leaves the rest going; failures are returned, never stored.

    Args:
        work: The shard's work.
        wait: Wait for another run that holds the shard, instead of returning a busy outcome.

    Raises:
        BenchError: If the store is not there, as on a node of a cluster that does not share it.
        OutputError: If the store cannot be written to.
    """
    if not work.store.is_dir():
        raise BenchError(
            f"this node does not see {work.store}: put --out on a file system that all nodes share"
        )
    store = Store(work.store)
    with store.lock(work.lock, wait=wait) as held:
        if not held:
            return Outcome(busy=True)
        return _Shift(work).run(store)


def measure_work(work: Work) -> tuple[float, int]:
    """Do some work once to load the networks and once more for the clock; nothing is stored.

    Returns:
        Seconds of the second time, and this process's largest memory so far in bytes.
    """
    import resource

    _Shift(work).look()
    started = time.perf_counter()
    _Shift(work).look()
    return time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


#: What a network does before its first image.
LOAD = "load"
#: Pixels of scenes that a worker holds at a time: a few big frames, or enough small ones for a batch.
_CHUNK_PIXELS = 4 << 20


class _Shift:
    """The state of a piece of work: what is to do, rows made so far, what failed."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.failures: list[Failure] = []
        self.notes: list[Note] = []
        self.seconds = 0.0
        self.restoring: dict[str, list[float]] = {}
        self.images = 0
        self.tasks = {cell.key: load_task(cell.task) for cell in work.cells}
        self.todo = {cell.key: cell.todo for cell in work.cells}
        self.rows: dict[str, list[Row]] = {cell.key: [] for cell in work.cells}

    def run(self, store: Store) -> Outcome:
        """Make the evidence and store it."""
        work = self.work
        if not work.again:
            # Another run may have done the work since the plan was made; it cuts the same scenes into the same shards.
            for cell in work.cells:
                scenes = [(name, work.digests[name]) for name in work.scenes if name in cell.todo]
                path = store.shard_path(cell.key, scenes)
                if path.exists() and read_index(path, self.tasks[cell.key]) == scenes:
                    self.todo[cell.key] = frozenset()
        self.look()
        for cell in work.cells:
            if self.rows[cell.key]:
                store.describe(cell.key, cell.what)
                store.write(cell.key, self.tasks[cell.key], self.rows[cell.key])
        return Outcome(
            images=self.images,
            network_seconds=self.seconds,
            restoring=self.restoring,
            threads=threads(),
            failures=tuple(self.failures),
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def look(self) -> None:
        """Restore what is to do and show it to every task."""
        wanted = [s for s in self.work.data.scenes if any(s.id in ids for ids in self.todo.values())]
        for inputs in _chunks(self._read(wanted)):
            for label in self.work.labels:
                cells = [c for c in self.work.cells if c.label == label and self.todo[c.key]]
                lacking = [i for i in inputs if any(i.scene.id in self.todo[cell.key] for cell in cells)]
                if lacking:
                    self._look(label, cells, lacking)

    def _read(self, scenes: Sequence[Scene]) -> Iterator[_Input]:
        """Decode and rain; with several readers, a few scenes ahead of whoever looks at them."""
        work = self.work

        def read(scene: Scene) -> _Input | Failure:
            try:
                return _Input(scene, *read_variant(work.data, work.rain, work.seed, scene))
            except BaseException as error:  # a reader and a rain may be anyone's code
                _let_through(error)
                return Failure(work.variant, tuple(cell.key for cell in work.cells), scene.id, said(error))

        def good(result: _Input | Failure) -> Iterator[_Input]:
            if isinstance(result, Failure):
                self.failures.append(result)
            else:
                yield result

        readers = work.settings.readers
        if readers == 1:
            for scene in scenes:
                with self._unit(f"scene {scene.id}", "read", self.work.cells, [scene.id]):
                    result = read(scene)
                yield from good(result)
            return
        # OpenCV and numpy let go of the interpreter while they decode and rain.
        ahead: deque[Future[_Input | Failure]] = deque()
        waiting = deque(scenes)

        def first() -> _Input | Failure:
            scene = waiting.popleft()
            with self._unit(f"scene {scene.id}", "read", self.work.cells, [scene.id]):
                return ahead.popleft().result()

        with ThreadPoolExecutor(readers) as pool:
            for number, scene in enumerate(scenes):
                ahead.append(pool.submit(read, scene))
                if number >= 4 * readers:
                    yield from good(first())
            while ahead:
                yield from good(first())

    def _look(self, label: str, cells: Sequence[CellWork], items: Sequence[_Input]) -> None:
        """Restore some scenes with one derainer and show them to its cells' tasks."""
        self.images += len(items)
        if label == CLEAN:
            restored = [(item, item.clean, 0.0) for item in items if item.clean is not None]
        elif label == NONE:
            restored = [(item, item.rainy, 0.0) for item in items]
        else:
            spec = next(spec for spec in self.work.derainers if spec.label == label)
            from derainers.harness.compound import of_variant

            try:
                with self._unit(f"derainer {label}", LOAD, cells, self.work.scenes):
                    derainer = _derainer(spec, self.work.settings)
                _check_key(derainer.key, cells[0].what["derainer"])
                derainer = of_variant(derainer, setting_of(self.work.data, self.work.rain))
            except BaseException as error:
                _let_through(error)
                # A derainer is anyone's code; what it raises ends its cells, not the run.
                self._fail(cells, None, blame(label, error))
                return
            before = len(getattr(derainer, "notes", ()))  # it may have been kept from another variant's work
            restored = self._restore(label, derainer, cells, items)
            for cell in cells:
                if cell.model is not None:  # its rows have the model's time
                    self.restoring.setdefault(cell.key, []).extend(spent for *_, spent in restored)
            new = (*getattr(derainer, "remarks", ()), *getattr(derainer, "notes", ())[before:])
            self.notes += [Note(self.work.variant, cell.key, text) for cell in cells for text in new]
        if self.work.images is not None:
            for item, image, _ in restored:
                path = self.work.images / distinct_slug(label) / f"{item.scene.id}.png"
                ensure_folder(path.parent)
                write_image(path, image)
        for cell in cells:
            try:
                with self._unit(who_looks(cell), LOAD, [cell], self.work.scenes):
                    look = self._looker(cell)
            except BaseException as error:
                _let_through(error)
                self._fail([cell], None, f"{self.tasks[cell.key].about.name}: {said(error)}")
                continue
            for item, image, spent in restored:
                if item.scene.id not in self.todo[cell.key]:
                    continue
                try:
                    with self._unit(who_looks(cell), "look at an image", [cell], [item.scene.id]):
                        self.rows[cell.key].append(look(self._sight(item, image, spent)))
                except BaseException as error:
                    _let_through(error)
                    self._fail([cell], item.scene.id, f"{self.tasks[cell.key].about.name}: {said(error)}")

    def _restore(
        self, label: str, derainer: Derainer, cells: Sequence[CellWork], items: Sequence[_Input]
    ) -> list[tuple[_Input, np.ndarray, float]]:
        """Return scene, restored image and seconds of each item that did not fail."""
        started = time.perf_counter()
        ids = [item.scene.id for item in items]
        try:
            with self._unit(f"derainer {label}", "restore an image", cells, ids):
                images = restore(derainer, ids, [item.rainy for item in items])
        except BaseException as error:
            _let_through(error)
            if len(items) == 1:
                self._fail(cells, items[0].scene.id, blame(label, error))
                return []
            # An image that fails must not take its neighbours along.
            return [result for item in items for result in self._restore(label, derainer, cells, [item])]
        spent = time.perf_counter() - started
        self.seconds += spent
        return [(item, image, spent / len(items)) for item, image in zip(items, images, strict=True)]

    def _looker(self, cell: CellWork) -> Callable[[Sight], Row]:
        """Return what makes a cell's rows, its model loaded."""
        model = None
        if cell.model is not None:
            model = _model(cell.model, self.work.settings)
            _check_key(model.key, cell.what["model"])
            if hasattr(model, "at"):
                model = model.at(Seat(self.work.data, self.work.folder, distinct_slug(cell.label)))
        return self.tasks[cell.key].look(self.work.data, model)

    def _sight(self, item: _Input, image: np.ndarray, spent: float) -> Sight:
        def mask() -> np.ndarray:
            if item.mask is None:
                item.mask = self.work.data.mask(item.scene)
            return item.mask

        def timed(function: Callable[[np.ndarray], Any]) -> tuple[Any, float]:
            started = time.perf_counter()
            result = function(image)
            seconds = time.perf_counter() - started
            self.seconds += seconds
            return result, seconds

        digest = self.work.digests[item.scene.id]
        return Sight(item.scene, digest, image, item.clean, spent, mask, timed)

    def _unit(
        self, who: str, doing: str, cells: Sequence[CellWork], scenes: Sequence[str]
    ) -> contextlib.AbstractContextManager[None]:
        return deadline.unit(who, doing, self.work.variant, [cell.key for cell in cells], scenes)

    def _fail(self, cells: Sequence[CellWork], scene: str | None, reason: str) -> None:
        keys = tuple(cell.key for cell in cells)
        self.failures.append(Failure(self.work.variant, keys, scene, reason))


def who_looks(cell: CellWork) -> str:
    """What is to blame where nobody can look at an image: the model, or the task where it has none."""
    return f"task {cell.task}" if cell.model is None else f"model {cell.model.label or cell.model.name}"


@dataclass
class _Input:
    """A scene's images in memory; the mask is read when the first model wants it."""

    scene: Scene
    clean: np.ndarray | None
    rainy: np.ndarray
    mask: np.ndarray | None = None


def _chunks(items: Iterator[_Input]) -> Iterator[list[_Input]]:
    """Group scenes so that what is held in memory at a time does not depend on the shard's length."""
    chunk: list[_Input] = []
    pixels = 0
    for item in items:
        chunk.append(item)
        pixels += item.rainy.shape[0] * item.rainy.shape[1]
        if pixels >= _CHUNK_PIXELS:
            yield chunk
            chunk, pixels = [], 0
    if chunk:
        yield chunk


def _check_key(key: Mapping[str, Any], planned: Mapping[str, Any]) -> None:
    """Check that what this worker loaded is what evidence would be filed under.

    Raises:
        BenchError: Naming the first difference: a machine of another kind, or weights that no seed fixes.
    """
    for name in sorted({*key, *planned}):
        here, there = key.get(name), planned.get(name)
        if content_key(here) != content_key(there):
            raise BenchError(
                f"its {name} is {here} in this worker but {there} in the plan: fix what it depends on "
                f"(the precision where machines differ, a seed where weights are random)"
            )


@lru_cache(maxsize=32)
def _derainer(spec: DerainerSpec, settings: Settings) -> Derainer:
    from derainers import load_derainer

    return load_derainer(spec, place(settings), settings.precision, settings.tile, settings.trust)


@lru_cache(maxsize=8)
def _model(choice: ModelChoice, settings: Settings) -> Any:
    from bench.objects import receive
    from downstream.models import load_model

    if choice.given is not None:
        receive(choice.given)
    return load_model(
        choice.task, choice.name, choice.checkpoint, place(settings), settings.trust, choice.classes
    )
