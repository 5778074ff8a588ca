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

from bench.engine.blame import Blame, Part, load_blaming
from bench.engine.plan import Components, Outline, Plan, Shard
from bench.engine.work import Failure, Job, Settings, ShardResult, cut_jobs
from bench.engine.worker import initialise, load_components, measure_shard, run_shard
from bench.errors import BadConfig, BenchError, Interrupted

#: Called with the number of images that a finished shard looked at.
Progress = Callable[[int], None]

_ADVICE = "out of memory? try --tile 512 or fewer --workers"

#: Memory that a worker with a network of each kind takes on a CPU, roughly; bounds the default number of workers.
_WORKER_BYTES = 2 << 30


class Stopped(BenchError):
    """``--fail-fast``, and something has failed: cells are not complete, though no choice was wrong."""

    exit_code = 1


class Engine(Protocol):
    """Runs work somewhere: on this machine's processes, or on a cluster."""

    def components(self, outline: Outline) -> Components:
        """Load every derainer and model once, where the work will be done, and say what they are."""

    def execute(self, plan: Plan, jobs: Sequence[Job], progress: Progress) -> Execution:
        """Run every shard of the plan."""

    def forecast(self, plan: Plan, jobs: Sequence[Job]) -> Forecast:
        """Return about what the plan will take, from running one scene of each variant."""

    def close(self) -> None:
        """Let go of processes."""


