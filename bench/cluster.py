"""Runs the same shards as Ray tasks, on a cluster that is there already or a local one started for the run.

Ray queues, places, retries and moves objects; nothing of that is done here. A job (paths, names, annotations, no
networks) goes to the object store once; a worker loads the networks from their files and keeps them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.engine import Execution, Interrupted, Progress, given_up
from bench.errors import BenchError, MissingDependency
from bench.plan import Components, Outline, Plan, Shard, shard_images
from bench.worker import Job, Settings, ShardResult, initialise, load_components, measure_shard, run_shard

#: How often Ray starts a shard again whose worker died.
_RETRIES = 3


@dataclass(frozen=True)
class Resources:
    """What one shard takes of the cluster.

    Attributes:
        cpus: CPU cores.
        gpus: GPUs, or a share of one.
    """

    cpus: float = 1.0
    gpus: float = 0.0


class RayEngine:
    """Shards as Ray tasks.

    Args:
        settings: How networks are loaded, with the device resolved.
        address: Address of a cluster (``auto``, ``HOST:PORT``, ``ray://...``); None starts one on this machine.
        fail_fast: Raise at the first failure instead of finishing the rest.

    Raises:
        MissingDependency: If Ray is not installed.
        BenchError: If the cluster cannot be reached.
    """

    def __init__(self, settings: Settings, *, address: str | None = None, fail_fast: bool = False) -> None:
        try:
            import ray
        except ImportError:
            raise MissingDependency(
                "--engine ray needs Ray, which is not installed: pip install 'derain-bench[ray]'"
            ) from None
        self._ray = ray
        self._settings = settings
        self._fail_fast = fail_fast
        self._resources = Resources(gpus=1.0 if settings.device.startswith("cuda") else 0.0)
        self._started = not ray.is_initialized()
        if self._started:
            try:
                ray.init(address=address, log_to_driver=False, include_dashboard=False, logging_level="error")
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise BenchError(
                    f"no Ray cluster at {address or 'this machine'}: {_first_line(error)}; check --address"
                ) from None

    def components(self, outline: Outline) -> Components:
        """Load every derainer and model in a worker of the cluster."""
        return self._get(self._remote(_components).remote(outline, self._settings))

    def execute(self, plan: Plan, jobs: Sequence[Job], progress: Progress) -> Execution:
        """Run every shard of the plan; see :meth:`bench.engine.LocalEngine.execute`."""
        execution = Execution()
        # Paths must mean the same on every node; a relative one would start at each worker's own folder.
        kept = [self._ray.put(replace(job, store=job.store.resolve())) for job in jobs]
        task = self._remote(_shard)
        pending = {task.remote(kept[shard.variant], shard, False): shard for shard in plan.shards}
        try:
            while pending:
                ready, _ = self._ray.wait(list(pending), num_returns=1)
                for reference in ready:
                    shard = pending.pop(reference)
                    result = self._result(reference, jobs[shard.variant], shard)
                    if result.busy:
                        pending[task.remote(kept[shard.variant], shard, True)] = shard
                        continue
                    execution.add(result)
                    progress(result.images)
                    if self._fail_fast and execution.failures:
                        raise BenchError(f"{execution.failures[0].reason} (stopped by --fail-fast)")
        except KeyboardInterrupt:
            raise Interrupted(
                f"interrupted after {execution.images} images; the same command goes on from there"
            ) from None
        finally:
            for reference in pending:
                self._ray.cancel(reference, force=True)
        return execution

    def estimate(self, plan: Plan, jobs: Sequence[Job]) -> float:
        """Run one scene of each variant's first shard, store nothing, and scale to the whole plan."""
        slots = max(1.0, self._ray.cluster_resources().get("GPU" if self._resources.gpus else "CPU", 1.0))
        total = 0.0
        for index, job in enumerate(jobs):
            shards = [shard for shard in plan.shards if shard.variant == index]
            if shards:
                one = replace(shards[0], scenes=shards[0].scenes[:1])
                seconds = self._get(self._remote(_measure).remote(job, one))
                total += (
                    seconds / shard_images(plan, one) * sum(shard_images(plan, shard) for shard in shards)
                )
        return total / slots

    def close(self) -> None:
        """Leave the cluster; one that was started for this run ends."""
        if self._started:
            self._ray.shutdown()

    def _remote(self, function: Any) -> Any:
        return self._ray.remote(
            num_cpus=self._resources.cpus,
            num_gpus=self._resources.gpus,
            max_retries=_RETRIES,
            # A mistake of the user's would only be made again.
            retry_exceptions=False,
        )(function)

    def _get(self, reference: Any) -> Any:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise cause if isinstance(cause, BenchError) else error from None

    def _result(self, reference: Any, job: Job, shard: Shard) -> ShardResult:
        try:
            return self._get(reference)
        except self._ray.exceptions.RayError as error:
            if isinstance(error, self._ray.exceptions.RayTaskError):
                raise
            return given_up(job, shard, f"the Ray worker died {_RETRIES + 1} times: {_first_line(error)}")


def _components(outline: Outline, settings: Settings) -> Components:
    initialise(1, ignore_interrupts=False)
    return load_components(outline, settings)


def _shard(job: Job, shard: Shard, wait: bool) -> ShardResult:
    initialise(1, ignore_interrupts=False)
    if not Path(job.store).is_dir():
        raise BenchError(
            f"this node does not see {job.store}: put --out on a file system that all nodes share"
        )
    return run_shard(job, shard, wait=wait)


def _measure(job: Job, shard: Shard) -> float:
    initialise(1, ignore_interrupts=False)
    return measure_shard(job, shard)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
