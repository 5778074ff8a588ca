from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BadData
from bench.images import check_complete, read_image, read_labels


def encoded(ending: str, size: tuple[int, int] = (40, 60)) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    ok, data = cv2.imencode(ending, cv2.GaussianBlur(noise, (0, 0), 2))
    assert ok
    return data.tobytes()


def save(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def with_thumbnail(jpeg: bytes) -> bytes:
    """Put a whole small JPEG into an APP1 segment, as cameras do."""
    segment = b"Exif\0\0" + encoded(".jpg", (8, 8))
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.99])
def test_truncated_files_are_refused(tmp_path: Path, ending: str, kept: float) -> None:
    data = encoded(ending)
    path = save(tmp_path, f"x{ending}", data[: int(len(data) * kept)])
    with pytest.raises(BadData, match=r"x\.\w+ is (truncated|not an image)") as error:
        read_image(path)
    assert "\n" not in str(error.value)
    with pytest.raises(BadData):
        read_labels(path)


@settings(max_examples=60)
@given(ending=st.sampled_from([".png", ".jpg"]), data=st.data())
def test_any_cut_is_found(ending: str, data: st.DataObject) -> None:
    content = encoded(ending)
    cut = data.draw(st.integers(3, len(content) - 1))
    with pytest.raises(BadData, match="truncated"):
        check_complete(Path("x"), content[: max(cut, 8)])
    check_complete(Path("x"), content)


def test_a_thumbnail_does_not_hide_a_cut(tmp_path: Path) -> None:
    whole = with_thumbnail(encoded(".jpg"))
    assert read_image(save(tmp_path, "whole.jpg", whole)).shape == (40, 60, 3)
    with pytest.raises(BadData, match="truncated"):
        read_image(save(tmp_path, "cut.jpg", whole[: len(whole) // 2 + 200]))
    with pytest.raises(BadData, match="truncated"):
        read_image(save(tmp_path, "head.jpg", whole[: whole.index(b"\xff\xd9") + 2]))


def test_padding_behind_the_end_is_fine(tmp_path: Path) -> None:
    for ending in (".jpg", ".png"):
        padded = save(tmp_path, f"padded{ending}", encoded(ending) + bytes(40))
        assert (read_image(padded) == read_image(save(tmp_path, f"plain{ending}", encoded(ending)))).all()


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"hello", b"\xff\xd8\xff\xff\xff", bytes(100)]
)
def test_rubbish_is_refused(tmp_path: Path, data: bytes) -> None:
    path = save(tmp_path, "x.jpg", data)
    with pytest.raises(BadData, match=r"x.jpg"):
        read_image(path)


def test_a_header_that_promises_too_much(tmp_path: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 1 << 20, 1 << 20, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"0"))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(BadData, match="not an image that can be decoded"):
        read_image(save(tmp_path, "x.png", bomb))
