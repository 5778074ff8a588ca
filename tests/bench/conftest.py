from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.images import write_image
from bench.seeds import rng_from


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
