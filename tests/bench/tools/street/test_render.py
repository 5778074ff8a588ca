"""The street renderer and the embedded set it made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.data import open_data
from bench.data.base import DataSet
from bench.data.cityscapes_labels import CLASSES, LABEL_IDS
from bench.data.street.dataset import FILES, open_street
from bench.errors import BadData
from bench.images import read_image, read_labels
from bench.tools.street import RenderedScene, render_scene
from bench.tools.street.annotate import SPECK
from bench.tools.street.camera import Camera, clip_near
from bench.tools.street.labels import PERSON, RIDER, ROAD, SKY, THINGS
from bench.tools.street.make import EMBEDDED, FIRST_SEED, coco_annotations, depth_levels, make


@pytest.fixture(scope="module")
def rendered() -> list[RenderedScene]:
    return [render_scene(FIRST_SEED["test"] + index) for index in range(4)]


@pytest.fixture(scope="module")
def embedded() -> DataSet:
    return open_data("street")


def test_same_seed_same_scene(rendered: list[RenderedScene]) -> None:
    again = render_scene(FIRST_SEED["test"])
    assert np.array_equal(again.image, rendered[0].image)
    assert np.array_equal(again.instances, rendered[0].instances)
    assert again.boxes == rendered[0].boxes
    assert not np.array_equal(rendered[0].image, rendered[1].image)


def test_shapes_types_and_ranges(rendered: list[RenderedScene]) -> None:
    for scene in rendered:
        assert scene.image.shape == (224, 384, 3)
        assert scene.image.dtype == np.uint8
        assert scene.mask.dtype == np.uint8
        assert int(scene.mask.max()) < len(CLASSES)
        assert scene.depth.dtype == np.float32
        assert (scene.depth > 0).all()
        assert scene.image.std() > 20


def test_other_sizes_keep_the_view() -> None:
    small, large = render_scene(5, (112, 192)), render_scene(5, (224, 384))
    assert small.image.shape == (112, 192, 3)
    assert large.focal == pytest.approx(2 * small.focal)
    assert (small.mask == large.mask[::2, ::2]).mean() > 0.9


def test_boxes_are_those_of_the_visible_pixels(rendered: list[RenderedScene]) -> None:
    for scene in rendered:
        assert scene.boxes
        for box in scene.boxes:
            rows, columns = np.nonzero(scene.things == box.thing)
            assert (columns.min(), rows.min()) == (box.x, box.y)
            assert (columns.max() + 1, rows.max() + 1) == (box.x + box.width, box.y + box.height)
            assert box.area == len(rows) >= SPECK


def test_every_visible_thing_has_a_box(rendered: list[RenderedScene]) -> None:
    countable = [
        CLASSES.index(name) for name in ("person", "rider", "car", "truck", "bus", "motorcycle", "bicycle")
    ]
    for scene in rendered:
        numbers, areas = np.unique(scene.things[np.isin(scene.mask, countable)], return_counts=True)
        boxed = {box.thing for box in scene.boxes}
        assert {int(n) for n, area in zip(numbers, areas, strict=True) if area >= SPECK} <= boxed


def test_instances_follow_cityscapes(rendered: list[RenderedScene]) -> None:
    label_ids = np.asarray(LABEL_IDS)
    things = np.asarray(sorted(THINGS))
    for scene in rendered:
        is_thing = np.isin(scene.mask, things)
        assert (scene.instances[is_thing] // 1000 == label_ids[scene.mask[is_thing]]).all()
        assert (scene.instances[~is_thing] == label_ids[scene.mask[~is_thing]]).all()


def test_riders_are_persons_to_coco(rendered: list[RenderedScene]) -> None:
    persons = set()
    for scene in rendered:
        for box in scene.boxes:
            labels = set(scene.mask[scene.things == box.thing].tolist())
            assert len(labels) == 1
            if labels <= {PERSON, RIDER}:
                assert box.category == "person"
                persons |= labels
    assert persons == {PERSON, RIDER}


def test_depth_is_exact_on_the_road(rendered: list[RenderedScene]) -> None:
    for scene in rendered:
        assert np.isinf(scene.depth[scene.mask == SKY]).all()
        assert np.isfinite(scene.depth[scene.mask != SKY]).all()
        rows, columns = np.nonzero(scene.mask == ROAD)
        inverse = 1 / scene.depth[rows, columns].astype(np.float64)
        slope, start = np.polyfit(rows, inverse, 1)  # a flat road: 1/z = (row - horizon) / (focal x height)
        assert np.abs(slope * rows + start - inverse).max() < 1e-5
        assert 1.2 < 1 / (slope * scene.focal) < 1.8


def test_things_stand_in_front_of_what_they_hide(rendered: list[RenderedScene]) -> None:
    for scene in rendered:
        for box in scene.boxes:
            inside = scene.things == box.thing
            assert scene.depth[inside].max() < 130


def test_plane_gives_the_depth_of_its_points() -> None:
    camera = Camera(300.0, 1.5, 100.0, 224, 384)
    points = np.array([[1.0, 0.5, 8.0], [3.0, 0.2, 12.0], [2.0, 2.0, 9.0]])
    normal = np.cross(points[1] - points[0], points[2] - points[0])
    a, b, c = camera.plane(points[0], normal)
    for (column, row), z in zip(camera.project(points), points[:, 2], strict=True):
        assert a * column + b * row + c == pytest.approx(1 / z)


def test_clip_near_keeps_what_is_in_front() -> None:
    square = np.array([[0, 0, -1.0], [1, 0, -1.0], [1, 0, 3.0], [0, 0, 3.0]])
    cut = clip_near(square, 1.0)
    assert len(cut) == 4
    assert cut[:, 2].min() == 1.0
    assert len(clip_near(square - [0, 0, 9], 1.0)) == 0


def test_embedded_set_is_complete_and_small(embedded: DataSet) -> None:
    assert len(embedded.scenes) == EMBEDDED == 64
    assert embedded.depth_source == "exact"
    assert sum(path.stat().st_size for path in FILES.rglob("*") if path.is_file()) < 12e6
    present = np.zeros(256, int)
    for scene in embedded.scenes:
        present += np.bincount(embedded.mask(scene).ravel(), minlength=256)
    assert [name for name, count in zip(CLASSES, present, strict=False) if count == 0] == ["train"]
    assert embedded.detection is not None
    counted = {
        entry["category_id"] for entry in embedded.detection.coco["annotations"] if not entry["iscrowd"]
    }
    assert counted == {1, 2, 3, 4, 6, 8, 10, 13}


def test_shipped_files_are_what_the_renderer_draws(embedded: DataSet, rendered: list[RenderedScene]) -> None:
    """Nearly, not to the bit: vector instructions differ between processors in a float's last digit."""
    assert embedded.detection is not None
    for index, (scene, drawn) in enumerate(zip(embedded.scenes, rendered, strict=False)):
        assert scene.image is not None
        assert scene.instances is not None
        assert scene.depth is not None
        difference = np.abs(read_image(scene.image).astype(int) - drawn.image)
        assert (difference > 1).mean() < 1e-3
        assert (difference > 0).mean() < 1e-2
        assert (embedded.mask(scene) != drawn.mask).mean() < 1e-3
        assert (read_labels(scene.instances) != drawn.instances).mean() < 1e-3
        levels = read_labels(scene.depth).astype(int)
        assert (np.abs(levels - depth_levels(drawn.depth)) > 1).mean() < 1e-3
        kept = [entry for entry in embedded.detection.coco["annotations"] if entry["image_id"] == index + 1]
        fresh = coco_annotations(drawn, index + 1, kept[0]["id"])
        assert [entry["category_id"] for entry in kept] == [entry["category_id"] for entry in fresh]
        offsets = np.abs(np.array([e["bbox"] for e in kept]) - np.array([e["bbox"] for e in fresh]))
        assert offsets.max() <= 1


def test_depth_survives_its_file(embedded: DataSet, rendered: list[RenderedScene]) -> None:
    depth = embedded.depth(embedded.scenes[0])
    assert depth is not None
    assert depth.focal == pytest.approx(rendered[0].focal, abs=1e-3)
    near = rendered[0].depth < 200
    assert np.abs(depth.metres[near] - rendered[0].depth[near]).max() < 0.01
    assert np.array_equal(np.isinf(depth.metres), np.isinf(rendered[0].depth))


def test_make_writes_a_set_that_opens(tmp_path: Path) -> None:
    make("train", 2, tmp_path)
    made = open_street(tmp_path, "train")
    assert len(made.scenes) == 2
    assert np.array_equal(made.clean(made.scenes[1]), render_scene(FIRST_SEED["train"] + 1).image)


def test_splits_share_no_seed() -> None:
    starts = sorted(FIRST_SEED.values())
    assert min(np.diff(starts)) >= 4_000_000


def test_absent_split_is_named() -> None:
    with pytest.raises(BadData, match="val"):
        open_street(None, "val")
