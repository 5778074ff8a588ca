"""What a worker is given and what it gives back: the work of a variant, cut into parts; plain data that can be sent
to other processes and machines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.base import DataSet, DetectionTruth
from bench.engine.plan import Plan, Shard
from bench.engine.suite import ModelChoice
from bench.keep.store import Store

if TYPE_CHECKING:
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
    """

    device: str = "cpu"
    precision: str = "auto"
    tile: str = "auto"
    trust: str | None = None
    readers: int = 1


@dataclass(frozen=True)
class CellWork:
    """A cell's part of a job: the evidence key, which model looks, and at which scenes."""

    key: str
    what: dict[str, Any]
    label: str
    task: str
    model: ModelChoice | None
    todo: frozenset[str]


@dataclass(frozen=True)
class Job:
    """One variant's work; :func:`cut_jobs` makes the parts that are sent to workers.

    Attributes:
        data: The data set; of its boxes only the categories, since only scoring needs the rest.
        again: Make evidence that is there already once more.
        images: Where to write what the tasks look at; None keeps it in memory.
    """

    store: Path
    data: DataSet
    rain: Any
    seed: int
    digests: dict[str, str]
    derainers: tuple[DerainerSpec, ...]
    cells: tuple[CellWork, ...]
    settings: Settings
    again: bool = False
    images: Path | None = None


@dataclass(frozen=True)
class Failure:
    """One thing that did not work: the cells it concerns, the scene (None: all of the shard), the reason."""

    keys: tuple[str, ...]
    scene: str | None
    reason: str


@dataclass(frozen=True)
class ShardResult:
    """What became of a shard.

    Attributes:
        images: Images looked at.
        busy: True where another run holds the shard; nothing was done.
        network_seconds: Wall time inside the networks' forward passes.
        notes: Oddities for the records (say, a fall-back to tiles), by derainer label.
    """

    images: int = 0
    busy: bool = False
    network_seconds: float = 0.0
    failures: tuple[Failure, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()


def make_jobs(
    plan: Plan, store: Store, settings: Settings, *, again: bool = False, save_images: bool = False
) -> list[Job]:
    """Return one job per variant, in the order of the outline."""
    jobs = []
    for variant in plan.outline.variants:
        truth = variant.data.detection
        few = DetectionTruth({"categories": truth.categories}, {}) if truth else None
        data = replace(variant.data, detection=few)
        cells = tuple(
            CellWork(
                cell.key,
                cell.what,
                cell.label,
                cell.task,
                None if cell.model is None else plan.outline.models[cell.model],
                frozenset(cell.todo),
            )
            for cell in plan.cells
            if cell.variant is variant and cell.todo
        )
        jobs.append(
            Job(
                store.root,
                data,
                variant.rain,
                variant.seed,
                variant.digests,
                plan.outline.derainers,
                cells,
                settings,
                again,
                store.images(variant.name) if save_images else None,
            )
        )
    return jobs


def cut_jobs(jobs: Sequence[Job], shards: Sequence[Shard]) -> list[Job]:
    """Return for each shard the part of its variant's job that it needs: a worker gets no more, however many scenes."""
    scenes = [{scene.id: scene for scene in job.data.scenes} for job in jobs]
    parts = []
    for shard in shards:
        job, by_id = jobs[shard.variant], scenes[shard.variant]
        ids = frozenset(shard.scenes)
        cells = (replace(cell, todo=cell.todo & ids) for cell in job.cells)
        parts.append(
            replace(
                job,
                data=replace(job.data, scenes=tuple(by_id[name] for name in shard.scenes)),
                digests={name: job.digests[name] for name in shard.scenes},
                cells=tuple(cell for cell in cells if cell.todo),
            )
        )
    return parts
