from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.data import open_data
from bench.data.images import open_images
from bench.errors import BadData

WriteImage = Callable[..., Path]


def test_photos(tmp_path: Path, write_image: WriteImage) -> None:
    for name in ("10.jpg", "9.png", "9.jpg", "11.JPG"):
        write_image(tmp_path / name)
    data = open_data(f"images:{tmp_path}")
    assert data.name == f"images/{tmp_path.name}"
    assert data.own_rain
    assert [scene.id for scene in data.scenes] == ["9.jpg", "9.png", "10", "11"]
    assert data.clean(data.scenes[0]) is None
    rainy = data.rainy(data.scenes[0])
    assert rainy is not None
    assert rainy.shape == (6, 8, 3)


def test_sub_folder(tmp_path: Path, write_image: WriteImage) -> None:
    write_image(tmp_path / "night" / "1.jpg")
    assert open_images(tmp_path, "night").name == f"images/{tmp_path.name}/night"
    with pytest.raises(BadData, match=r"holds no images.*it holds night/"):
        open_images(tmp_path)
    with pytest.raises(BadData, match="has no folder day/: choose another --split; it holds night/"):
        open_images(tmp_path, "day")


def test_real_photos(shared: Path) -> None:
    data = open_data(f"images:{shared / 'data' / 'real_rain'}")
    assert len(data.scenes) == 37
