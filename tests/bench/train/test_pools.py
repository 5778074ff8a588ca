from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bench.errors import BadData
from bench.images import read_image, write_image
from bench.seeds import rng_from
from bench.train.config import Data
from bench.train.pools import Images, Pool, find_images, open_pairs_of, read_clean, read_pairs, read_pools


def test_the_halves_of_a_pool_are_disjoint_and_complete() -> None:
    images = tuple(np.full((16, 16, 3), k, np.uint8) for k in range(9))
    halves = [Pool(1.0, images).half(which, 3) for which in (0, 1)]
    drawn = [{half.draw(rng_from(k)) for k in range(60)} for half in halves]
    assert not drawn[0] & drawn[1]
    assert drawn[0] | drawn[1] == set(range(9))
    assert sorted(len(h) for h in drawn) == [4, 5]
    assert {Pool(1.0, images).draw(rng_from(k)) for k in range(60)} == set(range(9))


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no clean images found in .*empty"):
        find_images(str(tmp_path / "empty"))


def test_a_pattern_finds_images_in_order(photos: Path) -> None:
    (photos / "notes.txt").write_text("no image")
    assert [p.name for p in find_images(str(photos / "*"))] == ["0.png", "1.png", "2.png", "3.png"]


def test_rendered_scenes_are_kept_for_the_next_start(tmp_path: Path) -> None:
    first = read_clean("street:1", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["street_00000.png"]
    assert (read_clean("street:1", tmp_path)[0] == first[0]).all()
    assert first[0].shape[2] == 3


def test_images_without_room_are_decoded_when_they_are_asked_for(photos: Path) -> None:
    paths = find_images(str(photos))
    expected = [read_image(path) for path in paths]
    images = Images([partial(read_image, path) for path in paths], room=2 * expected[0].nbytes)
    paths[1].unlink()
    assert len(images) == 4
    assert (images[1] == expected[1]).all()
    assert (images[-1] == expected[3]).all()
    assert [image.shape for image in images[2:]] == [expected[0].shape] * 2
    assert (pickle.loads(pickle.dumps(images))[0] == expected[0]).all()
    paths[3].unlink()
    with pytest.raises(BadData, match="3.png"):
        images[3]
    with pytest.raises(IndexError):
        images[4]


def fill(folder: Path, names: dict[str, int]) -> Path:
    """Images of one grey value each, 40x32."""
    for name, value in names.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, np.full((32, 40, 3), value, np.uint8))
    return folder


@pytest.mark.parametrize(
    "names",
    [
        {"rain/1.png": 200, "norain/1.png": 100},
        {"input/a.png": 200, "target/a.png": 100},
        {"train/rainy_image/5_1.jpg": 200, "train/ground_truth/5.jpg": 100, "test/rainy_image/6_1.jpg": 0,
         "test/ground_truth/6.jpg": 0},
        {"rain-1.png": 200, "norain-1.png": 100},
    ],
)  # fmt: skip
def test_pairs_are_read_in_the_layouts_of_the_bench(tmp_path: Path, names: dict[str, int]) -> None:
    clean, rainy = read_pairs(str(fill(tmp_path, names)))
    assert len(clean) == len(rainy) == 1
    assert int(clean[0].mean()) == 100
    assert int(rainy[0].mean()) == 200


def test_pairs_side_by_side_and_in_lists(tmp_path: Path) -> None:
    rng = rng_from("scene")
    scene = np.kron(rng.integers(0, 200, (4, 5, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    (tmp_path / "both").mkdir()
    write_image(tmp_path / "both" / "1.png", np.concatenate([scene + 40, scene], 1))
    clean, rainy = read_pairs(str(tmp_path / "both"))
    assert (clean[0] == scene).all()
    assert (rainy[0] == scene + 40).all()
    folder = fill(tmp_path / "lists", {"a.png": 200, "b.png": 100, "c.png": 0})
    (folder / "train.txt").write_text("a.png b.png\n")
    (folder / "test.txt").write_text("a.png c.png\n")
    assert int(read_pairs(str(folder / "train.txt"))[0][0].mean()) == 100
    with pytest.raises(BadData, match="several list files"):
        open_pairs_of(str(folder))


def test_pairs_that_do_not_fit_are_named(tmp_path: Path) -> None:
    folder = fill(tmp_path, {"rain/1.png": 1, "norain/1.png": 1, "rain/2.png": 1, "norain/2.png": 1})
    write_image(folder / "rain" / "2.png", np.zeros((24, 40, 3), np.uint8))
    with pytest.raises(BadData, match=r"rain/2.png is 40x24 .*norain/2.png is 40x32"):
        read_pools(Data.model_validate({"pairs": [str(folder)]}))
    (folder / "norain" / "1.png").unlink()
    with pytest.raises(BadData, match=r"1.png"):
        read_pools(Data.model_validate({"pairs": [str(folder)]}))
