from __future__ import annotations

import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.data import open_data
from bench.data.coco import open_coco, read_coco
from bench.errors import BadData, UnknownName

Edit = Callable[[Callable[[dict[str, Any]], object]], Path]


def one_line(error: pytest.ExceptionInfo[BadData]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_scenes_are_ordered_by_image_id(coco_root: Path) -> None:
    data = open_data(f"coco:{coco_root}")
    assert data.name == "coco/val2017"
    assert [scene.id for scene in data.scenes] == ["b", "a"]
    assert data.scenes[0].size == (6, 8)
    assert data.detection is not None
    assert data.detection.image_ids == {"b": 3, "a": 9}
    image = data.clean(data.scenes[0])
    assert image is not None
    assert image.shape == (6, 8, 3)
    assert data.rainy(data.scenes[0]) is None
    assert pickle.loads(pickle.dumps(data)) == data


def test_annotations_are_completed_and_outlines_dropped(coco_root: Path) -> None:
    truth = open_coco(coco_root).detection
    assert truth is not None
    first, second = truth.coco["annotations"]
    assert first["area"] == 5.5
    assert "segmentation" not in first
    assert second == {
        "id": 2,
        "image_id": 3,
        "category_id": 1,
        "bbox": [0, 0.5, 2, 2],
        "area": 4,
        "iscrowd": 0,
    }


def test_first_keeps_only_its_scenes_boxes(coco_root: Path) -> None:
    data = open_coco(coco_root).first(1)
    assert [scene.id for scene in data.scenes] == ["b"]
    assert data.detection is not None
    assert [box["id"] for box in data.detection.coco["annotations"]] == [2]
    assert data.detection.image_ids == {"b": 3}


def test_images_may_lie_under_images(coco_root: Path) -> None:
    (coco_root / "images").mkdir()
    (coco_root / "val2017").rename(coco_root / "images" / "val2017")
    assert open_coco(coco_root).scenes[0].image == coco_root / "images" / "val2017" / "b.jpg"


def test_same_stems_get_longer_ids(edit_coco: Edit, write_image: Callable[..., Path]) -> None:
    root = edit_coco(lambda data: data["images"][0].update(file_name="sub/b.jpg"))
    write_image(root / "val2017" / "sub" / "b.jpg")
    assert [scene.id for scene in open_coco(root).scenes] == ["b", "sub/b"]


@pytest.mark.parametrize("text", ["", "{", "images: []", '{"images": [', "[" * 100_000])
def test_not_json(coco_root: Path, text: str) -> None:
    (coco_root / "annotations" / "instances_val2017.json").write_text(text)
    with pytest.raises(BadData, match=r"instances_val2017\.json is not JSON") as error:
        open_coco(coco_root)
    one_line(error)


@pytest.mark.parametrize("key", ["images", "annotations", "categories"])
def test_not_coco_names_the_key(edit_coco: Edit, key: str) -> None:
    with pytest.raises(BadData, match=f"has no key '{key}'") as error:
        open_coco(edit_coco(lambda data: data.pop(key)))
    one_line(error)
    with pytest.raises(BadData, match=f"has no list under '{key}'"):
        open_coco(edit_coco(lambda data: data.update({key: {}})))


def test_a_list_is_not_coco(coco_root: Path) -> None:
    (coco_root / "annotations" / "instances_val2017.json").write_text("[1, 2]")
    with pytest.raises(BadData, match=r"not a COCO file: it holds a list"):
        open_coco(coco_root)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["annotations"][0].update(image_id=77), "annotation 1 has image_id 77, which 'images'"),
        (lambda d: d["annotations"][0].update(image_id=[9]), r"annotation 1 has image_id \[9\]"),
        (
            lambda d: d["annotations"][1].update(category_id=2),
            "annotation 2 has category_id 2, which 'categories'",
        ),
        (
            lambda d: d["annotations"][1].update(bbox=[0, 0, float("nan"), 1]),
            "annotation 2 has bbox .*nan.*finite",
        ),
        (
            lambda d: d["annotations"][1].update(bbox=[0, 0, float("inf"), 1]),
            "annotation 2 has bbox .*inf.*finite",
        ),
        (lambda d: d["annotations"][1].update(bbox=[0, 0, 1]), "annotation 2 has bbox .*four"),
        (lambda d: d["annotations"][1].update(bbox=["0", 0, 1, 1]), "annotation 2 has bbox .*four"),
        (lambda d: d["annotations"][1].update(bbox=[5, 5, -1, 1]), "annotation 2 has bbox .*negative"),
        (lambda d: d["annotations"][1].update(area=float("nan")), "annotation 2 has area nan"),
        (lambda d: d["annotations"][1].pop("bbox"), "annotation 2 has no 'bbox'"),
        (lambda d: d["annotations"][1].update(id=1), "two annotations have the id 1"),
        (lambda d: d["images"][1].update(id=9), "two images have the id 9"),
        (lambda d: d["categories"][1].update(id=1), "two categories have the id 1"),
        (lambda d: d["images"][1].update(file_name="a.jpg"), "lists the file a.jpg twice"),
        (lambda d: d["images"][1].pop("file_name"), "image 3 has no 'file_name'"),
        (lambda d: d["images"][1].update(height="6"), r"image 3 \(b.jpg\) has height '6'"),
        (lambda d: d["images"][1].update(width=0), r"image 3 \(b.jpg\) has width 0"),
        (lambda d: d["images"].append("c.jpg"), "an image in it is 'c.jpg', not an object"),
        (lambda d: d["images"][1].update(id=True), "an image has id True"),
        (lambda d: d["categories"][1].pop("name"), "category 3 has no 'name'"),
        (lambda d: d["images"].clear() or d["annotations"].clear(), "lists no images"),
    ],
)
def test_bad_entries_are_named(
    edit_coco: Edit, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    with pytest.raises(BadData, match=message) as error:
        open_coco(edit_coco(change))
    assert "instances_val2017.json" in one_line(error)


@pytest.mark.parametrize(
    "name", ["../secret.jpg", "/etc/passwd", "x/../../b.jpg", "C:/b.jpg", "..\\b.jpg", "."]
)
def test_names_outside_the_folder_are_refused(edit_coco: Edit, name: str) -> None:
    with pytest.raises(BadData, match=r"outside of .*val2017") as error:
        open_coco(edit_coco(lambda data: data["images"][1].update(file_name=name)))
    assert repr(name) in one_line(error)


def test_links_out_of_the_folder_are_refused(
    coco_root: Path, tmp_path_factory: pytest.TempPathFactory, write_image: Callable[..., Path]
) -> None:
    elsewhere = write_image(tmp_path_factory.mktemp("elsewhere") / "b.jpg")
    (coco_root / "val2017" / "b.jpg").unlink()
    (coco_root / "val2017" / "b.jpg").symlink_to(elsewhere)
    with pytest.raises(BadData, match=r"b.jpg is a link to .*elsewhere") as error:
        open_coco(coco_root)
    one_line(error)


def test_links_within_the_folder_and_linked_folders_are_fine(
    coco_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("disk") / "val2017"
    shutil.move(coco_root / "val2017", elsewhere)
    (coco_root / "val2017").symlink_to(elsewhere, target_is_directory=True)
    (elsewhere / "b.jpg").rename(elsewhere / "c.jpg")
    (elsewhere / "b.jpg").symlink_to(elsewhere / "c.jpg")
    assert len(open_coco(coco_root).scenes) == 2


def test_absent_images_are_counted(coco_root: Path) -> None:
    (coco_root / "val2017" / "a.jpg").unlink()
    with pytest.raises(BadData, match=r"1 of 2 images .* absent, the first is .*a.jpg") as error:
        open_coco(coco_root)
    one_line(error)


def test_missing_folders_say_what_there_is(coco_root: Path) -> None:
    (coco_root / "val2017").rename(coco_root / "validation")
    with pytest.raises(BadData, match=r"no image folder val2017/ .*holds annotations/, validation/"):
        open_coco(coco_root)
    (coco_root / "annotations").rename(coco_root / "labels")
    with pytest.raises(BadData, match=r"no annotations/ folder .*holds labels/, validation/"):
        open_coco(coco_root)
    (coco_root / "annotations").mkdir()
    with pytest.raises(BadData, match=r"no instances_SPLIT.json"):
        open_coco(coco_root)


def test_unknown_split_lists_the_others(coco_root: Path) -> None:
    with pytest.raises(BadData, match=r"no instances_train2017.json: give --split val2017"):
        open_coco(coco_root, "train2017")


def test_several_splits_need_a_choice(coco_root: Path) -> None:
    folder = coco_root / "annotations"
    shutil.copy(folder / "instances_val2017.json", folder / "instances_x.json")
    assert open_coco(coco_root).split == "val2017"
    (folder / "instances_val2017.json").rename(folder / "instances_y.json")
    with pytest.raises(BadData, match=r"several splits: give --split x or y"):
        open_coco(coco_root)


def test_size_is_checked_at_reading(edit_coco: Edit) -> None:
    data = open_coco(edit_coco(lambda d: d["images"][1].update(height=7)))
    with pytest.raises(BadData, match=r"b.jpg is 8x6, but its annotation says 8x7") as error:
        data.clean(data.scenes[0])
    one_line(error)


def test_unknown_kind_and_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"did you mean coco"):
        open_data("cocoo:/data")
    with pytest.raises(BadData, match=r"does not exist"):
        open_data(f"coco:{tmp_path / 'nowhere'}")


def test_real_coco(shared: Path) -> None:
    data = open_data(f"coco:{shared / 'data' / 'coco_tiny'}", "val2017")
    assert len(data.scenes) == 50
    ids = [data.detection.image_ids[scene.id] for scene in data.scenes] if data.detection else []
    assert ids == sorted(ids)
    for scene in data.scenes[:5]:
        image = data.clean(scene)
        assert image is not None
        assert image.shape[:2] == scene.size
    reference = pytest.importorskip("pycocotools.coco").COCO(
        str(shared / "data" / "coco_tiny" / "annotations" / "instances_val2017.json")
    )
    source = shared / "data" / "coco_tiny" / "annotations" / "instances_val2017.json"
    for box in read_coco(source)["annotations"]:
        assert {key: reference.anns[box["id"]][key] for key in box} == box


def test_error_texts_end_with_advice(edit_coco: Edit) -> None:
    with pytest.raises(BadData) as error:
        open_coco(edit_coco(lambda data: data.pop("images")))
    assert re.search(r"give COCO's instances_SPLIT.json", str(error.value))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["images"][0].update(file_name="./b.jpg"), "lists the file b.jpg twice"),
        (lambda d: d["categories"][0].update(name="car"), "two categories called 'car'"),
        (lambda d: d["annotations"][0].update(bbox=[10**400, 1, 2, 3]), "expected four finite numbers"),
        (lambda d: d["images"][0].update(id=10**30), "an image has id"),
    ],
)
def test_what_tables_could_not_hold_is_refused(edit_coco: Edit, change: Any, message: str) -> None:
    with pytest.raises(BadData, match=re.escape(message)) as error:
        open_coco(edit_coco(change))
    one_line(error)


