"""What networks from outside return, held to the form that a task wants before it is scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import ANYTHING, BadConfig, BenchError, said
from bench.vocabulary import DETECTION, INSTANCES, SEGMENTATION
from downstream.models.base import Detections


def read_detections(result: Any, image: NDArray[np.uint8], classes: Sequence[str], name: str) -> Detections:
    """Return what a detector found, from boxes (n, 4) as corners in pixels, scores (n,) and labels (n,).

    Args:
        result: What it returned: the three of them, or :class:`Detections`.
        image: What it looked at.
        classes: What it tells apart.
        name: What it is called in messages.

    Raises:
        BadConfig: If it is of another form; one line says what was returned and what is wanted.
    """
    if isinstance(result, Detections):
        return result
    try:
        boxes, scores, labels = result
        boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
        found = Detections(
            boxes, np.asarray(scores, np.float32).ravel(), np.asarray(labels, np.int64).ravel()
        )
    except (TypeError, ValueError) as error:
        raise BadConfig(
            f"model {name} must return boxes (n, 4), scores (n,) and labels (n,): {said(error)}"
        ) from error
    if len(found.labels) and not 0 <= found.labels.min() <= found.labels.max() < len(classes):
        raise BadConfig(f"model {name} returned the label {found.labels.max()}, of {len(classes)} classes")
    if (found.boxes[:, 2:] < found.boxes[:, :2]).any():
        raise BadConfig(
            f"model {name} returned a box whose right or bottom lies before its left or top: "
            f"boxes are left, top, right, bottom, not width and height"
        )
    return found


def read_instances(result: Any, image: NDArray[np.uint8], classes: Sequence[str], name: str) -> Detections:
    """Return what an instance segmenter found: as :func:`read_detections`, and masks (n, H, W) behind; arguments alike.

    Raises:
        BadConfig: If it is of another form.
    """
    if isinstance(result, Detections):
        return result
    try:
        boxes, scores, labels, masks = result
        masks = np.asarray(masks).astype(bool).reshape(-1, *image.shape[:2])
        return replace(read_detections((boxes, scores, labels), image, classes, name), masks=masks)
    except (TypeError, ValueError) as error:
        raise BadConfig(
            f"model {name} must return boxes, scores, labels and masks (n, {image.shape[0]}, {image.shape[1]}): "
            f"{said(error)}"
        ) from error


def read_label_map(
    result: Any, image: NDArray[np.uint8], classes: Sequence[str], name: str
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return a label map: indices into ``classes``, of the image's height and width; arguments as above.

    Raises:
        BadConfig: If it is none.
    """
    labels = np.asarray(result)
    if labels.shape != image.shape[:2] or labels.dtype.kind not in "iu":
        raise BadConfig(
            f"model {name} returned {labels.dtype} {labels.shape}: it must return class indices of "
            f"{image.shape[:2]}"
        )
    if labels.size and not 0 <= labels.min() <= labels.max() < len(classes):
        raise BadConfig(f"model {name} returned the class {labels.max()}, of {len(classes)}")
    return labels.astype(np.uint8 if len(classes) <= 256 else np.uint16)


#: What reads a network's answer, by task.
READ: dict[str, Callable[[Any, np.ndarray, Sequence[str], str], Any]] = {
    DETECTION: read_detections,
    INSTANCES: read_instances,
    SEGMENTATION: read_label_map,
}


#: What a network's answer is, by task, in a few words.
RETURNED = {
    DETECTION: "boxes, scores, labels",
    INSTANCES: "boxes, scores, labels, masks",
    SEGMENTATION: "a label map",
}


class Answering:
    """A model that is a function from an image to an answer; see :class:`downstream.models.base.Model`.

    Args:
        name: What reports call it.
        task: What it looks for.
        classes: What it tells apart.
        key: What its predictions depend on.
        function: What is called with an image, uint8 RGB HxWx3.
    """

    def __init__(
        self,
        name: str,
        task: str,
        classes: Sequence[str],
        key: dict[str, Any],
        function: Callable[[NDArray[np.uint8]], Any],
    ) -> None:
        self.name = name
        self.task = task
        self.classes = tuple(classes)
        self.key = {"task": task, "classes": list(self.classes), **key}
        self._function = function

    def predict(self, image: NDArray[np.uint8]) -> Any:
        """Look at one image.

        Raises:
            BadConfig: If what comes back is not of the form that the task wants.
        """
        try:
            result = self._function(image.copy())
        except ANYTHING as error:
            if isinstance(error, BenchError):
                raise
            raise BadConfig(f"model {self.name}: looking at an image raised {said(error)}") from error
        return READ[self.task](result, image, self.classes, self.name)


def tried(model: Answering) -> Answering:
    """Return a model that has looked at a photo-like image of noise and edges: what is wrong is found now, not mid-run.

    Raises:
        BadConfig: As :meth:`Answering.predict`.
    """
    rows, columns = np.mgrid[:64, :96]
    image = np.full((64, 96, 3), 114, np.uint8)
    image[16:48, 40:80] = np.stack([rows * 3, columns * 2, rows + columns], 2)[16:48, 40:80]
    image[20:30, 50:60] = 255
    model.predict(image)
    return model
