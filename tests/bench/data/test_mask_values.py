"""Masks whose pixels are not class indices from 0: colours, other numbers, and classes that are left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.data.fingerprint import scene_digest
from bench.data.masks import open_masks
from bench.errors import BadConfig, BadData
from bench.images import write_image as write
from bench.keep.manifest import make_manifest
from downstream.tasks.segmentation import Segmentation

Write = Callable[..., Path]
SIZE = (6, 8)


@pytest.fixture
def root(tmp_path: Path, write_image: Write) -> Path:
    write_image(tmp_path / "set" / "val" / "a.png", size=SIZE)
    (tmp_path / "set" / "valannot").mkdir()
    return tmp_path / "set"


def open_as(root: Path, labels: np.ndarray, **declared: Any) -> Any:
    write(root / "valannot" / "a.png", labels)
    (root / "classes.json").write_text(json.dumps(declared))
    return open_masks(root)


def test_colours_stand_for_classes(root: Path) -> None:
    colours = np.full((*SIZE, 3), (128, 64, 128), np.uint8)
    colours[0], colours[1] = (0, 0, 0), (0, 128, 192)
    names = ["road", "bicycle"]
    data = open_as(root, colours, classes=names, values=["#804080", "#0080C0"], ignore="#000000")
    mask = data.mask(data.scenes[0])
    assert [set(row) for row in mask[:3]] == [{255}, {1}, {0}]
    data = open_as(root, colours, classes=names, values=["#804080", "#0080C0"])
    with pytest.raises(BadData, match=r"a\.png holds the colour #000000, which stands for no class"):
        data.mask(data.scenes[0])


def test_numbers_stand_for_classes(root: Path) -> None:
    labels = np.full(SIZE, 7, np.uint16)
    labels[0], labels[1] = 300, 26
    data = open_as(root, labels, classes=["road", "car"], values=[7, 26], ignore=255)
    with pytest.raises(BadData, match="holds the value 300, which stands for no class"):
        data.mask(data.scenes[0])
    data = open_as(root, labels, classes=["road", "car", "way"], values=[7, 26, 300], ignore=7)
    assert data.segmentation.ignored == (0,)
    assert [set(row) for row in data.mask(data.scenes[0])[:3]] == [{2}, {1}, {255}]


def test_what_values_mean_is_part_of_the_scene(root: Path) -> None:
    labels = np.ones(SIZE, np.uint8)
    plain = open_as(root, labels, classes=["road", "car"])
    turned = open_as(root, labels, classes=["road", "car"], values=[1, 0])
    digests = [scene_digest(data, data.scenes[0]) for data in (plain, turned)]
    assert digests[0] != digests[1]
    assert set(plain.files(plain.scenes[0])) == {"image", "mask without [255]"}  # evidence of before is found


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0], "no list of 2"),
        ({"a": 0}, "no list of 2"),
        ([0, 0], "2 different numbers"),
        ([0, True], "2 different numbers"),
        ([0, "#000001"], "2 different numbers"),
        (["#12", "red"], "2 different numbers"),
        ([-1, 1 << 20], "2 different numbers"),
    ],
)
def test_values_that_are_none(root: Path, values: Any, said: str) -> None:
    with pytest.raises(BadData, match=said) as caught:
        open_as(root, np.zeros(SIZE, np.uint8), classes=["a", "b"], values=values)
    assert "\n" not in str(caught.value)


def test_misspelt_and_wrong_declarations(root: Path) -> None:
    zeros = np.zeros(SIZE, np.uint8)
    with pytest.raises(BadData, match="has the key 'value': the classes' values go"):
        open_as(root, zeros, classes=["a", "b"], value=[0, 1])
    with pytest.raises(BadData, match="has ignore 3: expected a colour"):
        open_as(root, zeros, classes=["a"], values=["#000000"], ignore=3)


def look(data: Any, classes: tuple[str, ...], predicted: np.ndarray) -> Any:
    model = SimpleNamespace(classes=classes, predict=lambda image: predicted)
    sight = SimpleNamespace(
        scene=data.scenes[0],
        digest="d",
        mask=lambda: data.mask(data.scenes[0]),
        seen_by=lambda model: (model.predict(None), 0.0),
    )
    return Segmentation().look(data, model)(sight)  # type: ignore[arg-type]


def score(data: Any, row: Any) -> dict[str, float]:
    manifest = make_manifest(data, {"a": "d"})
    return Segmentation().scoring(manifest).sample([row], np.ones((1, 1), np.uint16))[0]


@pytest.mark.parametrize("lacking", [True, False])
def test_a_class_that_is_left_out_is_neither_asked_for_nor_scored(root: Path, lacking: bool) -> None:
    """As ADE20K has it: 0 is everything else, and models know the classes from 1 on, or all."""
    labels = np.full(SIZE, 1, np.uint8)
    labels[0], labels[1] = 0, 2
    data = open_as(root, labels, classes=["other", "wall", "floor"], ignore=0)
    classes = ("wall", "floor") if lacking else ("other", "wall", "floor")
    predicted = labels - 1 if lacking else labels.copy()
    predicted[0] = 0
    task = Segmentation()
    assert task.match(classes, data) == ()
    assert task.classes(classes, data) == 2
    scores = score(data, look(data, classes, predicted))
    assert scores["miou"] == scores["macc"] == scores["aacc"] == 1
    assert {name for name in scores if name.startswith("iou/")} == {"iou/wall", "iou/floor"}
    # A model may say "other" where there is wall: missed, and no class of its own with IoU 0.
    if not lacking:
        predicted[1] = 0
        scores = score(data, look(data, classes, predicted))
        assert scores["iou/floor"] == 0
        assert scores["miou"] == pytest.approx(0.5)
    # Names that are numbers count from the first scored class on.
    numbered = tuple(f"class {n}" for n in range(len(classes)))
    numbers = np.where(labels > 0, labels - 1, 0) if lacking else labels
    assert score(data, look(data, numbered, numbers))["miou"] == 1


def test_a_model_that_knows_void(root: Path) -> None:
    """As many CamVid models do; the data set leaves those pixels out and has no class for them."""
    labels = np.zeros(SIZE, np.uint8)
    labels[0], labels[1] = 11, 1
    data = open_as(root, labels, classes=["Sky", "Building"], ignore=11)
    classes = ("Building", "Unlabelled", "Sky")
    (note,) = Segmentation().match(classes, data)
    assert "labels Unlabelled count as missed" in note
    predicted = np.full(SIZE, 2, np.uint8)
    predicted[1], predicted[2] = 0, 1
    scores = score(data, look(data, classes, predicted))
    assert scores["iou/Building"] == 1
    assert scores["iou/Sky"] == pytest.approx(3 / 4)  # one of four rows is called void
    assert scores["miou"] == pytest.approx(7 / 8)
    with pytest.raises(BadConfig, match="only the model has Unlabelled things"):
        Segmentation().match(("Building", "Unlabelled things", "Sky"), data)
    with pytest.raises(BadConfig, match="only the data set has Building"):
        Segmentation().match(("void", "Sky"), data)


def test_one_bit_and_grey_colours_are_indices(root: Path) -> None:
    from PIL import Image

    bits = np.zeros(SIZE, bool)
    bits[2:] = True
    data = open_as(root, bits.astype(np.uint8), classes=["ground", "puddle"])
    expected = data.mask(data.scenes[0])
    Image.fromarray(bits).save(root / "valannot" / "a.png")
    np.testing.assert_array_equal(data.mask(data.scenes[0]), expected)
    write(root / "valannot" / "a.png", np.repeat(bits[..., None].astype(np.uint8), 3, 2))
    np.testing.assert_array_equal(data.mask(data.scenes[0]), expected)
