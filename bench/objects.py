"""Objects that a script hands over instead of a name: what they depend on, and how other processes get them.

An object is named ``object:DIGEST`` within the process that handed it over, and in the workers that it starts. Its key
is made of its weights and attributes and of the source of all of the user's own behind it, in files and in notebooks.
"""

from __future__ import annotations

import contextlib
import inspect
import pickle
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from bench.errors import ANYTHING, BadConfig, said
from bench.hashing import content_key, sha256_bytes
from bench.plugins import code_of_module
from bench.plugins.code import TAKEN, is_installed
from bench.vocabulary import OBJECT


@dataclass(frozen=True)
class Given:
    """An object that a script handed over.

    Attributes:
        digest: Of all that it depends on.
        file: What other processes read it from; None where it cannot be sent to any.
    """

    digest: str
    file: Path | None = None


#: What Python and its pickling add to a class.
_MADE = ("__dict__", "__weakref__", "__module__", "__slotnames__", "__firstlineno__", "__static_attributes__")
#: The objects of this process that are being worked with.
_objects: dict[str, Any] = {}
_given: dict[str, Given] = {}


@contextlib.contextmanager
def handed_over(objects: Mapping[str, Any], folder: Path) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Make objects known to this process and to those that it starts, for as long as they are worked with.

    Args:
        objects: By the names that they are to have.
        folder: Where they are kept for other processes meanwhile.

    Yields:
        By name, how each is written; and of those that cannot be sent to other processes, why.
    """
    digests: dict[str, str] = {}
    stuck: dict[str, str] = {}
    for name, found in objects.items():
        digest = digests[name] = content_key(fingerprint(found))[:16]
        file = folder / f"{digest}.pickle"
        try:
            file.write_bytes(_pickled(found))
        except ANYTHING as error:  # anyone's object
            stuck[name] = said(error)
        _objects[digest], _given[digest] = found, Given(digest, None if name in stuck else file)
    try:
        yield {name: f"{OBJECT}:{digest}" for name, digest in digests.items()}, stuck
    finally:
        for digest in digests.values():
            _objects.pop(digest, None)
            _given.pop(digest, None)


def given_of(digest: str) -> Given:
    """Return what stands for an object.

    Raises:
        BadConfig: If no such object is being worked with in this process.
    """
    if digest not in _given:
        raise BadConfig(
            f"{OBJECT}:{digest} was an object that a script handed to bench.run, which is not here any more: "
            f"hand it over again, or put it into a file and write my.py:NAME"
        )
    return _given[digest]


def receive(given: Given) -> None:
    """Make an object known in this process that the process which started it was handed."""
    _given.setdefault(given.digest, given)


def open_given(given: Given) -> Any:
    """Return an object of one's own to work with; the script's stays as it is.

    Raises:
        BadConfig: If this process cannot make it of what the script's process wrote.
    """
    import copy

    if given.digest in _objects:
        # Unpickled where it was pickled, it would give its class methods that see the script's names no more.
        found = _objects[given.digest]
        with contextlib.suppress(Exception):  # what cannot be copied is worked with itself
            return copy.deepcopy(found)
        return found
    assert given.file is not None  # where it has none, the work stays in the process that has the object
    try:
        return pickle.loads(given.file.read_bytes())  # written by the process that started this one
    except ANYTHING as error:
        raise BadConfig(f"{OBJECT}:{given.digest} cannot be read here: {said(error)}") from error


def _pickled(found: Any) -> bytes:
    """Pickle an object together with the modules of the user's own that it comes from: a worker may not find them."""
    import cloudpickle

    own = [
        module for name, module in list(sys.modules.items()) if name != "__main__" and _is_own(name, module)
    ]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(found))
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)


def _is_own(name: str, module: Any) -> bool:
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or name.partition(".")[0] in TAKEN:
        return False
    return not is_installed(Path(file).resolve())


def fingerprint(found: Any) -> Any:
    """Return what an object depends on, as JSON: its values, and the code behind them."""
    return _print(found, {})


def _print(value: Any, seen: dict[int, Any]) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (float, complex, bytes)):
        return repr(value)
    if id(value) in seen:
        return f"seen {list(seen).index(id(value))}"
    seen[id(value)] = value
    if isinstance(value, Mapping):
        pairs = [[_print(key, seen), _print(inner, seen)] for key, inner in value.items()]
        return [type(value).__name__, sorted(pairs, key=repr)]
    if isinstance(value, (list, tuple, set, frozenset)):
        inner = [_print(item, seen) for item in value]
        return [
            type(value).__name__,
            sorted(inner, key=repr) if isinstance(value, (set, frozenset)) else inner,
        ]
    if isinstance(value, ModuleType):
        return ["module", value.__name__, code_of_module(value.__name__)]
    if isinstance(value, partial):
        return ["partial", *(_print(part, seen) for part in (value.func, value.args, value.keywords))]
    if isinstance(value, MethodType):
        return ["method", value.__name__, _print(value.__self__, seen)]
    if inspect.isclass(value) or isinstance(value, FunctionType):
        return _print_code(value, seen)
    if hasattr(value, "detach") and hasattr(value, "numpy"):
        value = value.detach().cpu().float() if value.dtype.itemsize == 2 else value.detach().cpu()
        value = value.numpy()
    if type(value).__module__ == "numpy":
        return [type(value).__name__, str(value.dtype), list(value.shape), sha256_bytes(value.tobytes())]
    if isinstance(getattr(value, "__dict__", None), dict):
        return [_print(type(value), seen), _print(vars(value), seen)]
    try:
        return [_print(type(value), seen), sha256_bytes(pickle.dumps(value))]
    except ANYTHING:
        return [_print(type(value), seen), repr(value)]


def _print_code(value: Any, seen: dict[int, Any]) -> Any:
    """What a class or a function depends on: files, where it comes from one; what it consists of, in a notebook."""
    name = f"{value.__module__}.{value.__qualname__}"
    if value.__module__ != "__main__" and value.__module__ in sys.modules:
        return [name, code_of_module(value.__module__)]
    if inspect.isclass(value):
        inner = {key: part for key, part in vars(value).items() if key not in _MADE}
        bases = [_print(base, seen) for base in value.__bases__]
        return [name, bases, _print({key: _unwrapped(part) for key, part in inner.items()}, seen)]
    cells = [cell.cell_contents for cell in value.__closure__ or () if _filled(cell)]
    used = {key: value.__globals__[key] for key in _names(value.__code__) if key in value.__globals__}
    parts = (value.__defaults__, value.__kwdefaults__, cells, used)
    return [name, _print_bytes(value.__code__), *(_print(part, seen) for part in parts)]


def _unwrapped(part: Any) -> Any:
    if isinstance(part, (staticmethod, classmethod)):
        return part.__func__
    return [part.fget, part.fset] if isinstance(part, property) else part


def _filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _names(code: CodeType) -> list[str]:
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return sorted({*code.co_names, *(name for one in inner for name in _names(one))})


def _print_bytes(code: CodeType) -> Any:
    """A function's instructions and constants, without where they stand in a file."""
    constants = [_print_bytes(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return [sha256_bytes(code.co_code), constants, list(code.co_names), list(code.co_varnames)]
