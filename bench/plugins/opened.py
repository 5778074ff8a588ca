"""The files that a plug-in opens while it is imported or made: what reading its code cannot tell."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.plugins.code import is_installed

#: Endings of code, which :mod:`bench.plugins.code` counts.
_CODE = (".py", ".pyc", ".so", ".pyd")
#: Folders of the system, whose files are nobody's data.
_SYSTEM = tuple(Path(place) for place in ("/proc", "/sys", "/dev", "/etc", "/run", "/usr", "/lib", "/lib64"))


class _Recorders(threading.local):
    """The sets that this thread's opened files go into, the innermost last."""

    def __init__(self) -> None:
        self.stack: list[set[str]] = []


_recorders = _Recorders()
_listening = False


@contextlib.contextmanager
def recording() -> Iterator[set[str]]:
    """Collect the names of the files that this thread opens for reading through Python."""
    global _listening
    if not _listening:
        _listening = True
        # The one way to see what libraries open as well; a hook stays for good, so it does next to nothing.
        sys.addaudithook(_hear)
    found: set[str] = set()
    _recorders.stack.append(found)
    try:
        yield found
    finally:
        _recorders.stack.remove(found)


def is_recording() -> bool:
    """Whether this thread imports or makes a plug-in just now."""
    return bool(_recorders.stack)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _recorders.stack:
        path, _, flags = arguments
        if isinstance(path, (str, bytes)) and (flags & (os.O_WRONLY | os.O_RDWR)) == 0:
            name = os.path.abspath(os.fsdecode(path))
            if not name.endswith(_CODE):
                for found in _recorders.stack:
                    found.add(name)


def data_of(opened: set[str], root: Path) -> list[Path]:
    """Return those of the opened files that are data of the user's own, in order.

    Files of installed packages, of the system and in hidden folders (caches, settings) are not, unless they lie below
    ``root``.
    """
    found = []
    for name in sorted(opened):
        path = Path(name).resolve()
        if not path.is_file():
            continue
        below = path.is_relative_to(root)
        inner = path.relative_to(root).parts if below else path.parts
        if any(part.startswith(".") or part == "__pycache__" for part in inner):
            continue
        if below or not (is_installed(path) or any(path.is_relative_to(place) for place in _SYSTEM)):
            found.append(path)
    return found
