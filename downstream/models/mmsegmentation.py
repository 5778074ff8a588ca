"""Segmentation through MMSegmentation: its own test pipeline and inference, whole or sliding."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.vocabulary import SEGMENTATION
from downstream.models.base import Source
from downstream.models.mmcommon import Network, load_network


class Segmenter:
    """An MMSegmentation model; see :class:`downstream.models.base.Model`."""

    task = SEGMENTATION

    def __init__(self, network: Network) -> None:
        self._network = network
        self.name = network.source.name
        self.classes = network.classes
        self.key: dict[str, Any] = network.key
        self._dtype = np.uint8 if len(network.classes) <= 256 else np.uint16

    def predict(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        """Label a uint8 RGB image: HxW indices into ``classes``, uint8 (uint16 beyond 256 classes)."""
        labels = self._network.look(image).pred_sem_seg.data
        return labels.squeeze(0).to("cpu").numpy().astype(self._dtype)


def load_segmenter(source: Source, device: str = "auto", trust: str | None = None) -> Segmenter:
    """Load an MMSegmentation model; arguments and errors as for :func:`downstream.models.mmcommon.load_network`."""
    return Segmenter(load_network(source, "mmseg", "pred_sem_seg", _numbered_classes, device, trust))


def _numbered_classes(count: int) -> tuple[str, ...]:
    return tuple(f"class {index}" for index in range(count))
