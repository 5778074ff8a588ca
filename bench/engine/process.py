"""A worker process: how it is prepared, which GPU it takes, and what it ends with."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench import deadline
from bench.engine.work import Settings

#: The GPU that this process has claimed.
_claimed: str | None = None


def place(settings: Settings) -> str:
    """Return the device on which this process works: of several GPUs the one that it has claimed."""
    return (_claimed or "cuda") if settings.device == "cuda" else settings.device


def initialise(
    threads: int,
    limit: tuple[float, Path | None],
    ignore_interrupts: bool = True,
    devices: Sequence[str] = (),
    claims: Path | None = None,
    parent: int | None = None,
) -> None:
    """Prepare a worker process.

    Args:
        threads: Threads of a network on the CPU. The count is the same for any number of workers, because a
            network's sums may depend on it in the last bit.
        limit: What :func:`bench.deadline.arm` is told.
        ignore_interrupts: Leave Ctrl-C to the process that started this one.
        devices: GPUs to share out among the workers.
        claims: Folder, empty at the start, in which workers leave word of the GPU they took.
        parent: Id of the process to end with, however that one ends.
    """
    import logging
    import signal
    import threading
    import warnings

    global _claimed
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    if ignore_interrupts:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    deadline.arm(*limit)
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    if devices and claims is not None:
        _claimed = claim(devices, claims)
    import cv2

    cv2.setNumThreads(threads)
    # Importing torch takes seconds, and filters do without. Where it comes later, it counts by the variables above.
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)


def threads() -> int:
    """Return how many CPU threads networks have in this process, or, as long as there were none, filters."""
    import cv2

    torch = sys.modules.get("torch")
    return torch.get_num_threads() if torch else cv2.getNumThreads()


def _end_with(parent: int) -> None:
    # A killed parent says nothing, and its workers would wait for work for ever, networks in memory.
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def claim(devices: Sequence[str], claims: Path) -> str:
    """Return the device that the fewest workers have taken so far, and leave word of taking it.

    Args:
        devices: The devices to choose from.
        claims: A folder that all workers see.
    """
    for turn in range(1 << 16):
        for index, device in enumerate(devices):
            try:
                # Creating a file is atomic: one worker gets each place.
                (claims / f"{turn}-{index}").touch(exist_ok=False)
            except FileExistsError:
                continue
            return device
    raise AssertionError("more workers than places")
