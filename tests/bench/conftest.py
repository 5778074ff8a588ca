from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.device import resolve_device
from bench.engine.work import Settings
from bench.images import write_image
from bench.seeds import rng_from


class InlinePool:
    """Works in the test's own process: no time goes into starting workers, and monkeypatches reach the work."""

    workers = 1
    depth = 1

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._results: dict[int, Any] = {}
        self._next = count()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> int:
        handle = next(self._next)
        self._results[handle] = function(*arguments)
        return handle

    def wait(self, handles: Sequence[int]) -> dict[int, Any]:
        return {handle: self._results.pop(handle) for handle in handles}

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    def cancel(self, handles: Sequence[int]) -> None:
        pass

    def close(self) -> None:
        pass


class Inline:
    """The place of an inline pool."""

    def __init__(self, workers: int | None = None) -> None:
        pass

    def resolve_device(self, device: str) -> str:
        return resolve_device(device)

    def open(self, settings: Settings) -> InlinePool:
        return InlinePool(settings)


@pytest.fixture(scope="session")
def inline() -> Inline:
    return Inline()


@pytest.fixture(scope="session")
def write_pairs() -> Callable[..., Path]:
    """Write small pairs, 000 to 00N, that depend on ``kind``."""

    def write(folder: Path, count: int = 6, kind: str = "pairs") -> Path:
        for name in ("rain", "norain"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            rng = rng_from(kind, index)
            clean = np.kron(rng.integers(40, 200, (6, 8, 3)).astype(np.uint8), np.ones((6, 6, 1), np.uint8))
            rainy = clean.copy()
            rainy[:, rng.integers(0, 48, 10)] = 255
            rainy[0, 0] = index
            write_image(folder / "norain" / f"{index:03}.png", clean)
            write_image(folder / "rain" / f"{index:03}.png", rainy)
        return folder

    return write
