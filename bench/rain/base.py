"""What a rain, and a family of rains, is to the rest of the program."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from bench.errors import BenchError
from bench.situations import ADDED, Situation

if TYPE_CHECKING:
    import numpy as np

    from bench.data.base import DataSet, Depth, Scene


#: What stands behind a rain's name where it falls at night.
NIGHT = "+night"


def written(number: float) -> str:
    """Return a number as a rain's name holds it: short, and never the same for two numbers.

    Example:
        >>> written(50.0), written(1 / 3)
        ('50', '0.3333333333333333')
    """
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


class RainError(BenchError):
    """A rain that broke its contract while it fell: it raised, or returned no image of the scene's size."""


@runtime_checkable
class Rain(Protocol):
    """A named, parametrised, seeded degradation. It is pickled to worker processes.

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


class BroughtRain(ABC):
    """A rain that nobody adds: the rainy images are there. It is pickled to worker processes.

    Attributes:
        name: As of a :class:`Rain`.
        version: As of a :class:`Rain`.
        needs_depth: False.
    """

    name: str
    version: str
    needs_depth: ClassVar[bool] = False

    @property
    @abstractmethod
    def key(self) -> dict[str, Any]:
        """What the rainy images depend on beside the scenes."""

    def of(self, data: DataSet) -> BroughtRain:
        """Return the rain that knows a data set's rainy images.

        Raises:
            BadData: If a scene has none, or one that cannot be used.
        """
        return self

    @abstractmethod
    def situation(self, data: DataSet) -> Situation:
        """Return what the images of a data set are in this rain."""

    @abstractmethod
    def rainy(self, data: DataSet, scene: Scene) -> np.ndarray:
        """Return the rainy image of a scene (uint8 RGB HxWx3)."""

    def __call__(self, image: np.ndarray, rng: np.random.Generator, depth: Depth | None = None) -> np.ndarray:
        """Refuse: there is nothing to add.

        Raises:
            RainError: Always.
        """
        raise RainError(f"rain {self.name} is in images that are there: it cannot be added to others")


def situation_of(rain: Rain | BroughtRain, data: DataSet) -> Situation:
    """Return how a rain and the images of a data set come together."""
    return rain.situation(data) if isinstance(rain, BroughtRain) else ADDED


@dataclass(frozen=True)
class RainEntry:
    """One line of ``bench list rains``.

    Attributes:
        name: What to write after ``--rain``.
        title: What it is, in one line.
    """

    name: str
    title: str


@dataclass(frozen=True)
class Drawn:
    """How a family is drawn on training patches, at any strength between nothing and the most.

    Attributes:
        most: Greatest strength, in the family's own unit; the least is 0.
        add: Adds rain of a strength to an image (uint8 RGB HxWx3, left as it is; the strength; the only source of
            randomness) and returns the rainy one.
        whole: Whether it falls on whole images only, as drops of a size in the scene, a horizon and fog do.
    """

    most: float
    add: Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
    whole: bool = False


@dataclass(frozen=True)
class RainFamily:
    """Rains of one kind: what is registered, and what an entry point of ``derain_bench.rains`` gives.

    Attributes:
        name: What stands before the colon, and what the family is registered as.
        entries: The lines of ``bench list rains``.
        parse: Makes a rain of what stands after the colon (empty where nothing does); raises BadConfig or UnknownName.
        drawn: How training draws the family; None where it cannot.
    """

    name: str
    entries: tuple[RainEntry, ...]
    parse: Callable[[str], Rain]
    drawn: Drawn | None = None
