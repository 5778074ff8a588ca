"""Code of the user's own, ``FILE.py:NAME[:ARG]``: one loader for derainers, rains, data readers, tasks and models.

A plug-in sees the modules beside its file, and no other plug-in's: while one is imported its folder stands first on
``sys.path``, and the modules that came with it leave ``sys.modules`` again. A function that imports a neighbour later
finds it through :class:`_Neighbours`.

What a plug-in's results depend on is all of its own code, so :func:`code_key` covers every module that it names or
has loaded and that is not part of an installed distribution: its file, its neighbours, packages installed as editable.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import re
import site
import sys
import sysconfig
import threading
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import ANYTHING, BadConfig, BenchError, said
from bench.hashing import content_key, sha256_bytes, sha256_file

_SPEC = re.compile(r"(?P<file>.+?\.py):(?P<name>\w+)(?::(?P<arg>.+))?", re.DOTALL)
_PREFIX = "derain_bench_plug_in_"
_OURS = ("bench", "derainers", "downstream", "reports")
_lock = threading.RLock()


@dataclass(frozen=True)
class PlugIn:
    """An object in a Python file.

    Attributes:
        file: The file, as the user wrote it.
        name: The object's name in it.
        arg: What follows; None for nothing.
    """

    file: str
    name: str
    arg: str | None = None

    @property
    def path(self) -> Path:
        """The file's place."""
        return Path(self.file).expanduser().resolve()

    def __str__(self) -> str:
        return f"{self.file}:{self.name}" + (f":{self.arg}" if self.arg is not None else "")


@dataclass
class _Loaded:
    """A file that was imported.

    Attributes:
        digest: Of all its own code, at that time.
        module: The module.
        own: Its own modules beside it, by name.
    """

    digest: str
    module: ModuleType
    own: dict[str, ModuleType] = field(default_factory=dict)


_loaded: dict[Path, _Loaded] = {}


def parse(spec: str) -> PlugIn | None:
    """Return what a user named in a file; None for what is no such name.

    Example:
        >>> parse("my.py:Net:weights.pth")
        PlugIn(file='my.py', name='Net', arg='weights.pth')
        >>> parse("street")
    """
    found = _SPEC.fullmatch(spec)
    return PlugIn(**found.groupdict()) if found else None


def check(plug_in: PlugIn, what: str) -> None:
    """Check that a plug-in's file exists, without importing it.

    Args:
        plug_in: The plug-in.
        what: What it is to be, for the message: ``derainer``, ``rain``, ...

    Raises:
        BadConfig: If it does not.
    """
    if not plug_in.path.is_file():
        raise BadConfig(f"{what} {str(plug_in)!r}: no file {plug_in.file}")


def load(plug_in: PlugIn, what: str = "plug-in") -> Any:
    """Import a plug-in's file and return the object; this runs its code.

    A file that was imported before and has not changed since, its neighbours included, is not imported again.

    Args:
        plug_in: The plug-in.
        what: What it is to be, for messages.

    Raises:
        BadConfig: If there is no such file or object, or importing it raises.
    """
    check(plug_in, what)
    with _lock:
        module = _module(plug_in.path, plug_in.file)
    if not hasattr(module, plug_in.name):
        public = [
            name for name, value in vars(module).items() if callable(value) and not name.startswith("_")
        ]
        raise BadConfig(
            f"{plug_in.file} has no {plug_in.name!r}; it has {', '.join(public[:8]) or 'nothing that can be called'}"
        )
    return getattr(module, plug_in.name)


def code_key(plug_in: PlugIn) -> str | dict[str, str]:
    """Return the hash of each of a plug-in's own modules, by their place beside its file; of a single file its hash.

    Modules that are named by import statements anywhere in the code count, and those that it has loaded so far.
    Nothing is run for it.
    """
    path = plug_in.path
    files = _named_files(path)
    loaded = _loaded.get(path)
    if loaded is not None:
        files |= {Path(m.__file__).resolve() for m in loaded.own.values() if m.__file__}
    hashes = {_place(file, path.parent): sha256_file(file) for file in sorted(files) if file.is_file()}
    return next(iter(hashes.values())) if len(hashes) == 1 else hashes


def remade(plug_in: PlugIn, qualname: str, state: dict[str, Any]) -> Any:
    """Return an object of a plug-in's class with a state: how such objects reach other processes."""
    load(plug_in, "plug-in")
    found: Any = _loaded[plug_in.path].module
    for part in qualname.split("."):
        found = getattr(found, part)
    made = object.__new__(found)
    made.__dict__.update(state)
    return made


def origin_of(kind: type) -> PlugIn | None:
    """Return the plug-in whose file defines a class; None for classes of installed modules."""
    if not kind.__module__.startswith(_PREFIX):
        return None
    for path, loaded in _loaded.items():
        if loaded.module.__name__ == kind.__module__:
            return PlugIn(str(path), kind.__qualname__.partition(".")[0])
    return None


