"""What a scene's files contain, as a hash. Evidence is filed under it: a changed file is a new scene."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from bench.data import layout
from bench.data.base import DataSet, Scene
from bench.errors import BadData
from bench.hashing import content_key, sha256_bytes
from bench.image_headers import grey_bits
from bench.image_metadata import TURNED, oddities
from bench.images import check_decodable
from bench.ordinary import read_ordinary

#: Endings of what may belong to a scene beside images: depth and cameras.
_NO_IMAGES = (".npy", ".json")


def scene_digest(data: DataSet, scene: Scene) -> str:
    """Return the SHA-256 of everything that is read of a scene: its files' bytes and what each is read for.

    Where the files lie and when they were written does not count; the code of a user's reader does. Every file is
    read to its end, so an image that is truncated, damaged or none is found here, before any network has run.

    Raises:
        BadData: If a file is missing, unreadable, truncated or no image; it is named.
    """
    read = {role: file_digest(path) for role, path in data.files(scene).items()}
    return content_key({**read, "reader": data.code} if data.code else read)


def scene_digests(data: DataSet) -> dict[str, str]:
    """Return :func:`scene_digest` of every scene, by scene id, reading files in several threads.

    Raises:
        BadData: For the first file that is missing, unreadable or truncated.
    """
    digests = layout.in_threads(lambda scene: scene_digest(data, scene), data.scenes)
    return {scene.id: digest for scene, digest in zip(data.scenes, digests, strict=True)}


def fingerprint(data: DataSet) -> str:
    """Return one hash of a whole data set: its scenes in order, and its boxes and classes.

    Raises:
        BadData: If a file cannot be read.
    """
    digests = scene_digests(data)
    return content_key(
        {
            "scenes": [[scene.id, digests[scene.id]] for scene in data.scenes],
            "boxes": None if data.detection is None else data.detection.coco,
            "classes": None if data.segmentation is None else list(data.segmentation.classes),
        }
    )


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read to its end; an image's, only if it is whole.

    Raises:
        BadData: If the file is missing, unreadable, truncated or no image; it is named.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise BadData(f"{path} cannot be read: {error.strerror or error}; check the data folder") from None
    return _content_digest(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1 << 18)
def _content_digest(path: Path, size: int, modified: int) -> str:
    # Size and time are part of the cache's key alone: several variants of one data set hash its files once.
    content = read_ordinary(path, BadData)
    if path.suffix.lower() not in _NO_IMAGES:
        check_decodable(path, content)
        if (bits := grey_bits(content)) is not None:
            # Evidence from before such files were read as indices stands for other values of the same bytes.
            return content_key([sha256_bytes(content), f"indices of {bits} bits"])
        if TURNED in oddities(content):
            # The same of files from before they were turned upright.
            return content_key([sha256_bytes(content), "turned upright"])
    return sha256_bytes(content)
