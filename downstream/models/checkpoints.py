"""Where a model's weights come from, and how they get into it."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.errors import BadWeights, OutputError
from bench.weights import load_checkpoint, match_state

if TYPE_CHECKING:
    import torch

#: Entries of published checkpoints that no inference needs: averaged twins, training heads, the input's
#: mean and std.
EXTRA_OK = (r"^ema_", r"^data_preprocessor\.", r"^(auxiliary|aux)_", r"^teacher\.", r"num_batches_tracked$")
#: Weights that older checkpoints lack and that inference does not read.
MISSING_OK = (r"num_batches_tracked$", r"^data_preprocessor\.", r"^(auxiliary|aux)_")

_HASH = re.compile(r"-([0-9a-f]{8,64})\.\w+$")
_TIMEOUT = 30  # seconds without a byte


def cache_folder() -> Path:
    """Return where downloaded weights are kept: ``$DERAIN_BENCH_CACHE``, else the user's cache folder."""
    given = os.environ.get("DERAIN_BENCH_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "derain-bench"


def cached_path(url: str) -> Path:
    """Return where the file of ``url`` lies once downloaded."""
    return cache_folder() / "checkpoints" / Path(urlsplit(url).path).name


def fetch(url: str) -> Path:
    """Download the weights of a model index once, checking them against the hash in their name.

    OpenMMLab ends its file names with the first digits of the content's SHA-256 (``...-4592a793.pth``).

    Returns:
        The file in the cache. One that is there already is used as it is, if its content still has the hash.

    Raises:
        BadWeights: No connection, not https, no hash in the name, or another content than the hash says.
        OutputError: The cache cannot be written.
    """
    found = _HASH.search(urlsplit(url).path)
    if urlsplit(url).scheme != "https" or found is None:
        raise BadWeights(
            f"{url} carries no hash to check it by (or is not https): "
            f"download it yourself and pass --checkpoint FILE"
        )
    wanted, target = found.group(1), cached_path(url)
    if target.is_file() and _sha256(target).startswith(wanted):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".part", delete=False) as file:
            part = Path(file.name)
    except OSError as error:
        raise OutputError(
            f"{target.parent}: weights cannot be kept here ({error.strerror}): "
            f"set DERAIN_BENCH_CACHE to a folder that can be written"
        ) from None
    try:
        got = _download(url, part)
        if not got.startswith(wanted):
            raise BadWeights(f"{url}: what came has SHA-256 {got}, its name says {wanted}: try again later")
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def fill(
    model: torch.nn.Module, path: Path, name: str, trust: str | None
) -> tuple[str, tuple[str, ...] | None]:
    """Load a checkpoint into an MMDetection or MMSegmentation model.

    Returns:
        The file's SHA-256, and the class names it states, where it does.

    Raises:
        BadWeights: See :func:`bench.weights.load_state` and :func:`bench.weights.match_state`.
    """
    state, meta = load_checkpoint(path, trust)
    match_state(model, state, f"{path} (model {name})", missing_ok=MISSING_OK, extra_ok=EXTRA_OK)
    return _sha256(path), stated_classes(meta)


def stated_classes(meta: dict[str, Any]) -> tuple[str, ...] | None:
    """Class names in the ``meta`` of a checkpoint, under the keys of OpenMMLab's newer and older releases."""
    described = meta.get("dataset_meta")
    sources = [described, meta] if isinstance(described, dict) else [meta]
    for source in sources:
        for key in ("classes", "CLASSES"):
            names = source.get(key)
            if isinstance(names, (list, tuple)) and names and all(isinstance(name, str) for name in names):
                return tuple(names)
    return None


def _download(url: str, part: Path) -> str:
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer, part.open("wb") as file:
            while block := answer.read(1 << 20):
                digest.update(block)
                file.write(block)
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise BadWeights(
            f"{url} cannot be downloaded ({' '.join(str(reason).split())}): "
            f"fetch it elsewhere and pass --checkpoint FILE"
        ) from None
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    from bench.hashing import sha256_file

    return sha256_file(path)
