"""Outlines of objects as COCO's compressed run-length code: what instance masks are scored by.

A code is text: alternating runs of pixels outside and inside, column by column, each as a difference in 5 bits a
character. It says nothing of the image's size, which belongs to the scene.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BadData
from bench.hashing import sha256_bytes


def encode(masks: NDArray[np.bool_]) -> list[str]:
    """Return the codes of masks, bool (n, H, W)."""
    from pycocotools import mask as coder

    if not len(masks):
        return []
    stacked = np.asfortranarray(masks.transpose(1, 2, 0).astype(np.uint8))
    return [code["counts"].decode("ascii") for code in coder.encode(stacked)]


def fits(code: str, height: int, width: int) -> bool:
    """Return whether a text is the code of a mask of this size. pycocotools would read one that is not for ever.

    Example:
        >>> fits(encode(np.eye(3, dtype=bool)[None])[0], 3, 3), fits("11", 3, 3)
        (True, False)
    """
    digits = np.frombuffer(code.encode("ascii", "replace"), np.uint8).astype(np.int64) - 48
    if not len(digits) or digits.min() < 0 or digits.max() > 63 or digits[-1] & 32:
        return False
    ends = np.flatnonzero((digits & 32) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    length = ends - starts + 1
    if length.max() > 7:  # 2^30 pixels need six characters
        return False
    place = np.arange(len(digits)) - np.repeat(starts, length)
    values = np.add.reduceat((digits & 31) << (5 * place), starts)
    values -= np.where(digits[ends] & 16, np.int64(1) << (5 * length), 0)
    runs = values.copy()
    runs[1::2] = np.cumsum(
        values[1::2]
    )  # from the fourth on, a run is its difference to the one before the last
    runs[2::2] = np.cumsum(values[2::2])
    return bool((runs >= 0).all() and runs.sum() == height * width)


def of_instances(ids: NDArray[np.uint16], values: Sequence[int]) -> list[str]:
    """Return the codes of objects in an instance map, by their values in it."""
    return [encode((ids == value)[None])[0] for value in values]


def of_annotation(segmentation: Any, height: int, width: int, where: str) -> str:
    """Return the code of what COCO calls a segmentation: polygons, or runs as a list or as a code.

    Args:
        segmentation: As the file has it.
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        where: Names the annotation in an error.

    Raises:
        BadData: If it is none of these, or does not fit the image.
    """
    from pycocotools import mask as coder

    if isinstance(segmentation, list) and segmentation:
        if all(_is_polygon(part) for part in segmentation):
            merged = coder.merge(coder.frPyObjects(segmentation, height, width))
            return str(merged["counts"].decode("ascii"))
    elif isinstance(segmentation, dict) and segmentation.get("size") == [height, width]:
        counts = segmentation.get("counts")
        if isinstance(counts, list) and all(type(run) is int and run >= 0 for run in counts):
            if sum(counts) == height * width:
                code = coder.frPyObjects({"size": [height, width], "counts": counts}, height, width)
                return str(code["counts"].decode("ascii"))
        elif isinstance(counts, str) and fits(counts, height, width):
            return counts
    raise BadData(
        f"{where} has no outline of a {width}x{height} image under 'segmentation': expected polygons of six numbers or "
        f"more, or run lengths that add up to the image"
    )


def _is_polygon(part: Any) -> bool:
    return (
        isinstance(part, list)
        and len(part) >= 6
        and len(part) % 2 == 0
        and all(isinstance(value, (int, float)) and abs(value) < 1e6 for value in part)
    )


def read_outlines(source: Path) -> tuple[dict[str, tuple[bytes, ...]], str]:
    """Read the outlines of a checked COCO annotation file, which are left out when it is opened: most of its bytes.

    Returns:
        Image file name to each annotation's segmentation as JSON, in the file's order; and a hash of all of them.
    """
    status = source.stat()
    return _read(source, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=2)
def _read(source: Path, size: int, modified: int) -> tuple[dict[str, tuple[bytes, ...]], str]:
    # Size and time are part of the cache's key alone. As JSON they take a tenth of the memory of lists of numbers.
    coco = json.loads(source.read_bytes())
    names = {image["id"]: str(image["file_name"]).replace("\\", "/") for image in coco["images"]}
    found: dict[str, list[bytes]] = {PurePosixPath(name).as_posix(): [] for name in names.values()}
    parts = []
    for entry in coco["annotations"]:
        text = json.dumps(entry.get("segmentation"), separators=(",", ":")).encode()
        found[PurePosixPath(names[entry["image_id"]]).as_posix()].append(text)
        parts.append(b"%d:%d:%s" % (entry["image_id"], entry["id"], text))
    return {name: tuple(texts) for name, texts in found.items()}, sha256_bytes(b"\n".join(parts))
