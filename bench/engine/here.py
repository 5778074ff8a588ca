"""The process that asked as a pool of one: for what cannot be sent to others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from bench.device import resolve_device
from bench.engine.work import Settings


class ThisProcess:
    """See :class:`bench.engine.pool.Place`."""

    def resolve_device(self, device: str) -> str:
        """See :func:`bench.device.resolve_device`."""
        return resolve_device(device)

    def open(self, settings: Settings) -> HerePool:
        """Return the pool."""
        return HerePool(settings)


class HerePool:
    """See :class:`bench.engine.pool.Pool`; work is done as it is submitted.

    Args:
        settings: How networks are loaded.
    """

    workers = 1
    depth = 1

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._results: dict[int, Any] = {}
        self._next = count()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> int:
        """See :class:`bench.engine.pool.Pool`."""
        handle = next(self._next)
        self._results[handle] = function(*arguments)
        return handle

    def wait(self, handles: Sequence[int]) -> dict[int, Any]:
        """See :class:`bench.engine.pool.Pool`."""
        return {handle: self._results.pop(handle) for handle in handles}

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """See :class:`bench.engine.pool.Pool`."""
        return function(*arguments)

    def cancel(self, handles: Sequence[int]) -> None:
        """Nothing is under way between two calls."""

    def close(self) -> None:
        """Nothing was started."""
