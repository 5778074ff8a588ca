"""Detectors that fill the boxes with zeros, as SOLO's family does: scored from their masks, or refused."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from bench.errors import BadConfig
from downstream.models.openmmlab import load_model

pytest.importorskip("mmdet")

_SOLO = """
model = dict(
    type='SOLO',
    data_preprocessor=dict(type='DetDataPreprocessor', mean=[128] * 3, std=[64] * 3, bgr_to_rgb=True, pad_mask=True,
                           pad_size_divisor=32),
    backbone=dict(type='ResNet', depth=18, base_channels=8, out_indices=(0, 1, 2, 3), style='pytorch'),
    neck=dict(type='FPN', in_channels=[8, 16, 32, 64], out_channels=8, start_level=0, num_outs=5),
    mask_head=dict(type='SOLOHead', num_classes=3, in_channels=8, stacked_convs=1, feat_channels=32,
                   strides=[8, 8, 16, 32, 32], scale_ranges=((1, 96), (48, 192), (96, 384), (192, 768), (384, 2048)),
                   pos_scale=0.2, num_grids=[4, 3, 2, 2, 2], cls_down_index=0,
                   loss_mask=dict(type='DiceLoss', use_sigmoid=True, loss_weight=3.0),
                   loss_cls=dict(type='FocalLoss', use_sigmoid=True, loss_weight=1.0)),
    test_cfg=dict(nms_pre=50, score_thr=0.0, mask_thr=0.5, filter_thr=0.0, kernel='gaussian', sigma=2.0,
                  max_per_img=20))
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(96, 96), keep_ratio=True),
    dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]
test_dataloader = dict(dataset=dict(type='CocoDataset', metainfo=dict(classes=('a', 'b', 'c')), pipeline=test_pipeline))
"""


@pytest.fixture(scope="module")
def solo(tmp_path_factory):
    import torch
    from mmengine.config import Config
    from mmengine.registry import DefaultScope

    from downstream.models.mmcommon import quiet
    from downstream.models.mmops import install_fallback_ops

    install_fallback_ops()
    from mmdet.registry import MODELS
    from mmdet.utils import register_all_modules

    register_all_modules(init_default_scope=False)
    folder = tmp_path_factory.mktemp("solo")
    (folder / "solo.py").write_text(_SOLO)
    torch.manual_seed(3)
    with quiet(), DefaultScope.overwrite_default_scope("mmdet"):
        model = MODELS.build(Config.fromfile(folder / "solo.py").model)
    torch.save({"state_dict": model.state_dict()}, folder / "solo.pth")
    return load_model("detection", str(folder / "solo.py"), folder / "solo.pth", device="cpu")


def test_boxes_of_solo_are_those_of_its_masks(solo):
    from pycocotools import mask as coco

    image = np.random.default_rng(0).integers(0, 256, (60, 91, 3), dtype=np.uint8)
    raw = solo._network.look(image).pred_instances
    assert not raw.bboxes.any()  # what would be scored as AP 0
    masks = raw.masks.numpy()
    masks = masks[masks.any((1, 2))]
    found = solo.predict(image)
    assert len(found.boxes) == len(masks) > 3
    boxes = coco.toBbox([coco.encode(np.asfortranarray(mask.astype(np.uint8))) for mask in masks])
    boxes[:, 2:] += boxes[:, :2]
    np.testing.assert_array_equal(found.boxes, boxes)
    assert solo.key["boxes"] == "of the masks"


def stub(heads, sample):
    import torch

    from downstream.models.mmdetection import Detector

    module = torch.nn.Module()
    for head in heads:
        setattr(module, head, torch.nn.Identity())
    return Detector(
        SimpleNamespace(
            module=module,
            source=SimpleNamespace(name="net", task="detection"),
            output=("bboxes",),
            classes=("a",),
            key={},
            look=lambda image: SimpleNamespace(pred_instances=sample),
        )
    )


def test_boxes_of_zeros_without_masks_are_refused():
    import torch
    from mmengine.structures import InstanceData

    def sample(boxes):
        return InstanceData(
            bboxes=torch.tensor(boxes).reshape(-1, 4).float(),
            scores=torch.ones(len(boxes)),
            labels=torch.zeros(len(boxes), dtype=torch.long),
        )

    image = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(
        BadConfig, match="model net finds 2 objects and puts the boxes of all to zero"
    ) as caught:
        stub(["bbox_head"], sample([[0, 0, 0, 0]] * 2)).predict(image)
    assert "\n" not in str(caught.value)
    assert len(stub(["bbox_head"], sample([])).predict(image).boxes) == 0
    found = stub(["bbox_head", "mask_head"], sample([[0, 0, 0, 0], [0, 0, 2, 3]]))
    assert len(found.predict(image).boxes) == 2
    assert "boxes" not in found.key  # the evidence of other detectors stays


def test_nothing_found_by_masks():
    import torch
    from mmengine.structures import InstanceData

    for masks in (torch.zeros(0, 8, 8), torch.zeros(2, 8, 8, dtype=torch.bool)):
        n = len(masks)
        sample = InstanceData(
            bboxes=torch.zeros(n, 4),
            scores=torch.ones(n),
            labels=torch.zeros(n, dtype=torch.long),
            masks=masks,
        )
        assert len(stub(["mask_head"], sample).predict(np.zeros((8, 8, 3), np.uint8)).boxes) == 0
