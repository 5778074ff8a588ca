"""Which files are a plug-in's own code and data: found in the files themselves, without running any.

Statements are read wherever they stand, also inside functions, so that the answer is the same in every process and does
not depend on what has been imported so far. What only the running program knows is seen by :mod:`bench.plugins.opened`.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import os
import re
import site
import sys
import sysconfig
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from bench.hashing import content_key, sha256_bytes, sha256_file

#: Names that stand for our own packages and the standard library, whatever lies beside a file.
OURS = ("bench", "derainers", "downstream", "reports")
TAKEN = frozenset({*OURS, *sys.stdlib_module_names})
#: What a package's code consists of.
_CODE = (".py", ".so", ".pyd")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
#: What lies at the root of a repository; and of one that was unpacked from an archive.
_ROOT = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
_UNPACKED = ("requirements.txt", "environment.yml", "README.md", "LICENSE")
#: A text that may be the name of a file.
_FILE_NAME = re.compile(r"[^\n\0<>|*?]{1,200}\.\w{1,12}")


@dataclass(frozen=True)
class Home:
    """Where a file belongs.

    Attributes:
        folders: Where what it imports by plain names is looked for, in this order: the folder that holds its outermost
            package (its own folder where it is in none), the root of its repository, ``src`` there, and its own folder.
        module: Its dotted name below the first of them.
        before: What its own code has put on ``sys.path`` before all else.
        after: What its own code has put there behind the rest.
    """

    folders: tuple[Path, ...]
    module: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def home_of(path: Path) -> Home:
    """Find the folders that a file's imports start from.

    Args:
        path: The file, absolute.
    """
    top, names = path.parent, [] if path.name == "__init__.py" else [path.stem]
    # Folders are packages where that is written in them, and where dots lead out of them.
    above = _levels_above(top)
    while top != top.parent and ((top / "__init__.py").is_file() or above > 0):
        names.insert(0, top.name)
        top, above = top.parent, above - 1
    root = _first_with(_ROOT, (top, *top.parents)) or _first_with(_UNPACKED, (top, *top.parents)[:4]) or top
    folders = [top, root, *([root / "src"] if (root / "src").is_dir() else []), path.parent]
    return Home(tuple(dict.fromkeys(folders)), ".".join(names))


def _first_with(names: Sequence[str], folders: Iterable[Path]) -> Path | None:
    """The first folder that holds one of some names."""
    return next((place for place in folders if any((place / name).exists() for name in names)), None)


def _levels_above(folder: Path) -> int:
    """How many folders up the relative imports of a folder's modules lead."""
    levels = [level for path in folder.glob("*.py") for level, _ in _read(path).imports]
    return max([level - 1 for level in levels if level], default=0)


def find(home: Home, name: str) -> ModuleSpec | None:
    """Find a module or package of the user's own by the first part of its name.

    That is what lies in the first of the folders, where nothing of the name is installed in the others too, and what
    lies elsewhere on ``sys.path`` but belongs to no installed distribution; a package that is installed for development
    belongs to the user.

    Returns:
        Where it lies, under its plain name; None where it is the program's, the standard library's or installed.
    """
    # A package of the user's may be called as one of ours or Python's is: its own modules mean it.
    if name in TAKEN and not home.module.startswith(f"{name}."):
        return None
    beside = PathFinder.find_spec(name, [str(home.folders[0])])
    if beside is not None and beside.origin is not None:
        return beside
    elsewhere = _elsewhere(name, home)
    if elsewhere is not None and not _is_own(elsewhere):
        return None
    further = [PathFinder.find_spec(name, [str(folder)]) for folder in home.folders[1:]]
    found = [spec for spec in (*further, elsewhere, beside) if spec is not None]
    # A folder of data is a package of no code to Python: as in Python it comes after everything else.
    return next((spec for spec in found if spec.origin is not None), found[0] if found else None)


