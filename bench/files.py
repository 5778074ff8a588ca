"""Writing files so that a reader sees the old content or the new one, never half of it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from bench.errors import OutputError

#: Every temporary file starts with this, so that ``bench store gc`` can tell leftovers of a killed run.
TEMPORARY_PREFIX = ".tmp-"


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

    Raises:
        OutputError: If the disk is full, the folder is missing or read-only; ``path`` keeps what it had.
    """
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; free some space or give another folder, then run again"
        ) from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
