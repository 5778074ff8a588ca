"""Hostile inputs: each test hands something in, and the file that it would write must not appear."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


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
