from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.errors import BadData
from bench.images import check_complete, check_decodable, read_image, read_labels


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
    with pytest.raises(BadData, match="more than the 268,435,456 pixels"):
        read_image(save(tmp_path, "x.png", bomb))
    with pytest.raises(BadData, match="more than the 268,435,456 pixels"):
        check_decodable(Path("x.png"), bomb)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp", ".webp", ".tiff"])
def test_whole_files_are_known_to_decode(ending: str) -> None:
    check_decodable(Path("x"), encoded(ending))


def test_a_changed_byte_of_a_png_is_found_without_decoding() -> None:
    data = bytearray(encoded(".png"))
    data[len(data) // 2] ^= 1
    with pytest.raises(BadData, match="x is damaged"):
        check_decodable(Path("x"), bytes(data))


@pytest.mark.parametrize("ending", [".webp", ".tiff"])
def test_a_cut_through_other_kinds_is_found(ending: str) -> None:
    data = encoded(ending)
    with pytest.raises(BadData, match="x is not an image"):
        check_decodable(Path("x"), data[: len(data) // 2])


@pytest.mark.parametrize("data", [b"", b"hello", bytes(100), b"GIF89a" + bytes(20)])
def test_what_is_no_image_is_found(data: bytes) -> None:
    with pytest.raises(BadData, match="x is not an image"):
        check_decodable(Path("x"), data)


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_labels_of_another_type_are_refused(tmp_path: Path, kind: type) -> None:
    path = tmp_path / "x.tiff"
    Image.fromarray(np.zeros((4, 5), kind)).save(path)
    with pytest.raises(BadData, match="x.tiff holds .*32 values"):
        read_labels(path)


def test_a_damaged_palette_is_one_line(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 5), np.uint8)).convert("P").save(tmp_path / "x.png")
    data = bytearray((tmp_path / "x.png").read_bytes())
    at = data.index(b"IDAT") + 6
    data[at : at + 2] = b"\xff\xff"
    with pytest.raises(BadData, match="x.png is damaged"):
        read_labels(save(tmp_path, "x.png", bytes(data)))
