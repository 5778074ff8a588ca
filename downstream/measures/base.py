"""What a measure is: a number of one image, or of a pair of images, under a named protocol."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from downstream.metric import Metric

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Compute", "Measure", "Metric"]

#: From the image that is looked at and the clean one (both uint8 RGB HxWx3 of one size; None where the measure needs
#: none) to a number; NaN where it is not defined, say for an image that is too small.
Compute = Callable[["np.ndarray", "np.ndarray | None"], float]


@dataclass(frozen=True)
class Measure:
    """A number of one image, or of an image and its clean one.

    Attributes:
        metric: How it is called and shown; its name is the measure's.
        compute: What computes it, or ``package.module:function`` that is imported at first use.
        needs_clean: Whether it compares with the clean image.
        version: Raised whenever the same images would give another number; part of evidence's key.
        identity: Returns hashes of what it uses beside the program (weights), which become part of evidence's key;
            raises a BenchError of one line where that is not at hand. None for measures that need nothing.
    """

    metric: Metric
    compute: Compute | str
    needs_clean: bool = True
    version: int = 1
    identity: Callable[[], Mapping[str, str]] | None = None

    @property
    def name(self) -> str:
        """What `--measure` takes."""
        return self.metric.name

    def function(self) -> Compute:
        """Return what computes it, imported."""
        if not isinstance(self.compute, str):
            return self.compute
        module, _, name = self.compute.partition(":")
        found: Compute = getattr(importlib.import_module(module), name)
        return found
