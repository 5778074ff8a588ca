from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.data import open_data
from bench.data.cityscapes import open_cityscapes, read_train_ids
from bench.data.cityscapes_labels import CLASSES, LABEL_IDS, THINGS
from bench.data.instances import InstanceTruth, objects
from bench.errors import BadData

WriteImage = Callable[..., Path]
WriteLabels = Callable[[Path, np.ndarray], Path]
SIZE = (6, 8)


@pytest.fixture
def root(tmp_path: Path, write_image: WriteImage, write_labels: WriteLabels) -> Path:
    """Two cities with one frame each, label ids and instance ids."""
    for number, city in enumerate(("ulm", "aachen")):
        name = f"{city}_000000_000019"
        write_image(
            tmp_path / "leftImg8bit" / "val" / city / f"{name}_leftImg8bit.png", size=SIZE, seed=number
        )
        labels = np.full(SIZE, 7, np.uint8)
        labels[0] = 23
        instances = labels.astype(np.uint16)
        labels[2:4, 1:4], instances[2:4, 1:4] = 26, 26000
        labels[2:4, 4:6], instances[2:4, 4:6] = 26, 26001
        labels[5, 0:2], instances[5, 0:2] = 24, 24
        labels[5, 7], instances[5, 7] = 29, 29000  # a caravan is not evaluated
        folder = tmp_path / "gtFine" / "val" / city
        write_labels(folder / f"{name}_gtFine_labelIds.png", labels)
        write_labels(folder / f"{name}_gtFine_instanceIds.png", instances)
    return tmp_path


def truth_file(root: Path, kind: str, city: str = "aachen") -> Path:
    return root / "gtFine" / "val" / city / f"{city}_000000_000019_gtFine_{kind}.png"


def fault(root: Path, split: str | None = None) -> str:
    with pytest.raises(BadData) as error:
        open_cityscapes(root, split)
    text = str(error.value)
    assert "\n" not in text
    return text


def test_scenes_of_all_cities(root: Path) -> None:
    data = open_data(f"cityscapes:{root}")
    assert data.name == "cityscapes/val"
    assert [scene.id for scene in data.scenes] == ["aachen_000000_000019", "ulm_000000_000019"]
    assert data.scenes[0].size == SIZE
    assert data.segmentation is not None
    assert len(data.segmentation.classes) == 19
    assert data.depth_source is None
    assert data.depth(data.scenes[0]) is None
    assert data.notes == ()
    assert [scene.id for scene in pickle.loads(pickle.dumps(data)).scenes] == [
        scene.id for scene in data.scenes
    ]


def test_label_ids_become_train_ids(root: Path) -> None:
    data = open_cityscapes(root)
    mask = data.mask(data.scenes[0])
    assert mask.dtype == np.uint8
    assert mask[1, 0] == CLASSES.index("road")
    assert mask[0, 0] == CLASSES.index("sky")
    assert mask[2, 1] == CLASSES.index("car")
    assert mask[5, 7] == 255


def test_official_table() -> None:
    # Written out by hand from the data set's definition, independently of the code.
    table = {
        "road": 7, "sidewalk": 8, "building": 11, "wall": 12, "fence": 13, "pole": 17, "traffic light": 19,
        "traffic sign": 20, "vegetation": 21, "terrain": 22, "sky": 23, "person": 24, "rider": 25, "car": 26,
        "truck": 27, "bus": 28, "train": 31, "motorcycle": 32, "bicycle": 33,
    }  # fmt: skip
    assert dict(zip(CLASSES, LABEL_IDS, strict=True)) == table
    assert list(THINGS.values()) == [
        "person",
        "rider",
        "car",
        "truck",
        "bus",
        "train",
        "motorcycle",
        "bicycle",
    ]


def test_train_ids_are_preferred(root: Path, write_labels: WriteLabels) -> None:
    labels = np.full(SIZE, 18, np.uint8)
    labels[0, 0] = 255
    write_labels(truth_file(root, "labelTrainIds"), labels)
    data = open_cityscapes(root)
    assert (data.mask(data.scenes[0]) == labels).all()
    assert data.mask(data.scenes[1])[2, 1] == CLASSES.index("car")


def test_label_ids_where_train_ids_were_promised(root: Path) -> None:
    truth_file(root, "labelIds").rename(truth_file(root, "labelTrainIds"))
    data = open_cityscapes(root)
    with pytest.raises(
        BadData, match=r"labelTrainIds.png holds the value 23, but train ids are .*looks like label ids"
    ):
        data.mask(data.scenes[0])


