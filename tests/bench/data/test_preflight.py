from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bench
from bench.data.cityscapes import open_cityscapes
from bench.data.coco import open_coco
from bench.data.masks import open_masks
from bench.data.preflight import check_masks, check_scenes
from bench.errors import BadData

WriteImage = Callable[..., Path]


@pytest.fixture
def root(tmp_path: Path, write_image: Callable[..., Path], write_labels: Callable[..., Path]) -> Path:
    for number in range(6):
        write_image(tmp_path / "camvid" / "val" / f"{number}.png")
        labels = np.zeros((6, 8), np.uint8)
        labels[5, 5] = 77 if number == 5 else 3
        write_labels(tmp_path / "camvid" / "valannot" / f"{number}.png", labels)
    return tmp_path / "camvid"


def test_the_last_mask_is_looked_at(root: Path, coco_root: Path) -> None:
    data = open_masks(root)
    check_masks(data.first(5))
    with pytest.raises(BadData, match=r"5.png holds the class index 77"):
        check_masks(data)
    assert check_masks(open_coco(coco_root)) == ()  # has none


def test_a_class_that_occurs_nowhere_is_said(root: Path, write_labels: Callable[..., Path]) -> None:
    (note,) = check_masks(open_masks(root).first(5))
    assert note.startswith("classes that occur in no mask of these scenes: Building, Pole, Pavement")
    (root / "classes.json").write_text('{"classes": ["sky", "bird", "void", "road"], "ignore": 2}')
    data = open_masks(root).first(5)
    assert check_masks(data) == ("classes that occur in no mask of these scenes: bird",)
    assert check_scenes(data, masks=True)[1] == check_masks(data)
    write_labels(root / "valannot" / "0.png", np.full((6, 8), 1, np.uint8))
    assert check_masks(data) == ()


def test_masks_of_0_and_255_are_refused_until_it_is_said_what_255_is(
    root: Path, write_labels: Callable[..., Path]
) -> None:
    for number in range(6):
        labels = np.zeros((6, 8), np.uint8)
        labels[2] = 255
        write_labels(root / "valannot" / f"{number}.png", labels)
    declared = root / "classes.json"
    declared.write_text('{"classes": ["ground", "puddle"]}')
    with pytest.raises(BadData, match=r'if it stands for puddle, write "values": \[0, 255\]') as caught:
        check_masks(open_masks(root))
    assert "\n" not in str(caught.value)
    declared.write_text('{"classes": ["ground", "puddle"], "values": [0, 255]}')
    data = open_masks(root)
    assert check_masks(data) == ()
    assert (data.mask(data.scenes[0])[2] == 1).all()
    declared.write_text('{"classes": ["ground", "puddle"], "ignore": 255}')
    assert check_masks(open_masks(root)) == ("classes that occur in no mask of these scenes: puddle",)


def test_a_run_stops_before_it_writes(root: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"5.png holds the class index 77"):
        bench.run(
            derainer="median", task="segmentation", data=f"masks:{root}", out=tmp_path / "out", workers=1
        )
    assert not list((tmp_path / "out").rglob("*.json"))


def test_an_image_of_another_size_is_found_by_its_header(coco_root: Path, write_image: WriteImage) -> None:
    data = open_coco(coco_root)
    check_scenes(data)
    for name in ("a.jpg", "a.tiff"):
        path = write_image(coco_root / "val2017" / name, size=(8, 6))
        path.rename(coco_root / "val2017" / "a.jpg")
        with pytest.raises(BadData, match=r"a.jpg is 6x8, but its annotation says 8x6"):
            check_scenes(data)
        check_scenes(data.first(1))


def test_bad_instances_and_depth_are_found_where_they_are_wanted(
    tmp_path: Path, write_image: WriteImage, write_labels: Callable[..., Path]
) -> None:
    write_image(tmp_path / "leftImg8bit" / "val" / "ulm" / "ulm_1_leftImg8bit.png")
    truth = tmp_path / "gtFine" / "val" / "ulm"
    write_labels(truth / "ulm_1_gtFine_labelIds.png", np.full((6, 8), 7, np.uint8))
    write_labels(truth / "ulm_1_gtFine_instanceIds.png", np.full((6, 8), 26, np.uint8))
    disparity = tmp_path / "disparity" / "val" / "ulm" / "ulm_1_disparity.png"
    write_labels(disparity, np.zeros((6, 8), np.uint16))
    data = open_cityscapes(tmp_path)
    check_scenes(data, masks=True)
    with pytest.raises(BadData, match=r"instanceIds.png has 8 bits"):
        check_scenes(data, boxes=True)
    with pytest.raises(BadData, match=r"disparity.png holds no measurement"):
        check_scenes(data, depth=True)
    write_labels(disparity, np.full((6, 8), 5000, np.uint16))
    check_scenes(data, depth=True)
    camera = tmp_path / "camera" / "val" / "ulm" / "ulm_1_camera.json"
    camera.parent.mkdir(parents=True)
    camera.write_text("{}")
    with pytest.raises(BadData, match=r"ulm_1_camera.json lacks"):
        check_scenes(data, depth=True)


@pytest.mark.parametrize("content", [b"", b"no image", b"GIF89a" + bytes(40), b"II*\0" + bytes(40)])
def test_what_is_no_image_stops_a_run_before_it_writes(
    coco_root: Path, tmp_path: Path, content: bytes
) -> None:
    (coco_root / "val2017" / "a.jpg").write_bytes(content)
    with pytest.raises(BadData, match=r"a.jpg is not an image that can be decoded"):
        bench.run(derainer="median", task="restoration", data=f"coco:{coco_root}", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
