"""What a kind of data set says of itself, and how its rainy variant is written in its own layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from bench.data.base import DataSet
from bench.vocabulary import BOXES, CLEAN_IMAGES, DEPTH, MASKS, OUTLINES

#: What a data set may be able to give to those who score on it.
SERVES = (CLEAN_IMAGES, BOXES, OUTLINES, MASKS, DEPTH)


@dataclass(frozen=True)
class Layout:
    """Where everything of a rainy variant goes, relative to the output folder.

    Attributes:
        kind: What ``--data`` takes before the colon to read the result.
        rainy: Scene id to the rainy image's name.
        clean: Scene id to the clean image's name, in layouts that hold both.
        copies: Target name to the file that is copied there.
        written: Target name to new content.
    """

    kind: str
    rainy: dict[str, str]
    clean: dict[str, str] = field(default_factory=dict)
    copies: dict[str, Path] = field(default_factory=dict)
    written: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Reader:
    """A kind of data set: what is registered, what an entry point of ``derain_bench.data`` gives, and what
    ``--data FILE.py:NAME[:DIR]`` names.

    Attributes:
        kind: What stands before the colon, and what the reader is registered as.
        description: One line on what it holds and how it lies on the disk.
        open: Opens a split of the data set in a folder: (folder, split or None for the default) -> data set, its files
            checked to exist; raises BadData.
        serves: Out of :data:`SERVES`, what a data set of this kind can have at best.
        split: What ``--split`` is where it is not given.
        layout: Says how the rainy variant of a data set that it has opened is written; None where it cannot be.
        embedded: The folder of a data set that comes with its reader, which takes no other; None where one is given.
        of_file: Whether it opens a file instead of a folder.
        open_named: Opens files of a folder that are named after it, ``KIND:DIR#NAMES``: (folder, names) -> data set;
            None where files are found by the layout alone.
    """

    kind: str
    description: str
    open: Callable[[Path, str | None], DataSet]
    serves: frozenset[str]
    split: str = "none"
    layout: Callable[[DataSet], Layout] | None = None
    embedded: Path | None = None
    of_file: bool = False
    open_named: Callable[[Path, str], DataSet] | None = None

    @property
    def place(self) -> str:
        """What stands behind the colon, as help writes it."""
        return "FILE" if self.of_file else "DIR"

    @property
    def spec(self) -> str:
        """What ``--data`` takes."""
        return self.kind if self.embedded is not None else f"{self.kind}:{self.place}"


def as_png(name: str) -> str:
    """Return a relative file name with the ending of the rainy images."""
    return PurePosixPath(name).with_suffix(".png").as_posix()


def relative(path: Path | None, root: Path) -> str:
    """Return a file's name within a data set's folder."""
    assert path is not None
    return path.relative_to(root).as_posix()


def json_bytes(value: Any, indent: int | None = None) -> bytes:
    """Return JSON as a file holds it."""
    separators = (",", ":") if indent is None else (",", ": ")
    return (json.dumps(value, indent=indent, separators=separators, ensure_ascii=False) + "\n").encode()
