"""Decoding and encoding images. Everywhere in the project an image is uint8, HxWx3, RGB."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BadData
from bench.files import write_atomic

if TYPE_CHECKING:
    import numpy as np

#: File name endings that are read as images.
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"
#: What OpenCV agrees to decode at most.
_MOST_PIXELS, _LONGEST_SIDE = 1 << 30, 1 << 20
_JPEG_END = b"\xff\xd9"


def read_image(path: Path) -> np.ndarray:
    """Decode an image file.

    An EXIF orientation is ignored: annotations and clean images are aligned with the pixel rows as stored.

    Returns:
        uint8 RGB, HxWx3.

    Raises:
        BadData: If the file is missing, truncated or not an image; the file is named.
    """
    import cv2

    image = _decode(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def read_labels(path: Path) -> np.ndarray:
    """Decode a single-channel label image as stored; a palette image gives its indices.

    Returns:
        uint8 or uint16, HxW.

    Raises:
        BadData: If the file is missing, truncated, has several channels, or values of another type.
    """
    import cv2
    import numpy as np

    if _is_palette_png(path):
        # OpenCV turns a palette into colours; the indices are what the file means.
        from PIL import Image

        check_file(path)
        try:
            with Image.open(path) as file:
                return np.array(file)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            raise _undecodable(path) from None
    labels = _decode(path, cv2.IMREAD_UNCHANGED)
    if labels.ndim == 3:
        raise BadData(
            f"{path} has {labels.shape[2]} channels: a label image has one, with a class index per pixel"
        )
    if labels.dtype not in (np.uint8, np.uint16):
        raise BadData(f"{path} holds {labels.dtype} values: a label image has 8 or 16 bits per pixel")
    return labels


def write_image(path: Path, image: np.ndarray) -> None:
    """Write a uint8 RGB HxWx3 image (or an HxW uint8/uint16 label image) as PNG, atomically.

    Raises:
        OutputError: If the file cannot be written.
    """
    import cv2

    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    _, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 4])
    write_atomic(path, data.tobytes())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BadData(f"image {path} does not exist: check the folder and the file's name") from None
    except OSError as error:
        raise BadData(f"image {path} cannot be read: {error.strerror or error}") from None


def _decode(path: Path, flags: int) -> np.ndarray:
    import cv2
    import numpy as np

    data = _read(path)
    check_complete(path, data)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:  # a header that states more pixels than OpenCV agrees to decode
        image = None
    if image is None:
        raise _undecodable(path)
    return image


def check_file(path: Path) -> None:
    """Read a file and check that it is an image; see :func:`check_decodable`.

    Raises:
        BadData: If it cannot be read, or is no image.
    """
    check_decodable(path, _read(path))


def _undecodable(path: Path) -> BadData:
    return BadData(f"{path} is not an image that can be decoded: replace the file or leave it out")


def check_decodable(path: Path, data: bytes) -> None:
    """Check that a file is an image that decodes, at the price of a hash rather than of a decoder.

    A PNG is believed by the checksums of its chunks and a JPEG by its frame; whatever else OpenCV reads is
    decoded.

    Args:
        path: The file, for the message.
        data: Its content.

    Raises:
        BadData: If it is truncated, damaged, too large to be decoded, or no image.
    """
    import cv2
    import numpy as np

    check_complete(path, data)
    if data.startswith(_PNG_START):
        _check_png(path, data)
    elif not data.startswith(b"\xff\xd8"):
        try:
            flags = cv2.IMREAD_UNCHANGED
            image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
        except cv2.error:
            image = None
        if image is None:
            raise _undecodable(path)


def _check_png(path: Path, data: bytes) -> None:
    view, at, kinds = memoryview(data), len(_PNG_START), set()
    while b"IEND" not in kinds:
        if at + 12 > len(data):
            raise _undecodable(path)
        (length,) = struct.unpack_from(">I", data, at)
        kind, end = bytes(view[at + 4 : at + 8]), at + 8 + length
        # Bit 5 marks chunks that a picture is complete without: decoders skip those that are damaged.
        if not kind[0] & 0x20 and (
            end + 4 > len(data) or zlib.crc32(view[at + 4 : end]) != struct.unpack_from(">I", data, end)[0]
        ):
            raise BadData(f"image {path} is damaged (a checksum is wrong): copy or download it again")
        if kind == b"IHDR" and length == 13:
            width, height = struct.unpack_from(">II", data, at + 8)
            if width * height > _MOST_PIXELS or max(width, height) > _LONGEST_SIDE:
                raise _undecodable(path)
        kinds.add(kind)
        at = end + 4
    if not {b"IHDR", b"IDAT"} <= kinds:
        raise _undecodable(path)


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


def _is_palette_png(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            head = file.read(26)
    except OSError:
        return False
    # Byte 25 of a PNG is the colour type of its header chunk; 3 means palette.
    return head.startswith(b"\x89PNG") and len(head) == 26 and head[25] == 3


def read_only(image: np.ndarray) -> np.ndarray:
    """Return a view of an image that cannot be written through, to be shown to anyone's code."""
    view = image.view()
    view.flags.writeable = False
    return view


def unlike(result: object, image: np.ndarray) -> str | None:
    """Say why something is no changed form of an image.

    Args:
        result: What anyone's code returned.
        image: What it was given, uint8 HxWx3.

    Returns:
        What is wrong, beginning with a verb; None where it is a uint8 array of the image's size.
    """
    import numpy as np

    if not isinstance(result, np.ndarray):
        kind = "None" if result is None else f"a {type(result).__name__}"
        return f"returned {kind}: it must return a uint8 image like its input"
    if result.dtype != np.uint8:
        return f"returned {result.dtype} values: it must return uint8 from 0 to 255"
    if result.shape != image.shape:
        sizes = ("x".join(str(n) for n in array.shape) for array in (result, image))
        return "returned {} for an image of {}: the size must stay".format(*sizes)
    return None
