"""Decoding and encoding images. Everywhere in the project an image is uint8, HxWx3, RGB."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BadData
from bench.files import write_atomic
from bench.image_headers import (
    PNG_START,
    check_complete,
    check_pixels,
    check_png,
    grey_bits,
    is_palette_png,
    undecodable,
)
from bench.ordinary import read_ordinary

if TYPE_CHECKING:
    import numpy as np

#: File name endings that are read as images.
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")

#: Bytes of the largest image file.
_LARGEST = 1 << 30


def read_image(path: Path) -> np.ndarray:
    """Decode an image file.

    An EXIF orientation turns it upright, as MMDetection does; see :mod:`bench.image_metadata` for profiles and depth.

    Returns:
        uint8 RGB, HxWx3.

    Raises:
        BadData: If the file is missing, truncated or not an image; the file is named.
    """
    import cv2

    image = _decode(path, _read(path), cv2.IMREAD_COLOR)
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

    data = _read(path)
    if is_palette_png(data):
        # OpenCV turns a palette into colours; the indices are what the file means.
        from PIL import Image

        check_decodable(path, data)
        try:
            with Image.open(io.BytesIO(data), formats=("PNG",)) as file:
                return np.array(file)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            raise undecodable(path) from None
    labels = _decode(path, data, cv2.IMREAD_UNCHANGED)
    if (bits := grey_bits(data)) is not None:
        # Decoders stretch 1, 2 and 4 bits to the range of eight; the indices are what the file means.
        labels = labels // (255 // ((1 << bits) - 1))
    if labels.ndim == 3 and (labels[..., :1] == labels[..., 1:3]).all():
        labels = labels[..., 0]  # an index image that was saved as colours
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
    write_atomic(path, encode_png(image))


def encode_png(image: np.ndarray) -> bytes:
    """Return a uint8 RGB HxWx3 image (or an HxW uint8/uint16 label image) as the bytes of a PNG."""
    import cv2

    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    _, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 4])
    return data.tobytes()


def _read(path: Path) -> bytes:
    return read_ordinary(path, BadData, _LARGEST, what="image ")


def _decode(path: Path, data: bytes, flags: int) -> np.ndarray:
    import cv2
    import numpy as np

    check_complete(path, data)
    check_pixels(path, data)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:  # a header that states more pixels than OpenCV agrees to decode
        image = None
    if image is None:
        raise undecodable(path)
    return image


def check_file(path: Path) -> None:
    """Read a file and check that it is an image; see :func:`check_decodable`.

    Raises:
        BadData: If it cannot be read, or is no image.
    """
    check_decodable(path, _read(path))


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
    check_pixels(path, data)
    if data.startswith(PNG_START):
        check_png(path, data)
    elif not data.startswith(b"\xff\xd8"):
        try:
            flags = cv2.IMREAD_UNCHANGED
            image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
        except cv2.error:
            image = None
        if image is None:
            raise undecodable(path)


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
        # Values up to 1 are those of a network, which the harness would scale.
        scaled = "255 * image" if result.dtype.kind == "f" and result.size and result.max() <= 1 else "image"
        return (
            f"returned {result.dtype} values: it must return uint8 from 0 to 255, as "
            f"np.rint({scaled}).clip(0, 255).astype(np.uint8)"
        )
    if result.shape != image.shape:
        sizes = ("x".join(str(n) for n in array.shape) for array in (result, image))
        return "returned {} for an image of {}: the size must stay".format(*sizes)
    return None