def _module(path: Path, shown: str) -> ModuleType:
    digest = content_key({str(file): sha256_file(file) for file in sorted(_named_files(path))})
    known = _loaded.get(path)
    if known is not None and known.digest == digest:
        return known.module
    name = _PREFIX + sha256_bytes(str(path).encode())[:16]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    loaded = _Loaded(digest, module)
    before = _loaded.get(path)
    sys.modules[name] = module  # dataclasses and pickling look a class's module up by its name
    _loaded[path] = loaded
    if not any(isinstance(finder, _Neighbours) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Neighbours())
    try:
        with _apart(loaded, path.parent):
            spec.loader.exec_module(module)
    except BaseException as error:
        sys.modules.pop(name, None)
        if before is None:
            _loaded.pop(path)
        else:
            _loaded[path], sys.modules[name] = before, before.module
        if isinstance(error, BenchError) or not isinstance(error, ANYTHING):
            raise
        advice = "; keep what is not to run now under if __name__ == '__main__'"
        raise BadConfig(
            f"{shown} could not be imported: {said(error)}{_line(error, path)}"
            f"{advice if isinstance(error, SystemExit) else ''}"
        ) from error
    return module


@contextlib.contextmanager
def _apart(loaded: _Loaded, folder: Path) -> Iterator[None]:
    """Let imports find a plug-in's neighbours, and nobody else's; keep what comes with it out of the way after."""
    others = {
        name: module
        for name, module in list(sys.modules.items())
        if "." not in name and _is_neighbour(name, folder) and not _is_installed(_file_of(module))
    }
    for name in list(sys.modules):
        if name.partition(".")[0] in others:
            others[name] = sys.modules.pop(name)
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            module = sys.modules[name]
            if not _is_installed(_file_of(module)) and not name.startswith(_PREFIX):
                loaded.own[name] = module
                if _is_neighbour(name.partition(".")[0], folder):
                    del sys.modules[name]
        sys.modules.update(others)


class _Neighbours(importlib.abc.MetaPathFinder):
    """Finds a plug-in's neighbours for imports that its functions make later."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a module beside the file of whoever imports it, if that is a plug-in."""
        asking = self._asking()
        if asking is None:
            return None
        folder, loaded = asking
        if fullname in loaded.own:
            return importlib.util.spec_from_loader(fullname, _Kept(loaded.own[fullname]))
        if path is not None or not _is_neighbour(fullname, folder):
            return None
        return importlib.machinery.PathFinder.find_spec(fullname, [str(folder)])

    def _asking(self) -> tuple[Path, _Loaded] | None:
        frame = sys._getframe(2)
        while frame is not None:
            file = frame.f_globals.get("__file__")
            if file and not frame.f_globals.get("__name__", "").startswith("importlib"):
                for path, loaded in _loaded.items():
                    if frame.f_globals.get("__name__") == loaded.module.__name__ or any(
                        frame.f_globals is vars(module) for module in loaded.own.values()
                    ):
                        return path.parent, loaded
                return None
            frame = frame.f_back  # type: ignore[assignment]
        return None


class _Kept(importlib.abc.Loader):
    """Gives a module that was loaded before."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """The module as it is."""
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """It has run already."""


def _is_neighbour(name: str, folder: Path) -> bool:
    return (folder / f"{name}.py").is_file() or (folder / name).is_dir()


def _named_files(path: Path) -> set[Path]:
    """A file and all own modules that import statements name, anywhere in it and in them."""
    found: set[Path] = set()
    todo = [path]
    while todo:
        file = todo.pop()
        if file in found or not file.is_file():
            continue
        found.add(file)
        todo += _imported(file, path.parent)
    return found


def _imported(file: Path, root: Path) -> list[Path]:
    """The own modules that a file's import statements name."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError):  # told when it is imported
        return []
    files: list[Path] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                files += _files_of(alias.name, [root])
        elif isinstance(node, ast.ImportFrom):
            base = [root]
            if node.level:
                base = [file.parents[node.level - 1]] if node.level <= len(file.parents) else []
            files += _files_of(node.module or "", base)
            for alias in node.names:
                files += _files_of(f"{node.module}.{alias.name}" if node.module else alias.name, base)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                files += _files_of(node.args[0].value, [root])
    return files


def _files_of(name: str, roots: Sequence[Path]) -> list[Path]:
    """The files of a dotted name's packages and module, beside a plug-in or installed as editable."""
    parts = [part for part in name.split(".") if part]
    for root in roots:
        files, place = [], root
        for part in parts:
            place = place / part
            files += [file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()]
        if files or (parts and (root / parts[0]).is_dir()):
            return [file.resolve() for file in files]
    if not parts or parts[0] in sys.stdlib_module_names or parts[0] in _OURS:
        return []
    editable = _editable_root(parts[0])
    return _files_of(name, [editable]) if editable is not None else []


@cache
def _editable_root(package: str) -> Path | None:
    """The folder that holds a package that is importable and not installed by copying; None for others."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    place = places[0] if places else Path(spec.origin) if spec.has_location and spec.origin else None
    return None if place is None or _is_installed(place) else place.resolve().parent


def _file_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    if file is None:
        places = list(getattr(module, "__path__", ()))
        return Path(places[0]).resolve() if places else None
    return Path(file).resolve()


@cache
def _installed_roots() -> tuple[Path, ...]:
    places = {sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    places |= set(site.getsitepackages()) | {site.getusersitepackages()}
    ours = [Path(__file__).resolve().parents[1] / name for name in _OURS]
    return (*(Path(place).resolve() for place in places), *ours)


def _is_installed(file: Path | None) -> bool:
    """Whether a module is built in, of the standard library, of an installed distribution, or this program's."""
    return file is None or any(file.resolve().is_relative_to(root) for root in _installed_roots())


def _place(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.name


def _line(error: BaseException, path: Path) -> str:
    """The line of a file that an exception came from or through; empty where it did not."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path]
    return f" (line {lines[-1]})" if lines else ""
