"""Objects from a user's Python file, ``FILE.py:NAME[:ARG]``: derainers, rains, data readers, whatever has such a door.

A file is imported as a package of its own below this module: ``bench.plugins.<path>@<hash of its code>``. What lies
beside the file is found by the plain names that the file imports it under, and is imported below the file's own name.
So two files with a neighbour of one name do not meet, nothing is put on ``sys.path`` or in place of anybody else's
module, an import inside a function works whenever the function is called, and changed code is imported afresh. The
name says where the file is: what is pickled by reference (a class, a function, an instance) can be unpickled in any
process that sees the same files, and is refused where their content differs.

A module that is imported through ``importlib.import_module("neighbour")`` instead of an import statement is not found.

Whoever calls this runs the user's code: a name that comes out of a record or a file must not get here.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import functools
import importlib
import importlib.util
import site
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any
from urllib.parse import quote, unquote

from bench.errors import ANYTHING, BadConfig, said
from bench.hashing import content_key, sha256_bytes, sha256_file

#: Modules of plug-ins are submodules of this one, though none lies in a folder.
__path__: list[str] = []

#: Names that stand for our own packages and the standard library, whatever lies beside a file.
_TAKEN = frozenset({"bench", "derainers", "downstream", "reports", *sys.stdlib_module_names})
#: What a package's code consists of.
_CODE = (".py", ".so", ".pyd")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class PlugIn:
    """An object in a Python file, as a user names it.

    Attributes:
        file: The file as it was written.
        name: The object's name in it.
        arg: What follows after a second colon; its meaning is the caller's.
    """

    file: Path
    name: str
    arg: str | None = None

    @property
    def path(self) -> Path:
        """The file, absolute."""
        return self.file.expanduser().resolve()

    @property
    def title(self) -> str:
        """The spelling without the folders: the same wherever the file lies."""
        return str(PlugIn(Path(self.file.name), self.name, self.arg))

    def __str__(self) -> str:
        return ":".join([str(self.file), self.name, *([] if self.arg is None else [self.arg])])


def parse(spec: str) -> PlugIn | None:
    """Read ``FILE.py:NAME[:ARG]``.

    Returns:
        The plug-in; None where ``spec`` does not name an object in a Python file.

    Example:
        >>> parse("rains/my.py:fog:0.5")
        PlugIn(file=PosixPath('rains/my.py'), name='fog', arg='0.5')
        >>> parse("streaks:heavy")
    """
    file, door, rest = spec.strip().partition(".py:")
    name, _, arg = rest.partition(":")
    return PlugIn(Path(f"{file}.py"), name, arg or None) if door and name else None


def refuse_bare(spec: str) -> None:
    """Say what is missing where a user named a Python file and nothing in it.

    Raises:
        BadConfig: If so.
    """
    file = spec.strip().rstrip(":")
    if file.endswith(".py"):
        raise BadConfig(f"{spec!r}: name what in the file is meant, such as {file}:NAME")


def load(plugin: PlugIn) -> Any:
    """Import a plug-in's file, where that has not happened yet, and return its object.

    Raises:
        BadConfig: If there is no such file or object, or the file cannot be imported; one line says why.
    """
    code = code_key(plugin)
    name = f"{__name__}.{quote(str(plugin.path)).replace('.', '%2E')}@{_short(code)}"
    try:
        module = importlib.import_module(name)
    except ANYTHING as error:
        advice = "; keep what is not to run now under if __name__ == '__main__'"
        raise BadConfig(
            f"{plugin.file} could not be imported: {said(error).replace(f'{name}.', '')}{_line(error, plugin.path)}"
            f"{advice if isinstance(error, SystemExit) else ''}"
        ) from error
    if not hasattr(module, plugin.name):
        raise BadConfig(f"{plugin.file} has no {plugin.name!r}{_instead(module, plugin.name)}")
    return getattr(module, plugin.name)


def code_key(plugin: PlugIn) -> dict[str, str]:
    """Return the hashes of a plug-in's code: its file, and all of the user's own that an import statement leads to.

    The user's own is what lies beside the file, and what is imported from elsewhere but belongs to no installed
    distribution; a package that is installed for development belongs to the user. A package counts with every file of
    code in it. Statements are looked up in the files, also those inside functions, so that the key does not depend on
    what has been imported so far. A module that is named in no statement is not seen.

    Returns:
        SHA-256 of each module or package, by its name; where they lie does not count.

    Raises:
        BadConfig: If there is no such file, or one cannot be read.
    """
    if not plugin.path.is_file():
        raise BadConfig(f"{plugin}: no file {plugin.file}")
    importlib.invalidate_caches()  # a file may be younger than the listing of its folder
    try:
        return _code_of(plugin.path)
    except OSError as error:
        raise BadConfig(f"{plugin}: {error.filename} cannot be read: {error.strerror or error}") from None


def config_code(file: Path, modules: Sequence[str] = ()) -> dict[str, str]:
    """Return the hashes of all of the user's own code that a configuration leads to, beside its values.

    Args:
        file: The configuration; of a Python file, what its import statements lead to and what it defines itself count.
        modules: Names of modules that the configuration has imported.

    Returns:
        As :func:`code_key` does, without the file's own hash; empty where all of the code belongs to installed
        distributions.

    Raises:
        BadConfig: If a file of code cannot be read.
    """
    importlib.invalidate_caches()
    try:
        key = _code_behind(
            {name.partition(".")[0] for name in modules} | _imported(file, file.parent), file.parent
        )
        own = [node for node in _parsed(file).body if isinstance(node, _DEFINITIONS)]
    except OSError as error:
        raise BadConfig(f"{file}: {error.filename} cannot be read: {error.strerror or error}") from None
    return key | ({file.name: sha256_bytes("".join(map(ast.dump, own)).encode())} if own else {})


def _code_of(path: Path) -> dict[str, str]:
    return {path.name: sha256_file(path)} | _code_behind(_imported(path, path.parent), path.parent)


def _code_behind(waiting: set[str], folder: Path) -> dict[str, str]:
    """Hash the user's own modules of some names, looked up in a folder first, and all that they import."""
    key: dict[str, str] = {}
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        spec, within = _beside(folder, name), folder
        if spec is None:
            spec = _elsewhere(name)
            if spec is None or not _is_own(spec):
                continue
            within = Path("/nowhere")
        files = {name: file for name, file in _files(spec)}
        hashes = {name: sha256_file(file) for name, file in files.items()}
        key[name] = content_key(hashes) if spec.submodule_search_locations else next(iter(hashes.values()))
        for file in files.values():
            waiting |= _imported(file, within)
    return key


