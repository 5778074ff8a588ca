"""Writing files so that a reader sees the old content or the new one, never half of it; and listing them."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.errors import BadData, OutputError

#: Every temporary file starts with this, so that ``bench store gc`` can tell leftovers of a killed run.
TEMPORARY_PREFIX = ".tmp-"
#: Folders and files that file managers, archivers and network drives leave beside data.
LITTER = (
    "__MACOSX",
    "@eaDir",
    "#recycle",
    "$RECYCLE.BIN",
    "System Volume Information",
    "lost+found",
    "Thumbs.db",
)


def ensure_folder(path: Path) -> Path:
    """Make ``path`` a folder that can be written to, and return it.

    Raises:
        OutputError: If it is a file, cannot be created, or cannot be written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        # Asking the file system beats reading permission bits: root, ACLs and read-only mounts all count.
        handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path)
        os.close(handle)
        os.unlink(name)
    except FileExistsError:
        raise OutputError(f"{path} is a file, not a folder: give another output folder") from None
    except OSError as error:
        raise OutputError(
            f"cannot write to {path}: {error.strerror or error}; give another output folder"
        ) from None
    return path


def write_atomic(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` through a temporary file beside it that is synced and renamed.

    What is no ordinary file (``/dev/null``, a pipe, standard output under any name) is written to, never replaced; of a
    link, the file that it leads to is.

    Raises:
        OutputError: If the disk is full, the folder is missing or read-only; ``path`` keeps what it had.
    """
    temporary: str | None = None
    try:
        if _is_stream(path):
            with open(path, "ab") as stream:
                stream.write(data)
            return
        if path.is_symlink():
            path = path.resolve()
        handle, temporary = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "free some space or give another folder, then run again" if full else "give another path"
        raise OutputError(f"cannot write {path}: {error.strerror or error}; {advice}") from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def list_files(folder: Path, suffixes: tuple[str, ...], *, deep: bool = False) -> list[Path]:
    """Return the files of a folder that end in one of ``suffixes``, whatever their case, by path.

    What file managers and archivers leave is not among them: hidden files (``._a.png``, ``.DS_Store``) and what lies
    in :data:`LITTER`.

    Args:
        folder: The folder; one that is not there has no files.
        suffixes: Endings in lower case.
        deep: Whether sub-folders count.

    Raises:
        BadData: If it cannot be listed.
    """
    try:
        return sorted(path for path in _walk(folder, deep) if path.name.lower().endswith(suffixes))
    except OSError as error:
        raise BadData(f"folder {folder} cannot be listed: {error.strerror or error}") from None


def is_litter(name: str) -> bool:
    """Whether a file or folder of that name is nobody's data: hidden, or left by a file manager."""
    return name.startswith(".") or name in LITTER


def _walk(folder: Path, deep: bool) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if is_litter(entry.name):
                continue
            # Links to folders are not followed: one that leads to a folder above has no end.
            if deep and entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), deep)
            elif _is_file(entry):
                yield Path(entry.path)


def _is_file(entry: os.DirEntry[str]) -> bool:
    # A link that leads to itself is no file, and asking is an error.
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_stream(path: Path) -> bool:
    """Whether a path is there and no file of its own: a device, a pipe, or what this process already writes to."""
    try:
        found = path.stat()
    except OSError:
        return False
    if not stat.S_ISREG(found.st_mode):
        return not stat.S_ISDIR(found.st_mode)
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            if os.path.samestat(found, os.fstat(descriptor)):
                return True
    return False
