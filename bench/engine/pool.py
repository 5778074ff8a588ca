"""Where work is done: what the scheduler asks of this machine's processes and of a cluster alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bench.deadline import Unit
from bench.engine.work import Settings

#: What stands for work that was submitted; hashable.
Handle = Any


@dataclass(frozen=True)
class Died:
    """A worker's death, instead of a result.

    Attributes:
        advice: What to do about it.
        certain: Whether it was this very work that its worker died of; else it may have been merely there when a
            neighbour's worker died.
        overdue: What took too long, where the worker died of that: whoever is not named was merely there.
    """

    advice: str
    certain: bool
    overdue: tuple[Unit, ...] = ()


class Pool(Protocol):
    """Workers that do what they are given.

    Attributes:
        settings: How its workers load networks.
        workers: How many there are.
        depth: How much work it wants to know of at a time.
    """

    settings: Settings
    workers: int
    depth: int

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Handle:
        """Have a worker call a function of a module; arguments and result are plain data."""
        ...

    def wait(self, handles: Sequence[Handle]) -> dict[Handle, Any]:
        """Wait until one of the handles or more is finished.

        Returns:
            The results of those that are; :class:`Died` where there is none.

        Raises:
            BenchError: What the function raised.
        """
        ...

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Have all workers call a function, as far as they are known, so that they keep what it loads.

        Returns:
            What one of them returns, or :class:`Died`.
        """
        ...

    def cancel(self, handles: Sequence[Handle]) -> None:
        """Give up work that was submitted."""
        ...

    def close(self) -> None:
        """Let go of the workers."""
        ...


class Place(Protocol):
    """The choice of where to work, before anything is started."""

    def resolve_device(self, device: str) -> str:
        """Return what ``--device`` comes to there; see :func:`bench.device.resolve_device`."""
        ...

    def open(self, settings: Settings) -> Pool:
        """Return a pool; its workers start when they are first needed."""
        ...


def result_of(pool: Pool, function: Callable[..., Any], *arguments: Any) -> Any:
    """Have a worker call a function and wait for what it returns, or for :class:`Died`."""
    handle = pool.submit(function, *arguments)
    return pool.wait([handle])[handle]
