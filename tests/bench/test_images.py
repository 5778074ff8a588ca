from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.errors import BadData
from bench.images import read_image, read_labels, write_image


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)


def test_png_gives_back_the_same_pixels_in_rgb(tmp_path: Path, image: np.ndarray) -> None:
    write_image(tmp_path / "a.png", image)
    assert (read_image(tmp_path / "a.png") == image).all()
    assert (cv2.imread(str(tmp_path / "a.png"))[..., ::-1] == image).all()


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_truncated_image_is_refused(tmp_path: Path, image: np.ndarray, suffix: str) -> None:
    data = cv2.imencode(suffix, image)[1].tobytes()
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(BadData, match=f"a{suffix} is truncated"):
        read_image(path)


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(BadData, match=r"a\.png"):
        read_image(path)
    with pytest.raises(BadData, match="does not exist"):
        read_image(tmp_path / "b.png")


def test_a_palette_image_gives_its_indices(tmp_path: Path) -> None:
    from PIL import Image

    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    file = Image.fromarray(labels, mode="P")
    file.putpalette([7] * 768)
    file.save(tmp_path / "p.png")
    assert (read_labels(tmp_path / "p.png") == labels).all()


def test_labels_keep_sixteen_bits(tmp_path: Path, image: np.ndarray) -> None:
    labels = np.array([[0, 26001], [65535, 7]], np.uint16)
    write_image(tmp_path / "l.png", labels)
    assert (read_labels(tmp_path / "l.png") == labels).all()
    write_image(tmp_path / "rgb.png", image)
    with pytest.raises(BadData, match="has 3 channels"):
        read_labels(tmp_path / "rgb.png")
