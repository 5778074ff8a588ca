"""Content keys: SHA-256 of bytes, of files, and of JSON values in one canonical form."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of ``data`` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path | str) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits.

    Raises:
        OSError: If the file cannot be read.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def canonical_json(value: Any) -> str:
    """Return ``value`` as JSON with sorted keys and no spaces; equal values give equal text.

    Raises:
        ValueError: If ``value`` holds NaN or an infinity, which JSON has no form for.
        TypeError: If ``value`` holds something that is not JSON.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_key(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of ``value``."""
    return sha256_bytes(canonical_json(value).encode())
