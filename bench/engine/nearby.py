"""Paths in a suite's file: looked for from the suite's own folder, then from the working directory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: What stands between the names and paths of an entry, such as ``h=prenet:weights.pth`` or ``my.py:Net?width=8:w.pth``.
_BETWEEN = re.compile(r"([=:+(),?&])")
_CODE = ".py"


def located(values: Any, folder: Path) -> Any:
    """Put a suite's folder before the relative paths that exist there.

    Args:
        values: A suite as read from its file.
        folder: The file's folder.

    Returns:
        The suite; its paths now start from the working directory.
    """
    if not isinstance(values, Mapping) or folder == Path():
        return values
    found = dict(values)
    for key in ("derainers", "tasks"):
        if isinstance(found.get(key), list):
            found[key] = [_entry(entry, folder) for entry in found[key]]
    if isinstance(found.get("models"), list):
        found["models"] = [_model(entry, folder) for entry in found["models"]]
    if isinstance(found.get("variants"), list):
        found["variants"] = [_variant(entry, folder) for entry in found["variants"]]
    return found


def _variant(entry: Any, folder: Path) -> Any:
    if not isinstance(entry, Mapping):
        return entry
    changed = dict(entry)
    if "data" in changed:
        changed["data"] = _entry(changed["data"], folder)
    if isinstance(changed.get("rain"), list):
        changed["rain"] = [_entry(rain, folder) for rain in changed["rain"]]
    if isinstance(changed.get("models"), list):
        changed["models"] = [_model(model, folder) for model in changed["models"]]
    return changed


def _model(entry: Any, folder: Path) -> Any:
    if not isinstance(entry, Mapping):
        return entry
    changed = dict(entry)
    for key in ("name", "checkpoint"):
        if isinstance(changed.get(key), str):
            whole = _file(changed[key], folder)
            changed[key] = whole if whole != changed[key] else _entry(changed[key], folder)
    return changed


def _entry(entry: Any, folder: Path) -> Any:
    """An entry as text, or as a mapping with ``name`` and ``weights``."""
    if isinstance(entry, Mapping):
        changed = {key: _entry(entry[key], folder) for key in ("name",) if key in entry}
        changed |= {key: _file(entry[key], folder) for key in ("weights",) if isinstance(entry.get(key), str)}
        return {**entry, **changed}
    if not isinstance(entry, str):
        return entry
    pieces = _BETWEEN.split(entry)
    # A name is no path: the data set `street` is not a folder of that name. What follows a colon may be one.
    return "".join(
        _file(piece, folder) if piece.endswith(_CODE) or (at and pieces[at - 1] == ":") else piece
        for at, piece in enumerate(pieces)
    )


def _file(text: str, folder: Path) -> str:
    path = Path(text).expanduser()
    if not text or path.is_absolute():
        return text
    try:
        return str(folder / text) if (folder / text).exists() else text
    except OSError:  # longer than a name may be
        return text
