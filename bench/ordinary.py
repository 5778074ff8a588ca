"""Reading files that anyone may hand in: ordinary ones only, and none that is too large to be what it should be.

A named pipe blocks for ever, a device node never ends, and what fits on a disk need not fit in memory. Both are found
out from the file's entry, before a byte is read.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bench.errors import BadConfig, BenchError

#: The environment variable that raises the limit of every kind of file, in bytes.
VARIABLE = "DERAIN_BENCH_MAX_FILE"

#: Bytes of the largest file that is read whole: weights of the largest detectors are a tenth of it.
LARGEST = 16 << 30
#: The same for what is text: suites, configurations, lists.
LARGEST_TEXT = 16 << 20


def check_ordinary(path: Path, error: type[BenchError], limit: int = LARGEST) -> None:
    """Check that a path that is there is an ordinary file (or a link to one) of a size that can be read.

    Args:
        path: The file.
        error: What to raise.
        limit: The most bytes; ``DERAIN_BENCH_MAX_FILE`` raises it.

    Raises:
        BenchError: ``error``, if the path leads to a folder, pipe, device or socket, or the file is too large.
        OSError: If there is no such file, or it cannot be asked about.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise error(f"{path} cannot be read: it is {_kind(found.st_mode)}; give an ordinary file")
    most = max(limit, whole_variable(VARIABLE))
    if found.st_size > most:
        raise error(
            f"{path} has {found.st_size:,} bytes, more than the {most:,} that are read of such a file: "
            f"set {VARIABLE} to a larger number if it is what you want"
        )


def read_ordinary(path: Path, error: type[BenchError], limit: int = LARGEST, what: str = "") -> bytes:
    """Read a whole file that :func:`check_ordinary` lets pass.

    Args:
        path: The file.
        error: What to raise.
        limit: The most bytes.
        what: What stands before the path in messages, such as ``"image "``.

    Raises:
        BenchError: ``error``, if it is not ordinary, too large, or cannot be read.
    """
    try:
        check_ordinary(path, error, limit)
        return path.read_bytes()
    except FileNotFoundError:
        if path.is_symlink():
            raise error(f"{what}{path} cannot be read: it is a link to a file that is not there") from None
        raise error(f"{what}{path} does not exist: check the folder and the file's name") from None
    except (OSError, ValueError) as problem:  # ValueError: a NUL in the name
        raise error(f"{what}{path} cannot be read: {getattr(problem, 'strerror', None) or problem}") from None


def whole_variable(name: str) -> int:
    """Return the whole number that an environment variable holds, 0 where it is not set.

    Raises:
        BadConfig: If it holds something else.
    """
    text = os.environ.get(name, "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise BadConfig(f"{name} is {text[:40]!r}: it must be a whole number")
    return int(text)


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISSOCK, "a socket"),
    )
    return next((name for test, name in kinds if test(mode)), "something else")
