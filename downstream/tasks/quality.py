"""Quality: what NIQE and PIQE make of a restored image, with no clean one to compare with.

BRISQUE, whose support vectors are the user's to bring, is a measure of its own: what a task's evidence holds must not
depend on what a machine has installed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.vocabulary import QUALITY
from downstream.tasks.base import Metric
from downstream.tasks.per_image import PerImage


def _lower(name: str, protocol: str, least: float | None = None, headline: bool = False) -> Metric:
    return Metric(
        name,
        name.upper(),
        protocol,
        "",
        1.0,
        2,
        higher_is_better=False,
        bounds=(least, None),
        place="summary",
        headline=headline,
    )


class Quality(PerImage):
    """NIQE and PIQE; see `downstream.measures.natural` and `perception` for the protocols."""

    name = QUALITY
    metrics = (
        _lower("niqe", "niqe@bsds", 0.0, headline=True),
        _lower("piqe", "piqe@matlab"),
    )
    needs = ()
    version = 2  # NIQE by a model of our own, BRISQUE apart
    order = 35

    def measure(self, image: np.ndarray, clean: np.ndarray | None) -> Mapping[str, float]:
        """The two numbers; NaN where an image is too small or flat for one."""
        from downstream.measures.natural import niqe
        from downstream.measures.perception import piqe

        return {"niqe": niqe(image), "piqe": piqe(image)}

    def left_out(self, metric: str) -> str:
        """Say why an image has no number."""
        return f"too small or too flat for {metric.upper()}"
