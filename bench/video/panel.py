"""A clip beside its restored self, with the boxes that a model sees in each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from bench.deadline import unit
from bench.video.read import Clip, Frame, frames
from bench.video.restore import SEGMENT, restored
from bench.video.write import join, write_segment

if TYPE_CHECKING:
    from derainers import Derainer
    from downstream.tasks.base import Drawing

#: Colours of boxes, by class; as legible on grey streets as on each other.
_COLOURS = ((255, 80, 60), (60, 170, 255), (255, 200, 40), (90, 220, 110), (220, 110, 255), (40, 230, 230))
#: Share of the picture that a model's mask leaves.
_THROUGH = 0.55

See = Callable[[np.ndarray], "Drawing | None"]


def seer(task_name: str, model: str, checkpoint: str | None, device: str, trust: str | None = None) -> See:
    """Return what a model of a task sees in an image."""
    from downstream.models import load_model
    from downstream.tasks import find_task

    task = find_task(task_name)
    network = load_model(task_name, model, checkpoint, device, trust)

    def see(image: np.ndarray) -> Drawing:
        with unit(f"model {model}", "look at a frame"):
            return task.draw(network, image)

    return see


def beside(clip: Clip) -> Clip:
    """Return what a clip of twice the width says of itself."""
    height, width = clip.size
    return replace(clip, size=(height, 2 * width))


def write_side_by_side(
    clip: Clip, out: Path, derainer: Derainer, see: See, advance: Callable[[int], Any]
) -> None:
    """Write the clip at the left and its restored frames at the right, with the clip's sound.

    Args:
        clip: The clip.
        out: The picture's file; see :func:`bench.video.restore.check` with :func:`beside`.
        derainer: What restores it.
        see: What a model sees in an image; None where none is asked.
        advance: Is told how many frames were finished.

    Raises:
        OutputError: If something cannot be written.
    """
    wide = beside(clip)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".panel-") as folder:
        segments: list[Path] = []
        found = _pairs(clip, derainer, see)
        while chunk := list(islice(found, SEGMENT)):
            segments.append(Path(folder) / f"{len(segments):06}.nut")
            write_segment(segments[-1], wide, chunk)
            advance(len(chunk))
        join(segments, wide, out)


def _pairs(clip: Clip, derainer: Derainer, see: See) -> Iterator[Frame]:
    source = frames(clip)
    while batch := list(islice(source, SEGMENT)):
        for rainy, dry in zip(batch, restored(iter(batch), clip, derainer), strict=True):
            yield Frame(rainy.time, np.hstack([marked(each.image, see(each.image)) for each in (rainy, dry)]))


def marked(image: np.ndarray, seen: Drawing | None) -> np.ndarray:
    """Draw boxes with their classes, or a mask, over a copy of an image (uint8 RGB HxWx3)."""
    shown = image.copy()
    if seen is None:
        return shown
    if seen.mask is not None:
        palette = np.array(_COLOURS, np.float32)[np.arange(256) % len(_COLOURS)]
        shown = np.rint(_THROUGH * shown + (1 - _THROUGH) * palette[seen.mask]).astype(np.uint8)
    if seen.boxes is not None:
        thick = max(1, round(min(image.shape[:2]) / 240))
        order = {name: index for index, name in enumerate(sorted(set(seen.names)))}
        for (left, top, right, bottom), name in zip(np.rint(seen.boxes).astype(int), seen.names, strict=True):
            colour = _COLOURS[order[name] % len(_COLOURS)]
            cv2.rectangle(shown, (int(left), int(top)), (int(right), int(bottom)), colour, thick)
            place = (int(left), max(10, int(top) - 3))
            cv2.putText(shown, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.3 * thick, colour, thick, cv2.LINE_AA)
    return shown
