"""Runs the shards of a plan on this machine: one worker process per core, or per GPU.

Every worker does a whole shard (decode, rain, derain, models, evidence), single-threaded on a CPU: networks on single
images gain less from a second thread than from a second image. Memory holds one shard per worker, however many
images there are.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from bench.errors import BadConfig, BenchError
from bench.plan import Components, Outline, Plan, Shard, shard_images
from bench.worker import (
    Failure,
    Job,
    Settings,
    ShardResult,
    initialise,
    load_components,
    measure_shard,
    run_shard,
)

#: Called with the number of images that a finished shard looked at.
Progress = Callable[[int], None]

_DIED = "the worker died twice on this shard: out of memory? try --tile 512 or fewer --workers"

#: Memory that a worker with a network of each kind takes on a CPU, roughly; bounds the default number of workers.
_WORKER_BYTES = 2 << 30


class Interrupted(BenchError):
    """Ctrl-C: what was finished is in the store."""

    exit_code = 130


class Engine(Protocol):
    """Runs work somewhere: on this machine's processes, or on a cluster."""

    def components(self, outline: Outline) -> Components:
        """Load every derainer and model once, where the work will be done, and say what they are."""

    def execute(self, plan: Plan, jobs: Sequence[Job], progress: Progress) -> Execution:
        """Run every shard of the plan."""

    def estimate(self, plan: Plan, jobs: Sequence[Job]) -> float:
        """Return about how many seconds the plan will take, from running one scene of each variant."""

    def close(self) -> None:
        """Let go of processes."""


@dataclass
class Execution:
    """What came of running a plan.

    Attributes:
        failures: Everything that did not work.
        images: Images looked at.
        network_seconds: Time inside the networks, added over workers.
        notes: (derainer label, note) pairs for the records.
    """

    failures: list[Failure] = field(default_factory=list)
    images: int = 0
    network_seconds: float = 0.0
    notes: set[tuple[str, str]] = field(default_factory=set)

    def add(self, result: ShardResult) -> None:
        """Take in a shard's result."""
        self.failures += result.failures
        self.images += result.images
        self.network_seconds += result.network_seconds
        self.notes |= set(result.notes)


