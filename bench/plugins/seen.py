"""What running a plug-in tells beyond its code: files that it opened, modules that it found in ways of its own.

It is remembered by the package that stands for the plug-in, so that an edit of any of it has the plug-in imported anew.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from bench.hashing import sha256_bytes, sha256_file
from bench.plugins.code import code_behind
from bench.plugins.importing import code_on_path, files_of, forget, home_in, late
from bench.plugins.opened import data_of


@dataclass
class _Seen:
    """What was seen of a plug-in.

    Attributes:
        imported: Hashes of the files that it opened while it was imported.
        made: The same of those that it opened while something was made of it, by that and what it was made with.
        behind: Hashes of the modules that it imported though its code does not tell of them.
        keeps: Whether its modules may have kept what was in a file that not all that is made of it counts.
    """

    imported: dict[Path, str]
    made: dict[str, dict[Path, str]] = field(default_factory=dict)
    behind: dict[str, str] = field(default_factory=dict)
    keeps: bool = False

    def holds(self, root: str) -> bool:
        """Whether all of it is still so."""
        files = [*self.imported.items(), *(pair for each in self.made.values() for pair in each.items())]
        return self.behind == _behind(root) and all(
            path.is_file() and sha256_file(path) == digest for path, digest in files
        )


_NOTHING = _Seen({})
_seen: dict[str, _Seen] = {}
#: The packages of what was set apart, by the plug-in's and by what it is.
_places: dict[tuple[str, str], str] = {}


def remember(root: str, opened: set[str]) -> None:
    """Keep what a plug-in opened while it was imported for the first time since it was forgotten."""
    if root not in _seen:
        _seen[root] = _Seen(_hashed(root, opened))
    _seen[root].behind = _behind(root)


def while_imported(root: str) -> tuple[dict[str, str], dict[Path, str]]:
    """Return the hashes of a plug-in's modules that its code does not tell of, and of the files that it opened."""
    found = _seen.get(root, _NOTHING)  # it may be edited at this moment
    return found.behind, found.imported


def while_made(root: str, what: str, opened: set[str], known: Collection[str]) -> dict[Path, str]:
    """Return the hashes of the files that a plug-in opened while something was made of it, now or earlier: what it
    keeps it does not open again.

    Args:
        root: The package that stands for the plug-in; empty for none, of which nothing is kept.
        what: What was made, with what.
        opened: The files that were opened now.
        known: Hashes of those that count for all that is made of the plug-in, or that arguments name.
    """
    files = _hashed(root, opened)
    if not root:
        return files
    found = _seen.setdefault(root, _Seen({}))
    found.behind = _behind(root)  # a constructor imports too
    kept = found.made.setdefault(what, {})
    kept.update(files)
    found.keeps |= not set(files.values()) <= {*known, *found.imported.values()}
    return dict(kept)


def place(root: str, what: str) -> str:
    """Return the package in which something of a plug-in is made: the plug-in's, unless it got one of its own."""
    return _places.get((root, what), root)


def set_apart(root: str, what: str) -> None:
    """Give something of a plug-in modules of its own, where making something else of it has opened files.

    The modules may have kept what was in them, and nobody could tell whether this one depends on that.

    Args:
        root: The package that stands for the plug-in.
        what: What is to be made, with what.
    """
    found = _seen.get(root, _NOTHING)
    if what not in found.made and found.keeps:
        _places[root, what] = f"{root}-{sha256_bytes(what.encode())[:12]}"


def forget_if_changed(root: str) -> None:
    """Have a plug-in imported anew where what it opened or found is not what it was."""
    if root in _seen and not _seen[root].holds(root):
        forget(root)
        del _seen[root]


def _behind(root: str) -> dict[str, str]:
    return code_behind(late.get(root, ()), home_in(root)) | code_on_path(root)


def _hashed(root: str, opened: set[str]) -> dict[Path, str]:
    folder = home_in(root).folders[0] if root else Path("/")
    return {path: sha256_file(path) for path in data_of(opened, folder, files_of(root))}
