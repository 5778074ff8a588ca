from __future__ import annotations

import json

import numpy as np
import pytest

from bench.data import open_data
from bench.errors import BadConfig, BadWeights
from bench.images import read_image
from downstream.models.openmmlab import load_model
from downstream.tasks.detection import map_categories, to_categories

pytest.importorskip("mmdet")
NAME = "yolox_nano_8xb8-300e_coco"


@pytest.fixture(scope="module")
def detector(shared):
    return load_model("detection", NAME, shared / "weights" / "yolox_nano_coco.pth", device="cpu")


@pytest.fixture(scope="module")
def data(shared):
    return open_data(f"coco:{shared / 'data' / 'coco_tiny'}", "val2017")


def independent_nms(boxes, scores, iou_threshold, offset):
    """Suppression from the whole matrix of overlaps, in float64: another way than the one under test."""
    import torch

    x1, y1, x2, y2 = boxes.double().numpy().T
    area = (x2 - x1 + offset) * (y2 - y1 + offset)
    wide = np.minimum.outer(x2, x2) - np.maximum.outer(x1, x1) + offset
    high = np.minimum.outer(y2, y2) - np.maximum.outer(y1, y1) + offset
    inter = wide.clip(0) * high.clip(0)
    close = inter > iou_threshold * (np.add.outer(area, area) - inter)
    alive = np.ones(len(scores), bool)
    kept = []
    for i in np.argsort(-scores.numpy(), kind="stable"):
        if alive[i]:
            kept.append(int(i))
            alive &= ~close[i]
    return torch.tensor(kept, dtype=torch.int64)


def test_ap_does_not_depend_on_whose_nms_it_is(detector, data, monkeypatch, coco_scores):
    import sys

    from downstream.models.mmops import MODULE

    mapping = map_categories(detector.classes, data.detection.coco["categories"])
    part = data.first(25)

    def rows():
        for scene in part.scenes:
            found = to_categories(detector.predict(data.clean(scene)), mapping)
            names = ("boxes", "scores", "categories")
            yield {"image_id": data.detection.image_ids[scene.id], **dict(zip(names, found, strict=True))}

    ours = coco_scores(part.detection.coco, list(rows()))
    monkeypatch.setattr(sys.modules[MODULE], "nms", independent_nms)
    theirs = coco_scores(part.detection.coco, list(rows()))
    assert ours == pytest.approx(theirs, abs=1e-6)
    assert ours["ap"] > 0.4


def test_boxes_equal_mmdetections_inference(detector, data, shared):
    """Its own entry point, reading the file itself, gives the same numbers to the last bit."""
    from mmdet.apis import inference_detector, init_detector

    from downstream.models.index import find_model
    from downstream.models.mmcommon import quiet

    with quiet():
        weights = shared / "weights" / "yolox_nano_coco.pth"
        model = init_detector(find_model("detection", NAME).config, str(weights), device="cpu")
        for scene in data.scenes[:3]:
            theirs = inference_detector(model, str(scene.image)).pred_instances
            ours = detector.predict(read_image(scene.image))
            np.testing.assert_array_equal(ours.boxes, theirs.bboxes.numpy())
            np.testing.assert_array_equal(ours.scores, theirs.scores.numpy())
            np.testing.assert_array_equal(ours.labels, theirs.labels.numpy())


def test_key_and_contract(detector, shared):
    json.dumps(detector.key)
    assert detector.task == "detection"
    assert detector.classes[:3] == ("person", "bicycle", "car")
    assert len(detector.key["checkpoint"]) == len(detector.key["config"]) == 64
    image = np.full((60, 91, 3), 127, np.uint8)
    before = image.copy()
    found = detector.predict(image)
    np.testing.assert_array_equal(image, before)
    assert (found.boxes.dtype, found.scores.dtype, found.labels.dtype) == (np.float32, np.float32, np.int64)
    with pytest.raises(ValueError, match="uint8 HxWx3"):
        detector.predict(image[..., 0])


def test_weights_of_another_network(shared):
    other = shared / "weights" / "cgnet_camvid.pth"
    with pytest.raises(BadWeights, match=r"another architecture: .* lacks \d+ of \d+ \(backbone\.") as caught:
        load_model("detection", NAME, other, device="cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model = dict(type='NoSuchNet')\ntest_pipeline = [dict(type='LoadImageFromFile')]", "NoSuchNet"),
        ("model = dict(type='YOLOX')", "no test pipeline"),
        ("optimizer = 3", "has no `model`"),
        ("this is not python", "not a readable model config"),
    ],
)
def test_bad_configs(tmp_path, text, said):
    import torch

    (tmp_path / "my.py").write_text(text)
    torch.save({"w": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(BadConfig, match=said) as caught:
        load_model("detection", str(tmp_path / "my.py"), tmp_path / "w.pth", device="cpu")
    assert "\n" not in str(caught.value)


def small_two_stage(tmp_path, family):
    """A tiny two-stage or deformable detector of MMDetection's own configs, with weights drawn from a seed."""
    import torch
    from mmengine.config import Config
    from mmengine.registry import DefaultScope

    from downstream.models.index import find_model
    from downstream.models.mmops import install_fallback_ops

    install_fallback_ops()
    from mmdet.registry import MODELS
    from mmdet.utils import register_all_modules

    register_all_modules(init_default_scope=False)
    config = Config.fromfile(find_model("detection", family).config)
    config.model.backbone.init_cfg = None
    config.model.backbone.depth = 18
    if "faster" in family:
        config.model.neck.in_channels = [64, 128, 256, 512]
        config.model.roi_head.bbox_head.fc_out_channels = 32
    else:
        config.model.neck.in_channels = [128, 256, 512]
        config.model.encoder.num_layers = config.model.decoder.num_layers = 1
    for step in config.test_dataloader.dataset.pipeline:
        if step["type"] == "Resize":
            step["scale"] = (160, 160)
    config.dump(tmp_path / "small.py")
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmdet"):
        model = MODELS.build(config.model)
    # Deformable DETR makes one of its parameters without filling it: until this call it holds whatever was in memory.
    model.init_weights()
    torch.save({"state_dict": model.state_dict()}, tmp_path / "small.pth")
    return str(tmp_path / "small.py"), tmp_path / "small.pth"


@pytest.mark.parametrize("family", ["faster-rcnn_r50_fpn_1x_coco", "deformable-detr_r50_16xb2-50e_coco"])
def test_detectors_that_need_more_operations(tmp_path, family):
    name, weights = small_two_stage(tmp_path, family)
    detector = load_model("detection", name, weights, device="cpu")
    found = detector.predict(np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8))
    assert found.boxes.shape[1] == 4
    assert np.isfinite(found.boxes).all()
    assert len(detector.classes) == 80