def _files(spec: ModuleSpec) -> Iterator[tuple[str, Path]]:
    """Yield the files of a module or package, by their names within it."""
    if not spec.submodule_search_locations:
        assert spec.origin is not None
        yield "", Path(spec.origin)
        return
    for folder in map(Path, spec.submodule_search_locations):
        for path in sorted(folder.rglob("*")):
            if path.suffix in _CODE and path.is_file():
                yield path.relative_to(folder).as_posix(), path


def _imported(file: Path, folder: Path) -> set[str]:
    """Return the first parts of the names that a file imports, with those it imports relative to ``folder``."""
    tree = _parsed(file)
    # So many dots lead from the file to its neighbours in the folder.
    dots = len(file.relative_to(folder).parts) if file.is_relative_to(folder) else None
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level in (0, dots):
            names += [node.module] if node.module else [alias.name for alias in node.names]
    return {name.partition(".")[0] for name in names}


def _parsed(file: Path) -> ast.Module:
    """Return a Python file's syntax tree; an empty one of what is no Python, which importing it says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(file.read_bytes() if file.suffix == ".py" else b"")
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def _beside(folder: Path, name: str) -> ModuleSpec | None:
    """Find a module or package of the given name in the folder of a plug-in's file."""
    if name in _TAKEN:
        return None
    spec = PathFinder.find_spec(name, [str(folder)])
    # A folder of data is a package of no code to Python: as in Python it comes after everything else.
    if spec is not None and spec.origin is None and _elsewhere(name) is not None:
        return None
    return spec