def test_train_ids_where_label_ids_were_promised(root: Path, write_labels: WriteLabels) -> None:
    path = write_labels(truth_file(root, "labelIds"), np.full(SIZE, 255, np.uint8))
    with pytest.raises(
        BadData, match=r"holds the value 255, but label ids are 0 to 33: it looks like train ids"
    ):
        read_train_ids(path)
    write_labels(path, np.full(SIZE, 77, np.uint8))
    with pytest.raises(BadData, match="the value 77"):
        read_train_ids(path)


def test_boxes_from_instance_ids(root: Path) -> None:
    data = open_cityscapes(root)
    assert isinstance(data.detection, InstanceTruth)
    assert "coco" not in data.detection.__dict__  # nothing has been read yet
    assert [category["name"] for category in data.detection.categories] == list(THINGS.values())
    assert "coco" not in data.first(1).detection.__dict__
    coco = data.detection.coco
    assert coco["images"][0] == {
        "id": 1, "file_name": "aachen_000000_000019_leftImg8bit.png", "height": 6, "width": 8,
    }  # fmt: skip
    first = [box for box in coco["annotations"] if box["image_id"] == 1]
    assert [(box["category_id"], box["bbox"], box["area"], box["iscrowd"]) for box in first] == [
        (24, [0, 5, 2, 1], 2, 1),
        (26, [1, 2, 3, 2], 6, 0),
        (26, [4, 2, 2, 2], 4, 0),
    ]
    assert len({box["id"] for box in coco["annotations"]}) == 6
    assert data.first(1).detection.coco["annotations"] == first
    assert pickle.loads(pickle.dumps(data.detection)).coco == coco


def test_boxes_agree_with_pycocotools(root: Path) -> None:
    masks = pytest.importorskip("pycocotools.mask")
    ids = np.random.default_rng(0).choice([0, 7, 24001, 26002, 33000, 24], size=(40, 50)).astype(np.uint16)
    ok, data = cv2.imencode(".png", ids)
    assert ok
    path = root / "x.png"
    path.write_bytes(data.tobytes())
    found = objects(path)
    assert len(found) == 4
    for value, thing in zip((24, 24001, 26002, 33000), found, strict=True):
        encoded = masks.encode(np.asfortranarray(ids == value))
        assert list(masks.toBbox(encoded)) == thing["bbox"]
        assert masks.area(encoded) == thing["area"]


def test_no_things_no_boxes(root: Path, write_labels: WriteLabels) -> None:
    assert objects(write_labels(root / "x.png", np.full(SIZE, 7, np.uint16))) == []
    with pytest.raises(BadData, match="8 bits per pixel"):
        objects(write_labels(root / "x.png", np.full(SIZE, 7, np.uint8)))


def test_empty_city(root: Path) -> None:
    (root / "leftImg8bit" / "val" / "bonn").mkdir()
    assert "bonn holds no *_leftImg8bit.png" in fault(root)


def test_image_without_mask(root: Path) -> None:
    truth_file(root, "labelIds").unlink()
    text = fault(root)
    assert "aachen_000000_000019_leftImg8bit.png has no mask" in text
    assert "aachen_000000_000019_gtFine_labelIds.png" in text


def test_image_without_instances(root: Path) -> None:
    truth_file(root, "instanceIds").unlink()
    assert "1 of 2 scenes have no gtFine_instanceIds.png, the first is aachen_000000_000019" in fault(root)
    truth_file(root, "instanceIds", "ulm").unlink()
    assert open_cityscapes(root).detection is None


@pytest.mark.parametrize(("kind", "role"), [("labelIds", "mask"), ("instanceIds", "instances")])
def test_truth_of_another_size(root: Path, write_labels: WriteLabels, kind: str, role: str) -> None:
    write_labels(truth_file(root, kind), np.zeros((3, 4), np.uint16 if kind == "instanceIds" else np.uint8))
    text = fault(root)
    assert text.startswith(role)
    assert "is 4x3 but its image is 8x6" in text


def test_mask_that_changed_size_later(root: Path, write_labels: WriteLabels) -> None:
    data = open_cityscapes(root)
    write_labels(truth_file(root, "labelIds"), np.zeros((3, 4), np.uint8))
    with pytest.raises(BadData, match="is 4x3 but its image is 8x6"):
        data.mask(data.scenes[0])


def test_splits(root: Path) -> None:
    assert "no split 'train': give --split val" in fault(root, "train")
    (root / "leftImg8bit" / "val").rename(root / "leftImg8bit" / "a")
    (root / "leftImg8bit" / "b").mkdir()
    assert "several splits: give --split a or b" in fault(root)
    assert "b holds no *_leftImg8bit.png" in fault(root, "b")


