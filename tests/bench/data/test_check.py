from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bench
from bench.data.check import check_masks
from bench.data.coco import open_coco
from bench.data.masks import open_masks
from bench.errors import BadData


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
    check_masks(open_coco(coco_root))  # has none


def test_a_run_stops_before_it_writes(root: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"5.png holds the class index 77"):
        bench.run(
            derainer="median", task="segmentation", data=f"masks:{root}", out=tmp_path / "out", workers=1
        )
    assert not list((tmp_path / "out").rglob("*.json"))
