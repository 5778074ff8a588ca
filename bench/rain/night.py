"""``RAIN+night``: a rain at night, such as ``streaks:heavy+night``.

The scene loses most of its light, and more of its red than of its blue; small bright things (lamps, lit windows, white
marks) stay as they are and spread a glow. What the rain adds is light that drops scatter, so at night it shows where
there is light to scatter: around the lamps, and faintly elsewhere. A sensor at high gain adds noise.

The clean scene of a record stays the day's: what the night takes is part of what the rain takes, and no derainer
brings it back. Compare derainers with each other, and with the same rain by day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bench.errors import BadConfig
from bench.rain.base import NIGHT, BroughtRain, Rain

if TYPE_CHECKING:
    from bench.data.base import Depth

#: Encoding of grey levels.
_GAMMA = 2.2
#: Share of the day's light that is left of red, green and blue.
_AMBIENT = np.array([0.045, 0.05, 0.065], np.float32)
#: Colour of lamps.
_LAMP = np.array([1.0, 0.86, 0.62], np.float32)
#: Largest lamp, and reach of its glow, over the image's longer side.
_LARGEST, _GLOW = 0.03, 0.05
#: Greatest share of an image that lamps are: dry grass is bright and fine, and does not shine.
_MOST = 0.007
#: Light that rain scatters where no lamp is near, over that of the day.
_FAINT = 0.10
#: Noise: variance per light, and of nothing.
_SHOT, _READ = 4e-4, 4e-6


@dataclass(frozen=True)
class Night:
    """A rain at night.

    Attributes:
        rain: The rain by day.
    """

    rain: Rain

    @property
    def name(self) -> str:
        """The rain's name and the modifier."""
        return f"{self.rain.name}{NIGHT}"

    @property
    def version(self) -> str:
        """The rain's version and that of this module."""
        return f"{self.rain.version}+1"

    @property
    def needs_depth(self) -> bool:
        """As the rain."""
        return self.rain.needs_depth

    @property
    def spec(self) -> str:
        """What :func:`bench.rain.parse_rain` makes it from again."""
        return f"{getattr(self.rain, 'spec', self.rain.name)}{NIGHT}"

    def __call__(self, image: np.ndarray, rng: np.random.Generator, depth: Depth | None = None) -> np.ndarray:
        """Return the image (uint8 RGB HxWx3) in this rain at night."""
        day, wet = _light(image), _light(self.rain(image, rng, depth))
        lamps = _lamps(image)
        glow = _glow(lamps)
        scene = day * (_AMBIENT + 0.6 * glow[..., None] * _LAMP) + lamps[..., None] * _LAMP * day
        # What the rain adds is lit by the lamps; what it takes, it takes of the night's scene.
        added, taken = np.maximum(wet - day, 0), np.minimum(wet, day) / np.maximum(day, 1e-4)
        shown = scene * np.minimum(taken, 1) + added * (_FAINT * 2 * _AMBIENT + glow[..., None] * _LAMP)
        shown += 0.25 * glow[..., None] * _LAMP
        shown += rng.standard_normal(shown.shape, np.float32) * np.sqrt(_SHOT * shown + _READ)
        return np.rint(255 * np.clip(shown, 0, 1) ** (1 / _GAMMA)).astype(np.uint8)


def at_night(rain: Rain, spec: str) -> Night:
    """Return a rain at night.

    Raises:
        BadConfig: If its images are brought by the data, where nothing can be added.
    """
    if isinstance(rain, BroughtRain):
        raise BadConfig(f"rain {spec!r}: night is added to a rain that is drawn here, not to {rain.name}")
    return Night(rain)


def _light(image: np.ndarray) -> np.ndarray:
    """Linear light, float32 HxWx3 in [0, 1]."""
    table = (np.arange(256, dtype=np.float32) / 255) ** _GAMMA
    return table[image]


def _lamps(image: np.ndarray) -> np.ndarray:
    """How much each pixel belongs to a small bright thing: float32 HxW in [0, 1]. The sky is bright and not small."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    side = max(3, round(_LARGEST * max(grey.shape))) | 1
    hat = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    bright = np.clip((grey.astype(np.float32) - 150) / 80, 0, 1)
    least = max(50.0, float(np.quantile(hat, 1 - _MOST)))
    return np.clip((hat.astype(np.float32) - least) / 70, 0, 1) * bright


def _glow(lamps: np.ndarray) -> np.ndarray:
    """Light around the lamps: float32 HxW."""
    reach = _GLOW * max(lamps.shape)
    near = cv2.GaussianBlur(lamps, (0, 0), max(0.5, reach / 4))
    far = cv2.GaussianBlur(lamps, (0, 0), max(0.5, reach))
    return np.minimum(1.5 * near + 4 * far, 1)
