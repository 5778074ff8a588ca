"""Predictions made elsewhere: ``predictions:DIR`` holds what any tool found in the images of a run.

``bench run --save-images`` keeps what models are to look at as ``OUT/images/VARIANT/DERAINER/SCENE.png``. Whatever
looks at these images writes under the same names::

    DIR/VARIANT/DERAINER.json          COCO results: [{image_id, category_id, bbox: [left, top, width, height], score}]
    DIR/VARIANT/DERAINER/SCENE.png     label maps: the data set's class indices, one channel

Ids are those of the data set's annotation file, so there are no classes to match: the data set's own are taken.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import plugins
from bench.data.coco import whole
from bench.data.layout import image_size
from bench.errors import BadConfig, BadData, BadWeights, some
from bench.hashing import content_key, sha256_file
from bench.images import read_labels
from bench.vocabulary import DETECTION, SEGMENTATION
from downstream.models.base import Detections, Listed, Model, Seat

#: Raise when a change here changes predictions; part of every key.
VERSION = 1

#: A box that ends beyond so many widths or heights of its image may have been written as two corners.
_BEYOND = 1.1
#: So many boxes, all of them ending right of and below where they begin when read as corners, and one far beyond.
_MANY = 20

#: Finds what was found in a scene: its id and the image.
_Look = Callable[[str, NDArray[np.uint8]], Any]


class PredictionsSource:
    """See :class:`downstream.models.base.ModelSource`."""

    def check(self, task: str, name: str | None, checkpoint: str | Path | None) -> str:
        """Check that the folder is there."""
        folder = _folder(name)
        if checkpoint is not None:
            raise BadWeights(f"model {name}: predictions are there already and take no --checkpoint")
        if not folder.is_dir():
            raise BadConfig(f"model {name}: no folder {folder}")
        return folder.name or "predictions"

    def load(
        self, task: str, name: str | None, checkpoint: str | Path | None, device: str, trust: str | None
    ) -> Model:
        """Take the folder's files into the key; nothing is read yet."""
        return PredictionsModel(self.check(task, name, checkpoint), task, _folder(name))

    def listed(self, task: str | None) -> list[Listed]:
        """Say how they are named."""
        return [
            Listed("predictions:DIR", each, f"made elsewhere: {form.named}")
            for each, form in _FORMS.items()
            if task in (None, each)
        ]

    def is_data(self, name: str) -> bool:
        """Predictions are data; the folder's files may change all the same, so nothing is remembered of them."""
        return False

    def check_seats(self, task: str, name: str, seats: Sequence[Seat]) -> None:
        """Check that the files of every row are there and can be read.

        Raises:
            BadData: If some are missing, naming them, or one is not what it should be.
        """
        folder, form = _folder(name), _FORMS[task]
        wanted = [(seat, path) for seat in seats for path in form.files(folder, seat)]
        missing = [str(path.relative_to(folder)) for _, path in wanted if not path.is_file()]
        if missing:
            raise BadData(
                f"model {name}: {len(missing)} of {len(wanted)} files are missing in {folder}, {some(missing)}: "
                f"they are named as `bench run --save-images` names the images"
            )
        for seat in seats:
            form.check(folder, seat)


class PredictionsModel:
    """See :class:`downstream.models.base.Model`; it looks up what was found instead of looking."""

    def __init__(self, name: str, task: str, folder: Path, seat: Seat | None = None) -> None:
        self.name = name
        self.task = task
        self.classes: tuple[str, ...] = ()  # the data set's own
        self._folder = folder
        self._seat = seat
        self._look: _Look | None = None
        files = sorted(
            path for path in folder.rglob("*") if path.suffix in (".json", ".png") and path.is_file()
        )
        self.key: dict[str, Any] = {
            "task": task,
            "kind": "predictions",
            "files": content_key([[p.relative_to(folder).as_posix(), sha256_file(p)] for p in files]),
            "version": VERSION,
        }

    def at(self, seat: Seat) -> PredictionsModel:
        """Return the model as it looks at one row of a variant."""
        made = object.__new__(PredictionsModel)
        made.__dict__.update(self.__dict__, _seat=seat, _look=None)
        return made

    def predict(self, image: NDArray[np.uint8]) -> Any:
        """Nothing is known of an image without the scene that it shows.

        Raises:
            BadConfig: Always.
        """
        raise BadConfig(f"model {self.name} knows scenes of a run only: it cannot look at an image")

    def predict_scene(self, scene: str, image: NDArray[np.uint8]) -> Any:
        """Look up what was found in a scene.

        Raises:
            BadData: If the file is missing, or a label map has another size than the image.
        """
        assert self._seat is not None  # the engine has put it in its place
        if self._look is None:
            self._look = _FORMS[self.task].look(self._folder, self._seat)
        return self._look(scene, image)


_NOTHING = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))


def _folder(name: str | None) -> Path:
    _, query, folder = plugins.cut(name or "")
    if not folder or query:
        raise BadConfig(f"model {name}: write predictions:DIR")
    return Path(folder).expanduser()


