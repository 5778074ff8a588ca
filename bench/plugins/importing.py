"""Imports a plug-in's file, and what of the user's own it leads to, under names of their own.

A file is imported below a package that stands for it alone, ``bench.plugins.<path>@<hash of its code>``. What it
imports is found by the plain names that it is imported under, and is imported below that package too. So two files with
a neighbour of one name do not meet, nothing is put on ``sys.path`` or in place of anybody else's module, an import
inside a function works whenever the function is called, and changed code is imported afresh. The name says where the
file is: what is pickled by reference (a class, a function, an instance) can be unpickled in any process that sees the
same files, and is refused where their content differs.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any
from urllib.parse import quote, unquote

from bench.hashing import content_key
from bench.plugins import registries
from bench.plugins.code import Home, code_of, find, home_of
from bench.plugins.library import stand_in
from bench.plugins.opened import is_recording, recording, unheard

_ABOVE = __name__.rpartition(".")[0]


def root_name(path: Path, code: dict[str, str]) -> str:
    """Return the name of the package that stands for a file with this code."""
    return f"{_ABOVE}.{quote(str(path)).replace('.', '%2E')}@{_short(code)}"


#: Of each plug-in the modules that its code tells of, and those that only running it did.
_counted: dict[str, set[str]] = {}
late: dict[str, set[str]] = {}


#: What each plug-in's code has put on ``sys.path``: before what was there, and behind it.
_paths: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}


def forget(root: str) -> None:
    """Take a plug-in's modules out of Python's list, so that they are imported again."""
    for name in _modules_of(root):
        del sys.modules[name]
    registries.drop(root)


def files_of(root: str) -> set[str]:
    """Return the files of the modules that a plug-in has imported."""
    found = (getattr(sys.modules.get(name), "__file__", None) for name in _modules_of(root))
    return {str(Path(file).resolve()) for file in found if file}


def home_in(root: str) -> Home:
    """Return where the file that a package stands for belongs, with what it has put on ``sys.path``."""
    before, after = _paths.get(root, ((), ()))
    return replace(home_of(_file_of(root)[0]), before=before, after=after)


class _Running(threading.local):
    """The plug-ins whose code this thread runs to import or make something, the innermost last."""

    def __init__(self) -> None:
        self.roots: list[str] = []
        #: Those that have run a module of theirs since what they have registered was looked for.
        self.fresh: set[str] = set()


_running = _Running()


@contextlib.contextmanager
def at_work(root: str) -> Iterator[None]:
    """Keep for a plug-in alone what its code puts on ``sys.path`` and into registries meanwhile."""
    if not root or root in _running.roots:
        yield
        return
    before = list(sys.path)
    _running.roots.append(root)
    registries.show(root)
    try:
        yield
    finally:
        _running.roots.remove(root)
        if root in _running.fresh:
            _running.fresh.remove(root)
            registries.note(root)
        registries.show(_running.roots[-1] if _running.roots else None)
        added = [entry for entry in sys.path if entry not in before]
        if added:
            first = sys.path.index(next(entry for entry in sys.path if entry not in added))
            _keep_path(root, sys.path[:first], [entry for entry in sys.path[first:] if entry in added])
            sys.path[:] = [entry for entry in sys.path if entry not in added]


def _keep_path(root: str, before: list[str], after: list[str]) -> None:
    kept = _paths.get(root, ((), ()))
    new = [tuple(map(os.path.abspath, entries)) for entries in (before, after)]
    _paths[root] = (tuple(dict.fromkeys(new[0] + kept[0])), tuple(dict.fromkeys(kept[1] + new[1])))
    with unheard():
        _counted.setdefault(root, set()).update(name.removesuffix(".py") for name in code_on_path(root))


def code_on_path(root: str) -> dict[str, str]:
    """Return the hashes of a plug-in's code with all that it leads to on the path that it has made itself; nothing
    where it has made none."""
    return code_of(_file_of(root)[0], home_in(root)) if root in _paths else {}


def _modules_of(root: str) -> list[str]:
    return [name for name in sys.modules if name == root or name.startswith(f"{root}.")]


class _Finder(MetaPathFinder):
    """Finds the packages that stand for files, and the modules below them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        root = root_of(fullname)
        if root is None:
            return None
        with unheard():
            return self._find(root, fullname, path)

    def _find(self, root: str, fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
        file, digest = _file_of(root)
        if fullname == root:
            if not file.is_file():
                raise ImportError(f"no file {file}")
            code = code_of(file)
            _counted[root] = {name.removesuffix(".py") for name in code}
            if _short(code) != digest.partition("-")[0]:
                raise ImportError(f"{file}, or what it imports, has changed since the work with it began")
            return ModuleSpec(fullname, _Empty(), is_package=True)
        above, _, last = fullname.rpartition(".")
        if above == root:
            home = home_in(root)
            # The file itself is meant, whatever else has its name.
            own = last == home.module
            spec = PathFinder.find_spec(last, [str(home.folders[0])]) if own else find(home, last)
        else:
            spec = PathFinder.find_spec(fullname, path)
        if spec is None:
            return None
        if isinstance(spec.loader, SourceFileLoader):
            assert spec.origin is not None
            inner = spec.submodule_search_locations
            return importlib.util.spec_from_file_location(
                fullname,
                spec.origin,
                loader=_Loader(fullname, spec.origin),
                submodule_search_locations=None if inner is None else list(inner),
            )
        if spec.origin is not None:  # compiled
            return importlib.util.spec_from_file_location(fullname, spec.origin)
        package = ModuleSpec(fullname, None, is_package=True)
        package.submodule_search_locations = list(spec.submodule_search_locations or ())
        return package


class _Empty(Loader):
    """Makes the package that stands for a file."""

    def exec_module(self, module: ModuleType) -> None:
        pass


class _Loader(SourceFileLoader):
    """Runs a plug-in's module with an import statement of its own."""

    def get_code(self, fullname: str) -> CodeType:
        # Cached bytecode is told by seconds and size, which two versions of a file may share.
        with unheard():
            data = self.get_data(self.path)
        return self.source_to_code(data, self.path)

    def exec_module(self, module: ModuleType) -> None:
        root = root_of(module.__name__)
        assert root is not None
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _importer(root)}
        # What is unpickled is imported without anybody asking for it.
        with recording(), at_work(root):
            _running.fresh.add(root)
            try:
                super().exec_module(module)
            except BaseException:
                registries.note(root)
                registries.drop(root, module.__name__)
                raise


