"""Runs the same shards as Ray tasks, on a cluster that is there already or a local one started for the run.

Ray queues, places, retries and moves objects; nothing of that is done here. A shard is sent as paths and names; a
worker loads the networks from their files and keeps them.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.engine.blame import Blame, Part, load_blaming
from bench.engine.plan import Components, Outline, Plan, Shard
from bench.engine.scheduler import Execution, Forecast, Progress, resolve_device, scale, stop_at_failure
from bench.engine.work import Job, Settings, ShardResult, cut_jobs
from bench.engine.worker import initialise, load_components, measure_shard, run_shard
from bench.errors import BadConfig, BenchError, Interrupted, MissingDependency

#: How often Ray starts a shard again whose worker died.
_RETRIES = 3
#: Shards that Ray knows of at a time: enough for any cluster, and for an autoscaler to see that more nodes would help.
_SUBMITTED = 512


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
        address: See :func:`connect`.
        fail_fast: Raise at the first failure instead of finishing the rest.

    Raises:
        MissingDependency: If Ray is not installed.
        BenchError: If the cluster cannot be reached.
    """

    def __init__(self, settings: Settings, *, address: str | None = None, fail_fast: bool = False) -> None:
        connect(address)
        import ray

        self._ray = ray
        self._settings = settings
        self._fail_fast = fail_fast
        self._resources = Resources(gpus=1.0 if settings.device.startswith("cuda") else 0.0)

    @staticmethod
    def resolve_device(device: str, address: str | None = None) -> str:
        """Return what ``--device`` comes to on the cluster, which may have GPUs where this machine has none.

        Raises:
            BadConfig: If a certain GPU is asked for, which is Ray's to choose, or the cluster has none.
        """
        if device == "cpu":
            return device
        if device not in ("auto", "cuda"):
            if device.startswith("cuda:"):
                raise BadConfig(f"--device {device}: Ray hands the GPUs out; write --device cuda")
            return resolve_device(device)
        connect(address)
        import ray

        has = ray.cluster_resources().get("GPU", 0) > 0
        if device == "cuda" and not has:
            raise BadConfig(
                "--device cuda: the Ray cluster has no GPU; use --device cpu, or add a node that has"
            )
        return "cuda" if has else "cpu"

    def components(self, outline: Outline) -> Components:
        """Load every derainer and model in a worker of the cluster."""
        return load_blaming(outline, self._load)

    def execute(self, plan: Plan, jobs: Sequence[Job], progress: Progress) -> Execution:
        """Run every shard of the plan; see :meth:`bench.engine.scheduler.LocalEngine.execute`."""
        execution = Execution()
        # A path must mean the same on every node.
        jobs = [replace(job, store=job.store.resolve()) for job in jobs]
        task, folder = self._remote(_shard), os.getcwd()
        parts = cut_jobs(jobs, plan.shards)
        queue = deque((part, shard, False) for part, shard in zip(parts, plan.shards, strict=True))
        pending: dict[Any, Part] = {}
        blame = Blame()
        try:
            while queue or pending:
                while queue and len(pending) < _SUBMITTED:
                    job, shard, block = queue.popleft()
                    job, lost = blame.without_hopeless(job, shard)
                    if lost:
                        execution.add(lost)
                    if job.cells:
                        pending[task.remote(job, shard, block, folder)] = (job, shard)
                ready, _ = self._ray.wait(list(pending), num_returns=1) if pending else ((), ())
                for reference in ready:
                    job, shard = pending.pop(reference)
                    result = self._result(reference)
                    if isinstance(result, str):
                        smaller, lost = blame.died(job, shard, result)
                        queue.extendleft((*part, True) for part in reversed(smaller))
                        if lost:
                            execution.add(lost)
                    elif result.busy:
                        queue.append((job, shard, True))
                    else:
                        blame.survived(job)
                        execution.add(result)
                        progress(result.images)
                    stop_at_failure(execution, self._fail_fast)
        except KeyboardInterrupt:
            raise Interrupted(
                f"interrupted after {execution.images} images; the same command goes on from there"
            ) from None
        finally:
            for reference in pending:
                self._ray.cancel(reference, force=True)
        return execution

    def forecast(self, plan: Plan, jobs: Sequence[Job]) -> Forecast:
        """Run one scene of each variant, store nothing, and scale to the whole plan."""
        slots = self._ray.cluster_resources().get("GPU" if self._resources.gpus else "CPU", 1.0)
        task, folder = self._remote(_measure), os.getcwd()
        return scale(
            plan, jobs, lambda job, shard: self._get(task.remote(job, shard, folder)), max(1, int(slots))
        )

    def close(self) -> None:
        """Leave the cluster; one that was started for this run ends."""
        global _connected
        if _connected:
            self._ray.shutdown()
            _connected = False

    def _load(self, outline: Outline) -> Components | None:
        """Load networks in a worker; None where it died of it."""
        try:
            return self._get(self._remote(_components).remote(outline, self._settings, os.getcwd()))
        except self._ray.exceptions.RayError as error:
            if isinstance(error, self._ray.exceptions.RayTaskError):
                raise
            return None

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

    def _result(self, reference: Any) -> ShardResult | str:
        """Return a shard's result, or what Ray says of the death of its workers."""
        try:
            return self._get(reference)
        except self._ray.exceptions.RayError as error:
            if isinstance(error, self._ray.exceptions.RayTaskError):
                raise
            return f"Ray started it {_RETRIES + 1} times; {_first_line(error)}"


