"""Writes street scenes as files, in Cityscapes' layout with COCO boxes beside it.

    python -m bench.tools.street.make --split test --out DIR

writes the embedded set again. ``--split train --count 2500`` writes what the embedded models are trained on.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.street.dataset import DEPTH_UNIT
from bench.files import ensure_folder, write_atomic
from bench.images import write_image

from .labels import COCO_CATEGORIES
from .render import VERSION, RenderedScene, render_scene

FIRST_SEED = {"train": 0, "val": 5_000_000, "test": 9_000_000}
"""Seed of each split's first scene; the others count up, so splits of under four million scenes never share one."""

EMBEDDED = 64
"""Scenes in the embedded test set."""


def scene_name(index: int) -> str:
    """A scene's id, in the way Cityscapes names frames: city, sequence, frame."""
    return f"street_{index:06d}_000000"


def depth_levels(metres: np.ndarray) -> np.ndarray:
    """Depth as uint16 levels of 1/256 m; 0 is the sky, 65535 is 256 m and beyond."""
    levels = np.zeros(metres.shape, np.uint16)
    seen = np.isfinite(metres)
    levels[seen] = np.clip(np.rint(metres[seen] / DEPTH_UNIT), 1, 65535).astype(np.uint16)
    return levels


def coco_annotations(scene: RenderedScene, image_id: int, first_id: int) -> list[dict[str, Any]]:
    """A scene's boxes in COCO's format, numbered from ``first_id``."""
    return [
        {
            "id": first_id + number,
            "image_id": image_id,
            "category_id": box.category_id,
            "bbox": [box.x, box.y, box.width, box.height],
            "area": box.area,
            "iscrowd": int(box.crowd),
        }
        for number, box in enumerate(scene.boxes)
    ]


def write_scene(scene: RenderedScene, name: str, split: str, out: Path) -> None:
    """Write a scene's image, masks and depth under ``out``."""
    write_image(out / "leftImg8bit" / split / "street" / f"{name}_leftImg8bit.png", scene.image)
    write_image(out / "gtFine" / split / "street" / f"{name}_gtFine_labelTrainIds.png", scene.mask)
    write_image(
        out / "gtFine" / split / "street" / f"{name}_gtFine_instanceIds.png",
        scene.instances.astype(np.uint16),
    )
    write_image(out / "depth" / split / "street" / f"{name}_depth.png", depth_levels(scene.depth))


def make(split: str, count: int, out: Path) -> None:
    """Render ``count`` scenes of a split and write them under ``out``.

    Raises:
        OutputError: If the files cannot be written.
    """
    for kind in ("leftImg8bit", "gtFine", "depth"):
        ensure_folder(out / kind / split / "street")
    ensure_folder(out / "annotations")
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    focal: dict[str, float] = {}
    for index in range(count):
        scene = render_scene(FIRST_SEED[split] + index)
        name = scene_name(index)
        write_scene(scene, name, split, out)
        rows, columns = scene.mask.shape
        file = f"street/{name}_leftImg8bit.png"
        images.append({"id": index + 1, "file_name": file, "width": columns, "height": rows})
        annotations += coco_annotations(scene, index + 1, len(annotations) + 1)
        focal[name] = round(scene.focal, 4)
        if index + 1 == count or (index + 1) % 250 == 0:
            categories = [{"id": number, "name": label} for label, number in COCO_CATEGORIES.items()]
            coco = {
                "info": {"description": "rendered street scenes", "version": VERSION},
                "images": images,
                "annotations": annotations,
                "categories": categories,
            }
            cameras = {"depth_metres_per_level": DEPTH_UNIT, "depth_of_sky": 0, "focal": focal}
            write_atomic(out / "annotations" / f"instances_{split}.json", json.dumps(coco).encode())
            write_atomic(out / f"cameras_{split}.json", json.dumps(cameras, indent=1).encode())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.tools.street.make", description=__doc__)
    parser.add_argument("--split", choices=sorted(FIRST_SEED), default="test")
    parser.add_argument("--count", type=int, default=EMBEDDED, help="number of scenes (default %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    make(arguments.split, arguments.count, arguments.out)


if __name__ == "__main__":
    from bench.cli import mistakes_said

    with mistakes_said():
        main()
