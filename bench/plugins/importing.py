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
import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any
from urllib.parse import quote, unquote

from bench.hashing import content_key
from bench.plugins.code import code_of, find, home_of
from bench.plugins.opened import is_recording, recording

_ABOVE = __name__.rpartition(".")[0]


def root_name(path: Path, code: dict[str, str]) -> str:
    """Return the name of the package that stands for a file with this code."""
    return f"{_ABOVE}.{quote(str(path)).replace('.', '%2E')}@{_short(code)}"


#: Of each plug-in the modules that its code tells of, and those that only running it did.
_counted: dict[str, set[str]] = {}
late: dict[str, set[str]] = {}


def forget(root: str) -> None:
    """Take a plug-in's modules out of Python's list, so that they are imported again."""
    for name in [name for name in sys.modules if name == root or name.startswith(f"{root}.")]:
        del sys.modules[name]


class _Finder(MetaPathFinder):
    """Finds the packages that stand for files, and the modules below them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        root = _root_of(fullname)
        if root is None:
            return None
        file, digest = _file_of(root)
        if fullname == root:
            if not file.is_file():
                raise ImportError(f"no file {file}")
            code = code_of(file)
            _counted[root] = {name.removesuffix(".py") for name in code}
            if _short(code) != digest:
                raise ImportError(f"{file}, or what it imports, has changed since the work with it began")
            return ModuleSpec(fullname, _Empty(), is_package=True)
        above, _, last = fullname.rpartition(".")
        spec = find(home_of(file), last) if above == root else PathFinder.find_spec(fullname, path)
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
        return self.source_to_code(self.get_data(self.path), self.path)

    def exec_module(self, module: ModuleType) -> None:
        root = _root_of(module.__name__)
        assert root is not None
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _importer(root)}
        with recording():  # what is unpickled is imported without anybody asking for it
            super().exec_module(module)


@functools.cache
def _importer(root: str) -> Callable[..., ModuleType]:
    """Return what an import statement does in the modules of a plug-in."""
    own, library = _own(root), _Importlib(root)

    def importer(
        name: str, scope: Any = None, local: Any = None, wanted: Any = (), level: int = 0
    ) -> ModuleType:
        first = name.partition(".")[0]
        if level or not own(first):
            found = builtins.__import__(name, scope, local, wanted, level)
            return library if found is importlib else found
        _notice(root, first)
        found = builtins.__import__(f"{root}.{name}", scope, local, wanted)
        return found if wanted else sys.modules[f"{root}.{first}"]

    return importer


class _Importlib(ModuleType):
    """The standard library's ``importlib``, whose ``import_module`` finds what import statements find.

    Args:
        root: The package that stands for the plug-in.
    """

    def __init__(self, root: str) -> None:
        super().__init__("importlib", importlib.__doc__)
        self._root, self._own = root, _own(root)

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib, name)

    def import_module(self, name: str, package: str | None = None) -> ModuleType:
        """As ``importlib.import_module``."""
        name = importlib.util.resolve_name(name, package)
        first = name.partition(".")[0]
        if not self._own(first):
            return importlib.import_module(name)
        _notice(self._root, first)
        return importlib.import_module(f"{self._root}.{name}")


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


@functools.cache
def _own(root: str) -> Callable[[str], bool]:
    """Return whether a name, up to its first dot, is one of a plug-in's own."""
    home = home_of(_file_of(root)[0])
    return functools.cache(lambda first: find(home, first) is not None)


def _root_of(fullname: str) -> str | None:
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
