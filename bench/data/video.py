"""A video file as a data set: each frame is a scene, rainy as it is.

Frames are taken out once, as PNG into the cache, under the hash of the file: everything after that reads images, in any
order and from any number of processes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from bench.data import layout
from bench.data.base import DataSet, Scene
from bench.data.reader import Reader
from bench.download import cache_folder
from bench.errors import BadData, OutputError
from bench.hashing import sha256_file
from bench.images import write_image
from bench.video.read import frames, open_clip


def open_video(path: Path, split: str | None = None) -> DataSet:
    """Open a video file.

    Args:
        path: The file.
        split: None; a video has no splits.

    Raises:
        BadData: If it is no video, or a split is named.
        MissingDependency: If PyAV is not installed.
        OutputError: If the cache cannot be written to.
    """
    if split is not None:
        raise BadData(f"video {path} has no splits: leave --split {split} out")
    clip = open_clip(path)
    folder = cache_folder() / "video" / sha256_file(path)[:20]
    if not folder.is_dir():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            begun = Path(tempfile.mkdtemp(dir=folder.parent))
            try:
                for number, frame in enumerate(frames(clip), start=1):
                    write_image(begun / f"{number:06}.png", frame.image)
                os.rename(begun, folder)  # whole or not at all
            finally:
                shutil.rmtree(begun, ignore_errors=True)
        except OSError as error:
            if not folder.is_dir():  # else another run was faster
                raise OutputError(
                    f"{folder.parent}: frames cannot be kept here ({error.strerror}): set DERAIN_BENCH_CACHE to a "
                    f"folder that can be written"
                ) from None
    scenes = tuple(Scene(id=image.stem, image=None, rainy=image) for image in layout.image_files(folder))
    return DataSet(
        name=f"video/{path.stem}",
        kind="video",
        root=path,
        split="",
        scenes=scenes,
        own_rain=True,
        notes=(f"{len(scenes)} frames at {float(clip.rate):g} per second, kept in {folder}",),
    )


READER = Reader(
    "video",
    "a video of real rain, each frame a scene; no rain is added",
    open_video,
    frozenset(),
    of_file=True,
)
