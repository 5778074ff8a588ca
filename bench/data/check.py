"""Looking at every mask before a run: one that dies at the last image has wasted the rest."""

from __future__ import annotations

from bench.data import layout
from bench.data.base import DataSet


def check_masks(data: DataSet) -> None:
    """Read every scene's mask, in several threads, and throw it away.

    Raises:
        BadData: For a mask that is unreadable, of another size than its image, or holds an index that is no
            class; the file and the value are named.
    """
    if data.segmentation is not None:
        layout.in_threads(lambda scene: data.mask(scene).shape, data.scenes)
