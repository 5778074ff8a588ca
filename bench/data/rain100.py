"""Which version of Rain100L and Rain100H a folder of pairs holds, told by the pixels.

Two circulate under the same names: the first ones (Yang et al., CVPR 2017), on which published tables are made, and
those that the authors replaced them by, which are also called RainLight and RainHeavy, or Rain200L and Rain200H. The
photos are the same, the rain is another, and a network's published numbers differ by up to 2 dB between the two.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.data import layout

#: The sets have up to 200 test pairs of this size; some copies lack the last row and column.
_SIZES = {(321, 481), (481, 321), (320, 480), (480, 320)}
_MOST = 250
_NAMES = re.compile(r"rain[-_ ]?(100|200)[-_ ]?[lh]|rain[-_ ]?(light|heavy)", re.IGNORECASE)


def _table(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Of every second test photo, without rain: the first digits of :func:`fingerprint`.
_PHOTOS = _table(
    "0057ebcc 0167d423 01c23312 0aedb682 0c279a5f 0fa3aabe 141b7794 1e4fece5 2b5070cc 38fe5a98 3e939a18 "
    "4aed068f 5093b070 58ab63ff 61c6b7f4 664230aa 691dcfb4 6969eb6f 6cd93654 7c9fd43b 7f7c173b 7f9a8bd9 "
    "82daa963 8394cb43 86afcc08 8dd4ddb1 992994ad 9b1722a3 9d53c59d aab62e20 acb96df3 ad6b5bd0 ae2974bf "
    "b3c71dac b7966a4c c4bad552 cd33297f d4f77e7c d6ab2048 daddfeed e2f8d66d e5b17cc2 e7606e82 ea430693 "
    "eed5b9e5 f420090b fa2cd489 fb0e0d67 fb9250f1 fe05ecbe "
)

#: The same photos in the first Rain100L.
_LIGHT = _table(
    "12f300ed 13652fbf 159164f7 1921efb3 1a6111d2 2786f35a 2996120b 2d5f8fb0 30f6056b 34925e2f 354229e6 "
    "39603796 3a1e7276 3ac4ee51 3d2158a5 41ded7d4 493888f2 509f26a7 5370fa30 62ded8c4 6863b4fd 71b63728 "
    "72a97234 7d1ca483 7d793904 7dc02853 7ea31932 84b01e92 89f80b36 9049cdf8 9ede205d a16ac2fe ab6d877f "
    "ad5d5985 b82be8ee bce52f89 cc0e21b8 cd35eea7 cedaa7fd d0b64b63 d12376be d7817ac2 d8727e07 d8cb2d41 "
    "e24ac15c edcfc084 eee30081 eff0c016 f6a14e88 fd4f9b2d "
)

#: The same photos in the first Rain100H.
_HEAVY = _table(
    "01cd4dcd 04d2e03d 04ebb70a 09019aeb 11cbeccb 1b5ef76a 219f27a2 2940d9ed 2c203e42 2e00e9dc 35a5f143 "
    "35cd4280 3f4b776a 46661688 46973360 47e1c16d 4c0f7d50 5f562999 60a3ed83 64190b2c 6f7fb93a 6ff608a1 "
    "7e39fdb4 7f0015e2 86e27851 87b5eaac 888d9d8b 896fc2e3 8b61024c 90f3d4cf a0b367a9 a6c42163 a917ae78 "
    "a9bffa13 af497ff0 b0aff917 be508575 c102ecbf c30d514c d8597d5c dad9101e e475f643 e64565bb e97612d2 "
    "eb205700 ef31f9f2 f6cba857 f6da3b5b f87e55b7 fda4940b "
)


def fingerprint(image: np.ndarray) -> str:
    """Return eight hexadecimal digits of the SHA-256 of an image's pixels (uint8 RGB HxWx3).

    Both sides are cut to multiples of 16, so that copies without the last row and column are known too.
    """
    height, width = (side // 16 * 16 for side in image.shape[:2])
    pixels = np.ascontiguousarray(image[:height, :width]).tobytes()
    return hashlib.sha256(f"{height}x{width} ".encode() + pixels).hexdigest()[:8]


def version_note(
    folder: Path,
    sizes: Sequence[tuple[int, int] | None],
    read: Callable[[int], tuple[np.ndarray, np.ndarray]],
) -> str | None:
    """Say which version of Rain100L or Rain100H some pairs are.

    Args:
        folder: Where they lie; its name and the two above it say whether unknown pairs are worth a word.
        sizes: (height, width) of every pair.
        read: Returns the rainy and the clean image of a pair by its number.

    Returns:
        A line for the reader of the results; None where the pairs are nothing like either set.
    """
    if len(sizes) > _MOST or not set(sizes) <= _SIZES:
        return None

    def look(number: int) -> tuple[str, str]:
        rainy, clean = read(number)
        return fingerprint(rainy), fingerprint(clean)

    found = layout.in_threads(look, range(len(sizes)))
    photos = sum(clean in _PHOTOS for _, clean in found)
    for name, table in (("Rain100L", _LIGHT), ("Rain100H", _HEAVY)):
        known = sum(rainy in table and clean in _PHOTOS for rainy, clean in found)
        if known:
            whole = (
                ""
                if known == photos
                else f" (of {known} alone: the rain of {photos - known} others is another)"
            )
            return f"by its content the first version of {name}, that of published tables{whole}"
    apart = "published numbers differ by up to 2 dB between the versions"
    if photos:
        return (
            "its photos are those of Rain100L and Rain100H, its rain is of neither's first version: a later one, also "
            f"called RainLight and RainHeavy, or another; {apart}"
        )
    if any(_NAMES.search(part) for part in folder.absolute().parts[-3:]):
        return (
            f"its content is unknown, so which version of Rain100L or Rain100H it is cannot be told; {apart}"
        )
    return None
