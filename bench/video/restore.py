"""A clip restored: segment by segment, so that a run that was killed goes on where it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.deadline import unit
from bench.errors import BadConfig, BadData
from bench.files import ensure_folder, write_atomic
from bench.hashing import canonical_json, sha256_file
from bench.images import read_only
from bench.video.read import Clip, Frame, frames, open_clip
from bench.video.write import OPTIONS, check_writable, join, write_segment

if TYPE_CHECKING:
    from derainers import Derainer

#: Frames of a segment: what is lost at most when a run is killed.
SEGMENT = 64
#: Pixels of frames that are restored at a time.
_BATCH_PIXELS = 4 << 20
#: Changes whenever the same frames would be written otherwise.
_VERSION = 1
#: Frames that a file states may lack without a word, as a share of them and in seconds: some files state only how long
#: they last, and the sound may last longer than the picture.
_ROUNDED, _SLACK = 0.02, 0.25


def check(source: Path, out: Path, *, overwrite: bool = False) -> Clip:
    """Open a clip and check that its restored version can be written, before any network is loaded.

    Raises:
        BadData: If it is no video.
        BadConfig: If the output is there already, or of a format that does not take it.
        OutputError: If it cannot be written.
    """
    clip = open_clip(source)
    if out.exists() and out.samefile(source):
        raise BadConfig(f"--out {out} is the clip itself: give another name")
    check_output(clip, out, overwrite=overwrite)
    return clip


def check_output(clip: Clip, out: Path, *, overwrite: bool = False) -> None:
    """Check that a clip of these sides and sounds can be written; errors as for :func:`check`."""
    if out.exists() and not overwrite:
        raise BadConfig(f"--out {out} is there already: give another name, or remove it")
    ensure_folder(out.parent)
    check_writable(clip, out)


def restore_clip(clip: Clip, out: Path, derainer: Derainer, advance: Callable[[int], Any]) -> int:
    """Restore a clip; segments that an earlier run has finished are kept.

    Args:
        clip: From :func:`check`.
        out: The restored clip. Beside it, ``OUT.parts`` holds finished segments until it is whole.
        derainer: What restores its frames.
        advance: Is told how many frames were finished, those of earlier runs included.

    Returns:
        How many frames the restored clip has.

    Raises:
        BadConfig: If ``OUT.parts`` holds segments of another clip or derainer.
        BadData: If the clip ends before its stated end; what there was is restored and written all the same.
        OutputError: If something cannot be written.
    """
    parts = _parts(clip, out, derainer)
    segments: list[Path] = []
    total = 0
    found = frames(clip)
    while True:
        path = parts / f"{len(segments):06}.nut"
        if path.is_file():
            count = sum(1 for _ in islice(found, SEGMENT))  # decoded and thrown away: no seek is exact
            advance(count)
        else:
            chunk = []
            for frame in restored(islice(found, SEGMENT), clip, derainer):
                chunk.append(frame)
                advance(1)
            count = len(chunk)
            if count:
                write_segment(path, clip, chunk)
        if not count:
            break
        segments.append(path)
        total += count
    if not segments:
        raise BadData(f"{clip.path} holds no frame that can be read")
    join(segments, clip, out)
    shutil.rmtree(parts)
    if clip.stated - total > max(_ROUNDED * clip.stated, _SLACK * clip.rate):
        raise BadData(
            f"{clip.path} ends early, after {total} of {clip.stated} frames: {out} has these; "
            f"mend or fetch the video, and give another --out"
        )
    return total


def restored(found: Iterator[Frame], clip: Clip, derainer: Derainer) -> Iterator[Frame]:
    """Restore frames, some at a time.

    Raises:
        BenchError: If the derainer does not return an image for each, of the same size.
    """
    from derainers.base import checked

    size = max(1, _BATCH_PIXELS // (clip.size[0] * clip.size[1]))
    while batch := list(islice(found, size)):
        with unit(f"derainer {derainer.card.name}", "restore a few frames"):
            images = derainer.restore([read_only(item.image) for item in batch])
        for item, image in zip(batch, images, strict=True):
            yield Frame(item.time, checked(image, item.image, derainer.card.name))


def _parts(clip: Clip, out: Path, derainer: Derainer) -> Path:
    """The folder of finished segments, for this clip and derainer alone."""
    parts = out.with_name(f"{out.name}.parts")
    what = {
        "version": _VERSION,
        "clip": sha256_file(clip.path),
        "derainer": dict(derainer.key),
        "segment": SEGMENT,
        "encoder": OPTIONS,
    }
    note = parts / "what.json"
    if note.is_file():
        if note.read_bytes() != canonical_json(what).encode():
            raise BadConfig(
                f"{parts} holds a part of another clip, or of one by another derainer: remove it, or give another "
                f"--out"
            )
        return parts
    ensure_folder(parts)
    write_atomic(note, canonical_json(what).encode())
    return parts
