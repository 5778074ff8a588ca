"""Models from a Python file of the user's own, ``my.py:NAME[?OPTIONS][:ARG]``.

The object is a function, or a class that is made with the options, ARG before them if there is one; it has an attribute
``classes`` and is called with an image, uint8 RGB HxWx3. For detection it returns boxes (n, 4) as left, top, right,
bottom in pixels, scores (n,) and labels (n,), indices into ``classes``; for segmentation HxW indices.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import plugins
from bench.errors import ANYTHING, BadConfig, BadWeights, BenchError, said
from bench.vocabulary import DETECTION, SEGMENTATION
from downstream.models.base import Detections, Listed, Model


class FileSource:
    """See :class:`downstream.models.base.ModelSource`."""

    def check(self, task: str, name: str | None, checkpoint: str | Path | None) -> str:
        """Check that the file exists; nothing is run."""
        plug_in = _plug_in(name)
        if task not in _READ:
            raise BadConfig(f"model {name}: a file's model looks for {' or '.join(_READ)}, not for {task}")
        if checkpoint is not None:
            raise BadWeights(
                f"model {name} takes no --checkpoint: write {dataclasses.replace(plug_in, arg=str(checkpoint))}"
            )
        plugins.check(plug_in, "model")
        return plug_in.name

    def load(
        self, task: str, name: str | None, checkpoint: str | Path | None, device: str, trust: str | None
    ) -> Model:
        """Run the file, make the object and try it on a grey image."""
        plug_in = _plug_in(name)
        made = plugins.make(plug_in, *([] if plug_in.arg is None else [plug_in.arg]), says=("classes",))
        try:
            named = plug_in.options.attributes.get("classes")
            classes = tuple(str(each) for each in (made.object.classes if named is None else named))
        except ANYTHING as error:
            if isinstance(error, BenchError):
                raise
            raise BadConfig(f"model {name}: asking for its classes raised {said(error)}") from error
        model = FileModel(plug_in, task, classes, made)
        model.predict(np.full((64, 96, 3), 114, np.uint8))  # what is wrong is found now, not mid-run
        return model

    def listed(self, task: str | None) -> list[Listed]:
        """Files are not listed."""
        return []

    def is_data(self, name: str) -> bool:
        """A file is code."""
        return False


class FileModel:
    """See :class:`downstream.models.base.Model`.

    Args:
        plug_in: Where it comes from.
        task: What it looks for.
        classes: What it tells apart.
        made: What is called with an image.
    """

    def __init__(
        self, plug_in: plugins.PlugIn, task: str, classes: tuple[str, ...], made: plugins.Made
    ) -> None:
        self.name = plug_in.name
        self.task = task
        self.classes = classes
        self.key: dict[str, Any] = {
            "task": task,
            "name": plug_in.name,
            "argument": _argument(plug_in.arg),
            "classes": list(classes),
            "code": made.key,
        }
        if made.given:
            self.key["arguments"] = made.given
        self._function: Callable[[Any], Any] = made.object

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
        return _READ[self.task](result, image, self)


def _detections(result: Any, image: np.ndarray, model: FileModel) -> Detections:
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
            f"model {model.name} must return boxes (n, 4), scores (n,) and labels (n,): {said(error)}"
        ) from error
    if len(found.labels) and not 0 <= found.labels.min() <= found.labels.max() < len(model.classes):
        raise BadConfig(
            f"model {model.name} returned the label {found.labels.max()}, of {len(model.classes)} classes"
        )
    if (found.boxes[:, 2:] < found.boxes[:, :2]).any():
        raise BadConfig(
            f"model {model.name} returned a box whose right or bottom lies before its left or top: "
            f"boxes are left, top, right, bottom, not width and height"
        )
    return found


def _label_map(result: Any, image: np.ndarray, model: FileModel) -> NDArray[Any]:
    labels = np.asarray(result)
    if labels.shape != image.shape[:2] or labels.dtype.kind not in "iu":
        raise BadConfig(
            f"model {model.name} returned {labels.dtype} {labels.shape}: it must return class indices of "
            f"{image.shape[:2]}"
        )
    if labels.size and not 0 <= labels.min() <= labels.max() < len(model.classes):
        raise BadConfig(f"model {model.name} returned the class {labels.max()}, of {len(model.classes)}")
    return labels.astype(np.uint8 if len(model.classes) <= 256 else np.uint16)


_READ: dict[str, Callable[[Any, np.ndarray, FileModel], Any]] = {
    DETECTION: _detections,
    SEGMENTATION: _label_map,
}


def _argument(arg: str | None) -> str | None:
    """An argument as the key holds it: of a file its hash."""
    from bench.hashing import sha256_file

    if arg is None:
        return None
    path = Path(arg).expanduser()
    return sha256_file(path) if path.is_file() else arg


def _plug_in(name: str | None) -> plugins.PlugIn:
    plug_in = plugins.parse(name or "")
    assert plug_in is not None  # whoever asks has looked
    return plug_in


SOURCE = FileSource()
