"""What a derainer noted while it restored a cell's scenes stands in that cell's record and in no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.api import run_suite
from bench.engine.suite import make_suite
from bench.images import write_image
from bench.seeds import rng_from

#: Stands for a network that does not fit into memory whole where an image is large, and then goes through in tiles.
PLUG_IN = """
import torch

class Hungry(torch.nn.Module):
    def forward(self, rainy):
        if rainy.shape[2] * rainy.shape[3] > 512 * 512:
            raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes")
        return rainy
"""
NOTE = "out of memory on a 520x700 image: restored in tiles of 512+64"


def write_pair(folder: Path, height: int, width: int) -> Path:
    for name in ("rain", "norain"):
        (folder / name).mkdir(parents=True)
        image = rng_from(name).integers(0, 256, (height, width, 3)).astype(np.uint8)
        write_image(folder / name / "000.png", image)
    return folder


@pytest.fixture
def notes(tmp_path: Path, inline: Any) -> Any:
    """Run over data sets of one large or one small pair; return each record's notes."""
    (tmp_path / "my.py").write_text(PLUG_IN)
    folders = {
        "large": write_pair(tmp_path / "large", 520, 700),
        "small": write_pair(tmp_path / "small", 40, 50),
    }

    def run(*names: str) -> dict[tuple[str, str], list[str]]:
        choices = {
            "variants": [{"data": f"pairs:{folders[name]}"} for name in names],
            "derainers": [f"{tmp_path / 'my.py'}:Hungry", "median"],
            "tasks": ["restoration"],
        }
        records = run_suite(make_suite(choices, "suite"), tmp_path / "out", place=inline).records
        return {(r.data.name.split("/")[1], r.derainer.label): r.run["notes"] for r in records}

    return run


def test_a_note_stays_with_the_variant_that_it_is_about(notes: Any) -> None:
    found = notes("large", "small")
    assert found.pop(("large", "Hungry")) == [NOTE]
    assert len(found) == 7
    assert not any(found.values())


def test_a_derainer_kept_from_an_earlier_run_does_not_repeat_itself(notes: Any) -> None:
    assert notes("large")["large", "Hungry"] == [NOTE]
    assert notes("small")["small", "Hungry"] == []
    assert notes("large", "small")["large", "Hungry"] == [NOTE]


def test_a_failure_stays_with_the_variant_too(tmp_path: Path, inline: Any) -> None:
    (tmp_path / "my.py").write_text(
        "def picky(image):\n    raise ValueError(f'not {image.shape[1]}x{image.shape[0]}')\n"
    )
    folders = [write_pair(tmp_path / "one", 30, 40), write_pair(tmp_path / "two", 50, 60)]
    choices = {
        "variants": [{"data": f"pairs:{folder}"} for folder in folders],
        "derainers": [f"{tmp_path / 'my.py'}:picky", "median"],
        "tasks": ["restoration"],
    }
    records = run_suite(make_suite(choices, "suite"), tmp_path / "out", place=inline).records
    reasons = {r.data.name: r.reason for r in records if r.derainer.label == "picky"}
    assert "not 40x30" in (reasons["pairs/one"] or "")
    assert "not 60x50" in (reasons["pairs/two"] or "")
