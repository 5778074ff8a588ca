"""Rain models: ``streaks`` as drawn in deraining papers, ``rainfall`` with physical units, and ``none``.

Randomness comes from the scene's id, the rain's name and a seed, never from order or from a global
generator: any worker that adds a rain to a scene gets the same pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import BadConfig, unknown
from bench.rain.base import NoRain, Rain, RainEntry
from bench.seeds import rng_from

if TYPE_CHECKING:
    import numpy as np

    from bench.data.base import Depth

__all__ = ["RAINS", "NoRain", "Rain", "RainEntry", "add_rain", "parse_rain"]

#: What ``bench list rains`` shows.
RAINS: tuple[RainEntry, ...] = (
    RainEntry("none", "a dry day: derainers run on clean images, which shows the harm they do"),
    RainEntry("streaks:light", "drawn streaks, about 27 dB on Y (as Rain100L)"),
    RainEntry("streaks:medium", "drawn streaks, about 20 dB on Y"),
    RainEntry("streaks:heavy", "drawn streaks in several directions, about 13.5 dB on Y (as Rain100H)"),
    RainEntry("rainfall:R", "physical rain of R mm/h (0 < R <= 500) with fog and depth, e.g. rainfall:50"),
)


def parse_rain(spec: str) -> Rain:
    """Turn what a user wrote after ``--rain`` into a rain.

    Args:
        spec: ``none``, ``streaks:LEVEL`` or ``rainfall:R``.

    Returns:
        The rain; its ``name`` is the canonical spelling (``rainfall:50.0`` becomes ``rainfall:50``).

    Raises:
        UnknownName: If the family or level does not exist; close ones are suggested.
        BadConfig: If the parameter is missing or out of range.

    Example:
        >>> parse_rain("streaks:heavy").name
        'streaks:heavy'
    """
    family, _, argument = spec.strip().partition(":")
    if family == "none" and not argument:
        return NoRain()
    if family == "streaks":
        from bench.rain.streaks import LEVELS, Streaks

        if argument not in LEVELS:
            raise unknown("rain", spec, [f"streaks:{level}" for level in LEVELS])
        return Streaks(argument)
    if family == "rainfall":
        from bench.rain.rainfall import Rainfall

        try:
            return Rainfall(float(argument))
        except ValueError:
            raise BadConfig(
                f"rain {spec!r}: write a rate in mm/h after the colon, e.g. rainfall:50"
            ) from None
    known = ["none", "streaks:light", "streaks:medium", "streaks:heavy", "rainfall:50"]
    raise unknown("rain", spec, known)


def add_rain(
    rain: Rain, image: np.ndarray, scene_id: str, seed: int, depth: Depth | None = None
) -> np.ndarray:
    """Let it rain on one scene.

    Args:
        rain: From :func:`parse_rain`.
        image: uint8 RGB HxWx3; left as it is.
        scene_id: The scene's id.
        seed: The run's seed.
        depth: The scene's depth, for rains that use it; a ground plane is guessed where it is None.

    Returns:
        uint8 RGB HxWx3. It depends on the arguments alone.
    """
    return rain(image, rng_from("rain", rain.name, scene_id, seed), depth)
