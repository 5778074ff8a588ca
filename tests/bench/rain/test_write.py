from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from bench.cli.app import app
from bench.data import open_data
from bench.errors import BadData, OutputError
from bench.hashing import sha256_file
from bench.images import read_image, write_image
from bench.rain import add_rain, parse_rain
from bench.rain.write import MANIFEST, UNFINISHED, write_variant

HEAVY = parse_rain("streaks:heavy")


def photo(seed: int, height: int = 40, width: int = 60) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2)


def write_jpeg(path: Path, image: np.ndarray) -> None:
    cv2.imwrite(str(path), image[..., ::-1])


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    root = tmp_path / "coco"
    (root / "annotations").mkdir(parents=True)
    (root / "val2017").mkdir()
    images, boxes = [], []
    for number in range(1, 4):
        name = f"{number:012d}.jpg"
        write_jpeg(root / "val2017" / name, photo(number))
        images.append({"id": number, "file_name": name, "height": 40, "width": 60, "license": 4})
        outline = [[1, 1, 9, 1, 9, 9]]
        box = {
            "id": number,
            "image_id": number,
            "category_id": 1,
            "bbox": [1, 1, 8, 8],
            "segmentation": outline,
        }
        boxes.append({**box, "area": 32, "iscrowd": 0})
    content = {
        "info": {"year": 2017},
        "images": images,
        "annotations": boxes,
        "categories": [{"id": 1, "name": "person"}],
    }
    (root / "annotations/instances_val2017.json").write_text(json.dumps(content))
    return root


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    root = tmp_path / "folder"
    for name in ("val", "valannot"):
        (root / name).mkdir(parents=True)
    for number in range(2):
        write_jpeg(root / "val" / f"frame{number}.jpg", photo(number))
        write_image(root / "valannot" / f"frame{number}.png", np.full((40, 60), number, np.uint8))
    (root / "classes.json").write_text('{"classes": ["road", "sky"], "ignore": 255}')
    return root


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    root = tmp_path / "pairs"
    for name in ("rain", "norain"):
        (root / name).mkdir(parents=True)
        for number in range(2):
            write_image(root / name / f"{number}.png", photo(number))
    return root


def check_pixels(data, rain, seed: int, back) -> None:
    """The images read back are those that a run with the same choices looks at."""
    assert [scene.id for scene in back.scenes] == [scene.id for scene in data.scenes]
    for before, after in zip(data.scenes, back.scenes, strict=True):
        depth = data.depth(before) if rain.needs_depth else None
        expected = add_rain(rain, data.clean(before), before.id, seed, depth)
        rainy = back.rainy(after) if back.own_rain else back.clean(after)
        assert np.array_equal(rainy, expected)


def check_manifest(out: Path, manifest: dict) -> None:
    assert json.loads((out / MANIFEST).read_text()) == manifest
    present = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert set(manifest["files"]) == present - {MANIFEST}
    assert all(sha256_file(out / name) == digest for name, digest in manifest["files"].items())


def test_coco_reads_back_with_its_boxes_and_outlines(coco, tmp_path):
    data = open_data(f"coco:{coco}")
    seen: list[int] = []
    manifest = write_variant(data, HEAVY, 5, tmp_path / "out", seen.append)
    assert sum(seen) == 3
    check_manifest(tmp_path / "out", manifest)
    back = open_data(f"coco:{tmp_path / 'out'}")
    check_pixels(data, HEAVY, 5, back)
    assert back.detection.coco["annotations"] == data.detection.coco["annotations"]
    content = json.loads((tmp_path / "out/annotations/instances_val2017.json").read_text())
    assert content["annotations"][0]["segmentation"] == [[1, 1, 9, 1, 9, 9]]
    assert content["info"] == {"year": 2017}
    assert content["images"][0] == {
        "id": 1,
        "file_name": "000000000001.png",
        "height": 40,
        "width": 60,
        "license": 4,
    }
    assert manifest["rain"] == "streaks:heavy"
    assert manifest["seed"] == 5
    assert manifest["depth_source"] is None


def test_a_limit_keeps_only_its_scenes(coco, tmp_path):
    write_variant(open_data(f"coco:{coco}").first(2), HEAVY, 0, tmp_path / "out")
    back = open_data(f"coco:{tmp_path / 'out'}")
    assert len(back.scenes) == 2
    assert len(back.detection.coco["annotations"]) == 2


