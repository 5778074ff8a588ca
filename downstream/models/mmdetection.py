"""Detection through MMDetection: its own test pipeline and post-processing, one image at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BadConfig
from downstream.models.base import Detections, Source
from downstream.models.mmcommon import Network, load_network

if TYPE_CHECKING:
    import torch


class Detector:
    """An MMDetection model; see :class:`downstream.models.base.Model`.

    Batch size is 1: a batch pads its images to the largest, which changes what the network sees and with
    it AP.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.task = network.source.task
        self.masks = "masks" in network.output
        self.name = network.source.name
        self.classes = network.classes
        self._by_masks = _finds_by_masks(network.module)
        # Evidence that was made of the boxes that such networks fill with zeros is not found again.
        self.key: dict[str, Any] = network.key | ({"boxes": "of the masks"} if self._by_masks else {})

    def predict(self, image: NDArray[np.uint8]) -> Detections:
        """Detect objects in a uint8 RGB image: boxes (and masks) in its pixels, as many as its config keeps.

        Raises:
            BadConfig: If the network gives no boxes: all of them lie at zero, which would be scored as AP 0.
        """
        found = self._network.look(image).pred_instances
        if self._by_masks:
            found = found[found.masks.flatten(1).any(1)]
        boxes = _around(found.masks) if self._by_masks else getattr(found.bboxes, "tensor", found.bboxes)
        if len(boxes) and not bool(boxes.any()):
            raise BadConfig(
                f"model {self.name} finds {len(boxes)} objects and puts the boxes of all to zero: it gives no boxes "
                f"that could be scored; take a detector"
            )
        return Detections(
            boxes.detach().cpu().numpy().astype(np.float32).reshape(-1, 4),
            found.scores.detach().cpu().numpy().astype(np.float32),
            found.labels.detach().cpu().numpy().astype(np.int64),
            found.masks.detach().cpu().numpy().astype(bool) if self.masks else None,
        )


def load_detector(source: Source, device: str = "auto", trust: str | None = None) -> Detector:
    """Load an MMDetection model; arguments and errors as for :func:`downstream.models.mmcommon.load_network`."""
    return Detector(load_network(source, "mmdet", "pred_instances", _coco_classes, device, trust))


def _finds_by_masks(module: torch.nn.Module) -> bool:
    """Whether a network has a head for masks and none for boxes, as SOLO's family has: its boxes are placeholders."""
    heads = ("bbox_head", "roi_head", "panoptic_head")
    return getattr(module, "mask_head", None) is not None and all(
        getattr(module, head, None) is None for head in heads
    )


def _around(masks: torch.Tensor) -> torch.Tensor:
    """Return the box around each mask, float32 (n, 4); pixel (0, 0) alone has the box 0, 0, 1, 1, as in pycocotools.

    Args:
        masks: bool (n, H, W), none empty.
    """
    import torch

    ends = []
    for axis in (1, 2):  # along the rows that are there for x, along the columns for y
        there = masks.any(axis).to(torch.uint8)
        ends.append((there.argmax(1), there.shape[1] - there.flip(1).argmax(1)))
    (left, right), (top, bottom) = ends
    return torch.stack([left, top, right, bottom], 1).float()


def load_instance_segmenter(source: Source, device: str = "auto", trust: str | None = None) -> Detector:
    """Load an MMDetection model that finds masks; as :func:`load_detector` otherwise.

    Raises:
        BadConfig: If it finds boxes alone.
    """
    detector = load_detector(source, device, trust)
    if not detector.masks:
        raise BadConfig(f"model {source.name} finds boxes and no masks: it is for --task detection")
    return detector


def _coco_classes(count: int) -> tuple[str, ...]:
    """Names for a checkpoint and a config that have none: COCO's for 80 classes, as MMDetection assumes."""
    from mmdet.datasets import CocoDataset

    names = tuple(CocoDataset.METAINFO["classes"])
    return names if count in (0, len(names)) else tuple(f"class {index}" for index in range(count))
