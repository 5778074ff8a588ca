"""``fog:V``: fog through which one sees V metres, thicker the further away what is seen lies.

After d metres a share t = exp(-beta d) of the scene's light is left and (1 - t) of the air's light has come in
(Koschmieder 1924). V is the meteorological optical range: a black thing against the sky keeps 5 % of its contrast
there, so beta = -ln(0.05) / V = 2.996 / V, as in Foggy Cityscapes (Sakaridis, Dai and Van Gool 2018), whose beta of
0.005, 0.01 and 0.02 are 600, 300 and 150 m. The air's light is one grey: that of the haziest hundredth of the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bench.errors import BadConfig
from bench.rain.base import Rain, RainEntry, RainFamily, written
from bench.rain.depth import depth_of

if TYPE_CHECKING:
    from bench.data.base import Depth

#: Visibilities in metres: denser fog leaves nothing to see, thinner haze nothing to tell.
LEAST, MOST = 10.0, 10_000.0
#: Contrast that is left at the visibility.
_CONTRAST = 0.05
#: Share of pixels that the air's light is taken from, and the darkest it can be: fog scatters daylight.
_HAZIEST, _DARKEST = 0.01, 140.0


@dataclass(frozen=True)
class Fog:
    """Fog of a visibility in metres.

    Raises:
        BadConfig: If the visibility is out of range.
    """

    visibility: float
    version: str = "1"
    needs_depth: bool = True

    def __post_init__(self) -> None:
        if not LEAST <= self.visibility <= MOST:
            raise BadConfig(
                f"rain 'fog:{self.visibility:g}': the visibility must be from {LEAST:g} to {MOST:,.0f} metres"
            )

    @property
    def name(self) -> str:
        """The canonical spelling, e.g. ``fog:150``."""
        return f"fog:{written(self.visibility)}"

    def __call__(self, image: np.ndarray, rng: np.random.Generator, depth: Depth | None = None) -> np.ndarray:
        """Return the image (uint8 RGB HxWx3) in this fog; nothing is drawn by chance.

        Raises:
            BadConfig: If the depth is of another size than the image.
        """
        metres = depth_of(image, depth).metres.astype(np.float32)
        left = np.exp(np.float32(math.log(_CONTRAST) / self.visibility) * metres)[..., None]
        return np.rint(image * left + air_light(image) * (1 - left)).astype(np.uint8)


def air_light(image: np.ndarray) -> float:
    """Return the grey of the air: the mean of the pixels whose darkest channel is brightest, where fog shows most."""
    darkest = cv2.erode(image.min(axis=2), np.ones((5, 5), np.uint8))
    count = math.ceil(_HAZIEST * darkest.size)
    haziest = np.partition(darkest, darkest.size - count, axis=None)[darkest.size - count :]
    return max(_DARKEST, float(haziest.mean()))


def _parse(argument: str) -> Rain:
    try:
        return Fog(float(argument))
    except ValueError:
        spec = f"fog:{argument}" if argument else "fog"
        raise BadConfig(
            f"rain {spec!r}: write a visibility in metres after the colon, e.g. fog:150"
        ) from None


FAMILY = RainFamily(
    "fog",
    (
        RainEntry(
            "fog:V", "fog with V metres of visibility (10 to 10,000), thicker with distance, e.g. fog:150"
        ),
    ),
    _parse,
)