def test_boxes_outside_of_their_images_are_said(edit_coco: Edit) -> None:
    assert open_coco(edit_coco(lambda d: d["annotations"][0].update(bbox=[7.5, 5, 9, 9]))).notes == ()
    (note,) = open_coco(edit_coco(lambda d: d["annotations"][1].update(bbox=[8, 0, 2, 2]))).notes
    assert "1 boxes lie wholly outside" in note
    assert "annotation 2" in note


def read(root: Path) -> dict[str, list[dict[str, Any]]]:
    return read_coco(root / "annotations" / "instances_val2017.json")


def test_annotations_are_numbered_from_one(edit_coco: Edit) -> None:
    """pycocotools takes the id 0 for not matched: a box with it counts as missed, and what found it as wrong."""

    def from_zero(data: dict[str, Any]) -> None:
        for number, annotation in enumerate(data["annotations"]):
            annotation["id"] = number

    ids = [annotation["id"] for annotation in read(edit_coco(from_zero))["annotations"]]
    assert ids == [1, 2]
    kept = [annotation["id"] for annotation in read(edit_coco(lambda data: None))["annotations"]]
    assert kept == [1, 2]


@pytest.mark.parametrize("form", [str, float])
def test_ids_as_text_or_whole_floats(edit_coco: Edit, form: Callable[[int], Any]) -> None:
    def change(data: dict[str, Any]) -> None:
        for image in data["images"]:
            image["id"] = form(image["id"])
        for category in data["categories"]:
            category["id"] = form(category["id"])
        for annotation in data["annotations"]:
            for key in ("id", "image_id", "category_id"):
                annotation[key] = form(annotation[key])

    assert read(edit_coco(change)) == read(edit_coco(lambda data: None))


