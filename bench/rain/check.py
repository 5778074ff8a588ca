"""Conformance of a rain: does it do what the bench relies on? One verdict per property, for ``bench check --rain``."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.rain import add_rain
from bench.rain.base import Rain
from bench.seeds import rng_from
from bench.verdicts import Outcome, Verdict, attempt

if TYPE_CHECKING:
    from bench.data.base import Depth

#: Embedded scenes that it rains on.
SCENES = 4
#: Corners that are cut out of one of them (height, width): the bench sees images of any size.
_SIZES = ((31, 17), (64, 97), (256, 256))


@dataclass(frozen=True)
class _Shower:
    """A scene of its own, and the rain that falls on it."""

    rain: Rain
    scene: str
    image: np.ndarray
    depth: Depth | None

    def fall(self) -> np.ndarray:
        # A copy: what a rain writes into its input must not spoil the other checks.
        return add_rain(self.rain, self.image.copy(), self.scene, 0, self.depth)


def run_checks(rain: Rain) -> list[Verdict]:
    """Let a rain fall on embedded scenes.

    Returns:
        A verdict per property, in a fixed order. Where the first image already fails, the rest is skipped.
    """
    from bench.data import open_data

    data = open_data("street").first(SCENES)
    showers = []
    for scene in data.scenes:
        image = data.clean(scene)
        assert image is not None
        depth = data.depth(scene) if rain.needs_depth else None
        showers.append(_Shower(rain, scene.id, image, depth))
    first = attempt("size", lambda: _size(showers[0]))
    if first.outcome is Outcome.FAIL:
        return [first, *(Verdict(name, Outcome.SKIP, "the size check failed") for name, _ in _CHECKS)]
    return [first, *(attempt(name, partial(check, showers)) for name, check in _CHECKS)]


def _size(shower: _Shower) -> Verdict:
    height, width = shower.image.shape[:2]
    shower.fall()
    for size in _SIZES:
        corner = np.ascontiguousarray(shower.image[: size[0], : size[1]])
        add_rain(shower.rain, corner, shower.scene, 0)
    tried = ", ".join(f"{h}x{w}" for h, w in (*_SIZES, (height, width)))
    return Verdict("size", Outcome.PASS, f"uint8 and the size kept at {tried}")


def _input(showers: list[_Shower]) -> Verdict:
    one = showers[0]
    image = one.image.copy()
    one.rain(image, rng_from("rain", one.rain.name, one.scene, 0), one.depth)
    if not np.array_equal(image, one.image):
        return Verdict("input", Outcome.FAIL, "wrote into the image that it was given")
    return Verdict("input", Outcome.PASS, "the image that it is given is left alone")


def _deterministic(showers: list[_Shower]) -> Verdict:
    changed = _most_changed(showers[0].fall(), showers[0].fall())
    if changed:
        detail = f"the same scene twice differs by up to {changed} levels: draw from the generator alone"
        return Verdict("deterministic", Outcome.FAIL, detail)
    return Verdict("deterministic", Outcome.PASS, "the same scene twice gives the same bytes")


def _order(showers: list[_Shower]) -> Verdict:
    alone = showers[-1].fall()
    for other in showers[:-1]:
        other.fall()
    changed = _most_changed(alone, showers[-1].fall())
    if changed:
        detail = (
            f"after other scenes a scene differs by up to {changed} levels: keep nothing between two images"
        )
        return Verdict("order", Outcome.FAIL, detail)
    return Verdict("order", Outcome.PASS, "a scene comes out the same whatever came before it")


def _strength(showers: list[_Shower]) -> Verdict:
    from downstream.measures.fidelity import score_pair_y

    scores = [score_pair_y(shower.fall(), shower.image)["psnr_y"] for shower in showers]
    if not all(map(math.isfinite, scores)):
        unchanged = sum(not math.isfinite(score) for score in scores)
        return Verdict("strength", Outcome.NOTE, f"{unchanged} of {len(scores)} scenes are left as they were")
    detail = f"{np.mean(scores):.1f} dB on Y ({min(scores):.1f} to {max(scores):.1f}) on {len(scores)} scenes"
    return Verdict("strength", Outcome.PASS, detail)


_CHECKS: tuple[tuple[str, Callable[[list[_Shower]], Verdict]], ...] = (
    ("input", _input),
    ("deterministic", _deterministic),
    ("order", _order),
    ("strength", _strength),
)


def _most_changed(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())