def _read_results(path: Path, seat: Seat, strict: bool) -> dict[str, Detections]:
    """Read COCO results: scene id to what was found in it.

    Args:
        path: The file.
        seat: Where it belongs.
        strict: Whether an image that the data set does not have is a mistake. A worker, who knows a few scenes alone,
            cannot tell; the check before the run can.

    Raises:
        BadData: If the file is none, or names an image or a category that the data set does not have.
    """
    truth = seat.data.detection
    assert truth is not None  # the task's precondition
    scenes = {image: scene for scene, image in truth.image_ids.items()}
    labels = {int(category["id"]): index for index, category in enumerate(truth.categories)}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(entries, list):
            raise ValueError
    except (OSError, ValueError, RecursionError):
        raise BadData(f"{path}: no COCO results: a list of {{image_id, category_id, bbox, score}}") from None
    sizes = {scene.id: scene.size for scene in seat.data.scenes if scene.size is not None}
    beyond, corners = 0, True
    found: dict[str, list[tuple[list[float], float, int]]] = {}
    for number, entry in enumerate(entries):
        try:
            image, category = whole(entry["image_id"]), whole(entry["category_id"])
            left, top, width, height = (float(value) for value in entry["bbox"])
            score = float(entry["score"])
            if None in (image, category) or min(width, height) < 0:
                raise ValueError
            if not all(map(math.isfinite, (left, top, width, height, score))):
                raise ValueError
        except (KeyError, TypeError, ValueError):
            raise BadData(
                f"{path}: entry {number} is no detection {{image_id, category_id, bbox: [left, top, width, height], "
                f"score}}"
            ) from None
        if category not in labels:
            raise BadData(
                f"{path}: entry {number} is of category {category}, which {seat.data.name} does not have"
            )
        if image not in scenes:
            if not strict or image in truth.left_out:
                continue
            raise BadData(f"{path}: entry {number} is of image {image}, which {seat.data.name} does not have")
        box = [left, top, left + width, top + height]
        if scenes[image] in sizes:
            rows, columns = sizes[scenes[image]]
            beyond += box[2] > columns * _BEYOND or box[3] > rows * _BEYOND
        corners &= left < width and top < height
        found.setdefault(scenes[image], []).append((box, score, labels[category]))
    # Of many boxes some lie closer to their own size than to the left or the top; of corners none do.
    if beyond > len(entries) // 4 or (beyond and corners and len(entries) >= _MANY):
        raise BadData(
            f"{path}: {beyond} of {len(entries)} boxes end far beyond their images, as corners would: "
            f"COCO results hold left, top, width, height"
        )
    return {scene: _detections(rows) for scene, rows in found.items()}


def _detections(rows: Sequence[tuple[list[float], float, int]]) -> Detections:
    boxes, scores, labels = zip(*rows, strict=True)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(labels, np.int64)
    )


def _results_of(folder: Path, seat: Seat) -> list[Path]:
    return [folder / seat.variant / f"{seat.row}.json"]


def _check_results(folder: Path, seat: Seat) -> None:
    for path in _results_of(folder, seat):
        _read_results(path, seat, strict=True)


def _look_up(folder: Path, seat: Seat) -> _Look:
    (path,) = _results_of(folder, seat)
    found = _read_results(path, seat, strict=False)
    return lambda scene, image: found.get(scene, _NOTHING)


def _maps_of(folder: Path, seat: Seat) -> list[Path]:
    return [folder / seat.variant / seat.row / f"{scene.id}.png" for scene in seat.data.scenes]


def _check_maps(folder: Path, seat: Seat) -> None:
    """Hold the sizes that label maps state against the scenes' masks, and read the first.

    Raises:
        BadData: If a size differs, or the first is no label map.
    """
    for scene, path in zip(seat.data.scenes, _maps_of(folder, seat), strict=True):
        sizes = image_size(path), None if scene.mask is None else image_size(scene.mask)
        if None not in sizes and sizes[0] != sizes[1]:
            found, wanted = ("x".join(map(str, size[::-1])) for size in sizes if size is not None)
            raise BadData(
                f"label map {path} is {found}, its scene {wanted}: a label map has the image's size"
            )
    for path in _maps_of(folder, seat)[:1]:
        _read_map(path, seat)


def _read_map(path: Path, seat: Seat) -> NDArray[Any]:
    """Read one label map.

    Raises:
        BadData: If it is none, or holds a class that the data set does not have.
    """
    space = seat.data.segmentation
    assert space is not None  # the task's precondition
    labels = read_labels(path)
    if labels.size and labels.max() >= len(space.classes):
        raise BadData(
            f"label map {path} holds class {labels.max()}, of the {len(space.classes)} of {seat.data.name}: "
            f"write its indices, from 0"
        )
    return labels


def _read_maps(folder: Path, seat: Seat) -> _Look:
    def look(scene: str, image: NDArray[np.uint8]) -> NDArray[Any]:
        path = folder / seat.variant / seat.row / f"{scene}.png"
        labels = _read_map(path, seat)
        if labels.shape != image.shape[:2]:
            raise BadData(f"label map {path} is {labels.shape}, the image {image.shape[:2]}")
        return labels

    return look


@dataclass(frozen=True)
class _Form:
    """How the predictions for a task lie: the files of a row, whether they can be read, and what finds a scene's."""

    named: str
    files: Callable[[Path, Seat], list[Path]]
    check: Callable[[Path, Seat], Any]
    look: Callable[[Path, Seat], _Look]


_FORMS = {
    DETECTION: _Form("COCO results DIR/VARIANT/DERAINER.json", _results_of, _check_results, _look_up),
    SEGMENTATION: _Form("label maps DIR/VARIANT/DERAINER/SCENE.png", _maps_of, _check_maps, _read_maps),
}
SOURCE = PredictionsSource()
