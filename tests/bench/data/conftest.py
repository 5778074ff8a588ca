from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

#: Writes an image of a size (height, width) and seed to a path, in the format of its ending.
WriteImage = Callable[..., Path]
WriteLabels = Callable[[Path, Any], Path]


@pytest.fixture(scope="session")
def write_image() -> WriteImage:
    def write(path: Path, size: tuple[int, int] = (6, 8), seed: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
        ok, data = cv2.imencode(path.suffix.lower(), pixels)
        assert ok
        path.write_bytes(data.tobytes())
        return path

    return write


@pytest.fixture(scope="session")
def write_labels() -> WriteLabels:
    def write(path: Path, labels: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        ok, data = cv2.imencode(".png", labels)
        assert ok
        path.write_bytes(data.tobytes())
        return path

    return write


@pytest.fixture
def coco_root(tmp_path: Path, write_image: WriteImage) -> Path:
    """Two images and two boxes in COCO's layout, the images listed in the wrong order."""
    for name in ("b.jpg", "a.jpg"):
        write_image(tmp_path / "val2017" / name)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_val2017.json").write_text(json.dumps(coco_json()))
    return tmp_path


def coco_json() -> dict[str, Any]:
    return {
        "images": [
            {"id": 9, "file_name": "a.jpg", "height": 6, "width": 8, "license": 1},
            {"id": 3, "file_name": "b.jpg", "height": 6, "width": 8},
        ],
        "annotations": [
            {"id": 1, "image_id": 9, "category_id": 3, "bbox": [1, 1, 3, 2], "area": 5.5, "iscrowd": 0,
             "segmentation": [[1, 1, 4, 1, 4, 3]]},
            {"id": 2, "image_id": 3, "category_id": 1, "bbox": [0, 0.5, 2, 2]},
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}],
    }  # fmt: skip


@pytest.fixture
def edit_coco(coco_root: Path) -> Callable[[Callable[[dict[str, Any]], object]], Path]:
    """Change the JSON in place and return the data set's folder."""

    def edit(change: Callable[[dict[str, Any]], object]) -> Path:
        data = coco_json()
        change(data)
        (coco_root / "annotations" / "instances_val2017.json").write_text(json.dumps(data))
        return coco_root

    return edit
