"""The task of one measure: each image's number, and their mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.vocabulary import CLEAN_IMAGES
from downstream.measures.base import Measure
from downstream.tasks.per_image import PerImage

if TYPE_CHECKING:
    import numpy as np

    from bench.data.base import DataSet


class Measured(PerImage):
    """What `--measure NAME` asks for; its name is the measure's."""

    order = 40

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self.name = measure.name
        self.metrics = (replace(measure.metric, headline=True, place="summary"),)
        self.needs = (CLEAN_IMAGES,) if measure.needs_clean else ()
        self.version = measure.version

    def measure(self, image: np.ndarray, clean: np.ndarray | None) -> Mapping[str, float]:
        """The measure's number."""
        return {self.name: float(self._measure.function()(image, clean))}

    def key(self, data: DataSet) -> dict[str, Any]:
        """The hashes of what the measure uses beside the program; raises where that is not at hand."""
        return {} if self._measure.identity is None else {"measure": dict(self._measure.identity())}

    def left_out(self, metric: str) -> str:
        """Say of what kind the images are that have no number."""
        return f"for which {self.metrics[0].title} is not defined"
