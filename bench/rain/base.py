"""What a rain is to the rest of the program, and the two rains that need no model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from bench.vocabulary import DRY

if TYPE_CHECKING:
    import numpy as np

    from bench.data.base import Depth


@runtime_checkable
class Rain(Protocol):
    """A named, parametrised, seeded degradation.

    Attributes:
        name: Canonical spelling, e.g. ``rainfall:50``; part of the seed and of every record.
        version: Changes whenever the same seed gives other pixels; part of every key.
        needs_depth: True where the rain depends on the distance of what is seen.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def version(self) -> str: ...  # noqa: D102

    @property
    def needs_depth(self) -> bool: ...  # noqa: D102

    def __call__(self, image: np.ndarray, rng: np.random.Generator, depth: Depth | None = None) -> np.ndarray:
        """Return ``image`` (uint8 RGB HxWx3) in this rain; every draw comes from ``rng``."""
        ...


@dataclass(frozen=True)
class NoRain:
    """A dry day: the image as it is. Derainers run on it to show the harm they do."""

    name: str = DRY
    version: str = "1"
    needs_depth: bool = False

    def __call__(self, image: np.ndarray, rng: np.random.Generator, depth: Depth | None = None) -> np.ndarray:
        """Return the same pixels."""
        return image


@dataclass(frozen=True)
class RainEntry:
    """One line of ``bench list rains``.

    Attributes:
        name: What to write after ``--rain``.
        title: What it is, in one line.
    """

    name: str
    title: str
