"""Checkpoints of a training: plain data, written whole or not at all."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import torch

from bench.errors import BadWeights
from bench.files import write_atomic

_NAME = re.compile(r"step_(\d+)\.pth$")


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a folder, the latest last."""
    found = [p for p in folder.glob("step_*.pth") if _NAME.search(p.name)]
    return sorted(found, key=lambda p: int(_NAME.search(p.name).group(1)))  # type: ignore[union-attr]


def save(folder: Path, step: int, content: dict[str, Any], keep: int) -> Path:
    """Write the checkpoint of a step, then remove all but the last ``keep``.

    Raises:
        OutputError: No space is left, say; the checkpoints that were there stay.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    path = folder / f"step_{step:07d}.pth"
    write_atomic(path, buffer.getvalue())
    for old in checkpoints(folder)[:-keep]:
        old.unlink(missing_ok=True)
    return path


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint; nothing in it is run.

    Raises:
        BadWeights: It is damaged, or no checkpoint of ``bench train``.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch raise anything
        raise BadWeights(
            f"{path}: not a readable checkpoint ({type(error).__name__}): remove it to go on from the last"
        ) from None
    if not isinstance(content, dict) or not {"step", "network", "config"} <= content.keys():
        raise BadWeights(f"{path}: no checkpoint of bench train")
    return content
