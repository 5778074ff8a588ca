"""COCO files of other names and places, ``coco:DIR#labels.json,images/``."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.data import open_data
from bench.data.coco import lay_out
from bench.errors import BadData

CONTENT = {
    "images": [{"id": 7, "file_name": "front/a.jpg", "height": 20, "width": 30}],
    "annotations": [{"id": 1, "image_id": 7, "category_id": 2, "bbox": [1, 2, 10, 8]}],
    "categories": [{"id": 2, "name": "car"}],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pictures" / "front").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "pictures" / "front" / "a.jpg"), np.full((20, 30, 3), 90, np.uint8))
    (tmp_path / "labels.json").write_text(json.dumps(CONTENT))
    return tmp_path


def test_a_file_and_a_folder_are_named(root: Path) -> None:
    data = open_data(f"coco:{root}#labels.json,pictures/")
    assert data.name == "coco/labels"
    (scene,) = data.scenes
    assert scene.image == root / "pictures" / "front" / "a.jpg"
    assert data.detection is not None
    assert data.detection.image_ids == {scene.id: 7}
    # Without a folder the images' names start from the root.
    (root / "pictures" / "front").rename(root / "front")
    assert open_data(f"coco:{root}#labels.json").scenes[0].image == root / "front" / "a.jpg"


def test_names_may_hold_spaces_and_commas(root: Path) -> None:
    (root / "labels.json").rename(root / "labels, v2.json")
    (root / "pictures").rename(root / "the, pictures")
    data = open_data(f"coco:{root}#labels, v2.json, the, pictures/")
    assert data.scenes[0].image == root / "the, pictures" / "front" / "a.jpg"
    (root / "the, pictures" / "front").rename(root / "front")
    assert open_data(f"coco:{root}#labels, v2.json").scenes[0].image == root / "front" / "a.jpg"


def test_its_rainy_variant_is_written_in_cocos_own_layout(root: Path, tmp_path: Path) -> None:
    laid = lay_out(open_data(f"coco:{root}#labels.json,pictures"))
    out = tmp_path / "out"
    for name in laid.rainy.values():
        (out / name).parent.mkdir(parents=True)
        cv2.imwrite(str(out / name), np.full((20, 30, 3), 80, np.uint8))
    for name, content in laid.written.items():
        (out / name).parent.mkdir(parents=True)
        (out / name).write_bytes(content)
    again = open_data(f"{laid.kind}:{out}")
    assert again.detection is not None
    assert [box["bbox"] for box in again.detection.coco["annotations"]] == [[1, 2, 10, 8]]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("#label.json,pictures", "has no annotation file label.json .it holds pictures/, labels.json"),
        ("#", "has no annotation file .none named."),
        ("#labels.json,photos", "has no image folder photos"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(root: Path, names: str, words: str) -> None:
    with pytest.raises(BadData, match=words):
        open_data(f"coco:{root}{names}")
    with pytest.raises(BadData, match="so there is no --split val"):
        open_data(f"coco:{root}#labels.json,pictures", "val")


def test_a_folder_with_the_sign_in_its_name_is_a_folder(root: Path) -> None:
    odd = root / "set#1"
    odd.mkdir()
    with pytest.raises(BadData, match="has no annotations/ folder"):
        open_data(f"coco:{odd}")