@dataclass(frozen=True)
class OnRay:
    """The choice of a cluster: makes the engine from the settings, as :func:`bench.api.run_suite` wants it."""

    address: str | None = None
    fail_fast: bool = False

    def __call__(self, settings: Settings) -> RayEngine:
        """Return the engine."""
        return RayEngine(settings, address=self.address, fail_fast=self.fail_fast)

    def resolve_device(self, device: str) -> str:
        """Return what ``--device`` comes to on the cluster."""
        return RayEngine.resolve_device(device, self.address)


#: Whether this module made the connection, and so has to end it.
_connected = False


def connect(address: str | None) -> None:
    """Connect to a cluster, unless this process is connected already.

    Args:
        address: ``auto``, ``HOST:PORT``, ``ray://...`` or ``local``; None takes what ``RAY_ADDRESS`` says, else the
            cluster that runs on this machine, else starts one for the run.

    Raises:
        MissingDependency: If Ray is not installed.
        BenchError: If the cluster cannot be reached.
    """
    try:
        import ray
    except ImportError:
        raise MissingDependency(
            "--engine ray needs Ray, which is not installed: pip install 'derain-bench[ray]'"
        ) from None
    global _connected
    if ray.is_initialized():
        return
    try:
        ray.init(address=address, log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise BenchError(
            f"no Ray cluster at {address or 'this machine'}: {_first_line(error)}; check --address"
        ) from None
    _connected = True


def _components(outline: Outline, settings: Settings, folder: str) -> Components:
    _prepare(folder)
    return load_components(outline, settings)


def _shard(job: Job, shard: Shard, wait: bool, folder: str) -> ShardResult:
    _prepare(folder)
    if not Path(job.store).is_dir():
        raise BenchError(
            f"this node does not see {job.store}: put --out on a file system that all nodes share"
        )
    return run_shard(job, shard, wait=wait)


def _measure(job: Job, shard: Shard, folder: str) -> tuple[float, int]:
    _prepare(folder)
    return measure_shard(job, shard)


def _prepare(folder: str) -> None:
    """Make a Ray worker ready; the folder that the run was started in is what relative paths start from."""
    with contextlib.suppress(OSError):  # a node that does not share it; absolute paths may still do
        os.chdir(folder)
    initialise(1, ignore_interrupts=False)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