def test_not_cityscapes(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    assert "has no leftImg8bit/ folder" in fault(tmp_path)
    assert "it holds images/" in fault(tmp_path)


def test_without_ground_truth(root: Path) -> None:
    (root / "gtFine").rename(root / "other")
    data = open_cityscapes(root)
    assert data.segmentation is None
    assert data.detection is None
    assert data.notes == ("no gtFine/ folder: only restoration can be scored",)


def test_deeper_cities_and_other_files(root: Path, write_image: WriteImage) -> None:
    for top in ("leftImg8bit", "gtFine"):
        (root / top / "val" / "night").mkdir()
        (root / top / "val" / "ulm").rename(root / top / "val" / "night" / "ulm")
    write_image(root / "leftImg8bit" / "val" / "aachen" / "preview.png")
    data = open_cityscapes(root)
    assert len(data.scenes) == 2
    assert data.mask(data.scenes[1])[2, 1] == CLASSES.index("car")
    assert "1 images not named *_leftImg8bit are left out" in data.notes[0]


def test_one_id_in_two_cities(root: Path, write_image: WriteImage) -> None:
    write_image(root / "leftImg8bit" / "val" / "ulm" / "aachen_000000_000019_leftImg8bit.png", size=SIZE)
    for kind in ("labelIds", "instanceIds"):
        source = truth_file(root, kind)
        (root / "gtFine" / "val" / "ulm" / source.name).write_bytes(source.read_bytes())
    assert "two images are called aachen_000000_000019" in fault(root)


def write_disparity(root: Path, write_labels: WriteLabels, values: np.ndarray, city: str) -> Path:
    return write_labels(root / "disparity" / "val" / city / f"{city}_000000_000019_disparity.png", values)


def test_disparity(root: Path, write_labels: WriteLabels) -> None:
    values = np.full(SIZE, 1 + 256 * 10, np.uint16)  # ten pixels
    values[3, 3] = 0  # no measurement
    values[4] = 1 + 256 * 20
    for city in ("ulm", "aachen"):
        write_disparity(root, write_labels, values, city)
    data = open_cityscapes(root)
    assert data.depth_source == "disparity"
    depth = data.depth(data.scenes[0])
    assert depth is not None
    assert depth.source == "disparity"
    assert depth.focal == 2262.52
    assert depth.metres.dtype == np.float32
    assert depth.metres[1, 0] == pytest.approx(0.209313 * 2262.52 / 10)
    assert depth.metres[4, 0] == pytest.approx(0.209313 * 2262.52 / 20)
    assert depth.metres[3, 3] in (depth.metres[3, 2], depth.metres[4, 3])
    assert np.isinf(depth.metres[0]).all()  # the sky, by the mask
    assert (depth.metres > 0).all()


def test_camera_file(root: Path, write_labels: WriteLabels) -> None:
    for city in ("ulm", "aachen"):
        write_disparity(root, write_labels, np.full(SIZE, 257, np.uint16), city)
    folder = root / "camera" / "val" / "aachen"
    folder.mkdir(parents=True)
    camera = folder / "aachen_000000_000019_camera.json"
    camera.write_text(json.dumps({"extrinsic": {"baseline": 0.5}, "intrinsic": {"fx": 100.0}}))
    data = open_cityscapes(root)
    depth, other = (data.depth(scene) for scene in data.scenes)
    assert depth is not None
    assert other is not None
    assert depth.focal == 100
    assert depth.metres[5, 5] == pytest.approx(50)
    assert other.focal == 2262.52
    assert data.files(data.scenes[0])["camera"] == camera
    assert "camera" not in data.files(data.scenes[1])
    for text in ("{}", "no", '{"extrinsic": {"baseline": "x"}, "intrinsic": {"fx": 1}}'):
        camera.write_text(text)
        with pytest.raises(BadData, match=r"camera.json lacks extrinsic.baseline"):
            data.depth(data.scenes[0])
    camera.write_text('{"extrinsic": {"baseline": -1}, "intrinsic": {"fx": 1}}')
    with pytest.raises(BadData, match="must be above 0"):
        data.depth(data.scenes[0])


def test_partial_or_empty_disparity(root: Path, write_labels: WriteLabels) -> None:
    write_disparity(root, write_labels, np.zeros(SIZE, np.uint16), "aachen")
    assert "scene ulm_000000_000019 has no" in fault(root)
    write_disparity(root, write_labels, np.zeros((3, 4), np.uint16), "ulm")
    assert "is 4x3 but its image is 8x6" in fault(root)
    write_disparity(root, write_labels, np.zeros(SIZE, np.uint16), "ulm")
    data = open_cityscapes(root)
    with pytest.raises(BadData, match="holds no measurement"):
        data.depth(data.scenes[0])


def test_depth_files(root: Path, write_labels: WriteLabels) -> None:
    folder = root / "depth" / "val"
    write_labels(folder / "aachen" / "aachen_000000_000019_depth.png", np.full(SIZE, 640, np.uint16))
    (folder / "ulm").mkdir()
    metres = np.full(SIZE, 12.5)
    metres[1, 1], metres[2, 2] = np.nan, np.inf
    array = folder / "ulm" / "ulm_000000_000019_depth.npy"
    np.save(array, metres)
    data = open_cityscapes(root)
    assert data.depth_source == "exact"
    png, npy = (data.depth(scene) for scene in data.scenes)
    assert png is not None
    assert npy is not None
    assert png.metres[3, 3] == 2.5
    assert npy.metres[1, 1] == npy.metres[4, 4] == 12.5
    assert np.isinf(npy.metres[2, 2])
    for bad in (np.zeros((6, 8, 1)), np.zeros(SIZE, int), np.array([[{}]], dtype=object)):
        np.save(array, bad, allow_pickle=True)
        with pytest.raises(BadData, match=r"_depth.npy is not a"):
            data.depth(data.scenes[1])
    array.write_bytes(b"\x93NUMPY")
    with pytest.raises(BadData, match="not a NumPy array file"):
        data.depth(data.scenes[1])
    np.save(array, np.ones((2, 2)))
    with pytest.raises(BadData, match="is 2x2 but its image is 8x6"):
        data.depth(data.scenes[1])


def test_focal_lengths_of_rendered_scenes(root: Path, write_labels: WriteLabels) -> None:
    for city in ("ulm", "aachen"):
        name = f"{city}_000000_000019_depth.png"
        write_labels(root / "depth" / "val" / city / name, np.full(SIZE, 250, np.uint16))
    cameras = root / "cameras_val.json"
    cameras.write_text('{"focal": {"aachen_000000_000019": 400.5}}')
    data = open_cityscapes(root)
    first, second = (data.depth(scene) for scene in data.scenes)
    assert first is not None
    assert second is not None
    assert (first.focal, second.focal) == (400.5, 2262.52)
    assert data.files(data.scenes[0])["cameras"] == cameras
    cameras.write_text("[]")
    assert "cameras_val.json has no focal lengths" in fault(root)


def test_real_cityscapes(shared: Path) -> None:
    folder = shared / "data" / "cityscapes_sample"
    data = open_data(f"cityscapes:{folder}")
    assert data.split == "val"
    assert len(data.scenes) == 1
    assert data.scenes[0].size == (1024, 2048)
    mask = data.mask(data.scenes[0])
    assert mask.shape == (1024, 2048)
    assert set(np.unique(mask)) <= {*range(19), 255}
    assert data.detection is not None
    coco = data.detection.coco
    masks = pytest.importorskip("pycocotools.mask")
    ids = cv2.imread(str(data.scenes[0].instances), cv2.IMREAD_UNCHANGED)
    values = sorted(v for v in np.unique(ids) if (v // 1000 if v >= 1000 else v) in THINGS)
    assert len(values) == len(coco["annotations"])
    for value, box in zip(values, coco["annotations"], strict=True):
        assert list(masks.toBbox(masks.encode(np.asfortranarray(ids == value)))) == box["bbox"]
    assert len(open_data(f"cityscapes:{folder}", "train").scenes) == 8


def test_links_to_files_elsewhere_are_refused(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = truth_file(root, "labelIds")
    path.symlink_to(path.rename(tmp_path_factory.mktemp("elsewhere") / "x.png"))
    assert "aachen_000000_000019_gtFine_labelIds.png is a link to" in fault(root)


def test_a_link_to_a_folder_above_is_refused(root: Path) -> None:
    loop = root / "leftImg8bit" / "val" / "loop"
    loop.symlink_to(loop)  # leads nowhere and is not a folder
    assert len(open_cityscapes(root).scenes) == 2
    loop.unlink()
    loop.symlink_to(root / "leftImg8bit" / "val")
    assert "loop is a link to a folder that it lies in" in fault(root)


@pytest.mark.parametrize("value", ["-5", "0", "NaN", "Infinity"])
def test_a_focal_length_that_no_camera_has(root: Path, value: str) -> None:
    (root / "cameras_val.json").write_text(f'{{"focal": {{"ulm_000000_000019": {value}}}}}')
    assert "for ulm_000000_000019: it must be above 0" in fault(root)
