"""Hostile inputs: each test hands something in, and the file that it would write must not appear."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench
from bench.images import write_image
from bench.seeds import rng_from

#: Seconds after which an input counts as one that hangs; what is tested takes milliseconds.
LIMIT = 60


@pytest.fixture(autouse=True)
def _no_hanging() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TimeoutError("the input hangs")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    """The file that hostile inputs write where they run; it must not be there when the test ends."""
    path = tmp_path / "it-ran"
    yield path
    assert not path.exists(), "the input ran"


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return open, (str(self.target), "w")


@pytest.fixture
def bomb(marker: Path) -> Bomb:
    return Bomb(marker)


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four small scenes with their clean images."""
    folder = tmp_path_factory.mktemp("data") / "pairs"
    for name in ("rain", "norain"):
        (folder / name).mkdir(parents=True)
        for index in range(4):
            pixels = rng_from(name, index).integers(0, 256, (32, 40, 3)).astype(np.uint8)
            write_image(folder / name / f"{index}.png", pixels)
    return folder


@pytest.fixture(scope="session")
def finished(pairs: Path, tmp_path_factory: pytest.TempPathFactory, no_workers: Any) -> Path:
    """A finished run of ``median``."""
    out = tmp_path_factory.mktemp("runs") / "theirs"
    with no_workers():
        bench.run(derainer="median", task="restoration", data=f"pairs:{pairs}", out=out)
    return out


@pytest.fixture
def store(finished: Path, tmp_path: Path) -> Path:
    """It, as a stranger might send it."""
    return shutil.copytree(finished, tmp_path / "theirs")
