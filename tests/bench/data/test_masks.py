from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.data import open_data
from bench.data.masks import CAMVID, open_masks
from bench.errors import BadData
from bench.images import read_labels

WriteImage = Callable[..., Path]
WriteLabels = Callable[[Path, np.ndarray], Path]
SIZE = (6, 8)


@pytest.fixture
def root(tmp_path: Path, write_image: WriteImage, write_labels: WriteLabels) -> Path:
    """A folder "camvid" with two frames of one split; the top row is 11, the rest 3."""
    for name in ("b", "a"):
        write_image(tmp_path / "camvid" / "val" / f"{name}.jpg", size=SIZE)
        labels = np.full(SIZE, 3, np.uint8)
        labels[0] = 11
        write_labels(tmp_path / "camvid" / "valannot" / f"{name}.png", labels)
    return tmp_path / "camvid"


def fault(root: Path, split: str | None = None) -> str:
    with pytest.raises(BadData) as error:
        open_masks(root, split)
    text = str(error.value)
    assert "\n" not in text
    return text


def test_camvid_without_declaration(root: Path) -> None:
    data = open_data(f"masks:{root}")
    assert data.name == "masks/camvid/val"
    assert [scene.id for scene in data.scenes] == ["a", "b"]
    assert data.segmentation is not None
    assert data.segmentation.classes == CAMVID
    assert data.notes == ()
    mask = data.mask(data.scenes[0])
    assert (mask[0] == 255).all()
    assert (mask[1:] == 3).all()
    assert data.detection is None


def test_other_folders_say_that_they_are_read_as_camvid(root: Path) -> None:
    other = root.rename(root.parent / "streets")
    assert open_masks(other).notes == (
        f"no classes.json in {other}: the masks are read as CamVid's eleven classes",
    )


def declare(root: Path, **values: object) -> None:
    (root / "classes.json").write_text(json.dumps(values))


def test_declared_classes(root: Path, write_labels: WriteLabels) -> None:
    declare(root, classes=["a", "b", "c", "d"], ignore=11)
    data = open_masks(root)
    assert data.segmentation is not None
    assert data.segmentation.classes == ("a", "b", "c", "d")
    assert set(np.unique(data.mask(data.scenes[0]))) == {3, 255}
    declare(root, classes=["a", "b", "c", "d"])  # 255 is left out where nothing is said
    with pytest.raises(
        BadData, match=r"a.png holds the class index 11, but classes are 0 to 3 \(left out: 255\)"
    ):
        open_masks(root).mask(data.scenes[0])
    declare(root, classes=[f"c{n}" for n in range(12)], ignore=None)
    assert open_masks(root).mask(data.scenes[0])[0, 0] == 11
    write_labels(root / "valannot" / "a.png", np.full(SIZE, 255, np.uint8))
    with pytest.raises(BadData, match=r"class index 255.*left out: nothing"):
        open_masks(root).mask(data.scenes[0])


@pytest.mark.parametrize("value", [12, 200, 254])
def test_index_out_of_range_names_file_and_value(root: Path, write_labels: WriteLabels, value: int) -> None:
    labels = np.zeros(SIZE, np.uint8)
    labels[5, 7] = value
    path = write_labels(root / "valannot" / "b.png", labels)
    data = open_masks(root)
    with pytest.raises(BadData) as error:
        data.mask(data.scenes[1])
    assert f"mask {path} holds the class index {value}, but classes are 0 to 10" in str(error.value)


def test_sixteen_bit_masks(root: Path, write_labels: WriteLabels) -> None:
    labels = np.full(SIZE, 300, np.uint16)
    write_labels(root / "valannot" / "a.png", labels)
    data = open_masks(root)
    with pytest.raises(BadData, match="class index 300"):
        data.mask(data.scenes[0])
    write_labels(root / "valannot" / "a.png", np.full(SIZE, 11, np.uint16))
    assert data.mask(data.scenes[0]).dtype == np.uint8
    assert (data.mask(data.scenes[0]) == 255).all()


