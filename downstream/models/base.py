"""What a downstream model is to the rest of the program: a name, classes, and a prediction for one image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bench.data.base import DataSet


@dataclass(frozen=True)
class Detections:
    """What a detector found in one image.

    Attributes:
        boxes: float32 (n, 4), left, top, right, bottom in pixels of the image that was given.
        scores: float32 (n,), in [0, 1].
        labels: int64 (n,), indices into the model's ``classes``.
        masks: bool (n, H, W), the pixels of each object, of the image's size; None where the model finds boxes alone.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    masks: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        count = len(self.boxes)
        if self.masks is not None and (self.masks.ndim != 3 or len(self.masks) != count):
            raise ValueError(f"detections disagree: masks {self.masks.shape}, wanted ({count}, H, W)")
        if self.boxes.shape != (count, 4) or self.scores.shape != (count,) or self.labels.shape != (count,):
            raise ValueError(
                f"detections disagree: boxes {self.boxes.shape}, scores {self.scores.shape}, "
                f"labels {self.labels.shape}; wanted (n, 4), (n,), (n,)"
            )


@dataclass(frozen=True)
class Seat:
    """Where a model looks: at one row of a variant. Models that look nowhere but look up need it.

    Attributes:
        data: The data set; of its boxes the categories and the scenes' image ids.
        variant: The variant's folder, as ``--save-images`` names it.
        row: The folder of the row: the derainer's, ``none`` or ``clean``.
    """

    data: DataSet
    variant: str
    row: str


@dataclass(frozen=True)
class Source:
    """What a model is made from, before anything is loaded.

    Attributes:
        name: Its name in reports.
        task: ``detection`` or ``segmentation``.
        origin: ``embedded``, ``index`` or ``file``.
        config: The config file.
        checkpoint: The weights, where they are on disk.
        url: Where the weights are downloaded from otherwise.
    """

    name: str
    task: str
    origin: str
    config: Path
    checkpoint: Path | None
    url: str | None = None


@runtime_checkable
class Model(Protocol):
    """A trained network that looks at an image, as the engine sees it.

    Further methods are optional, and looked for with ``getattr``:

    ``at(seat: Seat) -> Model``
        The model as it looks at one row of a variant; used there in its place, under the same key.
    ``predict_scene(scene: str, image) -> Any``
        Like ``predict``, for models that need to know which scene an image shows. Where it exists it is used instead.

    Attributes:
        name: What the user called it; the name in reports.
        task: ``detection``, ``instances`` or ``segmentation``.
        classes: The classes it knows, in the order of its indices; empty where they are the data set's own.
        key: All that its predictions depend on (config, weights, versions), as JSON values; part of
            evidence's key.
    """

    name: str
    task: str
    classes: tuple[str, ...]
    key: dict[str, Any]

    def predict(self, image: NDArray[np.uint8]) -> Any:  # which of the two depends on `task`
        """Look at one image.

        Args:
            image: uint8 HxWx3, RGB.

        Returns:
            For detection and instances, :class:`Detections`, for the latter with masks; for segmentation, HxW indices
            into ``classes`` (uint8, or uint16 beyond 256 classes).
        """
        ...


@dataclass(frozen=True)
class Listed:
    """A model that can be had by name, or a way to name one of one's own, as ``bench list models`` shows it.

    Attributes:
        name: What to write behind ``--model``; what stands in capitals is for the user to fill in.
        task: What it can be asked.
        weights: Where its weights come from, or what is to be said beside the name.
    """

    name: str
    task: str
    weights: str


class ModelSource(Protocol):
    """One of the places that models come from.

    One more method is optional, and looked for with ``getattr``:

    ``check_seats(task: str, name: str, seats: Sequence[Seat]) -> None``
        Check, before anything is loaded, that the model can look at these rows; raises a ``BenchError`` if not.
    """

    def check(self, task: str, name: str | None, checkpoint: str | Path | None) -> str:
        """Check a model's files without loading or running any; return what reports call it.

        Raises:
            BenchError: If it cannot be had.
        """
        ...

    def load(
        self, task: str, name: str | None, checkpoint: str | Path | None, device: str, trust: str | None
    ) -> Model:
        """Load a model; see :func:`downstream.models.load_model`."""
        ...

    def listed(self, task: str | None) -> list[Listed]:
        """Return what can be had by name, or how models of one's own are named, once for each task."""
        ...

    def is_data(self, name: str) -> bool:
        """Return whether a model follows from its name and its checkpoint alone, no code of the user's in between."""
        ...


@lru_cache(maxsize=4096)  # asked for the same few hundred names at every shard
def plain_name(name: str) -> str:
    """Return a class name as it is compared: without case, spaces, hyphens and underscores.

    Example:
        >>> plain_name("Traffic_Light") == plain_name("traffic light") == plain_name("trafficLight")
        True
    """
    return "".join(letter for letter in name.lower() if letter.isalnum())
