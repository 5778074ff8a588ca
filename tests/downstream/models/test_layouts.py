from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BadConfig
from downstream.models.layouts import RESIZES, Input, Placed, place, read_boxes, read_label_map

#: Two cars and a person in an input of 64x64: left, top, right, bottom, score, class.
FOUND = np.array([[10, 8, 30, 24, 0.9, 0], [34, 40, 60, 62, 0.6, 1], [0, 0, 9, 7, 0.3, 0]], np.float32)
WHOLE = Placed(1.0, 1.0, 0, 0, (64, 64), (64, 64))


def centred(boxes: np.ndarray) -> np.ndarray:
    return np.hstack([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]])


def scores_of(found: np.ndarray, classes: int) -> np.ndarray:
    scores = np.zeros((len(found), classes), np.float32)
    scores[np.arange(len(found)), found[:, 5].astype(int)] = found[:, 4]
    return scores


def outputs_of(layout: str, found: np.ndarray) -> list[np.ndarray]:
    """What a network of two classes that found these boxes would return."""
    boxes, scores, labels = found[:, :4], found[:, 4], found[:, 5].astype(np.int64)
    by_class = scores_of(found, 2)
    return {
        "yolo": [np.hstack([centred(boxes), by_class]).T[None]],
        "yolox": [np.hstack([centred(boxes), np.full((len(found), 1), 0.5), by_class * 2])[None]],
        "ssd": [boxes[None] / 64, by_class[None]],
        "ssd background": [boxes[None] / 64, np.hstack([1 - by_class.sum(1, keepdims=True), by_class])[None]],
        "end2end": [found[None]],
        "end2end mmdeploy": [found[None, :, :5], labels[None]],
        "end2end torchvision": [boxes, labels, scores],
        "end2end other order": [boxes, scores, labels],
    }[layout]


@pytest.mark.parametrize(
    "layout",
    [
        "yolo",
        "yolox",
        "ssd",
        "ssd background",
        "end2end",
        "end2end mmdeploy",
        "end2end torchvision",
        "end2end other order",
    ],
)
def test_every_layout_gives_the_same_boxes(layout: str) -> None:
    name = "yolo" if layout == "yolox" else layout.split()[0]
    twice = np.vstack([FOUND, FOUND[:1] + [0.5, 0, 0.5, 0, -0.2, 0]])  # suppression takes the weaker of two
    outputs = outputs_of(layout, FOUND if name == "end2end" else twice)
    found = read_boxes(name, outputs, 2, WHOLE, least=0.01, overlap=0.65, most=100)
    np.testing.assert_allclose(found.boxes, FOUND[:, :4], atol=1e-4)
    np.testing.assert_allclose(found.scores, FOUND[:, 4], atol=1e-6)
    assert found.labels.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("layout", "outputs", "words"),
    [
        ("yolo", [np.zeros((1, 9, 9))], "(1, 6, N) or (1, N, 7)"),
        ("yolo", [np.zeros((1, 6, 5)), np.zeros(3)], "one output"),
        ("ssd", [np.zeros((1, 5, 4)), np.zeros((1, 6, 2))], "scores (1, N, 2)"),
        ("end2end", [np.zeros((1, 5, 7))], "float64 (1, 5, 7)"),
        ("end2end", [np.zeros((5, 4)), np.zeros(5), np.zeros(5)], "classes (N)"),
    ],
)
def test_other_outputs_are_said(layout: str, outputs: list[np.ndarray], words: str) -> None:
    with pytest.raises(BadConfig, match=re.escape(words)):
        read_boxes(layout, outputs, 2, WHOLE, least=0.01, overlap=0.65, most=100)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(8, 90),
    width=st.integers(8, 90),
    resize=st.sampled_from(RESIZES),
    data=st.data(),
)
def test_a_box_comes_back_from_where_it_was_placed(
    height: int, width: int, resize: str, data: st.DataObject
) -> None:
    """The corner of a bright rectangle lies where the placement says; boxes come back to within a pixel."""
    image = np.zeros((height, width, 3), np.uint8)
    how = Input(None if resize == "keep" else (64, 96), resize, multiple=32)
    pixels, placed = place(image, how)
    assert pixels.shape[2:] == placed.shape
    assert pixels.shape[2] % 32 == 0
    left = data.draw(st.integers(0, width - 2))
    top = data.draw(st.integers(0, height - 2))
    box = np.array(
        [left, top, data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))]
    )
    there = box * np.tile([placed.x, placed.y], 2) + np.tile([placed.left, placed.top], 2)
    output = np.hstack([there, [0.9, 0.0]]).astype(np.float32)[None, None]
    found = read_boxes("end2end", [output], 1, placed, least=0.01, overlap=0.65, most=10)
    np.testing.assert_allclose(found.boxes[0], box, atol=1e-3)


@pytest.mark.parametrize("resize", ["letterbox", "corner", "stretch", "keep"])
@pytest.mark.parametrize("kind", ["indices", "indices of channels", "scores", "small scores"])
def test_label_maps_come_back_at_the_images_size(resize: str, kind: str) -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 30:] = 255
    pixels, placed = place(image, Input(None if resize == "keep" else (64, 64), resize, multiple=16))
    labels = (pixels[0, 0] > 0.6).astype(np.int64)  # the bright half is class 1
    scores = np.stack([1.0 - labels, labels, np.zeros_like(labels)]).astype(np.float32)[None]
    output: Any = {
        "indices": labels[None],
        "indices of channels": labels[None, None],
        "scores": scores,
        "small scores": scores[:, :, ::2, ::2],
    }[kind]
    found = read_label_map([output], 3, placed)
    assert found.shape == (40, 60)
    assert found.dtype == np.uint8
    truth = np.repeat([[0] * 30 + [1] * 30], 40, 0)
    assert (found != truth).mean() < 0.06  # the seam may move by a pixel of the output


def test_a_label_map_of_other_classes_is_refused() -> None:
    with pytest.raises(BadConfig, match="index 7, of 3 classes"):
        read_label_map([np.full((1, 64, 64), 7)], 3, WHOLE)
    with pytest.raises(BadConfig, match=re.escape("float32 (1, 4, 64, 64)")):
        read_label_map([np.zeros((1, 4, 64, 64), np.float32)], 3, WHOLE)


def test_pixels_are_what_the_network_was_trained_on() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[..., 0] = 255
    how = Input((4, 4), "stretch", 255.0, (10.0, 20.0, 30.0), (2.0, 2.0, 2.0), bgr=True)
    pixels, _ = place(image, how)
    assert pixels[0, :, 0, 0].tolist() == [-5.0, -10.0, 112.5]  # blue, green, red
