"""What an image file says of itself, read before a decoder is trusted with it: size, bit depth, whether it is whole."""

from __future__ import annotations

import contextlib
import io
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

from bench.errors import BadData
from bench.ordinary import whole_variable

PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"
#: Pixels of the largest image that is decoded, and the environment variable that raises it: 16,384 x 16,384.
MOST_PIXELS, PIXELS_VARIABLE = 1 << 28, "DERAIN_BENCH_MAX_PIXELS"
#: What OpenCV agrees to decode at most.
_LONGEST_SIDE = 1 << 20
_JPEG_END = b"\xff\xd9"
_changing = threading.Lock()


def undecodable(path: Path) -> BadData:
    """The error for a file that no decoder takes."""
    return BadData(f"{path} is not an image that can be decoded: replace the file or leave it out")


def check_complete(path: Path, data: bytes) -> None:
    """Check that a PNG or JPEG file ends where its format says it does; other files pass.

    Decoders fill what a truncated file lacks with grey and say nothing.

    Args:
        path: The file, for the message.
        data: Its content.

    Raises:
        BadData: If the file's end is missing.
    """
    whole = True
    if data.startswith(b"\x89PNG"):
        whole = _PNG_END in data[-64:]
    elif data.startswith(b"\xff\xd8"):
        # Writers may append to the end marker, and a thumbnail before the scan has an end marker of its own.
        whole = data.find(_JPEG_END, _jpeg_scan(data)) >= 0
    if not whole:
        raise BadData(f"image {path} is truncated ({len(data)} bytes): copy or download it again")


def _jpeg_scan(data: bytes) -> int:
    """Return where a JPEG's first scan starts, or the end of the data where it has none."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xFF:  # fill bytes may precede a marker
            at += 1
        elif data[at + 1] == 0xDA:
            return at
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return len(data)


def check_png(path: Path, data: bytes) -> None:
    """Check the frame of a PNG and the checksums of what it cannot do without.

    Raises:
        BadData: If it is damaged, or is no whole PNG.
    """
    view, at, kinds = memoryview(data), len(PNG_START), set()
    while b"IEND" not in kinds:
        if at + 12 > len(data):
            raise undecodable(path)
        (length,) = struct.unpack_from(">I", data, at)
        kind, end = bytes(view[at + 4 : at + 8]), at + 8 + length
        # Bit 5 marks chunks that a picture is complete without: decoders skip those that are damaged.
        if not kind[0] & 0x20 and (
            end + 4 > len(data) or zlib.crc32(view[at + 4 : end]) != struct.unpack_from(">I", data, end)[0]
        ):
            raise BadData(f"image {path} is damaged (a checksum is wrong): copy or download it again")
        kinds.add(kind)
        at = end + 4
    if not {b"IHDR", b"IDAT"} <= kinds:
        raise undecodable(path)


def check_pixels(path: Path, data: bytes) -> None:
    """Check what an image's header states before a decoder takes memory for it; what states nothing passes.

    Raises:
        BadData: If it states no pixels, or more than are decoded.
    """
    size = stated_size(data)
    if size is not None:
        check_size(path, size)


def check_size(path: Path, size: tuple[int, int]) -> None:
    """Check a stated (height, width); errors as for :func:`check_pixels`."""
    if min(size) < 1:
        raise undecodable(path)
    limit = max(MOST_PIXELS, whole_variable(PIXELS_VARIABLE))
    if size[0] * size[1] > limit or max(size) > _LONGEST_SIDE:
        raise BadData(
            f"image {path} is {size[1]:,} x {size[0]:,}, more than the {limit:,} pixels that are decoded: cut it, or "
            f"set {PIXELS_VARIABLE} to a larger number if it is what you want"
        )


def stated_size(data: bytes) -> tuple[int, int] | None:
    """Return the size that an image's header states, (height, width) as stored; None where no header is known."""
    if data.startswith(PNG_START) and data[12:16] == b"IHDR" and len(data) >= 24:
        width, height = struct.unpack_from(">II", data, 16)
        return height, width
    if data.startswith(b"\xff\xd8"):
        return _jpeg_size(data)
    if not data or data.startswith((PNG_START, b"%PDF", b"%!PS")):
        return None
    from PIL import Image

    try:
        # Pillow warns of large images, and refuses larger ones: what is large is decided here.
        with (
            _unlimited(),
            Image.open(io.BytesIO(data), formats=("BMP", "WEBP", "TIFF", "GIF", "PPM", "JPEG2000")) as image,
        ):
            return image.height, image.width
    except (OSError, ValueError, SyntaxError, struct.error, EOFError, TypeError, IndexError, KeyError):
        return None


@contextlib.contextmanager
def _unlimited() -> Iterator[None]:
    """Let Pillow open images of any size; its limit is the process's, so one thread at a time changes it."""
    from PIL import Image

    with _changing:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    # A JPEG is a row of segments: marker, two bytes of length, content. The frame header's marker is one of C0..CF
    # without C4, C8 and CC (tables and a reserved one).
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill bytes may precede a marker
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return height, width
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def is_palette_png(data: bytes) -> bool:
    """Whether a file is a PNG whose pixels are indices into a palette."""
    return _png_type(data)[1:] == (3,)


def grey_bits(data: bytes) -> int | None:
    """Bits per pixel of a grey PNG that has less than eight; None for anything else."""
    bits, *kind = _png_type(data) or (8,)
    return bits if kind == [0] and bits < 8 else None


def _png_type(data: bytes) -> tuple[int, ...]:
    """Bit depth and colour type (0 grey, 3 palette) in the header chunk of a PNG; empty for anything else."""
    return (data[24], data[25]) if data.startswith(PNG_START) and len(data) >= 26 else ()
