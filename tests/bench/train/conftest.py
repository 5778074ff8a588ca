from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.images import write_image
from bench.seeds import rng_from
from bench.train.config import TrainConfig


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of four small images of blocks, 48x40."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for k in range(4):
        blocks = rng_from("photos", k).integers(0, 256, (6, 5, 3), dtype=np.uint8)
        write_image(folder / f"{k}.png", np.kron(blocks, np.ones((8, 8, 1), np.uint8)))
    return folder


@pytest.fixture
def tiny(photos: Path) -> Any:
    """Makes a configuration of a training that takes a second."""

    def make(**changes: Any) -> TrainConfig:
        values: dict[str, Any] = {
            "network": "rdmc",
            "options": {"width": 2, "recursions": 2, "norm": "none"},
            "data": {"clean": [{"images": str(photos)}]},
            "stages": [{"until": 6, "patch": 16, "batch": 2}],
            "loss": {"contrastive": 0},
            "threads": 1,
            "checkpoint_every": 2,
            "log_every": 1,
        }
        return TrainConfig.model_validate({**values, **changes})

    return make
