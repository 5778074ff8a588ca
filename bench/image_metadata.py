"""What an image file says beside its pixels and that nothing here, or only something, makes use of.

What is done is what MMDetection does, through the same function of OpenCV: an EXIF orientation turns the image upright,
which is also how annotations are drawn that COCO's tools read; colour profiles and gamma are not applied, and of 16
bits a channel the upper eight are taken.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.image_headers import PNG_START

TURNED, PROFILE, DEEP = "turned", "profile", "deep"

_SAID = {
    TURNED: "an EXIF orientation: turned upright, as by MMDetection",
    PROFILE: "a colour profile or a gamma other than sRGB's: their values are taken as they are, as by MMDetection",
    DEEP: "16 bits a channel: the upper eight are taken, as by MMDetection",
}
#: What stands in a file that has EXIF data or a profile; what has none of it is not looked into.
_MARKS = (b"Exif\0\0", b"eXIf", b"EXIF", b"ICC_PROFILE", b"iCCP", b"ICCP", b"gAMA")
#: Bytes that hold all that formats put before the pixels, but for absurdly long profiles.
_HEAD = 1 << 18
_FORMATS = ("JPEG", "PNG", "WEBP")
_ORIENTATION = 0x0112
#: The exponent that sRGB's curve is close to, as PNG states it.
_GAMMA = 0.45455


def oddities(data: bytes) -> frozenset[str]:
    """Return what an image file states beside ordinary sRGB pixels of eight bits: TURNED, PROFILE, DEEP.

    Args:
        data: The file's content; its first 256 kB are enough. TIFF files are not looked into: OpenCV turns them always.
    """
    found = (
        {DEEP} if data.startswith(PNG_START) and data[24:25] == b"\x10" and data[25:26] in b"\2\6" else set()
    )
    if any(mark in data for mark in _MARKS):
        found |= _stated(data)
    return frozenset(found)


def oddities_of(path: Path) -> frozenset[str]:
    """Return :func:`oddities` of a file; none where it cannot be read, which whoever decodes it says."""
    try:
        with path.open("rb") as file:
            return oddities(file.read(_HEAD))
    except OSError:
        return frozenset()


def notes_on(found: Iterable[frozenset[str]]) -> tuple[str, ...]:
    """Say how many of some images have what oddity, one line each."""
    counts = Counter(oddity for each in found for oddity in each)
    return tuple(
        f"{counts[oddity]} {'image has' if counts[oddity] == 1 else 'images have'} {said}"
        for oddity, said in _SAID.items()
        if counts[oddity]
    )


def orientation(info: dict[str, object]) -> int:
    """Return the EXIF orientation, 1 to 8, out of what Pillow knows of an opened image; 1 where there is none."""
    from PIL import Image

    exif, content = Image.Exif(), info.get("exif")
    try:
        exif.load(content if isinstance(content, bytes) else b"")
        value = exif.get(_ORIENTATION, 1)
    except Exception:  # anything, from a damaged block; decoders take it for none
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _stated(data: bytes) -> set[str]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            info = dict(image.info)
    except Exception:  # whether it can be decoded is another's question
        return set()
    found = {TURNED} if orientation(info) != 1 else set()
    profile, gamma = info.get("icc_profile"), info.get("gamma")
    own = isinstance(profile, bytes) and b"sRGB" not in profile.replace(b"\0", b"")
    if own or (isinstance(gamma, float) and "srgb" not in info and abs(gamma - _GAMMA) > 0.005):
        found.add(PROFILE)
    return found
