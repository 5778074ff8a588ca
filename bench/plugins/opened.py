"""The files that a plug-in opens while it is imported or made: what reading its code cannot tell."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from bench.plugins.code import is_installed, is_ours

#: Endings of compiled code, which is loaded without anybody opening it.
_COMPILED = (".so", ".pyd")
#: Folders of the system, whose files are nobody's data.
_SYSTEM = tuple(Path(place) for place in ("/proc", "/sys", "/dev", "/etc", "/run", "/usr", "/lib", "/lib64"))


class _Recorders(threading.local):
    """The sets that this thread's opened files go into, the innermost last."""

    def __init__(self) -> None:
        self.stack: list[set[str]] = []
        self.deaf = 0


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
        # By identity: sets that hold the same are equal, and the wrong one would go.
        _recorders.stack[:] = [each for each in _recorders.stack if each is not found]


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Leave out what this thread opens meanwhile: the loader's own reading of code, which is counted otherwise."""
    _recorders.deaf += 1
    try:
        yield
    finally:
        _recorders.deaf -= 1


def is_recording() -> bool:
    """Whether this thread imports or makes a plug-in just now."""
    return bool(_recorders.stack)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _recorders.stack and not _recorders.deaf:
        path, _, flags = arguments
        if isinstance(path, (str, bytes)) and (flags & (os.O_WRONLY | os.O_RDWR)) == 0:
            name = os.path.abspath(os.fsdecode(path))
            if not name.endswith(_COMPILED):
                for found in _recorders.stack:
                    found.add(name)


def data_of(opened: set[str], root: Path, counted: Collection[str] = ()) -> list[Path]:
    """Return those of the opened files that are the user's own, in order: data, and code that is run as if it were
    data (by its path, with ``exec``).

    Files of installed packages, of the system and in hidden folders (caches, settings) are not, unless they are data
    below ``root``.

    Args:
        opened: Their names; bytecode stands for its source.
        root: Where the plug-in's own begins.
        counted: Files of code that count already.
    """
    found: dict[Path, None] = {}
    for name in sorted(opened):
        path = Path(_source_of(name)).resolve()
        if not path.is_file() or str(path) in counted:
            continue
        if path.suffix == ".py" and (is_installed(_outermost(path)) or is_ours(path)):
            continue
        below = path.is_relative_to(root)
        inner = path.relative_to(root).parts if below else path.parts
        if any(part.startswith(".") or part == "__pycache__" for part in inner):
            continue
        if below or not (is_installed(path) or any(path.is_relative_to(place) for place in _SYSTEM)):
            found[path] = None
    return list(found)


def _outermost(path: Path) -> Path:
    """The outermost package that a file of code is in, or the file."""
    while (path.parent / "__init__.py").is_file():
        path = path.parent
    return path


def _source_of(name: str) -> str:
    if name.endswith(".pyc"):
        with contextlib.suppress(ValueError):  # bytecode without its source
            return importlib.util.source_from_cache(name)
    return name
