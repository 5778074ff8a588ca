"""Readers of labelled photos in bad weather: small trees in the layouts that the sets are documented in."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.data import open_data, reader_of
from bench.data.tags import pick
from bench.engine.outline import outline
from bench.engine.suite import suite_of
from bench.errors import BadData
from bench.rain import parse_rain
from bench.rain.write import write_variant
from downstream.tasks.detection import map_categories

Write = Callable[..., Path]


def boxes(data: Any) -> dict[str, list[tuple[Any, ...]]]:
    """Boxes by scene: class, x, y, width, height, crowd."""
    coco = data.detection.coco
    names = {c["id"]: c["name"] for c in coco["categories"]}
    scenes = {number: scene for scene, number in data.detection.image_ids.items()}
    found: dict[str, list[tuple[Any, ...]]] = {scene.id: [] for scene in data.scenes}
    for box in coco["annotations"]:
        found[scenes[box["image_id"]]].append((names[box["category_id"]], *box["bbox"], box["iscrowd"]))
    return found


# ACDC: rgb_anon/CONDITION/SPLIT/SEQUENCE/NAME_rgb_anon.png, gt/... (README of the download)


@pytest.fixture
def acdc(tmp_path: Path, write_image: Write, write_labels: Write) -> Path:
    for number, condition in enumerate(("fog", "night", "rain", "snow")):
        for split in ("train", "val", "val_ref", "test"):
            name = Path(condition) / split / f"GOPR000{number}" / f"GOPR000{number}_frame_00{len(split)}"
            write_image(tmp_path / "rgb_anon" / f"{name}_rgb_anon.png", seed=number)
            if split in ("train", "val"):
                write_labels(
                    tmp_path / "gt" / f"{name}_gt_labelTrainIds.png", np.full((6, 8), number, np.uint8)
                )
                write_labels(tmp_path / "gt" / f"{name}_gt_labelIds.png", np.full((6, 8), 7, np.uint8))
    return tmp_path


def test_acdc_is_real_rain_with_masks_and_conditions(acdc: Path) -> None:
    data = open_data(f"acdc:{acdc}")
    assert [scene.tags["condition"] for scene in data.scenes] == ["fog", "night", "rain", "snow"]
    assert [int(data.mask(scene)[0, 0]) for scene in data.scenes] == [0, 1, 2, 3]
    assert data.own_rain
    assert data.serves == {"masks"}
    assert all(scene.image is None for scene in data.scenes)
    assert pick(data, "condition=rain").name == "acdc/val[condition=rain]"
    (variant,) = outline(suite_of({"data": f"acdc:{acdc}", "task": "segmentation"})).variants
    assert variant.name == "acdc/val@own"
    assert variant.situation.references == ("none",)
    assert "not public" in "".join(open_data(f"acdc:{acdc}", "test").notes)


def test_acdc_without_a_condition(acdc: Path) -> None:
    (acdc / "rgb_anon" / "snow").rename(acdc / "elsewhere")
    with pytest.raises(
        BadData, match="rgb_anon lacks the condition snow/: unpack ACDC again; it holds fog/, night/, rain/"
    ):
        open_data(f"acdc:{acdc}")


def test_acdc_with_faults(acdc: Path, write_labels: Write) -> None:
    with pytest.raises(BadData, match="fog has no split vall/"):
        open_data(f"acdc:{acdc}", "vall")
    mask = next((acdc / "gt" / "rain" / "val").rglob("*labelTrainIds.png"))
    write_labels(mask, np.full((3, 8), 1, np.uint8))
    with pytest.raises(BadData, match="is 8x3 but its image is 8x6"):
        open_data(f"acdc:{acdc}")
    mask.unlink()
    with pytest.raises(BadData, match="has no mask: expected .*labelTrainIds.png"):
        open_data(f"acdc:{acdc}")
    with pytest.raises(BadData, match="no rgb_anon/ folder"):
        open_data(f"acdc:{acdc / 'gt'}")


# BDD100K: images/100k/SPLIT, labels/det_20/det_SPLIT.json (doc.bdd100k.com/download.html, /format.html)


def frame(name: str, weather: str, labels: list[dict[str, Any]] | None) -> dict[str, Any]:
    attributes = {"weather": weather, "timeofday": "night", "scene": "highway"}
    return {"name": name, "attributes": attributes, "labels": labels}


def label(category: str, corners: tuple[float, ...], **attributes: bool) -> dict[str, Any]:
    box = dict(zip(("x1", "y1", "x2", "y2"), corners, strict=True))
    return {"id": "1", "category": category, "box2d": box, "attributes": attributes}


FRAMES = [
    frame(
        "a.jpg",
        "rainy",
        [
            label("pedestrian", (1, 1, 2, 4)),
            label("car", (0, 0, 3, 3), crowd=True),
            label("trailer", (0, 0, 1, 1)),
            {"id": "2", "category": "lane", "poly2d": []},
        ],
    ),
    frame("b.jpg", "clear", None),
]


@pytest.fixture
def bdd(tmp_path: Path, write_image: Write, write_labels: Write) -> Path:
    for name in "ab":
        write_image(tmp_path / "images" / "100k" / "val" / f"{name}.jpg")
    write_image(tmp_path / "images" / "10k" / "val" / "a.jpg")
    write_labels(tmp_path / "labels" / "sem_seg" / "masks" / "val" / "a.png", np.full((6, 8), 13, np.uint8))
    (tmp_path / "labels" / "det_20").mkdir()
    write_frames(tmp_path, FRAMES)
    return tmp_path


def write_frames(root: Path, frames: Any) -> None:
    (root / "labels" / "det_20" / "det_val.json").write_text(json.dumps(frames))


def test_bdd100k_has_boxes_and_tags(bdd: Path) -> None:
    data = open_data(f"bdd100k:{bdd}")
    # Scalabel's corners are pixels of the object: from 1 to 2 is two pixels.
    assert boxes(data) == {"a": [("pedestrian", 1, 1, 2, 4, 0), ("car", 0, 0, 4, 4, 1)], "b": []}
    assert data.scenes[0].tags == {"weather": "rainy", "timeofday": "night", "scene": "highway"}
    assert data.notes == ("labels of other classes are left out: trailer",)
    write_frames(bdd, {"frames": FRAMES, "groups": None, "config": None})
    assert boxes(open_data(f"bdd100k:{bdd}")) == boxes(data)


def test_bdd100k_of_2018_and_detectors_of_coco(bdd: Path) -> None:
    labels = [label("person", (1, 1, 2, 4)), label("motor", (0, 0, 1, 1)), label("bike", (0, 0, 1, 1))]
    (bdd / "labels" / "det_20" / "det_val.json").unlink()
    source = bdd / "labels" / "bdd100k_labels_images_val.json"
    source.write_text(json.dumps([frame("a.jpg", "rainy", labels), frame("b.jpg", "clear", [])]))
    data = open_data(f"bdd100k:{bdd}")
    assert [box[0] for box in boxes(data)["a"]] == ["pedestrian", "motorcycle", "bicycle"]
    assert data.detection is not None
    categories = data.detection.categories
    number = {c["name"]: c["id"] for c in categories}
    coco = map_categories(["person", "bicycle", "car"], categories)
    assert list(coco.ids) == [number["pedestrian"], number["bicycle"], number["car"]]
    assert "pedestrian" not in coco.notes[0]
    assert list(map_categories(["pedestrian", "person"], categories).ids) == [number["pedestrian"], -1]


def test_bdd100k_with_masks(bdd: Path, write_labels: Write) -> None:
    data = open_data(f"bdd100k:{bdd}", "10k/val")
    assert data.serves == {"clean images", "masks"}
    assert (data.mask(data.scenes[0]) == 13).all()
    assert data.scenes[0].tags["weather"] == "rainy"  # of an image of that name among the others
    write_labels(bdd / "labels" / "sem_seg" / "masks" / "val" / "a.png", np.full((6, 8), 30, np.uint8))
    with pytest.raises(BadData, match="holds the value 30, but train ids are"):
        data.mask(data.scenes[0])


def test_bdd100k_without_weather(bdd: Path) -> None:
    frames = copy.deepcopy(FRAMES)
    del frames[1]["attributes"]["weather"]
    write_frames(bdd, frames)
    with pytest.raises(
        BadData, match=r"det_val.json: frame b.jpg does not say its weather under 'attributes'"
    ):
        open_data(f"bdd100k:{bdd}")


def test_bdd100k_with_faults(bdd: Path, write_image: Write) -> None:
    def with_labels(*labels: dict[str, Any]) -> list[dict[str, Any]]:
        return [frame("a.jpg", "rainy", list(labels)), FRAMES[1]]

    for content, said in (
        (with_labels(label("car", (3, 0, 1, 1))), "right and bottom lie before"),
        (with_labels(label("car", (float("nan"), 0, 1, 1))), "expected four finite numbers"),
        (with_labels({"category": "car", "box2d": {"x1": 1}}), "expected x1, y1, x2 and y2"),
        ([{"attributes": {}}], "frame 0 has no 'name'"),
        ({"images": []}, "no list of Scalabel's frames"),
        (FRAMES[:1], "image .*b.jpg is in no label file of val"),
    ):
        write_frames(bdd, content)
        with pytest.raises(BadData, match=said) as caught:
            open_data(f"bdd100k:{bdd}")
        assert "\n" not in str(caught.value)
    (bdd / "labels" / "det_20" / "det_val.json").unlink()
    with pytest.raises(BadData, match=r"neither det_20/det_val.json nor"):
        open_data(f"bdd100k:{bdd}")
    with pytest.raises(BadData, match=r"no images/100k/train/"):
        open_data(f"bdd100k:{bdd}", "train")


# VOC: DAWN (CONDITION/*.jpg, CONDITION/CONDITION_PASCAL_VOC/*.xml), RTTS (JPEGImages, Annotations, ImageSets/Main)

XML = """<annotation><size><width>{width}</width><height>6</height><depth>3</depth></size>
<object><name>car</name><difficult>{difficult}</difficult>
<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>{right}</xmax><ymax>6</ymax></bndbox></object></annotation>"""


def xml(path: Path, width: int = 8, right: str = "8", difficult: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(XML.format(width=width, right=right, difficult=difficult))


def test_voc_as_dawn_comes(tmp_path: Path, write_image: Write) -> None:
    for condition in ("Rain", "Fog"):
        write_image(tmp_path / condition / f"{condition.lower()}-1.jpg")
        xml(
            tmp_path / condition / f"{condition}_PASCAL_VOC" / f"{condition.lower()}-1.xml",
            difficult=int(condition == "Fog"),
        )
    data = open_data(f"voc:{tmp_path}")
    # VOC counts pixels from 1, and the last one belongs to the object.
    assert boxes(data) == {"fog-1": [("car", 0, 1, 8, 5, 1)], "rain-1": [("car", 0, 1, 8, 5, 0)]}
    assert [scene.tags for scene in data.scenes] == [{"condition": "fog"}, {"condition": "rain"}]
    assert [scene.id for scene in open_data(f"voc:{tmp_path}", "rain").scenes] == ["rain-1"]


@pytest.fixture
def rtts(tmp_path: Path, write_image: Write) -> Path:
    for name in ("AM_1", "AM_2"):
        write_image(tmp_path / "JPEGImages" / f"{name}.png")
        xml(tmp_path / "Annotations" / f"{name}.xml")
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "ImageSets" / "Main" / "test.txt").write_text("AM_2\n")
    return tmp_path


def test_voc_as_rtts_comes(rtts: Path) -> None:
    data = open_data(f"voc:{rtts}")
    assert list(boxes(data)) == ["AM_2"]
    assert data.name.endswith("/test")
    assert not data.scenes[0].tags


def test_voc_with_faults(rtts: Path, write_image: Write) -> None:
    source = rtts / "Annotations" / "AM_2.xml"
    for content, said in (
        ("<annotation><object>", "is not XML"),
        ("<html></html>", "no annotation of VOC's"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotation/>', "declares entities"),
        (XML.format(width=9, right="8", difficult=0), "says 9x6, its image is 8x6"),
        (XML.format(width=8, right="wide", difficult=0), "without xmin, ymin, xmax and ymax"),
        (XML.format(width=0, right="-3", difficult=0), "right and bottom lie before"),
    ):
        source.write_text(content)
        with pytest.raises(BadData, match=said):
            open_data(f"voc:{rtts}")
    source.unlink()
    with pytest.raises(BadData, match="test.txt names AM_2, of which there is no XML file"):
        open_data(f"voc:{rtts}")
    with pytest.raises(BadData, match="has no split 'val': give --split with one of test, Annotations"):
        open_data(f"voc:{rtts}", "val")
    (rtts / "ImageSets" / "Main" / "test.txt").unlink()
    with pytest.raises(BadData, match=r"AM_2.png has no XML file of its name"):
        open_data(f"voc:{rtts}")


# YOLO: data.yaml, images/SPLIT, labels/SPLIT (docs.ultralytics.com/datasets/detect)


@pytest.fixture
def yolo(tmp_path: Path, write_image: Write) -> Path:
    for name in ("a", "b"):
        write_image(tmp_path / "images" / "val" / f"{name}.jpg", size=(10, 20))
    (tmp_path / "labels" / "val").mkdir(parents=True)
    (tmp_path / "labels" / "val" / "a.txt").write_text("1 0.5 0.5 0.5 0.4\n\n0 0.1 0.2 0.6 0.2 0.1 0.7\n")
    (tmp_path / "data.yaml").write_text(
        "path: ../datasets/mine\nval: images/val\nnames: {0: person, 1: car}\n"
    )
    return tmp_path


def test_yolo_has_boxes_and_outlines(yolo: Path) -> None:
    data = open_data(f"yolo:{yolo}")
    found = boxes(data)
    assert found["b"] == []
    (car, person) = found["a"]
    assert (car[0], person[0]) == ("car", "person")
    assert car[1:] == pytest.approx((5, 3, 10, 4, 0))
    assert person[1:] == pytest.approx((2, 2, 10, 5, 0))
    assert data.notes == ("1 images have no text file and count as showing nothing",)


def test_yolo_as_exporters_write_it(yolo: Path) -> None:
    (yolo / "data.yaml").write_text(
        "train: ../train/images\nval: ../images/val\nnc: 2\nnames: [person, car]\n"
    )
    assert len(boxes(open_data(f"yolo:{yolo}"))["a"]) == 2
    (yolo / "val.txt").write_text("./images/val/a.jpg\n")
    (yolo / "data.yaml").write_text("val: val.txt\nnames: [person, car]\n")
    assert list(boxes(open_data(f"yolo:{yolo}"))) == ["a"]


def test_yolo_with_faults(yolo: Path) -> None:
    labels = yolo / "labels" / "val" / "a.txt"
    for content, said in (
        ("2 0.5 0.5 0.1 0.1", "a.txt, line 1 has class 2, of 2"),
        ("0 0.5 0.5", "has 2 numbers after the class"),
        ("0 0.5 0.5 one 0.1", "is no 'class x y width height'"),
        ("0 12 0.5 0.1 0.1", "expected shares of the image"),
    ):
        labels.write_text(content)
        with pytest.raises(BadData, match=said):
            open_data(f"yolo:{yolo}")
    labels.unlink()
    with pytest.raises(BadData, match="no image of val has a text file"):
        open_data(f"yolo:{yolo}")
    for content, said in (
        ("val: images/val\n", "has no class names under 'names'"),
        ("names: [car]\n", "names no images under val, test or train"),
        ("val: images/vall\nnames: [car]\n", "names images/vall, which is not in"),
        ("val: [\n", "is not YAML"),
    ):
        (yolo / "data.yaml").write_text(content)
        with pytest.raises(BadData, match=said):
            open_data(f"yolo:{yolo}")
    (yolo / "data.yaml").unlink()
    with pytest.raises(BadData, match=r"has no data.yaml"):
        open_data(f"yolo:{yolo}")


def test_photos_with_boxes_are_written_in_cocos_layout(bdd: Path, tmp_path: Path) -> None:
    data = open_data(f"bdd100k:{bdd}")
    write_variant(data, parse_rain("streaks:light"), 0, tmp_path / "out")
    back = open_data(f"coco:{tmp_path / 'out'}")
    assert boxes(back) == boxes(data)
    assert [scene.tags for scene in back.scenes] == [dict(scene.tags) for scene in data.scenes]
    assert reader_of(back).kind == "coco"
