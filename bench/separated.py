"""Commas that separate nothing: those in the names of files that exist."""

from __future__ import annotations

import glob
import re
from pathlib import Path

#: What stands for a part of a name.
_ANY = re.compile(r"\{(?:rain|scene)\}")


def rejoined(parts: list[str]) -> list[str]:
    """Put back together what a list was cut into inside the name of a file or folder that exists.

    Sweeps over options make such folders, as in ``onnx:lr=0.1,width=32/net.onnx``. In ``folder:a,b/{scene}_x.png``
    any part of a name may stand where braces are.

    Args:
        parts: What stood between the list's commas.
    """
    found: list[str] = []
    while parts:
        # The longest run of parts that is the name of something that exists; else one part.
        length = next((n for n in range(len(parts), 1, -1) if _names_a_file(parts[:n])), 1)
        found.append(",".join(parts[:length]))
        parts = parts[length:]
    return found


def _names_a_file(parts: list[str]) -> bool:
    """Whether parts are one name of what exists: from the start, or from a colon or equals sign in the first of them.

    In ``FILE.py:NAME``, it is the file that has to exist.
    """
    last, door, _ = parts[-1].partition(".py:")
    rest = [*parts[1:-1], f"{last}.py" if door else parts[-1].rstrip()]
    first = parts[0].lstrip()
    starts = [0, *(i + 1 for i, letter in enumerate(first) if letter in ":=")]
    return any(_exists(",".join([first[start:], *rest])) for start in starts)


def _exists(name: str) -> bool:
    try:
        path = Path(name).expanduser()
        if not _ANY.search(name):
            return path.exists()
        return any(glob.iglob("*".join(map(glob.escape, _ANY.split(str(path))))))
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, a home that nobody has
        return False