def test_palette_masks_give_indices(root: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    picture = image.fromarray(np.full(SIZE, 5, np.uint8), "P")
    picture.putpalette([value for index in range(256) for value in (index, 255 - index, 7)])
    picture.save(root / "valannot" / "a.png")
    data = open_masks(root)
    assert (data.mask(data.scenes[0]) == 5).all()


def test_colour_masks_are_refused(root: Path, write_image: WriteImage) -> None:
    write_image(root / "valannot" / "a.png", size=SIZE)
    data = open_masks(root)
    with pytest.raises(BadData, match="has 3 channels"):
        data.mask(data.scenes[0])


def test_mask_of_another_size(root: Path, write_labels: WriteLabels) -> None:
    data = open_masks(root)
    path = write_labels(root / "valannot" / "a.png", np.zeros((8, 6), np.uint8))
    expected = f"mask {path} is 6x8 but its image is 8x6: masks must have their image's size"
    assert fault(root) == expected
    with pytest.raises(BadData, match="is 6x8 but its image is 8x6"):
        data.mask(data.scenes[0])


def test_image_without_mask_and_mask_without_image(root: Path, write_image: WriteImage) -> None:
    (root / "valannot" / "a.png").unlink()
    assert "a.jpg has no mask: expected" in fault(root)
    (root / "val" / "a.jpg").unlink()
    (root / "val" / "b.jpg").rename(root / "val" / "c.jpg")
    assert "c.jpg has no mask" in fault(root)
    write_image(root / "val" / "b.jpg", size=SIZE)
    (root / "val" / "c.jpg").unlink()
    (root / "valannot" / "z.png").write_bytes((root / "valannot" / "b.png").read_bytes())
    assert "z.png has no image of its name" in fault(root)


def test_two_images_of_one_name(root: Path, write_image: WriteImage) -> None:
    write_image(root / "val" / "a.png", size=SIZE)
    assert "two files of one name" in fault(root)


def test_splits(root: Path) -> None:
    assert "no folder train/: give --split val; it holds val/, valannot/" in fault(root, "train")
    for end in ("", "annot"):
        (root / f"val{end}").rename(root / f"x{end}")
    assert open_masks(root).split == "x"
    (root / "y").mkdir()
    assert "no folder yannot/: give --split x" in fault(root, "y")
    (root / "yannot").mkdir()
    assert "several splits: give --split x or y" in fault(root)
    assert "y holds no images" in fault(root, "y")


def test_not_masks(tmp_path: Path) -> None:
    (tmp_path / "rain").mkdir()
    assert "has no images with masks: expected images in SPLIT/ and masks in SPLITannot/" in fault(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "classes.json is not JSON"),
        ("[]", "no list of class names"),
        ('{"classes": []}', "no list of class names"),
        ('{"classes": [1]}', "no list of class names"),
        ('{"classes": ["a", "a"]}', "names 2 classes, 1 different"),
        ('{"classes": ["a"], "ignore": 256}', "has ignore 256"),
        ('{"classes": ["a"], "ignore": "x"}', "has ignore 'x'"),
        ('{"classes": ["a"], "ignore": true}', "has ignore True"),
    ],
)
def test_bad_declarations(root: Path, text: str, message: str) -> None:
    (root / "classes.json").write_text(text)
    assert message in fault(root)


def test_real_camvid(shared: Path) -> None:
    folder = shared / "data" / "camvid"
    data = open_data(f"masks:{folder}", "val")
    assert len(data.scenes) == 101
    assert len(open_data(f"masks:{folder}", "train").scenes) == 184
    for scene in data.scenes[::20]:
        assert scene.mask is not None
        stored, mask = read_labels(scene.mask), data.mask(scene)
        assert (mask[stored == 11] == 255).all()
        assert (mask[stored != 11] == stored[stored != 11]).all()


def test_a_misspelt_ignore_is_refused(root: Path) -> None:
    (root / "classes.json").write_text('{"classes": ["a", "b", "c", "d"], "ignore_index": 11}')
    assert "has the key 'ignore_index'" in fault(root)
    (root / "classes.json").write_text('{"classes": ["a", "b", "c", "d"], "palette": [], "ignore": 11}')
    assert open_masks(root).mask(open_masks(root).scenes[0]).max() == 255


def test_a_declaration_that_is_there_but_unreadable_is_refused(root: Path) -> None:
    (root / "classes.json").symlink_to(root / "nowhere")
    assert "classes.json cannot be read" in fault(root)