def code_of(path: Path, home: Home | None = None) -> dict[str, str]:
    """Return the hashes of a file, and of all of the user's own that it leads to.

    A package counts with every file of code in it, and with the other files in it that the code names. Of files outside
    packages those count that are named by their path from the code's folder. Where a module is imported by a name that
    the program computes, every module beside the file counts.

    Args:
        path: The file, absolute.
        home: Where it belongs, where more is known of that than the files tell.

    Returns:
        SHA-256 of each module, package or file, by its name; where they lie does not count.

    Raises:
        OSError: If one cannot be read.
    """
    home = home or home_of(path)
    if "." in home.module or path.name == "__init__.py":
        return code_behind({home.module.partition(".")[0]}, home)
    data = _data_beside(path, home)
    key = {path.name: sha256_file(path)} | {name: sha256_file(file) for name, file in data.items()}
    waiting = set().union(*(_imported(file, home) for file in (path, *data.values())))
    return key | code_behind(waiting - {home.module}, home)


def code_of_config(file: Path, modules: Sequence[str] = ()) -> dict[str, str]:
    """Return the hashes of all of the user's own code that a configuration leads to, beside its values.

    Args:
        file: The configuration; of a Python file, what its import statements lead to and what it defines itself count.
        modules: Names of modules that the configuration has imported.

    Returns:
        As :func:`code_of` does, without the file's own hash; empty where all of the code belongs to installed
        distributions.

    Raises:
        OSError: If a file of code cannot be read.
    """
    home = home_of(file)
    key = code_behind({name.partition(".")[0] for name in modules} | _imported(file, home), home)
    try:
        body = ast.parse(file.read_bytes() if file.suffix == ".py" else b"").body
    except (SyntaxError, ValueError, RecursionError):
        body = []
    own = [ast.dump(node) for node in body if isinstance(node, _DEFINITIONS)]
    return key | ({file.name: sha256_bytes("".join(own).encode())} if own else {})


def code_behind(names: Iterable[str], home: Home) -> dict[str, str]:
    """Hash the user's own modules of some names and all that they lead to.

    Raises:
        OSError: If one cannot be read.
    """
    waiting = set(names)
    key: dict[str, str] = {}
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        spec = find(home, name)
        if spec is None:
            continue
        files = dict(_files(spec))
        if spec.submodule_search_locations is None:
            (file,) = files.values()
            files |= _data_beside(file, home)
        hashes = {inner: sha256_file(file) for inner, file in files.items()}
        key[name] = content_key(hashes) if len(hashes) > 1 or "" not in hashes else hashes[""]
        for file in files.values():
            waiting |= _imported(file, home)
    return key


def is_installed(place: Path) -> bool:
    """Whether a file or folder, absolute, belongs to an installed distribution or to Python itself."""
    # `pip install --target` leaves its notes beside the packages, wherever that is.
    return any(place.is_relative_to(root) for root in _installed_at()) or any(
        place.parent.glob("*.dist-info")
    )


def is_ours(place: Path) -> bool:
    """Whether a file or folder, absolute, is the program's own."""
    above = Path(__file__).resolve().parents[2]
    return any(place.is_relative_to(above / name) for name in OURS)


def _is_own(spec: ModuleSpec) -> bool:
    """Whether a module belongs to no installed distribution."""
    if spec.submodule_search_locations:
        places = [Path(place) for place in spec.submodule_search_locations]
    else:
        places = [Path(spec.origin)] if spec.has_location and spec.origin else []
    return bool(places) and not any(is_installed(place.resolve()) for place in places)


@functools.cache
def _installed_at() -> tuple[Path, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    places = [*map(sysconfig.get_path, names), *site.getsitepackages(), site.getusersitepackages()]
    return tuple({Path(place).resolve() for place in places})


def _elsewhere(name: str, home: Home) -> ModuleSpec | None:
    """Look for a module where Python would, had what the plug-in put on its path stayed there."""
    if found := PathFinder.find_spec(name, list(home.before)):
        return found
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):  # a module that was made by hand has no spec
        return None
    return found or PathFinder.find_spec(name, list(home.after))


def _files(spec: ModuleSpec) -> Iterator[tuple[str, Path]]:
    """Yield the files of a module or package that count, by their names within it."""
    if not spec.submodule_search_locations:
        assert spec.origin is not None
        yield "", Path(spec.origin)
        return
    for folder in map(Path, spec.submodule_search_locations):
        found = [path for path in _walk(folder)]
        yield from ((path.relative_to(folder).as_posix(), path) for path in found if path.suffix in _CODE)
        named = set().union(*(_read(path).names for path in found if path.suffix == ".py"))
        for path in found:
            if path.suffix not in _CODE and path.name in named:
                yield path.relative_to(folder).as_posix(), path


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__")))
        yield from (Path(place, name) for name in sorted(files))


