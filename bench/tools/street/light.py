"""Sun, sky and air of a scene: how surfaces are shaded and how distance pales them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import Colour


@dataclass(frozen=True)
class Light:
    """Illumination of one scene. Colours are RGB multipliers or levels in [0, 1].

    Attributes:
        name: ``sun``, ``cloud``, ``haze`` or ``dusk``.
        sun: Direction towards the sun, a unit vector.
        direct: Colour of the sun on a surface that faces it.
        ambient: Colour of the sky's light on every surface.
        zenith: Sky colour at the top of the picture.
        skyline: Sky colour at the horizon, and the colour of haze.
        extinction: Haze per metre: a surface at z metres keeps ``exp(-extinction * z)`` of its contrast.
        clouds: Cloud cover in [0, 1].
        lamps: Whether windows and vehicle lamps are lit.
    """

    name: str
    sun: np.ndarray
    direct: np.ndarray
    ambient: np.ndarray
    zenith: np.ndarray
    skyline: np.ndarray
    extinction: float
    clouds: float
    lamps: bool

    def shade(self, albedo: np.ndarray, normal: np.ndarray) -> Colour:
        """Levels 0..255 of a matt surface; faces turned to the sky get more of its light."""
        facing = max(0.0, float(normal @ self.sun))
        colour = albedo * (self.ambient * (0.85 + 0.25 * float(normal[1])) + self.direct * facing)
        red, green, blue = np.minimum(colour, 1.0) * 255
        return float(red), float(green), float(blue)

    def glass(self, normal: np.ndarray, tint: float = 0.35) -> Colour:
        """Levels 0..255 of a dark pane that mirrors part of the sky."""
        up = 0.35 + 1.3 * max(0.0, float(normal[1]))
        red, green, blue = np.minimum(0.05 + tint * up * (0.5 * self.zenith + 0.3 * self.skyline), 1.0) * 255
        return float(red), float(green), float(blue)


def sample_light(rng: np.random.Generator) -> Light:
    """Draw the illumination of a scene."""
    name = str(rng.choice(["sun", "cloud", "haze", "dusk"], p=[0.45, 0.3, 0.13, 0.12]))
    side = rng.uniform(0.25, 0.95) * rng.choice([-1, 1])
    height = {"sun": rng.uniform(1.0, 2.6), "cloud": 1.5, "haze": 1.2, "dusk": rng.uniform(0.2, 0.4)}[name]
    sun = np.array([side, height, rng.uniform(-0.9, 0.5)])
    sun /= np.linalg.norm(sun)
    white = np.ones(3)
    warm = np.array([1.0, 0.93, 0.8])
    if name == "sun":
        blue = np.array([0.33, 0.55, 0.86]) * rng.uniform(0.85, 1.1)
        return Light(name, sun, 0.85 * warm * rng.uniform(0.8, 1.1), 0.58 * np.array([0.92, 0.97, 1.06]), blue,
                     np.array([0.78, 0.86, 0.94]), rng.uniform(0.001, 0.004), rng.uniform(0.1, 0.6), False)  # fmt: skip
    if name == "cloud":
        grey = white * rng.uniform(0.6, 0.82)
        return Light(name, sun, 0.14 * white, 0.88 * white * rng.uniform(0.85, 1.1), grey * [0.93, 0.97, 1.02],
                     np.minimum(grey * 1.12, 0.95), rng.uniform(0.002, 0.006), rng.uniform(0.6, 1.0), False)  # fmt: skip
    if name == "haze":
        pale = np.array([0.80, 0.82, 0.84]) * rng.uniform(0.9, 1.05)
        return Light(name, sun, 0.25 * warm, 0.8 * white, pale * [0.92, 0.96, 1.0], pale,
                     rng.uniform(0.009, 0.016), 0.3, False)  # fmt: skip
    glow = np.array([0.93, 0.68, 0.48]) * rng.uniform(0.75, 1.0)
    return Light(name, sun, 0.5 * np.array([1.0, 0.75, 0.5]), 0.55 * np.array([0.92, 0.94, 1.05]),
                 np.array([0.32, 0.40, 0.62]) * rng.uniform(0.8, 1.1), glow, rng.uniform(0.002, 0.006),
                 rng.uniform(0.2, 0.7), True)  # fmt: skip
