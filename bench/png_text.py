"""A line of text inside a PNG: who made it, kept with the picture wherever it is copied."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

#: What every PNG begins with, its header's chunk included.
_START, _HEADER = b"\x89PNG\r\n\x1a\n", 8 + 12 + 13
_KEYWORD = b"derain-bench"
#: How much of a file is looked at: the text stands right behind the header.
_LOOKED_AT = 4096


def with_text(png: bytes, text: str) -> bytes:
    """Return a PNG with a text chunk behind its header (chunk tEXt of the PNG specification, 11.3.3.2).

    Args:
        png: A PNG as an encoder writes it.
        text: ASCII.
    """
    body = b"tEXt" + _KEYWORD + b"\0" + text.encode("ascii")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:_HEADER] + chunk + png[_HEADER:]


def text_of(path: Path) -> str | None:
    """Return the text that :func:`with_text` put into a file; None for any other file, or none."""
    try:
        with open(path, "rb") as file:
            start = file.read(_LOOKED_AT)
    except OSError:
        return None
    if not start.startswith(_START) or len(start) < _HEADER + 8:
        return None
    (length,) = struct.unpack_from(">I", start, _HEADER)
    kind, _, rest = start[_HEADER + 4 : _HEADER + 8 + length].partition(_KEYWORD + b"\0")
    return rest.decode("ascii", "replace") if kind == b"tEXt" else None