@pytest.mark.parametrize("wrong", ["a1", "1.5", 1.5, "01", "", True, None, [1], "9" * 30, 1e300])
def test_ids_that_are_no_whole_numbers(edit_coco: Edit, wrong: Any) -> None:
    with pytest.raises(BadData, match="expected a whole number") as caught:
        read(edit_coco(lambda data: data["annotations"][0].update(id=wrong)))
    one_line(caught)


@pytest.mark.parametrize(("given", "meant"), [("0", 0), ("1", 1), (True, 1), (False, 0), (0.0, 0), (None, 0)])
def test_crowds_as_people_mark_them(edit_coco: Edit, given: Any, meant: int) -> None:
    first = read(edit_coco(lambda data: data["annotations"][0].update(iscrowd=given)))["annotations"][0]
    assert first["iscrowd"] == meant


@pytest.mark.parametrize("given", ["yes", 2, [0], "false"])
def test_crowds_that_are_no_truth(edit_coco: Edit, given: Any) -> None:
    with pytest.raises(BadData, match="has iscrowd .*expected 0 or 1"):
        read(edit_coco(lambda data: data["annotations"][0].update(iscrowd=given)))


def test_what_cannot_be_scored_is_said_before_the_run(coco_root: Path, edit_coco: Edit) -> None:
    edit_coco(lambda data: [annotation.update(iscrowd=1) for annotation in data["annotations"]])
    assert "every box is marked iscrowd" in open_coco(coco_root).notes[0]
    edit_coco(lambda data: data.update(annotations=[]))
    assert "withheld" in open_coco(coco_root).notes[0]
