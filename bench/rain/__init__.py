"""Rain models: ``streaks`` as drawn in deraining papers, ``rainfall`` with physical units, ``none``, one's own, and
rain that is there already.

Randomness comes from the scene's id, the rain's name and a seed, never from order or from a global
generator: any worker that adds a rain to a scene gets the same pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import plugins
from bench.errors import ANYTHING, BadConfig, BenchError, said, unknown
from bench.rain.base import NIGHT, BroughtRain, Drawn, Rain, RainEntry, RainError, RainFamily, situation_of
from bench.registry import Registry
from bench.seeds import rng_from

if TYPE_CHECKING:
    import numpy as np

    from bench.data.base import Depth

__all__ = [
    "BroughtRain",
    "Drawn",
    "Rain",
    "RainEntry",
    "RainError",
    "RainFamily",
    "add_rain",
    "drawn_rain",
    "parse_rain",
    "rain_entries",
    "rains",
    "situation_of",
    "spec_of",
]

#: The families of rains by the word before the colon; installed packages add theirs through entry points.
rains: Registry[RainFamily] = Registry("rain", "derain_bench.rains")
rains.register("none", "bench.rain.dry:FAMILY")
rains.register("own", "bench.rain.own:FAMILY")
rains.register("rendered", "bench.rain.rendered:FAMILY")
rains.register("streaks", "bench.rain.streaks:FAMILY")
rains.register("rainfall", "bench.rain.rainfall:FAMILY")
rains.register("wide", "bench.rain.wide:FAMILY")
rains.register("fog", "bench.rain.fog:FAMILY")
rains.register("raindrops", "bench.rain.raindrops:FAMILY")
rains.register("corruption", "bench.rain.corruption:FAMILY")


def rain_entries() -> tuple[RainEntry, ...]:
    """Return what ``bench list rains`` shows; a plug-in that does not load has its error as its title."""
    found: list[RainEntry] = []
    for name in rains:
        try:
            found += _family(name).entries
        except BenchError as error:
            found.append(RainEntry(name, str(error)))
    return tuple(found)


def parse_rain(spec: str) -> Rain:
    """Turn what a user wrote after ``--rain`` into a rain.

    Args:
        spec: ``none``, ``own``, ``streaks:LEVEL``, ``rainfall:R``, any other of ``bench list rains`` or of an installed
            package, or ``FILE.py:FUNCTION[?OPTIONS][:ARG]``; with ``+night`` behind it, that rain at night. A file is
            imported: a spec out of a record must not get here unasked.

    Returns:
        The rain; its ``name`` is the canonical spelling (``rainfall:50.0`` becomes ``rainfall:50``).

    Raises:
        UnknownName: If the family or level does not exist; close ones are suggested.
        BadConfig: If the parameter is missing or out of range, or a file or its function cannot be used.

    Example:
        >>> parse_rain("streaks:heavy").name
        'streaks:heavy'
    """
    spec = spec.strip()
    if spec.endswith(NIGHT):
        from bench.rain.night import at_night

        return at_night(parse_rain(spec.removesuffix(NIGHT)), spec)
    plugin = plugins.parse(spec)
    if plugin is not None:
        from bench.rain.file import open_rain

        return open_rain(plugin)
    plugins.refuse_bare(spec)
    name, _, argument = spec.partition(":")
    if name not in rains:
        raise unknown("rain", spec, [entry.name for entry in rain_entries()])
    family = _family(name)
    try:
        return family.parse(argument)
    except BenchError:
        raise
    except ANYTHING as error:  # a family may be anyone's code
        raise BadConfig(f"rain {spec!r}: {said(error)}") from error


def spec_of(rain: Rain) -> str:
    """Return what :func:`parse_rain` makes the rain from again: its name, or where its file is."""
    return getattr(rain, "spec", rain.name)


def drawn_rain(name: str) -> Drawn:
    """Return how training draws a family of rains.

    Raises:
        UnknownName: If there is no such family.
        BadConfig: If it has fixed rains only.
    """
    drawn = _family(name).drawn
    if drawn is None:
        raise BadConfig(f"rain {name!r} is not drawn by strength, so training cannot use it")
    return drawn


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

    Raises:
        RainError: If the rain raises, or does not return a uint8 image of the scene's size.
    """
    import numpy as np

    from bench.images import unlike

    rainy = rain(image, rng_from("rain", rain.name, scene_id, seed), depth)
    fault = unlike(rainy, image)
    if fault is not None:
        raise RainError(f"rain {rain.name} {fault}")
    return np.ascontiguousarray(rainy)


def _family(name: str) -> RainFamily:
    family = rains.get(name)
    if not isinstance(family, RainFamily):
        raise BadConfig(f"rain {name!r} from {rains.origin(name)} is no bench.rain.RainFamily")
    return family
