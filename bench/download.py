"""Files from the network: fetched once, checked by their hash, kept in one cache."""

from __future__ import annotations

import hashlib
import http.client
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from bench.deadline import untimed
from bench.errors import BadWeights, OutputError
from bench.hashing import sha256_file

_TIMEOUT_S = 30
"""Without a byte."""


def cache_folder() -> Path:
    """Return where downloaded files are kept: ``$DERAIN_BENCH_CACHE``, else the user's cache folder."""
    given = os.environ.get("DERAIN_BENCH_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "derain-bench"


def download(url: str, digest: str, target: Path, otherwise: str) -> Path:
    """Fetch a file once.

    Args:
        url: Its address, https.
        digest: The first digits of its SHA-256 at least.
        target: Where it goes; a file there that has the hash is used as it is.
        otherwise: What a user can do who fetches the file elsewhere, for messages.

    Returns:
        ``target``.

    Raises:
        BadWeights: No connection, not https, or another content than the hash says.
        OutputError: The cache cannot be written.
    """
    if urlsplit(url).scheme != "https":
        raise BadWeights(f"{url} is not https: download it yourself and {otherwise}")
    wanted = digest.lower()
    if target.is_file() and sha256_file(target).startswith(wanted):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".part", delete=False) as file:
            part = Path(file.name)
    except OSError as error:
        raise OutputError(
            f"{target.parent}: downloads cannot be kept here ({error.strerror}): "
            f"set DERAIN_BENCH_CACHE to a folder that can be written"
        ) from None
    try:
        with untimed():  # a line may be slow; one that is silent ends by itself
            got = _receive(url, part, otherwise)
        if not got.startswith(wanted):
            raise BadWeights(f"{url}: what came has SHA-256 {got}, wanted is {wanted}: try again later")
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _receive(url: str, part: Path, otherwise: str) -> str:
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer, part.open("wb") as file:
            while block := answer.read(1 << 20):
                digest.update(block)
                file.write(block)
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        reason = " ".join(str(getattr(error, "reason", None) or error).split())
        raise BadWeights(
            f"{url} cannot be downloaded ({reason}): fetch it elsewhere and {otherwise}"
        ) from None
    return digest.hexdigest()
