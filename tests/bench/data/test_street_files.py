"""The embedded street set is in Cityscapes' and COCO's own formats: the readers of those open it as well."""

from __future__ import annotations

import numpy as np
import pytest

from bench.data import open_data
from bench.data.base import DataSet
from bench.data.cityscapes import open_cityscapes
from bench.data.coco import open_coco
from bench.data.street.dataset import FILES


@pytest.fixture(scope="module")
def street() -> DataSet:
    return open_data("street")


def test_as_cityscapes(street: DataSet) -> None:
    other = open_cityscapes(FILES, street.split)
    assert [scene.id for scene in other.scenes] == [scene.id for scene in street.scenes]
    assert other.segmentation == street.segmentation
    assert other.depth_source == street.depth_source
    for mine, theirs in zip(street.scenes[::16], other.scenes[::16], strict=True):
        assert mine.size == theirs.size
        image, same = street.clean(mine), other.clean(theirs)
        assert image is not None
        assert same is not None
        assert (image == same).all()
        assert (street.mask(mine) == other.mask(theirs)).all()
        depth, read = street.depth(mine), other.depth(theirs)
        assert depth is not None
        assert read is not None
        assert depth.focal == read.focal
        np.testing.assert_allclose(depth.metres, read.metres, rtol=1e-6)


def test_as_coco(street: DataSet) -> None:
    other = open_coco(FILES, street.split)
    assert street.detection is not None
    assert other.detection is not None
    assert [scene.image for scene in other.scenes] == [scene.image for scene in street.scenes]
    assert other.detection.coco == street.detection.coco


def test_boxes_agree_with_instance_ids(street: DataSet) -> None:
    other = open_cityscapes(FILES, street.split)
    assert street.detection is not None
    assert other.detection is not None
    for name in ("car", "bus", "truck"):
        found = []
        for truth in (street.detection, other.detection):
            category = next(c["id"] for c in truth.categories if c["name"] == name)
            found.append(
                {
                    (box["image_id"], *box["bbox"])
                    for box in truth.coco["annotations"]
                    if box["category_id"] == category and not box["iscrowd"]
                }
            )
        assert found[0] <= found[1]
        assert found[0]
