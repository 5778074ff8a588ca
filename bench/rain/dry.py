"""``none``: a dry day. Derainers run on it to show the harm they do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import unknown
from bench.rain.base import Drawn, Rain, RainEntry, RainFamily
from bench.vocabulary import DRY

if TYPE_CHECKING:
    import numpy as np

    from bench.data.base import Depth


@dataclass(frozen=True)
class NoRain:
    """The image as it is."""

    name: str = DRY
    version: str = "1"
    needs_depth: bool = False

    def __call__(self, image: np.ndarray, rng: np.random.Generator, depth: Depth | None = None) -> np.ndarray:
        """Return the same pixels."""
        return image


def _parse(argument: str) -> Rain:
    if argument:
        raise unknown("rain", f"none:{argument}", ["none"])
    return NoRain()


FAMILY = RainFamily(
    "none",
    (RainEntry("none", "a dry day: derainers run on clean images, which shows the harm they do"),),
    _parse,
    Drawn(math.inf, lambda image, strength, rng: image),
)
