"""How this process's allocator treats the large blocks that networks on a CPU ask for."""

from __future__ import annotations

import ctypes
from functools import cache

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of glibc's ``mallopt(3)``."""


@cache
def keep_freed_memory() -> bool:
    """Let the process keep large freed blocks for the next request instead of handing them back to the kernel.

    Every layer of a network on a CPU asks for some megabytes and frees them. glibc maps such blocks anew each time and
    the kernel fills every page with zeros first, which can take as long as the arithmetic. The process's peak stays
    what it was; what is lower is only its size between two images, which nobody else could have used for long.

    Returns:
        Whether the allocator is glibc's and took the settings; elsewhere nothing is changed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library; TypeError: Windows
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))


def release_freed_memory() -> bool:
    """Hand freed blocks back to the kernel, whatever :func:`keep_freed_memory` asked for.

    Returns:
        Whether the allocator is glibc's and had any.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return False
    return bool(trim(0))
