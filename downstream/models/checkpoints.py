"""Where a model's weights come from, and how they get into it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.download import cache_folder, download
from bench.errors import BadWeights
from bench.weights import load_checkpoint, match_state

if TYPE_CHECKING:
    import torch

#: Entries of published checkpoints that no inference needs: averaged twins, training heads, the input's
#: mean and std.
EXTRA_OK = (r"^ema_", r"^data_preprocessor\.", r"^(auxiliary|aux)_", r"^teacher\.", r"num_batches_tracked$")
#: Weights that older checkpoints lack and that inference does not read.
MISSING_OK = (r"num_batches_tracked$", r"^data_preprocessor\.", r"^(auxiliary|aux)_")

_HASH = re.compile(r"-([0-9a-f]{8,64})\.\w+$")


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
    if found is None:
        raise BadWeights(
            f"{url} carries no hash to check it by: download it yourself and pass --checkpoint FILE"
        )
    return download(url, found.group(1), cached_path(url), "pass --checkpoint FILE")


def fill(
    model: torch.nn.Module, path: Path, name: str, trust: str | None
) -> tuple[str, tuple[str, ...] | None]:
    """Load a checkpoint into an MMDetection or MMSegmentation model.

    A file may hold only what differs from another's weights: its metadata then gives that file's name (``base``), which
    must lie beside it, and its content's hash (``base_sha256``), so that one hash still stands for all weights.

    Returns:
        The file's SHA-256, and the class names it states, where it does.

    Raises:
        BadWeights: See :func:`bench.weights.load_state` and :func:`bench.weights.match_state`; or the file that it
            differs from is absent or another.
    """
    state, meta = load_checkpoint(path, trust)
    if isinstance(meta.get("base"), str):
        below, meta = load_checkpoint(_base(path, meta), trust)
        state = {**below, **state}
    match_state(model, state, f"{path} (model {name})", missing_ok=MISSING_OK, extra_ok=EXTRA_OK)
    return _sha256(path), stated_classes(meta)


def _base(path: Path, meta: dict[str, Any]) -> Path:
    """The file that the weights in ``path`` differ from; it is the very one that they were trained from."""
    base = path.parent / Path(meta["base"]).name
    if not base.is_file():
        raise BadWeights(f"{path}: holds what differs from {base.name}, which must lie beside it")
    if _sha256(base) != meta.get("base_sha256"):
        raise BadWeights(f"{path}: differs from another {base.name} than the one beside it")
    return base


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


def _sha256(path: Path) -> str:
    from bench.hashing import sha256_file

    return sha256_file(path)
