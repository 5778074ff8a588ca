from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from bench.images import read_image, read_labels
from bench.score.stats import confusion_scores
from downstream.models.openmmlab import load_model
from downstream.tasks.segmentation import confusion

pytest.importorskip("mmseg")

SLIDING = """
_base_ = ["{base}"]
model = dict(test_cfg=dict(_delete_=True, mode="slide", crop_size=(128, 160), stride=(90, 100)))
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=(300, 240), keep_ratio=True),
    dict(type="LoadAnnotations"),
    dict(type="PackSegInputs"),
]
test_dataloader = dict(dataset=dict(type="BaseSegDataset", pipeline=test_pipeline))
"""


@pytest.fixture(scope="module")
def files(shared):
    config, weights = (shared / "weights" / f"cgnet_camvid.{suffix}" for suffix in ("py", "pth"))
    folder = shared / "data" / "camvid"
    images = sorted((folder / "val").iterdir())[:8]
    masks = [folder / "valannot" / f"{image.stem}.png" for image in images]
    return config, weights, images, masks


@pytest.fixture(scope="module")
def segmenter(files):
    return load_model("segmentation", str(files[0]), files[1], device="cpu")


def mmseg_result(config, weights, images):
    """MMSegmentation's own inference, reading the files itself."""
    from mmseg.apis import inference_model, init_model

    from downstream.models.mmcommon import quiet

    torch.set_flush_denormal(True)  # the weights are full of denormals
    try:
        with quiet():
            model = init_model(str(config), str(weights), device="cpu")
            return [inference_model(model, str(image)).pred_sem_seg.data for image in images]
    finally:
        torch.set_flush_denormal(False)


def test_scores_equal_mmsegmentations_evaluation(segmenter, files):
    from mmseg.evaluation import IoUMetric

    config, weights, images, masks = files
    total = np.zeros((11, 11), np.int64)
    areas = []
    predicted = mmseg_result(config, weights, images)
    for image, mask, theirs in zip(images, masks, predicted, strict=True):
        ours, truth = segmenter.predict(read_image(image)), read_labels(mask)
        np.testing.assert_array_equal(ours, theirs[0].numpy())
        total += confusion(ours, truth, 11, ignore=11, where=str(mask))
        labels = torch.from_numpy(truth.astype(np.int64))
        areas.append(IoUMetric.intersect_and_union(theirs[0], labels, 11, 11))
    wanted = IoUMetric.total_area_to_metrics(*[sum(part).double() for part in zip(*areas, strict=True)])
    scores = confusion_scores(total)
    assert scores["miou"] == pytest.approx(np.nanmean(wanted["IoU"]), abs=1e-9)
    assert scores["macc"] == pytest.approx(np.nanmean(wanted["Acc"]), abs=1e-9)
    assert scores["aacc"] == pytest.approx(float(wanted["aAcc"]), abs=1e-9)
    assert scores["miou"] > 0.6


def test_sliding_window_at_another_size(files, tmp_path):
    config, weights, images, _ = files
    (tmp_path / "sliding.py").write_text(SLIDING.format(base=config))
    segmenter = load_model("segmentation", str(tmp_path / "sliding.py"), weights, device="cpu")
    image = read_image(images[0])
    theirs = mmseg_result(tmp_path / "sliding.py", weights, images[:1])[0][0].numpy()
    np.testing.assert_array_equal(segmenter.predict(image), theirs)
    assert theirs.shape == image.shape[:2]


def test_key_and_contract(segmenter):
    json.dumps(segmenter.key)
    assert segmenter.classes[0] == "sky"
    assert segmenter.task == "segmentation"
    labels = segmenter.predict(np.zeros((65, 97, 3), np.uint8))
    assert labels.shape == (65, 97)
    assert labels.dtype == np.uint8
    assert labels.max() < 11
