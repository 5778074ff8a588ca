"""Looking at folders: what lies in them, sizes from file headers, names that must stay inside."""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TypeVar

from bench.errors import BadData, some
from bench.files import is_litter
from bench.image_metadata import orientation
from bench.images import SUFFIXES

T = TypeVar("T")
R = TypeVar("R")


def natural(text: str) -> list[tuple[int, int, str]]:
    """Return a sort key that puts ``901_2`` before ``901_10``, and numbers before letters."""
    parts = re.split(r"(\d+)", text)
    key = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
    return [*key, (-1, 0, text)]  # 01 and 1 are equal as numbers; the text itself decides


def contents(folder: Path) -> str:
    """Say what a folder holds: sub-folders first, in one line."""
    entries = _scan(folder)
    entries.sort(key=lambda entry: (not _is_folder(entry), natural(entry.name)))
    return some(entry.name + ("/" if _is_folder(entry) else "") for entry in entries)


def folders(folder: Path) -> list[Path]:
    """Return the sub-folders, hidden ones and litter left out, by name."""
    names = [entry.name for entry in _scan(folder) if _is_folder(entry)]
    return [folder / name for name in sorted(names, key=natural)]


def image_files(folder: Path) -> list[Path]:
    """Return the image files right in a folder, by name; hidden ones (``._a.png``) are not images."""
    found = [
        folder / entry.name
        for entry in _scan(folder)
        if entry.name.lower().endswith(SUFFIXES) and _is_file(entry)
    ]
    return sorted(found, key=lambda path: natural(path.name))


def existing(folder: Path, name: str) -> Path | None:
    """Return the sub-folder of that name, upper or lower case, or None."""
    if (folder / name).is_dir():
        return folder / name
    matches = [path for path in folders(folder) if path.name.lower() == name.lower()]
    return matches[0] if matches else None


def title(folder: Path) -> str:
    """Return a folder's name as reports show it, also for ``.`` and ``..``."""
    return folder.name if folder.name not in ("", "..") else folder.resolve().name


def safe_name(name: str, source: object, where: str) -> str:
    """Return a relative file name in its POSIX form.

    Args:
        name: The name as a list or an annotation file has it.
        source: That file, for the message.
        where: The folder names are relative to, for the message.

    Raises:
        BadData: If the name is absolute, empty, or climbs out of its folder.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    outside = path.is_absolute() or ".." in path.parts or re.match(r"^[A-Za-z]:", name) is not None
    if outside or not path.parts or "\0" in name:
        raise BadData(
            f"{source} names the file {name!r}, outside of {where}: names must be relative and stay inside"
        )
    return path.as_posix()


def check_inside(paths: Sequence[Path], roots: Sequence[Path]) -> None:
    """Refuse symbolic links that lead out of the data set.

    Raises:
        BadData: If a file is a link out of every folder of ``roots``; it is named with its target.
    """
    resolved = [root.resolve() for root in roots]
    for path in paths:
        if path.is_symlink():
            target = path.resolve()
            if not any(target.is_relative_to(root) for root in resolved):
                raise BadData(
                    f"{path} is a link to {target}, outside of {roots[0]}: copy the file into the folder "
                    f"(linking whole folders is fine)"
                )


def check_present(paths: Sequence[Path], what: str, remedy: str) -> None:
    """Check that files exist, with one listing per folder rather than one query per file.

    Raises:
        BadData: With the count of absent files and the first of them.
    """
    listed: dict[Path, set[str]] = {}
    absent = []
    for path in paths:
        if path.parent not in listed:
            # Whatever is named is looked for, also what a listing leaves out.
            listed[path.parent] = {entry.name for entry in _entries(path.parent) if _is_file(entry)}
        if path.name not in listed[path.parent]:
            absent.append(path)
    if absent:
        raise BadData(f"{len(absent)} of {len(paths)} {what} are absent, the first is {absent[0]}: {remedy}")


def unique_ids(names: Sequence[str]) -> list[str]:
    """Turn relative file names into scene ids: the stem where it is unique, else the longer name."""
    paths = [PurePosixPath(name) for name in names]
    stems = Counter(path.stem for path in paths)
    longer = [path.stem if stems[path.stem] == 1 else path.with_suffix("").as_posix() for path in paths]
    counts = Counter(longer)
    return [path.as_posix() if counts[name] > 1 else name for name, path in zip(longer, paths, strict=True)]


def image_size(path: Path) -> tuple[int, int] | None:
    """Return the size of an image from its header, whatever it would take to decode it.

    Returns:
        (height, width) of the upright image, or None where there is no readable one.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # nothing is decoded
            with Image.open(path) as image:
                # Pillow swaps the sides of TIFF files by itself.
                turned = image.format != "TIFF" and orientation(dict(image.info)) >= 5
                return (image.width, image.height) if turned else (image.height, image.width)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def in_threads(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Apply a function that waits for the disk or for OpenCV to every item, keeping the order."""
    if len(items) < 4:
        return [function(item) for item in items]
    with ThreadPoolExecutor(max_workers=min(16, 2 * (os.cpu_count() or 1))) as pool:
        return list(pool.map(function, items))


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    return [entry for entry in _entries(folder) if not is_litter(entry.name)]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadData(f"folder {folder} cannot be listed: {error.strerror or error}") from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # A link that leads to itself is neither a folder nor a file, and asking is an error.
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False
