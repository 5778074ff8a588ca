"""What exported networks take and return: the common layouts of detectors and segmenters, as plain arithmetic.

``yolo``
    One output of boxes with a score a class, before suppression: (1, 4 + C, N) as Ultralytics exports it, or
    (1, N, 5 + C) with an objectness before the classes, as YOLOv5, YOLOv7 and YOLOX do. Boxes are centre, width and
    height in pixels of the input.
``ssd``
    Two outputs before suppression: boxes (1, N, 4), left, top, right, bottom as fractions of the input, and scores
    (1, N, C) or (1, N, 1 + C) with a background first.
``end2end``
    After suppression: (1, N, 6) with left, top, right, bottom, score and class (YOLOv10); (1, N, 5) without the class
    and (1, N) classes (MMDeploy); or boxes (N, 4), classes (N) and scores (N) in either order (torchvision). Boxes are
    in pixels of the input.
``labelmap``
    One output of indices (1, H, W) or (1, 1, H, W), or of scores (1, C, H, W), of the input's size or smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BadConfig
from downstream.models.base import Detections

Array = NDArray[Any]

LAYOUTS = ("yolo", "ssd", "end2end", "labelmap")
RESIZES = ("letterbox", "corner", "stretch", "keep")
#: What is padded with, of 255; as YOLO's detectors are trained.
_GREY = 114


@dataclass(frozen=True)
class Input:
    """How an image is made the network's input.

    Attributes:
        size: Height and width that the network takes; None where it takes any.
        resize: ``letterbox`` keeps the proportions and pads on both sides, ``corner`` to the right and below,
            ``stretch`` does not keep them, ``keep`` leaves the image as it is.
        scale: What a pixel of 255 becomes: 1 or 255.
        mean: Taken off after scaling, one number a channel.
        std: Divided by after that.
        bgr: Whether the channels are blue, green, red.
        multiple: What height and width must be multiples of, where the network takes any size.
    """

    size: tuple[int, int] | None = None
    resize: str = "letterbox"
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    bgr: bool = False
    multiple: int = 1


@dataclass(frozen=True)
class Placed:
    """Where an image lies in the input made of it: input = image * (x, y) + (left, top), in pixels.

    Attributes:
        x: Width of the image in the input over its own.
        y: Height likewise.
        left: Columns before it.
        top: Rows above it.
        size: Height and width of the image itself.
        shape: Height and width of the input.
    """

    x: float
    y: float
    left: int
    top: int
    size: tuple[int, int]
    shape: tuple[int, int]


def place(image: NDArray[np.uint8], how: Input) -> tuple[NDArray[np.float32], Placed]:
    """Make an image the network's input.

    Args:
        image: uint8 HxWx3, RGB.
        how: What the network takes.

    Returns:
        float32 (1, 3, H, W), and where the image lies in it.

    Raises:
        BadConfig: If an image that is to be left as it is does not fit into the input.
    """
    import cv2

    height, width = image.shape[:2]
    tall, wide = how.size or (_up(height, how.multiple), _up(width, how.multiple))
    if how.resize == "keep" and (height > tall or width > wide):
        raise BadConfig(
            f"an image of {height}x{width} does not fit into its input of {tall}x{wide}: "
            f"write resize=letterbox or resize=stretch"
        )
    if how.resize == "keep" or how.size is None:
        y = x = 1.0
        inner = (height, width)
    elif how.resize == "stretch":
        y, x, inner = tall / height, wide / width, (tall, wide)
    else:
        y = x = min(tall / height, wide / width)
        inner = (
            (round(height * y), round(width * x))
            if how.resize == "letterbox"
            else (int(height * y + 0.5), int(width * x + 0.5))
        )
    resized: Array = image
    if inner != (height, width):
        resized = cv2.resize(image, (inner[1], inner[0]), interpolation=cv2.INTER_LINEAR)
    top, left = ((tall - inner[0]) // 2, (wide - inner[1]) // 2) if how.resize == "letterbox" else (0, 0)
    if inner != (tall, wide):
        canvas = np.full((tall, wide, 3), _GREY, np.uint8)
        canvas[top : top + inner[0], left : left + inner[1]] = resized
        resized = canvas
    pixels = resized[..., ::-1] if how.bgr else resized
    values = pixels.astype(np.float32) * np.float32(how.scale / 255)
    values = (values - np.array(how.mean, np.float32)) / np.array(how.std, np.float32)
    placed = Placed(inner[1] / width, inner[0] / height, left, top, (height, width), (tall, wide))
    return np.ascontiguousarray(values.transpose(2, 0, 1))[None], placed


def read_boxes(
    layout: str,
    outputs: Sequence[Array],
    classes: int,
    placed: Placed,
    *,
    least: float,
    overlap: float,
    most: int,
) -> Detections:
    """Read a detector's outputs.

    Args:
        layout: ``yolo``, ``ssd`` or ``end2end``.
        outputs: As the network returned them.
        classes: How many classes it tells apart.
        placed: Where the image lies in the input.
        least: Boxes of a lower score are left out.
        overlap: Of two boxes of one class with a higher IoU the one with the lower score is left out; not for
            ``end2end``, which has done so.
        most: How many boxes are kept.

    Returns:
        The boxes by falling score, as the network found them: they may reach beyond the image.

    Raises:
        BadConfig: If the outputs are not of the layout; what was found is said.
    """
    read = {"yolo": _yolo, "ssd": _ssd, "end2end": _end2end}[layout]
    boxes, scores, labels = read([np.asarray(output) for output in outputs], classes, placed)
    sure = scores > least
    boxes, scores, labels = boxes[sure], scores[sure], labels[sure]
    if layout != "end2end":
        kept = _suppressed(boxes, scores, labels, overlap)
        boxes, scores, labels = boxes[kept], scores[kept], labels[kept]
    order = np.argsort(-scores, kind="stable")[:most]
    boxes = (boxes[order] - [placed.left, placed.top] * 2) / [placed.x, placed.y, placed.x, placed.y]
    return Detections(
        boxes.astype(np.float32), scores[order].astype(np.float32), labels[order].astype(np.int64)
    )


def read_label_map(outputs: Sequence[Array], classes: int, placed: Placed) -> NDArray[Any]:
    """Read a segmenter's output; HxW indices of the image's size.

    Raises:
        BadConfig: If there is more than one output, it is no label map, or not one of the input.
    """
    import cv2

    if len(outputs) != 1:
        raise _other("labelmap", outputs, "one output, (1, H, W) indices or (1, C, H, W) scores")
    found = np.asarray(outputs[0])
    height, width = placed.size
    rows, columns = round(height * placed.y), round(width * placed.x)
    if found.ndim in (3, 4) and not _covers(found.shape[-2:], placed.shape):
        of, size = ("x".join(map(str, shape)) for shape in (found.shape[-2:], placed.shape))
        raise BadConfig(
            f"its output is {of} for an input of {size}: a network of one size wants it said, size=[HEIGHT, WIDTH]"
        )
    if found.ndim == 4 and found.shape[1] == classes and found.dtype.kind == "f":
        scores = _to_input(found[0], placed)
        scores = scores[:, placed.top : placed.top + rows, placed.left : placed.left + columns]
        if scores.shape[1:] != (height, width):
            scores = np.stack([cv2.resize(np.ascontiguousarray(each), (width, height)) for each in scores])
        return scores.argmax(0).astype(np.uint8 if classes <= 256 else np.uint16)
    if found.ndim == 4 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 3 or found.shape[0] != 1 or found.dtype.kind not in "iu":
        raise _other("labelmap", outputs, f"(1, H, W) indices or (1, {classes}, H, W) scores")
    labels = found[0].astype(np.uint16)
    if labels.shape != placed.shape:
        labels = cv2.resize(labels, placed.shape[::-1], interpolation=cv2.INTER_NEAREST)
    labels = labels[placed.top : placed.top + rows, placed.left : placed.left + columns]
    if labels.shape != (height, width):
        labels = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
    if labels.size and labels.max() >= classes:
        raise BadConfig(f"its label map has the index {labels.max()}, of {classes} classes")
    return labels.astype(np.uint8 if classes <= 256 else np.uint16)


def _yolo(outputs: list[Array], classes: int, placed: Placed) -> tuple[Array, Array, Array]:
    if len(outputs) != 1 or outputs[0].ndim != 3 or outputs[0].shape[0] != 1:
        raise _other("yolo", outputs, _YOLO.format(classes + 4, classes + 5))
    found = outputs[0][0].astype(np.float64)
    if found.shape[0] == classes + 4 and found.shape[1] != classes + 5:
        found, scores = found.T, None
        scores = found[:, 4:]
    elif found.shape[1] == classes + 5:
        scores = found[:, 5:] * found[:, 4:5]
    elif found.shape[1] == classes + 4:
        scores = found[:, 4:]
    else:
        raise _other("yolo", outputs, _YOLO.format(classes + 4, classes + 5))
    centre, half = found[:, :2], found[:, 2:4] / 2
    labels = scores.argmax(1)
    return np.hstack([centre - half, centre + half]), scores[np.arange(len(scores)), labels], labels


_YOLO = "one output, (1, {0}, N) or (1, N, {1})"


def _ssd(outputs: list[Array], classes: int, placed: Placed) -> tuple[Array, Array, Array]:
    three = [output for output in outputs if output.ndim == 3 and output.shape[0] == 1]
    boxes = [output for output in three if output.shape[2] == 4]
    scores = [output for output in three if output.shape[2] in (classes, classes + 1)]
    if classes in (3, 4):  # boxes and scores look alike: boxes come first
        boxes, scores = three[:1], three[1:2]
    if len(outputs) != 2 or not boxes or not scores or boxes[0].shape[1] != scores[0].shape[1]:
        raise _other("ssd", outputs, f"boxes (1, N, 4) and scores (1, N, {classes}) or (1, N, {classes + 1})")
    height, width = placed.shape
    corners = boxes[0][0].astype(np.float64) * [width, height, width, height]
    told = scores[0][0].astype(np.float64)[:, -classes:]  # a background stands first
    labels = told.argmax(1)
    return corners, told[np.arange(len(told)), labels], labels


def _end2end(outputs: list[Array], classes: int, placed: Placed) -> tuple[Array, Array, Array]:
    wanted = "(1, N, 6); (1, N, 5) and (1, N); or boxes (N, 4), classes (N) and scores (N)"
    found = [output[0] if output.ndim > 1 and output.shape[0] == 1 else output for output in outputs]
    if len(found) == 1 and found[0].ndim == 2 and found[0].shape[1] == 6:
        boxes, scores, labels = found[0][:, :4], found[0][:, 4], found[0][:, 5]
    elif len(found) == 2 and found[0].ndim == 2 and found[0].shape[1] == 5 and found[1].ndim == 1:
        boxes, scores, labels = found[0][:, :4], found[0][:, 4], found[1]
    elif len(found) == 3 and sorted(each.ndim for each in found) == [1, 1, 2]:
        boxes = next(each for each in found if each.ndim == 2)
        rest = [each for each in found if each.ndim == 1]
        whole = [each for each in rest if each.dtype.kind in "iu"]
        if len(whole) != 1 or boxes.shape[1] != 4:
            raise _other("end2end", outputs, wanted)
        labels = whole[0]
        scores = next(each for each in rest if each is not labels)
    else:
        raise _other("end2end", outputs, wanted)
    there = labels >= 0  # what fills up the count is marked -1
    boxes, scores, labels = boxes[there], scores[there], labels[there]
    if len(labels) and labels.max() >= classes:
        raise BadConfig(f"it found the class {int(labels.max())}, of {classes}")
    return boxes.astype(np.float64), scores.astype(np.float64), labels.astype(np.int64)


def _suppressed(boxes: Array, scores: Array, labels: Array, overlap: float) -> NDArray[np.int64]:
    """The indices that greedy suppression keeps, each class for itself."""
    import torch

    from downstream.models.ops import nms

    if not len(boxes):
        return np.zeros(0, np.int64)
    # Classes are moved apart, so that one pass does them all.
    apart = boxes + (labels * (float(np.abs(boxes).max()) + 1) * 2)[:, None]
    kept = nms(
        torch.from_numpy(apart.astype(np.float32)), torch.from_numpy(scores.astype(np.float32)), overlap, 0
    )
    return kept.numpy()


def _covers(output: tuple[int, ...], size: tuple[int, int]) -> bool:
    """Whether an output can be that of an input: no larger, and of its proportions, each side rounded up or down.

    A network that was exported for one size may take another and still answer in the first: its labels would lie
    beside what they name.
    """
    (rows, columns), (tall, wide) = output, size
    beside = abs(columns - rows * wide / tall)
    return 0 < rows <= tall and 0 < columns <= wide and beside <= 1 + wide / tall


def _to_input(scores: Array, placed: Placed) -> Array:
    """Scores (C, h, w) at the size of the input."""
    import cv2

    if scores.shape[1:] == placed.shape:
        return scores
    tall, wide = placed.shape
    return np.stack([cv2.resize(np.ascontiguousarray(each, np.float32), (wide, tall)) for each in scores])


def _other(layout: str, outputs: Sequence[Any], wanted: str) -> BadConfig:
    found = ", ".join(f"{np.asarray(output).dtype} {tuple(np.asarray(output).shape)}" for output in outputs)
    return BadConfig(f"its outputs are {found}; layout {layout} has {wanted}: name another with --layout")


def _up(side: int, multiple: int) -> int:
    return -(-side // multiple) * multiple
