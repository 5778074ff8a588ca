"""Detection through MMDetection: its own test pipeline and post-processing, one image at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.vocabulary import DETECTION
from downstream.models.base import Detections, Source
from downstream.models.mmcommon import Network, load_network


class Detector:
    """An MMDetection model; see :class:`downstream.models.base.Model`.

    Batch size is 1: a batch pads its images to the largest, which changes what the network sees and with
    it AP.
    """

    task = DETECTION

    def __init__(self, network: Network) -> None:
        self._network = network
        self.name = network.source.name
        self.classes = network.classes
        self.key: dict[str, Any] = network.key

    def predict(self, image: NDArray[np.uint8]) -> Detections:
        """Detect objects in a uint8 RGB image: boxes in its pixels, as many as its config keeps."""
        found = self._network.look(image).pred_instances
        boxes = getattr(found.bboxes, "tensor", found.bboxes)
        return Detections(
            boxes.detach().cpu().numpy().astype(np.float32).reshape(-1, 4),
            found.scores.detach().cpu().numpy().astype(np.float32),
            found.labels.detach().cpu().numpy().astype(np.int64),
        )


def load_detector(source: Source, device: str = "auto", trust: str | None = None) -> Detector:
    """Load an MMDetection model; arguments and errors as for :func:`downstream.models.mmcommon.load_network`."""
    return Detector(load_network(source, "mmdet", "pred_instances", _coco_classes, device, trust))


def _coco_classes(count: int) -> tuple[str, ...]:
    """Names for a checkpoint and a config that have none: COCO's for 80 classes, as MMDetection assumes."""
    from mmdet.datasets import CocoDataset

    names = tuple(CocoDataset.METAINFO["classes"])
    return names if count in (0, len(names)) else tuple(f"class {index}" for index in range(count))
