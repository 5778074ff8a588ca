"""Decoding and encoding images. Everywhere in the project an image is uint8, HxWx3, RGB."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BadData
from bench.files import write_atomic

if TYPE_CHECKING:
    import numpy as np

#: File name endings that are read as images.
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")

_PNG_END = b"IEND\xaeB`\x82"
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
        BadData: If the file is missing, truncated, or has several channels.
    """
    import cv2
    import numpy as np

    if _is_palette_png(path):
        # OpenCV turns a palette into colours; the indices are what the file means.
        from PIL import Image

        check_complete(path, path.read_bytes())
        with Image.open(path) as file:
            return np.array(file)
    labels = _decode(path, cv2.IMREAD_UNCHANGED)
    if labels.ndim == 3:
        raise BadData(
            f"{path} has {labels.shape[2]} channels: a label image has one, with a class index per pixel"
        )
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


def _decode(path: Path, flags: int) -> np.ndarray:
    import cv2
    import numpy as np

    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadData(f"image {path} does not exist: check the folder and the file's name") from None
    except OSError as error:
        raise BadData(f"image {path} cannot be read: {error.strerror or error}") from None
    check_complete(path, data)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:  # a header that states more pixels than OpenCV agrees to decode
        image = None
    if image is None:
        raise BadData(f"{path} is not an image that can be decoded: replace the file or leave it out")
    return image


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
