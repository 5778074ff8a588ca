"""How many pairs the published restoration sets have, so that a part does not pass for the whole."""

from __future__ import annotations

import re
from pathlib import Path

_TRAIN = {"train", "training", "trainset"}
_TEST = {"test", "testing", "val", "valid", "validation", "testset"}

#: Folder name in small letters and digits -> (name in papers, test pairs, training pairs; 0: none published).
_SETS: dict[str, tuple[str, int, int]] = {
    "rain100l": ("Rain100L", 100, 200),
    "rain100h": ("Rain100H", 100, 1800),
    "rain12": ("Rain12", 12, 0),
    "rain200l": ("Rain200L", 200, 1800),
    "rain200h": ("Rain200H", 200, 1800),
    "test100": ("Test100", 98, 0),
    "test1200": ("Test1200", 1200, 0),
    "test2800": ("Test2800", 2800, 0),
    "rain13k": ("Rain13K", 0, 13712),
    "rain1400": ("Rain1400", 1400, 12600),
    "rain12600": ("Rain12600", 0, 12600),
    "ddndata": ("DDN-Data", 1400, 12600),
    "didmdntest": ("DID-MDN test", 1200, 0),
    "realtest1000": ("SPA-Data test", 1000, 0),
    "rain800": ("Rain800", 100, 700),
    "gtraintest": ("GT-RAIN test", 2100, 0),
}


def count_note(folder: Path, pairs: int) -> str | None:
    """Compare a count of pairs with what the published set of that folder's name has.

    Args:
        folder: Where the pairs lie; its own name and those of the two folders above it are looked up.
        pairs: How many were found.

    Returns:
        A line for the reader where the count deviates or the set is known to be short; None where all is well
        or the name is not known.
    """
    parts = (*folder.absolute().parts[::-1], "", "")[:3]
    names = [re.sub(r"[^a-z0-9]", "", part.lower()) for part in parts]
    for depth, name in enumerate(names):
        if name not in _SETS:
            continue
        title, test, train = _SETS[name]
        below = set(names[:depth])
        training = test == 0 or bool(below & _TRAIN)
        if name == "test100" and pairs in (98, 100):
            # The copy everybody downloads lacks two of the hundred images its name promises.
            return "Test100 as distributed: 98 of its 100 pairs" if pairs == 98 else None
        expected = train if training else test
        known = {expected} if training or below & _TEST else {test, train} - {0}
        if pairs in known:
            return None
        part = "a part of it" if pairs < expected else "more than it"
        return f"{pairs} pairs, {title} as published has {expected}: scores are over {part}"
    return None
