"""Training the embedded models: what it feeds them, and that a run goes on where it stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from bench.data.street.make import make
from downstream import mm_train_street as training


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("street_train")
    make("train", 2, folder)
    return folder


@pytest.mark.parametrize("seed", range(8))
def test_boxes_mask_and_image_move_together(seed: int) -> None:
    mask = np.zeros((224, 384), np.uint8)
    mask[80:140, 150:230] = 13
    image = np.full((224, 384, 3), 40, np.uint8)
    image[mask == 13] = 220
    boxes = np.array([[150, 80, 230, 140]], np.float32)
    example = training.Example(image, mask, boxes, np.array([2]))
    moved = training.augment(example, np.random.default_rng(seed), (224, 384), 1.0)
    assert moved.image.shape == (224, 384, 3)
    rows, columns = np.nonzero(moved.mask == 13)
    if not len(moved.boxes):
        assert len(rows) < 0.35 * 60 * 80 * 1.6**2
        return
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert np.abs(moved.boxes[0] - found).max() <= 2
    inside = moved.image[moved.mask == 13].mean()
    outside = moved.image[moved.mask == 0].mean()
    assert inside > outside + 60


@pytest.mark.slow
def test_a_run_goes_on_where_it_stopped(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mmdet")
    recipe = training.Recipe(steps=1, batch=2, rate=1e-3)
    result = training.train("detection", scenes, tmp_path, recipe, None, 0)
    saved = torch.load(tmp_path / "resume.pth", weights_only=True)
    assert saved["step"] == 1
    training.train("detection", scenes, tmp_path, training.Recipe(steps=2, batch=2, rate=1e-3), None, 0)
    assert "from step 1" in capsys.readouterr().out
    weights = torch.load(result, weights_only=True)
    assert weights["meta"]["dataset_meta"]["classes"][0] == "person"
    assert {value.dtype for value in weights["state_dict"].values()} <= {torch.float16, torch.int64}
