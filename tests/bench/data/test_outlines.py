"""Outlines as COCO's run-length code: what fits an image, and what files may hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coder

from bench.data import open_data
from bench.data.outlines import encode, fits, of_annotation
from bench.data.street.dataset import FILES
from bench.errors import BadData

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12))


@given(MASKS, st.data())
def test_a_code_fits_its_own_size_and_no_other(mask: np.ndarray, data: st.DataObject) -> None:
    (code,) = encode(mask[None])
    height, width = mask.shape
    assert fits(code, height, width)
    assert np.array_equal(coder.decode({"size": [height, width], "counts": code}), mask)
    assert not fits(code, height, width + data.draw(st.integers(1, 3)))
    assert not fits(code[:-1], height, width) or len(code) > 1


@pytest.mark.parametrize("code", ["", "0000000000", "ooooooooo", "~", "é", "\0", "1N"])
def test_what_is_no_code_fits_nothing(code: str) -> None:
    assert not fits(code, 3, 4)


def test_large_masks_fit() -> None:
    mask = np.random.default_rng(0).random((300, 400)) > 0.5
    mask[:, 100:200] = True
    assert fits(encode(mask[None])[0], 300, 400)


@pytest.mark.parametrize(
    "segmentation",
    [
        [[1, 1, 6, 1, 6, 5, 1, 5]],
        [[0, 0, 3, 0, 3, 3], [4, 4, 8, 4, 8, 6.5]],
        {"size": [8, 9], "counts": [10, 5, 57]},
        {"size": [8, 9], "counts": encode(np.eye(8, 9, dtype=bool)[None])[0]},
    ],
)
def test_annotations_are_read_as_pycocotools_reads_them(segmentation: Any) -> None:
    from pycocotools.coco import COCO

    coco = COCO()
    coco.imgs = {1: {"height": 8, "width": 9}}
    theirs = coco.annToRLE({"image_id": 1, "segmentation": segmentation})["counts"]
    theirs = theirs if isinstance(theirs, str) else theirs.decode()
    assert of_annotation(segmentation, 8, 9, "it") == theirs


@pytest.mark.parametrize(
    "segmentation",
    [
        None,
        [],
        [[1, 2, 3, 4]],
        [[1, 2, 3, 4, 5, "6"]],
        {"size": [9, 8], "counts": [72]},
        {"size": [8, 9], "counts": [71]},
        {"size": [8, 9], "counts": [73, -1]},
        {"size": [8, 9], "counts": "11"},
        "outline",
    ],
)
def test_what_is_no_outline_is_refused(segmentation: Any) -> None:
    with pytest.raises(BadData, match=r"^it has no outline of a 9x8 image under 'segmentation'"):
        of_annotation(segmentation, 8, 9, "it")


def test_outlines_follow_the_annotations_of_cityscapes() -> None:
    data = open_data(f"cityscapes:{FILES}").first(2)
    assert data.detection is not None
    assert "outlines" in data.serves
    for scene in data.scenes:
        own = [
            a
            for a in data.detection.coco["annotations"]
            if a["image_id"] == data.detection.image_ids[scene.id]
        ]
        codes = data.outlines(scene)
        assert own
        assert len(codes) == len(own)
        for annotation, code in zip(own, codes, strict=True):
            full = {"size": list(scene.size or ()), "counts": code}
            assert coder.area(full) == annotation["area"]
            assert list(coder.toBbox(full)) == annotation["bbox"]


def test_coco_without_outlines_serves_none(tmp_path: Path) -> None:
    data = open_data(f"coco:{FILES}")
    assert "boxes" in data.serves
    assert "outlines" not in data.serves