class LocalEngine:
    """Worker processes on this machine.

    Args:
        settings: How networks are loaded; the device as :func:`resolve_device` gives it.
        workers: Number of processes; None takes one per core (CPU) or one per GPU, as far as memory allows.
        fail_fast: Raise at the first failure instead of finishing the rest.
    """

    def __init__(self, settings: Settings, *, workers: int | None = None, fail_fast: bool = False) -> None:
        self._devices = _places(settings.device)
        self._workers = workers or len(self._devices) or _workers_that_fit()
        # On a GPU the network is one process's; the other cores decode and rain for it.
        readers = max(1, _cores() // self._workers) if self._devices else 1
        self._settings = replace(settings, readers=readers)
        self._fail_fast = fail_fast
        self._claims: tempfile.TemporaryDirectory[str] | None = None
        self._pool: Any = None

    def components(self, outline: Outline) -> Components:
        """Load every derainer and model in a worker, which keeps them for its shards."""
        try:
            return self._start().submit(load_components, outline, self._settings).result()
        except _broken() as error:
            raise BenchError(
                f"a worker died while it loaded the networks ({error}): out of memory? try fewer --workers"
            ) from None

    def execute(self, plan: Plan, jobs: Sequence[Job], progress: Progress) -> Execution:
        """Run every shard of the plan; shards that another run holds come last.

        When a worker dies, the pool is started again and each shard that was being worked on runs alone, so that
        the one that kills its worker is told from those that were merely there.

        Raises:
            Interrupted: On Ctrl-C; finished shards stay in the store.
            BenchError: With ``fail_fast``, on the first failure.
        """
        execution = Execution()
        queue = deque((shard, False) for shard in plan.shards)
        suspects: deque[Shard] = deque()
        pending: dict[Future[ShardResult], tuple[Shard, bool]] = {}
        jobs = [replace(job, settings=self._settings) for job in jobs]

        def submit(shard: Shard, block: bool) -> None:
            pending[self._start().submit(run_shard, jobs[shard.variant], shard, wait=block)] = (shard, block)

        try:
            while queue or pending or suspects:
                alone = bool(suspects) and not pending
                if alone:
                    submit(suspects.popleft(), True)
                while queue and not suspects and not alone and len(pending) < 2 * self._workers:
                    submit(*queue.popleft())
                finished, _ = wait(pending, return_when=FIRST_COMPLETED)
                try:
                    for future in finished:
                        result = future.result()
                        shard, _ = pending.pop(future)
                        if result.busy:
                            queue.append((shard, True))
                            continue
                        execution.add(result)
                        progress(result.images)
                        if self._fail_fast and execution.failures:
                            raise BenchError(f"{execution.failures[0].reason} (stopped by --fail-fast)")
                except _broken():
                    self.close()
                    held = [shard for shard, _ in pending.values()]
                    pending.clear()
                    if alone:
                        execution.add(given_up(jobs[held[0].variant], held[0], _DIED))
                    else:
                        suspects.extend(held)
        except KeyboardInterrupt:
            raise Interrupted(
                f"interrupted after {execution.images} images; the same command goes on from there"
            ) from None
        finally:
            if pending:
                self.close()
        return execution

    def estimate(self, plan: Plan, jobs: Sequence[Job]) -> float:
        """Run one scene of each variant's first shard, store nothing, and scale to the whole plan."""
        total = 0.0
        for index, job in enumerate(jobs):
            shards = [shard for shard in plan.shards if shard.variant == index]
            if shards:
                one = replace(shards[0], scenes=shards[0].scenes[:1])
                seconds = (
                    self._start().submit(measure_shard, replace(job, settings=self._settings), one).result()
                )
                images = sum(shard_images(plan, shard) for shard in shards)
                total += seconds / shard_images(plan, one) * images
        return total / self._workers

    def close(self) -> None:
        """End the worker processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = None
        if self._claims is not None:
            self._claims.cleanup()
            self._claims = None

    def _start(self) -> Any:
        if self._pool is None:
            # loky's workers, unlike multiprocessing's, do not run the caller's main script again, so `run()` works
            # from a notebook or a script without a guard; and a dead worker is an error, not a hang.
            from loky import ProcessPoolExecutor

            self._claims = tempfile.TemporaryDirectory(prefix="derain-bench-")
            devices = tuple(self._devices)
            self._pool = ProcessPoolExecutor(
                max_workers=self._workers,
                initializer=initialise,
                initargs=(1, True, devices, Path(self._claims.name)),
                timeout=None,
            )
        return self._pool


def given_up(job: Job, shard: Shard, reason: str) -> ShardResult:
    """Return the result of a shard that could not be run: every cell of every scene has failed."""
    keys = tuple(cell.key for cell in job.cells)
    return ShardResult(shard.name, failures=tuple(Failure(keys, scene, reason) for scene in shard.scenes))


def _broken() -> type[Exception]:
    from loky.process_executor import BrokenProcessPool

    return BrokenProcessPool


def _workers_that_fit() -> int:
    """Return one worker per core, or fewer where memory would not hold so many."""
    try:
        with open("/proc/meminfo") as file:
            free = next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return _cores()
    return max(1, min(_cores(), free // _WORKER_BYTES))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def resolve_device(device: str) -> str:
    """Return what ``--device`` comes to on this machine: ``cpu``, ``cuda`` (all GPUs) or ``cuda:N``.

    Raises:
        BadConfig: If the name is unknown, or a GPU is asked for and there is none.
    """
    if device not in ("auto", "cpu", "cuda") and not re.fullmatch(r"cuda:\d+", device):
        raise BadConfig(f"--device {device}: choose auto, cpu, cuda or cuda:N")
    # Asking torch costs seconds; without the driver's device file there is nothing to ask about.
    if device == "cpu" or (device == "auto" and not os.path.exists("/dev/nvidiactl")):
        return "cpu"
    count = _gpus()
    if device == "auto":
        return "cuda" if count else "cpu"
    wanted = int(device.partition(":")[2] or 0)
    if wanted >= count:
        raise BadConfig(
            f"--device {device}: torch sees {count} GPUs; use --device cpu, or see `bench doctor`"
        )
    return device


def _gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _places(device: str) -> list[str]:
    """Return the GPUs that workers are put on in turn; none means the CPU."""
    if device == "cpu":
        return []
    return [f"cuda:{index}" for index in range(_gpus())] if device == "cuda" else [device]
