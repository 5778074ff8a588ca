"""Training the embedded models: what it feeds them, and that a run goes on where it stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from bench.data.base import Scene
from bench.tools.street import train as training
from bench.tools.street.make import make

SCENE = Scene("one", None)


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
    example = training.Example(SCENE, image, mask, boxes, np.array([2]))
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


def _example_with_a_dot(row: int, column: int) -> training.Example:
    mask = np.zeros((224, 384), np.uint8)
    mask[row : row + 4, column : column + 4] = 17
    return training.Example(
        SCENE, np.zeros((224, 384, 3), np.uint8), mask, np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    )


def test_half_of_the_examples_show_a_class_drawn_uniformly() -> None:
    plain = _example_with_a_dot(0, 0)
    plain.mask[:] = 0
    examples = [plain] * 99 + [_example_with_a_dot(100, 200)]
    by_class = training.index_classes(examples, least=16)
    assert by_class == {0: list(range(100)), 17: [99]}
    drawn = [training.draw_example(examples, by_class, np.random.default_rng(i)) for i in range(400)]
    rare = [focus for example, focus in drawn if example is examples[99] and focus is not None]
    held = [focus for focus in rare if examples[99].mask[focus] == 17]
    assert 60 <= len(held) <= 140  # a quarter, although one scene in a hundred has it
    without_classes = [training.draw_example(examples, {}, np.random.default_rng(i)) for i in range(20)]
    assert {focus for _, focus in without_classes} == {None}


@pytest.mark.parametrize("seed", range(20))
def test_a_crop_holds_the_pixel_it_is_drawn_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    row, column = int(rng.integers(220)), int(rng.integers(380))
    moved = training.augment(_example_with_a_dot(row, column), rng, (256, 384), 2.0, (row + 1, column + 1))
    assert (moved.mask == 17).any()
