"""What a worker is given and what it gives back: the work of a variant, cut into parts; plain data that can be sent
to other processes and machines.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.base import DataSet, DetectionTruth, Scene
from bench.deadline import DEFAULT, Unit
from bench.engine.plan import Plan, Shard
from bench.engine.suite import ModelChoice
from bench.keep.store import Store

if TYPE_CHECKING:
    from bench.rain import Rain
    from derainers import DerainerSpec


@dataclass(frozen=True)
class Settings:
    """How networks are loaded; everything that makes a worker load one again.

    Attributes:
        device: ``cpu``, ``cuda`` (the GPU that the worker has claimed) or ``cuda:N``.
        precision: ``auto``, ``fp32`` or ``bf16``.
        tile: ``auto``, ``off`` or ``SIZE[+OVERLAP]``.
        trust: SHA-256 of checkpoints that may be unpickled, commas between several.
        readers: Threads that decode and rain.
        timeout: Seconds that loading a network or looking at one image may take; 0 for no limit.
    """

    device: str = "cpu"
    precision: str = "auto"
    tile: str = "auto"
    trust: str | None = None
    readers: int = 1
    timeout: float = DEFAULT


@dataclass(frozen=True)
class CellWork:
    """A cell's part of the work.

    Attributes:
        key: Key of its evidence.
        what: What the key stands for.
        label: The derainer's label.
        task: The task as the user named it; a worker loads it by that.
        model: What looks at the image; None where no model does.
        todo: The scenes to look at.
    """

    key: str
    what: dict[str, Any]
    label: str
    task: str
    model: ModelChoice | None
    todo: frozenset[str]


@dataclass(frozen=True)
class Work:
    """A variant's work, or a part of it that a worker does at a time.

    Attributes:
        store: The store's folder.
        variant: The variant's place in the outline.
        lock: Name of the lock to hold meanwhile: of the shard; empty for work that is not cut into shards yet.
        data: The data set, its scenes those of this work; of its boxes only the categories and the scenes' image ids,
            since only scoring needs the rest.
        rain: The rain.
        seed: Seeds the rain.
        digests: Scene id to SHA-256 of the scene's files.
        derainers: Those that the cells name by label.
        cells: What is to be done.
        settings: How networks are loaded.
        again: Make evidence that is there already once more.
        images: Where to write what the tasks look at; None keeps it in memory.
        folder: The variant's folder there, and wherever else something lies by variants.
    """

    store: Path
    variant: int
    lock: str
    data: DataSet
    rain: Rain
    seed: int
    digests: dict[str, str]
    derainers: tuple[DerainerSpec, ...]
    cells: tuple[CellWork, ...]
    settings: Settings
    again: bool = False
    images: Path | None = None
    folder: str = ""

    @property
    def scenes(self) -> tuple[str, ...]:
        """The ids of its scenes."""
        return tuple(scene.id for scene in self.data.scenes)

    @property
    def labels(self) -> list[str]:
        """The derainers' labels, in the order of the cells."""
        return list(dict.fromkeys(cell.label for cell in self.cells))

    def of(self, scenes: Sequence[str], lock: str | None = None) -> Work:
        """Return the part of the work that concerns some scenes; a worker gets no more, however many there are."""
        by_id = {scene.id: scene for scene in self.data.scenes}
        ids = frozenset(scenes)
        cells = (replace(cell, todo=cell.todo & ids) for cell in self.cells)
        return replace(
            self,
            lock=self.lock if lock is None else lock,
            data=_few(self.data, [by_id[name] for name in scenes]),
            digests={name: self.digests[name] for name in scenes},
            cells=tuple(cell for cell in cells if cell.todo),
        )

    def holds(self, unit: Unit) -> bool:
        """Whether something that was done belongs to this work."""
        return (
            unit.variant == self.variant
            and {cell.key for cell in self.cells}.issuperset(unit.keys)
            and set(self.scenes).issuperset(unit.scenes)
        )

    def without(self, keys: Collection[str], scenes: Collection[str]) -> Work:
        """Return the work less some cells' part in some scenes."""
        cells = (
            replace(cell, todo=cell.todo.difference(scenes)) if cell.key in keys else cell
            for cell in self.cells
        )
        return replace(self, cells=tuple(cell for cell in cells if cell.todo))

    def by(self, labels: Sequence[str]) -> Work:
        """Return the part of the work that is some derainers'."""
        return replace(self, cells=tuple(cell for cell in self.cells if cell.label in labels))


@dataclass(frozen=True)
class Note:
    """Something odd that a derainer said (say, a fall-back to tiles).

    The variant's place belongs to it: the cell's key names rain, derainer and model, and data sets that bring their own
    rain share it.
    """

    variant: int
    key: str
    text: str


@dataclass(frozen=True)
class Failure:
    """One thing that did not work: the variant's place, the cells it concerns, the scene (None: all of the work), why.

    The variant's place belongs to it as it does to a :class:`Note`.
    """

    variant: int
    keys: tuple[str, ...]
    scene: str | None
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What became of a piece of work.

    Attributes:
        images: Images looked at.
        busy: True where another run holds the shard; nothing was done.
        network_seconds: Wall time inside the networks' forward passes.
        restoring: Of cells that a model looks for, by key: what the derainer took on each image, in seconds.
        threads: CPU threads that the networks or filters had; 0 where none ran.
        failures: What did not work.
        notes: For the records.
    """

    images: int = 0
    busy: bool = False
    network_seconds: float = 0.0
    restoring: Mapping[str, Sequence[float]] = field(default_factory=dict)
    threads: int = 0
    failures: tuple[Failure, ...] = ()
    notes: tuple[Note, ...] = ()


def make_works(
    plan: Plan, store: Store, settings: Settings, *, again: bool = False, save_images: bool = False
) -> list[Work]:
    """Return the work of each variant, in the order of the outline."""
    works = []
    for index, variant in enumerate(plan.outline.variants):
        truth = variant.data.detection
        few = DetectionTruth({"categories": truth.categories}, truth.image_ids) if truth else None
        cells = tuple(
            CellWork(
                cell.key,
                cell.what,
                cell.label,
                plan.outline.spec_of(cell.task),
                None if cell.model is None else plan.outline.models[cell.model],
                frozenset(cell.todo),
            )
            for cell in plan.cells
            if cell.variant is variant and cell.todo
        )
        works.append(
            Work(
                store.root,
                index,
                "",
                replace(variant.data, detection=few),
                variant.rain,
                variant.seed,
                variant.digests,
                plan.outline.derainers,
                cells,
                settings,
                again,
                store.images(variant.name) if save_images else None,
                store.images(variant.name).name,
            )
        )
    return works


def cut(works: Sequence[Work], shards: Sequence[Shard]) -> list[Work]:
    """Return for each shard the part of its variant's work that it is."""
    return [works[shard.variant].of(shard.scenes, shard.name) for shard in shards]


def _few(data: DataSet, scenes: Sequence[Scene]) -> DataSet:
    """A data set of some scenes, of its boxes the categories and these scenes' image ids."""
    truth = data.detection
    if truth is not None:
        truth = DetectionTruth(
            truth.coco, {s.id: truth.image_ids[s.id] for s in scenes if s.id in truth.image_ids}
        )
    return replace(data, scenes=tuple(scenes), detection=truth)