def _data_beside(path: Path, home: Home) -> dict[str, Path]:
    """The files that a module outside packages names, by the names it gives them; absolute ones by their last part."""
    found = {}
    for name in sorted(_read(path).paths) if path.suffix == ".py" else ():
        for folder in dict.fromkeys((path.parent, *home.folders)):
            file = folder / name
            if file.is_file() and file.resolve() != path.resolve():
                found[Path(name).name if Path(name).is_absolute() else name] = file
                break
    return found


def _imported(file: Path, home: Home) -> set[str]:
    """Return the first parts of the names that a file imports, from wherever its home's names start."""
    if file.suffix != ".py":
        return set()
    code = _read(file)
    # So many dots lead from the file to its neighbours in the folders.
    starts = [folder for folder in home.folders if file.is_relative_to(folder)]
    depths = {len(file.relative_to(place).parts) for place in starts if not (place / "__init__.py").is_file()}
    names = {name for level, name in code.imports if level == 0 or level in depths}
    if code.computes:
        folder = file.parent if not (file.parent / "__init__.py").is_file() else home.folders[0]
        names |= {path.stem for path in folder.glob("*.py")}
        names |= {path.parent.name for path in folder.glob("*/__init__.py")}
    return names


@dataclass(frozen=True)
class _Code:
    """What a source file says.

    Attributes:
        imports: The number of dots, and the first part of the name.
        computes: Whether it imports modules by names that only the running program knows.
        paths: Texts in it that may be names of files.
    """

    imports: frozenset[tuple[int, str]] = frozenset()
    computes: bool = False
    paths: frozenset[str] = frozenset()

    @property
    def names(self) -> set[str]:
        """The last parts of the paths."""
        return {path.rpartition("/")[2] for path in self.paths}


def _read(file: Path) -> _Code:
    data = file.read_bytes()
    return _parsed(sha256_bytes(data), data)


_parsed_already: dict[str, _Code] = {}


def _parsed(digest: str, data: bytes) -> _Code:
    if digest not in _parsed_already:
        _parsed_already[digest] = _parse(data)
    return _parsed_already[digest]


def _parse(data: bytes) -> _Code:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError):
        return _Code()  # importing it says what is wrong
    imports: set[tuple[int, str]] = set()
    paths: set[str] = set()
    nodes = list(ast.walk(tree))
    callers = {"import_module", "__import__"} | {
        alias.asname
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module == "importlib"
        for alias in node.names
        if alias.name == "import_module" and alias.asname
    }
    known: set[int] = set()  # where a module is imported by a name that the code tells
    for node in nodes:
        if isinstance(node, ast.Import):
            imports |= {(0, alias.name.partition(".")[0]) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module else [alias.name for alias in node.names]
            imports |= {(node.level, name.partition(".")[0]) for name in names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            paths |= {node.value} if _FILE_NAME.fullmatch(node.value) else set()
        elif isinstance(node, ast.Call) and _name(node.func) in callers and node.args:
            first = _first_part(node.args[0])
            if first is not None:
                known.add(id(node.func))
                imports |= {(0, first)} if first else set()
    # What is handed on is called elsewhere, with anything.
    computes = any(_name(node) in callers and id(node) not in known for node in nodes)
    return _Code(frozenset(imports), computes, frozenset(paths))


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _first_part(argument: ast.expr) -> str | None:
    """The first part of a module's name as an expression has it, empty within the importing module's own package; None
    where the expression does not tell.
    """
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value.lstrip(".").partition(".")[0]
    # What is put together at run time may still say how it begins.
    if isinstance(argument, ast.JoinedStr) and argument.values:
        begin = argument.values[0]
        begin = begin.value if isinstance(begin, ast.FormattedValue) else begin
    else:
        begin = argument.left if isinstance(argument, ast.BinOp) else argument
    if isinstance(begin, ast.Name) and begin.id in ("__name__", "__package__"):
        return ""
    known = begin.value if isinstance(begin, ast.Constant) else ""
    return known.partition(".")[0] if isinstance(known, str) and "." in known else None