def _elsewhere(name: str) -> ModuleSpec | None:
    if name in _TAKEN:
        return None
    try:
        return importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):  # a module that was made by hand has no spec
        return None


def _is_own(spec: ModuleSpec) -> bool:
    """Whether a module belongs to no installed distribution."""
    if spec.submodule_search_locations:
        places = [Path(place) for place in spec.submodule_search_locations]
    else:
        places = [Path(spec.origin)] if spec.has_location and spec.origin else []
    return bool(places) and not any(_is_installed(place.resolve()) for place in places)


def _is_installed(place: Path) -> bool:
    # `pip install --target` leaves its notes beside the packages, wherever that is.
    return any(place.is_relative_to(root) for root in _installed_at()) or any(
        place.parent.glob("*.dist-info")
    )


@functools.cache
def _installed_at() -> tuple[Path, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    places = [*map(sysconfig.get_path, names), *site.getsitepackages(), site.getusersitepackages()]
    return tuple({Path(place).resolve() for place in places})


class _Finder(MetaPathFinder):
    """Finds the modules below this one: a plug-in's file by its name, its neighbours in its folder."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(f"{__name__}."):
            return None
        root = _root_of(fullname)
        if fullname != root:
            spec = PathFinder.find_spec(fullname, path)
            if spec is not None and isinstance(spec.loader, SourceFileLoader):
                assert spec.origin is not None
                spec.loader = _Loader(fullname, spec.origin)
            return spec
        file, digest = _file_of(root)
        if not file.is_file():
            raise ImportError(f"no file {file}")
        if _short(_code_of(file)) != digest:
            raise ImportError(f"{file}, or what it imports, has changed since the work with it began")
        return importlib.util.spec_from_file_location(
            fullname,
            file,
            loader=_Loader(fullname, str(file)),
            submodule_search_locations=[str(file.parent)],
        )


class _Loader(SourceFileLoader):
    """Runs a plug-in's module with an import statement of its own."""

    def get_code(self, fullname: str) -> CodeType:
        # Cached bytecode is told by seconds and size, which two versions of a file may share.
        return self.source_to_code(self.get_data(self.path), self.path)

    def exec_module(self, module: ModuleType) -> None:
        own = {**vars(builtins), "__import__": _importer(_root_of(module.__name__))}
        module.__dict__["__builtins__"] = own
        super().exec_module(module)


@functools.cache
def _importer(root: str) -> Callable[..., ModuleType]:
    """Return what an import statement does in the modules of a plug-in."""
    folder = _file_of(root)[0].parent
    beside = functools.cache(lambda name: _beside(folder, name) is not None)

    def importer(
        name: str, scope: Any = None, local: Any = None, wanted: Any = (), level: int = 0
    ) -> ModuleType:
        first = name.partition(".")[0]
        if level or not beside(first):
            return builtins.__import__(name, scope, local, wanted, level)
        found = builtins.__import__(f"{root}.{name}", scope, local, wanted)
        return found if wanted else sys.modules[f"{root}.{first}"]

    return importer


def _root_of(fullname: str) -> str:
    return f"{__name__}.{fullname[len(__name__) + 1 :].partition('.')[0]}"


def _file_of(root: str) -> tuple[Path, str]:
    place, _, digest = root[len(__name__) + 1 :].rpartition("@")
    return Path(unquote(place)), digest


def _short(code: dict[str, str]) -> str:
    return content_key(code)[:12]


def _line(error: BaseException, path: Path) -> str:
    """The line of a file that an exception came from or through; empty where it did not."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path]
    return f" (line {lines[-1]})" if lines else ""


def _instead(module: ModuleType, name: str) -> str:
    """What a file has in place of a name that it has not: close ones, else its own things that can be called."""
    public = {key: value for key, value in vars(module).items() if not key.startswith("_")}
    close = difflib.get_close_matches(name, public, n=3)
    if close:
        return f": did you mean {' or '.join(close)}?"
    listed = [key for key, value in public.items() if callable(value)]
    return f"; it has {', '.join(listed[:8]) or 'nothing that can be called'}"


# First, since the usual finders would find what lies beside a file as well, and run it as anybody else's.
sys.meta_path.insert(0, _Finder())