def test_masks_read_back(masks, tmp_path):
    data = open_data(f"masks:{masks}")
    rain = parse_rain("rainfall:80")
    manifest = write_variant(data, rain, 0, tmp_path / "out")
    check_manifest(tmp_path / "out", manifest)
    back = open_data(f"masks:{tmp_path / 'out'}")
    check_pixels(data, rain, 0, back)
    assert back.segmentation == data.segmentation
    assert np.array_equal(back.mask(back.scenes[1]), data.mask(data.scenes[1]))
    assert manifest["depth_source"] == "ground-plane guess"


def test_pairs_get_new_rain_on_their_clean_images(pairs, tmp_path):
    data = open_data(f"pairs:{pairs}")
    check_manifest(tmp_path / "out", write_variant(data, HEAVY, 0, tmp_path / "out"))
    back = open_data(f"pairs:{tmp_path / 'out'}")
    check_pixels(data, HEAVY, 0, back)
    assert np.array_equal(back.clean(back.scenes[0]), data.clean(data.scenes[0]))


def test_street_reads_back_as_cityscapes_with_depth_and_as_coco(tmp_path):
    data = open_data("street").first(2)
    rain = parse_rain("rainfall:50")
    manifest = write_variant(data, rain, 0, tmp_path / "out")
    check_manifest(tmp_path / "out", manifest)
    assert manifest["depth_source"] == "exact"
    back = open_data(f"cityscapes:{tmp_path / 'out'}", "test")
    check_pixels(data, rain, 0, back)
    for before, after in zip(data.scenes, back.scenes, strict=True):
        assert np.array_equal(back.mask(after), data.mask(before))
        assert back.depth(after).source == "exact"
    boxes = open_data(f"coco:{tmp_path / 'out'}", "test")
    assert len(boxes.scenes) == 2


def test_real_cityscapes_keeps_every_label_file(shared, tmp_path):
    data = open_data(f"cityscapes:{shared / 'data/cityscapes_sample'}", "val")
    write_variant(data, HEAVY, 0, tmp_path / "out")
    back = open_data(f"cityscapes:{tmp_path / 'out'}", "val")
    check_pixels(data, HEAVY, 0, back)
    assert back.scenes[0].instances is not None


def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(coco, tmp_path):
    data = open_data(f"coco:{coco}")
    whole = write_variant(data, HEAVY, 0, tmp_path / "whole")
    out = tmp_path / "out"

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_variant(data, HEAVY, 0, out, stop)
    assert (out / UNFINISHED).is_file()
    assert not (out / MANIFEST).exists()
    for path in (out / "val2017").glob("*2.png"):
        path.unlink()
    (out / "val2017" / ".tmp-left").write_bytes(b"half")
    kept = sorted((out / "val2017").glob("*.png"))
    times = [path.stat().st_mtime_ns for path in kept]
    assert write_variant(data, HEAVY, 0, out) == whole
    assert [path.stat().st_mtime_ns for path in kept] == times
    check_manifest(out, whole)


def test_other_choices_do_not_mix_into_a_stopped_run(coco, tmp_path):
    data = open_data(f"coco:{coco}")

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_variant(data, HEAVY, 0, tmp_path / "out", stop)
    with pytest.raises(OutputError, match="part of another variant"):
        write_variant(data, HEAVY, 1, tmp_path / "out")


def test_folders_that_hold_something_are_refused(coco, tmp_path):
    data = open_data(f"coco:{coco}")
    with pytest.raises(OutputError, match="not empty"):
        write_variant(data, HEAVY, 0, coco)
    write_variant(data, HEAVY, 0, tmp_path / "out")
    with pytest.raises(OutputError, match="finished variant"):
        write_variant(data, HEAVY, 0, tmp_path / "out")


def test_photos_without_clean_images_are_refused(tmp_path):
    (tmp_path / "real").mkdir()
    write_image(tmp_path / "real/1.png", photo(0))
    with pytest.raises(BadData, match="no clean images"):
        write_variant(open_data(f"images:{tmp_path / 'real'}"), HEAVY, 0, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_verb_writes_and_says_how_to_read(coco, tmp_path):
    out = tmp_path / "out"
    arguments = ["rain", "--data", f"coco:{coco}", "--rain", "rainfall:20", "--out", str(out), "--limit", "2"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert f"--data coco:{out} --split val2017" in result.output
    assert "ground-plane guess" in result.output
    assert read_image(out / "val2017/000000000001.png").shape == (40, 60, 3)
