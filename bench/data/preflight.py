"""Looking at every scene's files before a run: one that dies at the last image has wasted the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.data import layout
from bench.data.base import DataSet, Scene
from bench.data.fingerprint import scene_digests
from bench.errors import ANYTHING, BadData, BenchError, said, some
from bench.image_metadata import notes_on, oddities_of

if TYPE_CHECKING:
    import numpy as np


def check_scenes(
    data: DataSet, *, boxes: bool = False, outlines: bool = False, masks: bool = False, depth: bool = False
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Check what is going to be read of a data set.

    Args:
        data: The data set, limited to the scenes that are wanted.
        boxes: Whether boxes are.
        outlines: Whether outlines of objects are.
        masks: Whether masks are.
        depth: Whether depth is.

    Returns:
        The digest of every scene's files, by scene id; and what was seen that a reader of the scores should know, one
        line each.

    Raises:
        BadData: For the first file that is missing, unreadable, no image, of another size than its annotation
            says, or holds what it may not.
    """
    try:
        digests = scene_digests(data)
        check_sizes(data)
        notes = _image_notes(data) + (check_masks(data) if masks else ())
        if depth:
            layout.in_threads(data.check_depth, data.scenes)
        if boxes and data.detection is not None:
            _ = data.detection.coco  # boxes that follow from instance files are derived now
        if outlines:
            for scene in data.scenes:
                data.outlines(scene)
    except BenchError:
        raise
    except ANYTHING as error:  # a reader may be anyone's code
        raise BadData(f"{data.name}: reading it raised {said(error)}") from error
    return digests, notes


def _image_notes(data: DataSet) -> tuple[str, ...]:
    """Say what the scenes' image files state that is not, or not only, made use of."""
    files = [data.files(scene) for scene in data.scenes]
    shown = [found[role] for found in files for role in ("image", "rainy") if role in found]
    return notes_on(layout.in_threads(oddities_of, shown))


def check_sizes(data: DataSet) -> None:
    """Compare the sizes of clean images, from their headers, with those that annotations state.

    Data that brings its own rain has no annotations, and its pairs are compared when it is opened.

    Raises:
        BadData: If one is another; the file and both sizes are named.
    """

    def check(scene: Scene) -> None:
        if scene.image is not None and scene.size is not None:
            size = layout.image_size(scene.image)
            if size is not None:
                data.check_size(scene, size)

    if not data.own_rain:
        layout.in_threads(check, data.scenes)


def check_masks(data: DataSet) -> tuple[str, ...]:
    """Read every scene's mask, in several threads, and throw it away.

    Returns:
        What a reader of the scores should know of what the masks hold, one line each.

    Raises:
        BadData: For a mask that is unreadable, of another size than its image, or holds an index that is no
            class; the file and the value are named.
    """
    if data.segmentation is None:
        return ()
    found = set().union(*layout.in_threads(lambda scene: _values(data.mask(scene)), data.scenes))
    data.check_labels(found)
    ignored = data.segmentation.ignored
    absent = [name for i, name in enumerate(data.segmentation.classes) if i not in found and i not in ignored]
    return (f"classes that occur in no mask of these scenes: {some(absent)}",) if absent else ()


def _values(mask: np.ndarray) -> set[int]:
    import numpy as np

    there = np.zeros(1 << 16, bool)
    there[mask] = True
    return set(np.flatnonzero(there).tolist())
