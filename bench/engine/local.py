"""This machine's processes as a pool: one worker per core, or per GPU.

Every worker does a whole shard (decode, rain, derain, models, evidence), single-threaded on a CPU: networks on single
images gain less from a second thread than from a second image. Memory holds one shard per worker, however many
images there are.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.deadline import Unit, overdue
from bench.device import gpu_count, resolve_device
from bench.engine.pool import Died
from bench.engine.process import initialise
from bench.engine.work import Settings
from bench.errors import BenchError

_ADVICE = "out of memory? smaller tiles (512) or fewer workers need less"

#: Memory that a worker with a network of each kind takes on a CPU, roughly; bounds the default number of workers.
_WORKER_BYTES = 2 << 30


@dataclass(frozen=True)
class ThisMachine:
    """Worker processes on this machine.

    Attributes:
        workers: How many; None takes one per core (CPU) or one per GPU, as far as memory allows.
    """

    workers: int | None = None

    def resolve_device(self, device: str) -> str:
        """See :func:`bench.device.resolve_device`."""
        return resolve_device(device)

    def open(self, settings: Settings) -> LocalPool:
        """Return the pool."""
        return LocalPool(settings, self.workers)


class LocalPool:
    """See :class:`bench.engine.pool.Pool`.

    Args:
        settings: How networks are loaded.
        workers: As in :class:`ThisMachine`.

    Raises:
        BenchError: If this process may not start others.
    """

    def __init__(self, settings: Settings, workers: int | None = None) -> None:
        if multiprocessing.current_process().daemon:
            raise BenchError(
                "this process is a daemonic worker of another pool, which may start no workers: run from the process "
                "that started it"
            )
        self._devices = _gpus_of(settings.device)
        self.workers = workers or len(self._devices) or _workers_that_fit()
        # Enough that no worker waits for the scheduler, few enough that a death has few suspects.
        self.depth = 2 * self.workers
        # On a GPU the network is one process's; the other cores decode and rain for it.
        readers = max(1, _cores() // self.workers) if self._devices else 1
        self.settings = replace(settings, readers=readers)
        self._claims: tempfile.TemporaryDirectory[str] | None = None
        self._words: tempfile.TemporaryDirectory[str] | None = None
        self._overdue: list[Unit] = []
        self._executor: Any = None

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """See :class:`bench.engine.pool.Pool`."""
        try:
            return self._start().submit(function, *arguments)
        except _broken():  # a worker has died since; what it held is found out by whoever waits for it
            self._bury()
            return self._start().submit(function, *arguments)

    def wait(self, handles: Sequence[Future[Any]]) -> dict[Future[Any], Any]:
        """See :class:`bench.engine.pool.Pool`.

        When a worker dies, all are started anew, and everything that was submitted is lost.
        """
        finished, _ = wait(handles, return_when=FIRST_COMPLETED)
        results: dict[Future[Any], Any] = {}
        try:
            for handle in finished:
                results[handle] = handle.result()
        except _broken():
            died = self._died()
            return {handle: results.get(handle, died) for handle in handles}
        return results

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """See :class:`bench.engine.pool.Pool`."""
        try:
            executor = self._start()
            first, *_ = (executor.submit(function, *arguments) for _ in range(self.workers))
        except _broken():
            return self._died()
        return self.wait([first])[first]

    def cancel(self, handles: Sequence[Future[Any]]) -> None:
        """End the workers: a process cannot be told to give up one thing."""
        if handles:
            self.close()

    def close(self) -> None:
        """End the worker processes."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)
            self._executor = None
        for folder in (self._claims, self._words):
            if folder is not None:
                folder.cleanup()
        self._claims = self._words = None

    def _bury(self) -> None:
        """Note what the dead took too long for, and end the rest."""
        if self._words is not None:
            self._overdue += overdue(Path(self._words.name))
        self.close()

    def _died(self) -> Died:
        self._bury()
        died = Died(_ADVICE, certain=False, overdue=tuple(self._overdue))
        self._overdue = []
        return died

    def _start(self) -> Any:
        if self._executor is None:
            # loky's workers, unlike multiprocessing's, do not run the caller's main script again, so `run()` works
            # from a notebook or a script without a guard; and a dead worker is an error, not a hang.
            from loky import ProcessPoolExecutor

            if self._devices:
                self._claims = tempfile.TemporaryDirectory(prefix="derain-bench-")
            claims = Path(self._claims.name) if self._claims else None
            self._words = tempfile.TemporaryDirectory(prefix="derain-bench-", ignore_cleanup_errors=True)
            limit = self.settings.timeout, Path(self._words.name)
            self._executor = ProcessPoolExecutor(
                max_workers=self.workers,
                initializer=initialise,
                initargs=(1, limit, True, tuple(self._devices), claims, os.getpid()),
                timeout=None,
                env={"LOKY_MAX_MEMORY_LEAK_SIZE": str(_growth(self.workers))},
            )
        return self._executor


def free_memory() -> int | None:
    """Return how many bytes of memory are to be had here, a container's limit included; None where nobody says."""
    left = []
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            left.append(next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable")))
    except (OSError, StopIteration, ValueError):
        pass
    try:
        group = Path("/sys/fs/cgroup")
        cached = dict(
            line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines()
        )["inactive_file"]
        held = int((group / "memory.current").read_text(encoding="ascii")) - int(cached)
        left.append(int((group / "memory.max").read_text(encoding="ascii")) - held)
    except (OSError, ValueError, KeyError):  # no container, or one without a limit
        pass
    return min(left) if left else None


def _growth(workers: int) -> int:
    """Return by how many bytes a worker may grow over its first work before loky takes that for a leak.

    loky ends such a worker and starts another in its place. Its own limit, 300 MB, is less than what a network holds
    while it looks at an image; the workers were then started anew after every shard, seconds each.
    """
    free = free_memory()
    return max(_WORKER_BYTES, 0 if free is None else free // workers)


def _broken() -> type[Exception]:
    from loky.process_executor import BrokenProcessPool

    return BrokenProcessPool


def _workers_that_fit() -> int:
    """Return one worker per core, or fewer where memory would not hold so many."""
    free = free_memory()
    return _cores() if free is None else max(1, min(_cores(), free // _WORKER_BYTES))


def _cores() -> int:
    from loky import cpu_count

    return cpu_count()  # affinity and a container's quota included


def _gpus_of(device: str) -> list[str]:
    """Return the GPUs that workers are put on in turn; none means the CPU."""
    if device == "cpu":
        return []
    return [f"cuda:{index}" for index in range(gpu_count())] if device == "cuda" else [device]
