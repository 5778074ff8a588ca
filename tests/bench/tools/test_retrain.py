"""Going on with the training of a segmenter in rain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.data import open_data
from bench.images import read_image
from bench.vocabulary import SEGMENTATION


def test_two_steps_change_the_weights_and_leave_a_model_that_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mmseg")
    from bench.tools import retrain
    from bench.weights import load_state
    from downstream.models import load_model
    from downstream.models.openmmlab import FOLDER

    monkeypatch.setattr(retrain, "SIZE", (64, 96))
    config, given = (FOLDER / f"street_seg.{kind}" for kind in ("py", "pth"))
    clean = open_data("street").first(2)
    recipe = replace(retrain.RECIPE, batch=2, steps=1)
    once = load_state(retrain.retrain(config, given, [clean, clean], tmp_path, recipe, 0))
    result = retrain.retrain(config, given, [clean, clean], tmp_path, replace(recipe, steps=2), 0)
    assert result == tmp_path / "street_seg_rain.pth"
    start, twice = load_state(given), load_state(result)
    assert set(twice) >= {name for name in start if name.endswith("weight")}
    moved = [
        name for name in twice if name in start and not torch.equal(start[name].float(), twice[name].float())
    ]
    assert moved
    assert any(not torch.equal(once[name], twice[name]) for name in moved)  # the second run went on
    model = load_model(SEGMENTATION, str(config), result, device="cpu")
    assert model.classes == load_model(SEGMENTATION, device="cpu").classes
    assert clean.scenes[0].image is not None
    labels = model.predict(read_image(clean.scenes[0].image))
    assert labels.shape == clean.scenes[0].size
    assert len(np.unique(labels)) > 1
