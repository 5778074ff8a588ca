"""Images of a folder to restored images in another, as `bench restore` makes them: which file becomes which, what lies
there already, and what is left alone.

A restored image says inside the PNG by which derainer it was made and of which image. So a stopped run goes on where
it was, and a second derainer does not write over the first one's results unasked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.deadline import unit
from bench.errors import BadConfig, BadData, some
from bench.files import ensure_folder, list_files, write_atomic
from bench.hashing import content_key, sha256_file
from bench.images import SUFFIXES, check_file, encode_png, read_image
from bench.png_text import text_of, with_text

if TYPE_CHECKING:
    from derainers import Derainer


@dataclass(frozen=True)
class Job:
    """An image and the file that its restored form goes into."""

    source: Path
    target: Path


def plan_jobs(images: Sequence[Path], out: Path) -> tuple[list[Job], list[Path]]:
    """Find the images to restore, and check every one of them.

    Args:
        images: Files, which are written right into ``out``, and folders, whose sub-folders are kept.
        out: Where restored images go, as PNG; what lies in it is not restored again.

    Returns:
        What is to be done, and the files of the folders that are no images.

    Raises:
        BadData: If a file or folder is not there, a folder holds no image, or an image cannot be decoded.
        BadConfig: If two images would be written as one file, or one over itself.
    """
    jobs: dict[Path, Job] = {}
    others: list[Path] = []
    within = out.resolve()
    for item in images:
        if item.is_dir():
            files = [
                path for path in list_files(item, ("",), deep=True) if within not in path.resolve().parents
            ]
            found = [path for path in files if path.name.lower().endswith(SUFFIXES)]
            if not found:
                raise BadData(f"no images in {item}: known endings are {', '.join(SUFFIXES)}")
            others += [path for path in files if path not in set(found)]
            named = [Job(path, out / path.relative_to(item).with_suffix(".png")) for path in found]
        elif item.exists():
            named = [Job(item, out / f"{item.stem}.png")]
        else:
            raise BadData(f"{item} does not exist: check the path")
        for job in named:
            other = jobs.setdefault(job.target, job)
            if other.source.resolve() != job.source.resolve():
                raise BadConfig(
                    f"{other.source} and {job.source} would both be written as {job.target.relative_to(out)}: restore "
                    f"them into two folders"
                )
    for job in jobs.values():
        if job.target.resolve() == job.source.resolve():
            raise BadConfig(
                f"--out {out} is where {job.source.name} lies, which would be overwritten: give another folder"
            )
    for job in jobs.values():
        check_file(job.source)
    return list(jobs.values()), others


def still_to_do(jobs: Sequence[Job], label: str, derainer: Derainer, *, overwrite: bool) -> list[Job]:
    """Return the jobs that are not done: whose file is not there, or was made of another image.

    Args:
        jobs: From :func:`plan_jobs`.
        label: What the derainer is called.
        derainer: The derainer, loaded.
        overwrite: Whether files of anybody's may be replaced.

    Raises:
        BadConfig: If a file is there that this derainer has not made, and may not be replaced.
    """
    left = []
    for job in jobs:
        if job.target.exists():
            made = _made(job.target)
            own = made.get("key") == content_key(derainer.key)
            if own and made.get("source") == sha256_file(job.source):
                continue
            if not own and not overwrite:
                by = f"of {made['derainer']}" if made else "that `bench restore` did not write"
                if made.get("derainer") == label:
                    by += " with other weights, code or settings"
                raise BadConfig(
                    f"{job.target} is there already, a file {by}: give another --out, or --overwrite to replace it"
                )
        left.append(job)
    return left


def restore_images(
    jobs: Sequence[Job], label: str, derainer: Derainer, progress: Callable[[int], None]
) -> None:
    """Restore images and write them, each at once or not at all.

    Args:
        jobs: From :func:`still_to_do`.
        label: What the derainer is called.
        derainer: The derainer, loaded.
        progress: Called with the number of images that are done since the last call.

    Raises:
        BadData: If an image cannot be read.
        OutputError: If one cannot be written.
    """
    for job in jobs:
        image = read_image(job.source)
        with unit(f"derainer {label}", f"restore {job.source}"):
            restored = derainer(image)
        made = {
            "derainer": label,
            "key": content_key(derainer.key),
            "source": sha256_file(job.source),
        }
        ensure_folder(job.target.parent)
        write_atomic(job.target, with_text(encode_png(restored), json.dumps(made)))
        progress(1)


def skipped(others: Sequence[Path], done: int) -> list[str]:
    """Say what was left alone, one line each: files that are no images, and images that are restored already."""
    lines = []
    if others:
        lines.append(f"files that are no images ({len(others)}): {some(path.name for path in others)}")
    if done:
        lines.append(f"images that this derainer has restored already: {done}")
    return lines


def _made(path: Path) -> Mapping[str, str]:
    """What a restored image says of itself; nothing where it does not."""
    try:
        made = json.loads(text_of(path) or "{}")
    except ValueError:
        return {}
    return (
        made
        if isinstance(made, dict) and all(isinstance(made.get(k), str) for k in ("derainer", "key"))
        else {}
    )
