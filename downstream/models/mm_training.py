"""MMDetection's and MMSegmentation's losses on arrays, for training the embedded models."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from bench.vocabulary import DETECTION, SEGMENTATION
from downstream.models.mmcommon import quiet
from downstream.models.mmops import install_fallback_ops

EMBEDDED = Path(__file__).parent / "embedded"

_SCOPES = {DETECTION: "mmdet", SEGMENTATION: "mmseg"}


class Labelled(Protocol):
    """A scene with its truth.

    Attributes:
        image: uint8 RGB HxWx3.
        mask: HxW class indices.
        boxes: float32 (n, 4), left, top, right, bottom.
        labels: int64 (n,), class indices of the boxes.
    """

    @property
    def image(self) -> np.ndarray: ...  # noqa: D102

    @property
    def mask(self) -> np.ndarray: ...  # noqa: D102

    @property
    def boxes(self) -> np.ndarray: ...  # noqa: D102

    @property
    def labels(self) -> np.ndarray: ...  # noqa: D102


def _tensor(images: Sequence[np.ndarray]) -> torch.Tensor:
    """A batch of RGB images as float32 NCHW in BGR order, 0 to 255: what MMDetection's loader gives."""
    stacked = np.stack([image[..., ::-1] for image in images]).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(stacked, np.float32)).contiguous(
        memory_format=torch.channels_last
    )


def detection_losses(model: Any, batch: Sequence[Labelled]) -> dict[str, torch.Tensor]:
    """MMDetection's losses of a batch."""
    from mmdet.structures import DetDataSample
    from mmengine.structures import InstanceData

    samples = []
    for example in batch:
        shape = example.mask.shape
        sample = DetDataSample(
            metainfo={"img_shape": shape, "ori_shape": shape, "pad_shape": shape, "batch_input_shape": shape}
        )
        sample.gt_instances = InstanceData(
            bboxes=torch.from_numpy(example.boxes.reshape(-1, 4)), labels=torch.from_numpy(example.labels)
        )
        samples.append(sample)
    return model.loss(_tensor([example.image for example in batch]), samples)


def segmentation_losses(model: Any, batch: Sequence[Labelled]) -> dict[str, torch.Tensor]:
    """MMSegmentation's losses of a batch, at every second pixel: where images are enlarged nothing is lost."""
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    samples = []
    for example in batch:
        sample = SegDataSample(metainfo={"img_shape": example.mask.shape, "ori_shape": example.mask.shape})
        sample.gt_sem_seg = PixelData(data=torch.from_numpy(example.mask[::2, ::2].astype(np.int64))[None])
        samples.append(sample)
    preprocess = model.data_preprocessor
    inputs = (_tensor([example.image for example in batch]).flip(1) - preprocess.mean) / preprocess.std
    return model.loss(inputs, samples)


def build(task: str, path: Path) -> tuple[Any, tuple[str, ...]]:
    """Build a model from its config, with fresh weights; also return the classes that the config names.

    Args:
        task: ``detection`` or ``segmentation``.
        path: The config; it is executed.
    """
    install_fallback_ops()
    from mmengine.config import Config
    from mmengine.registry import DefaultScope

    config = Config.fromfile(path)
    scope = _SCOPES[task]
    with DefaultScope.overwrite_default_scope(scope):
        registry = importlib.import_module(f"{scope}.registry")
        importlib.import_module(f"{scope}.utils").register_all_modules(init_default_scope=False)
        with quiet():
            model = registry.MODELS.build(config.model)
            model.init_weights()
    return model, tuple(config.get("classes") or ())


def start_from_coco(model: Any, checkpoint: Path, classes: tuple[str, ...]) -> None:
    """Fill a detector with the weights of one trained on COCO, its class outputs picked by name."""
    from mmdet.datasets import CocoDataset

    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    state = state.get("state_dict", state)
    rows = [CocoDataset.METAINFO["classes"].index(name) for name in classes]
    for name in state:
        if "multi_level_conv_cls" in name:
            state[name] = state[name][rows]
    model.load_state_dict(
        {name: value for name, value in state.items() if not name.startswith("data_preprocessor")},
        strict=False,
    )
