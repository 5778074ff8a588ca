"""Finds out what kills its worker: a shard that does is run again in parts, by derainer and then by scene; networks are
loaded again one derainer at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bench.engine.plan import CLEAN, NONE, Components, Outline, Shard
from bench.engine.work import Failure, Job, ShardResult, cut_jobs
from bench.engine.worker import broken
from bench.errors import BenchError

#: What a worker is given at a time.
Part = tuple[Job, Shard]

_LOADING = "a damaged file, code that ends its process, or out of memory"

#: A derainer that has killed its worker on so many scenes in a row is not tried on further ones: every death costs
#: the start of a worker.
_STRIKES = 3


class Blame:
    """Keeps account of deaths over a run."""

    def __init__(self) -> None:
        self._strikes: dict[str, int] = {}

    def survived(self, job: Job) -> None:
        """Note that a worker came back from its part."""
        for label in _labels(job):
            self._strikes.pop(label, None)

    def died(self, job: Job, shard: Shard, advice: str) -> tuple[list[Part], ShardResult | None]:
        """Say what becomes of a part that has killed its worker.

        Args:
            job: The part's job.
            shard: The part's shard.
            advice: What to do about it, for the reason.

        Returns:
            Smaller parts to run instead, or, of one derainer on one scene, the result that states its failure.
        """
        if parts := _parts(job, shard):
            return parts, None
        (label,) = _labels(job)
        self._strikes[label] = self._strikes.get(label, 0) + 1
        what = "models looked at it" if label in (CLEAN, NONE) else f"{label} restored it"
        return [], _given_up(job, shard.scenes, f"the worker died while {what}: {advice}")

    def without_hopeless(self, job: Job, shard: Shard) -> tuple[Job, ShardResult | None]:
        """Take out of a part the derainers that are not tried any more.

        Returns:
            What is left to do, perhaps nothing, and the result that states the failure of the others, if any.
        """
        hopeless = {label for label in _labels(job) if self._strikes.get(label, 0) >= _STRIKES}
        if not hopeless:
            return job, None
        lost = replace(job, cells=tuple(cell for cell in job.cells if cell.label in hopeless))
        reason = f"not tried: {', '.join(sorted(hopeless))} killed the worker on {_STRIKES} scenes in a row"
        left = tuple(cell for cell in job.cells if cell.label not in hopeless)
        return replace(job, cells=left), _given_up(lost, shard.scenes, reason)


def load_blaming(outline: Outline, load: Callable[[Outline], Components | None]) -> Components:
    """Load the networks of an outline; of a derainer that kills its worker, say so.

    Args:
        outline: Whose derainers and models.
        load: Loads those of an outline in a worker; None where the worker died of it.

    Raises:
        BenchError: If a worker dies and it is no single derainer that kills it, or a model cannot be loaded.
    """
    if found := load(outline):
        return found
    derainers = {}
    rest = load(replace(outline, derainers=()))
    if rest is not None:
        for spec in outline.derainers:
            alone = load(replace(outline, derainers=(spec,), models=()))
            derainers[spec.label] = (
                alone.derainers[spec.label]
                if alone
                else broken(spec, f"derainer {spec}: the worker that loaded it died: {_LOADING}")
            )
        apart = Components(derainers, rest.models)
        if apart.faults:
            return apart
    raise BenchError("a worker died while it loaded the networks: out of memory? try fewer --workers")


def _parts(job: Job, shard: Shard) -> list[Part]:
    labels = _labels(job)
    if len(labels) > 1:
        cells = ([cell for cell in job.cells if cell.label == label] for label in labels)
        return [(replace(job, cells=tuple(part)), shard) for part in cells]
    if len(shard.scenes) > 1:
        shards = [replace(shard, scenes=(scene,)) for scene in shard.scenes]
        jobs = cut_jobs([job], [replace(part, variant=0) for part in shards])
        return [(part, one) for part, one in zip(jobs, shards, strict=True) if part.cells]
    return []


def _labels(job: Job) -> list[str]:
    return list(dict.fromkeys(cell.label for cell in job.cells))


def _given_up(job: Job, scenes: Sequence[str], reason: str) -> ShardResult:
    """Return the result of what could not be run: every cell has failed on those of the scenes that it wanted."""
    failures = (
        Failure(tuple(cell.key for cell in job.cells if scene in cell.todo), scene, reason)
        for scene in scenes
    )
    return ShardResult(failures=tuple(failure for failure in failures if failure.keys))