@dataclass(frozen=True)
class Forecast:
    """What a plan will take, about.

    Attributes:
        seconds: Wall time.
        workers: Number of workers.
        memory: Bytes that one worker held at most while it looked at one scene.
    """

    seconds: float
    workers: int
    memory: int


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
        self.workers = workers or len(self._devices) or _workers_that_fit()
        # On a GPU the network is one process's; the other cores decode and rain for it.
        readers = max(1, _cores() // self.workers) if self._devices else 1
        self._settings = replace(settings, readers=readers)
        self._fail_fast = fail_fast
        self._claims: tempfile.TemporaryDirectory[str] | None = None
        self._pool: Any = None

    def components(self, outline: Outline) -> Components:
        """Load every derainer and model in the workers, which keep them for their shards."""
        return load_blaming(outline, self._load)

    def execute(self, plan: Plan, jobs: Sequence[Job], progress: Progress) -> Execution:
        """Run every shard of the plan; shards that another run holds come last.

        When a worker dies, the pool is started again and each shard that was being worked on runs alone, so that
        the one that kills its worker is told from those that were merely there; see :class:`bench.engine.blame.Blame`.

        Raises:
            Interrupted: On Ctrl-C; finished shards stay in the store.
            Stopped: With ``fail_fast``, on the first failure.
        """
        execution = Execution()
        jobs = [replace(job, settings=self._settings) for job in jobs]
        parts = cut_jobs(jobs, plan.shards)
        queue = deque((part, shard, False) for part, shard in zip(parts, plan.shards, strict=True))
        suspects: deque[Part] = deque()
        pending: dict[Future[ShardResult], Part] = {}
        blame = Blame()

        def submit(job: Job, shard: Shard, block: bool) -> None:
            job, lost = blame.without_hopeless(job, shard)
            if lost:
                execution.add(lost)
            if not job.cells:
                return
            try:
                future = self._start().submit(run_shard, job, shard, wait=block)
            except _broken():  # a worker has died since; what it held is found out below
                self.close()
                future = self._start().submit(run_shard, job, shard, wait=block)
            pending[future] = (job, shard)

        try:
            while queue or pending or suspects:
                alone = bool(suspects) and not pending
                while suspects and not pending:
                    submit(*suspects.popleft(), True)
                while queue and not suspects and not alone and len(pending) < 2 * self.workers:
                    submit(*queue.popleft())
                finished, _ = wait(pending, return_when=FIRST_COMPLETED) if pending else ((), ())
                try:
                    for future in finished:
                        result = future.result()
                        job, shard = pending.pop(future)
                        if result.busy:
                            queue.append((job, shard, True))
                            continue
                        blame.survived(job)
                        execution.add(result)
                        progress(result.images)
                        stop_at_failure(execution, self._fail_fast)
                except _broken():
                    self.close()
                    held = list(pending.values())
                    pending.clear()
                    if alone:
                        smaller, lost = blame.died(*held[0], _ADVICE)
                        suspects.extendleft(reversed(smaller))
                        if lost:
                            execution.add(lost)
                    else:
                        suspects.extend(held)
                    stop_at_failure(execution, self._fail_fast)
        except KeyboardInterrupt:
            raise Interrupted(
                f"interrupted after {execution.images} images; the same command goes on from there"
            ) from None
        finally:
            if pending:
                self.close()
        return execution

    def forecast(self, plan: Plan, jobs: Sequence[Job]) -> Forecast:
        """Run one scene of each variant, store nothing, and scale to the whole plan."""
        jobs = [replace(job, settings=self._settings) for job in jobs]
        return scale(
            plan,
            jobs,
            lambda job, shard: self._result(self._submit(measure_shard, job, shard)),
            self.workers,
        )

    def _load(self, outline: Outline) -> Components | None:
        """Load networks in all workers; None where one died of it."""
        try:
            pool = self._start()
            # All workers load at once; what one of them says of the networks is enough.
            first, *_ = (pool.submit(load_components, outline, self._settings) for _ in range(self.workers))
            return first.result()
        except _broken():
            self.close()
            return None

    def _submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        try:
            return self._start().submit(function, *arguments)
        except _broken() as error:
            raise _died(error) from None

    def _result(self, future: Future[Any]) -> Any:
        try:
            return future.result()
        except _broken() as error:
            raise _died(error) from None

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

            devices = tuple(self._devices)
            if devices:
                self._claims = tempfile.TemporaryDirectory(prefix="derain-bench-")
            claims = Path(self._claims.name) if self._claims else None
            self._pool = ProcessPoolExecutor(
                max_workers=self.workers,
                initializer=initialise,
                initargs=(1, True, devices, claims, os.getpid()),
                timeout=None,
            )
        return self._pool


def scale(
    plan: Plan, jobs: Sequence[Job], measure: Callable[[Job, Shard], tuple[float, int]], workers: int
) -> Forecast:
    """Measure one scene of each variant and scale to the whole plan.

    Args:
        plan: What is to be done.
        jobs: One per variant of the plan.
        measure: Runs a shard of one scene; returns its seconds and the worker's largest memory in bytes.
        workers: How many there are.
    """
    total, memory = 0.0, 0
    for index, variant in enumerate(plan.outline.variants):
        shards = [shard for shard in plan.shards if shard.variant == index]
        if shards:
            one = replace(shards[0], scenes=shards[0].scenes[:1])
            seconds, held = measure(cut_jobs(jobs, [one])[0], one)
            total += seconds / plan.images_of(variant, one.scenes) * plan.images_of(variant)
            memory = max(memory, held)
    return Forecast(total / min(workers, max(1, len(plan.shards))), workers, memory)


def stop_at_failure(execution: Execution, fail_fast: bool) -> None:
    """Raise :class:`Stopped` where ``--fail-fast`` was said and something has failed."""
    if fail_fast and execution.failures:
        raise Stopped(f"{execution.failures[0].reason} (stopped by --fail-fast)")


def _died(error: Exception) -> BenchError:
    return BenchError(
        f"a worker died while it loaded the networks ({error}): out of memory? try fewer --workers"
    )


def _broken() -> type[Exception]:
    from loky.process_executor import BrokenProcessPool

    return BrokenProcessPool


def _workers_that_fit() -> int:
    """Return one worker per core, or fewer where memory would not hold so many."""
    free = free_memory()
    return _cores() if free is None else max(1, min(_cores(), free // _WORKER_BYTES))


def free_memory() -> int | None:
    """Return how many bytes of memory are to be had here, a container's limit included; None where nobody says."""
    left = []
    try:
        with open("/proc/meminfo") as file:
            left.append(next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable")))
    except (OSError, StopIteration, ValueError):
        pass
    try:
        group = Path("/sys/fs/cgroup")
        cached = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())[
            "inactive_file"
        ]
        held = int((group / "memory.current").read_text()) - int(cached)
        left.append(int((group / "memory.max").read_text()) - held)
    except (OSError, ValueError, KeyError):  # no container, or one without a limit
        pass
    return min(left) if left else None


def _cores() -> int:
    from loky import cpu_count

    return cpu_count()  # affinity and a container's quota included


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