@functools.cache
def _importer(root: str) -> Callable[..., ModuleType]:
    """Return what an import statement does in the modules of a plug-in."""

    def within(first: str) -> str | None:
        """Where a name, up to its first dot, leads within the plug-in, of which note is taken; None for others'."""
        if not _owns(root, first, tuple(sys.path)):
            return None
        _notice(root, first)
        return root

    def importer(
        name: str, scope: Any = None, local: Any = None, wanted: Any = (), level: int = 0
    ) -> ModuleType:
        first = name.partition(".")[0]
        if level or within(first) is None:
            found = builtins.__import__(name, scope, local, wanted, level)
            if not level:
                registries.imported(root, name, wanted or ())
            return stand_in(found, within)
        found = builtins.__import__(f"{root}.{name}", scope, local, wanted)
        return found if wanted else sys.modules[f"{root}.{first}"]

    return importer


def _notice(root: str, first: str) -> None:
    """Take note of a module of the user's own that the code does not tell of.

    Raises:
        ImportError: If the plug-in is at work already: what its results are kept under can hold nothing more.
    """
    if first in _counted[root] or first in late.get(root, ()):
        return
    if not is_recording():
        raise ImportError(
            f"{first} is imported while work goes on, and the code does not tell of it: import it at the top of a file"
        )
    late.setdefault(root, set()).add(first)


@functools.lru_cache(maxsize=4096)
def _owns(root: str, first: str, path: tuple[str, ...]) -> bool:
    """Whether a name, up to its first dot, is one of a plug-in's own while ``sys.path`` is what is given."""
    with unheard():
        return find(home_in(root), first) is not None


def root_of(fullname: str) -> str | None:
    """Return the package that stands for the plug-in which a module belongs to; None for everybody else's."""
    if not fullname.startswith(f"{_ABOVE}."):
        return None
    first = fullname[len(_ABOVE) + 1 :].partition(".")[0]
    return f"{_ABOVE}.{first}" if "@" in first else None


def _file_of(root: str) -> tuple[Path, str]:
    place, _, digest = root[len(_ABOVE) + 1 :].rpartition("@")
    return Path(unquote(place)), digest


def _short(code: dict[str, str]) -> str:
    return content_key(code)[:12]


# First, since the usual finders would find what lies beside a file as well, and run it as anybody else's.
sys.meta_path.insert(0, _Finder())
