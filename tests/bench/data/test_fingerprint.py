from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.data.cityscapes import open_cityscapes
from bench.data.coco import open_coco
from bench.data.fingerprint import fingerprint, scene_digest, scene_digests
from bench.data.masks import open_masks
from bench.errors import BadData

WriteImage = Callable[..., Path]
WriteLabels = Callable[[Path, np.ndarray], Path]


def test_place_and_time_do_not_count(coco_root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("copy") / "data"
    shutil.copytree(coco_root, copy, copy_function=shutil.copyfile)
    for path in copy.rglob("*.jpg"):
        os.utime(path, (1, 1))
    assert fingerprint(open_coco(copy)) == fingerprint(open_coco(coco_root))


def test_one_changed_image_is_one_other_scene(coco_root: Path, write_image: WriteImage) -> None:
    before = scene_digests(open_coco(coco_root))
    write_image(coco_root / "val2017" / "a.jpg", seed=5)
    os.utime(coco_root / "val2017" / "a.jpg", ns=(0, 12345))
    after = scene_digests(open_coco(coco_root))
    assert list(before) == list(after) == ["b", "a"]
    assert before["b"] == after["b"]
    assert before["a"] != after["a"]


def test_limiting_keeps_digests(coco_root: Path) -> None:
    data = open_coco(coco_root)
    assert scene_digests(data.first(1)) == {"b": scene_digest(data, data.scenes[0])}
    assert fingerprint(data.first(1)) != fingerprint(data)


def test_boxes_count_for_the_set_but_not_for_a_scene(edit_coco: Callable[..., Path]) -> None:
    data = open_coco(edit_coco(lambda d: None))
    digests, whole = scene_digests(data), fingerprint(data)
    data = open_coco(edit_coco(lambda d: d["annotations"][0].update(bbox=[0, 0, 1, 1])))
    assert scene_digests(data) == digests
    assert fingerprint(data) != whole


def test_how_a_mask_is_read_counts(
    tmp_path: Path, write_image: WriteImage, write_labels: WriteLabels
) -> None:
    write_image(tmp_path / "leftImg8bit" / "val" / "a" / "a_leftImg8bit.png")
    mask = write_labels(
        tmp_path / "gtFine" / "val" / "a" / "a_gtFine_labelIds.png", np.full((6, 8), 7, np.uint8)
    )
    before = scene_digests(open_cityscapes(tmp_path))
    mask.rename(mask.with_name("a_gtFine_labelTrainIds.png"))
    assert scene_digests(open_cityscapes(tmp_path)) != before


def test_what_is_left_out_counts(tmp_path: Path, write_image: WriteImage, write_labels: WriteLabels) -> None:
    write_image(tmp_path / "val" / "a.png")
    write_labels(tmp_path / "valannot" / "a.png", np.zeros((6, 8), np.uint8))
    (tmp_path / "classes.json").write_text('{"classes": ["x", "y"]}')
    before = scene_digests(open_masks(tmp_path))
    (tmp_path / "classes.json").write_text('{"classes": ["x", "y"], "ignore": 1}')
    assert scene_digests(open_masks(tmp_path)) != before


def test_truncated_and_vanished_images_are_named(coco_root: Path) -> None:
    data = open_coco(coco_root)
    path = coco_root / "val2017" / "a.jpg"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadData, match=r"a.jpg is truncated"):
        scene_digests(data)
    path.unlink()
    with pytest.raises(BadData, match=r"a.jpg cannot be read"):
        scene_digests(data)


def test_labels_of_few_bits_are_other_evidence_than_before_they_were_read_as_indices(tmp_path: Path) -> None:
    """Their bytes are the same; what is read of them is not."""
    from PIL import Image

    from bench.data.fingerprint import file_digest
    from bench.hashing import sha256_file

    plain, few = tmp_path / "8.png", tmp_path / "1.png"
    Image.fromarray(np.eye(4, dtype=np.uint8)).save(plain)
    Image.fromarray(np.eye(4, dtype=bool)).save(few)
    assert file_digest(plain) == sha256_file(plain)
    assert file_digest(few) != sha256_file(few)
