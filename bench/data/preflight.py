"""Looking at every scene's files before a run: one that dies at the last image has wasted the rest."""

from __future__ import annotations

from bench.data import layout
from bench.data.base import DataSet, Scene
from bench.data.fingerprint import scene_digests
from bench.errors import ANYTHING, BadData, BenchError, said


def check_scenes(
    data: DataSet, *, boxes: bool = False, masks: bool = False, depth: bool = False
) -> dict[str, str]:
    """Check what is going to be read of a data set.

    Args:
        data: The data set, limited to the scenes that are wanted.
        boxes: Whether boxes are.
        masks: Whether masks are.
        depth: Whether depth is.

    Returns:
        The digest of every scene's files, by scene id.

    Raises:
        BadData: For the first file that is missing, unreadable, no image, of another size than its annotation
            says, or holds what it may not.
    """
    try:
        digests = scene_digests(data)
        check_sizes(data)
        if masks:
            check_masks(data)
        if depth:
            layout.in_threads(data.check_depth, data.scenes)
        if boxes and data.detection is not None:
            _ = data.detection.coco  # boxes that follow from instance files are derived now
    except BenchError:
        raise
    except ANYTHING as error:  # a reader may be anyone's code
        raise BadData(f"{data.name}: reading it raised {said(error)}") from error
    return digests


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


def check_masks(data: DataSet) -> None:
    """Read every scene's mask, in several threads, and throw it away.

    Raises:
        BadData: For a mask that is unreadable, of another size than its image, or holds an index that is no
            class; the file and the value are named.
    """
    if data.segmentation is not None:
        layout.in_threads(lambda scene: data.mask(scene).shape, data.scenes)
