"""What an object that a script hands over depends on: its weights and values, and the code behind them.

Code counts as it is in memory, for that is what runs: a file may have been edited since it was imported, and a module's
values set by the script. Of the user's own modules their files count as well, which tell of what is imported later.
"""

from __future__ import annotations

import dis
import inspect
import io
import logging
import pickle
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from bench.errors import ANYTHING
from bench.hashing import sha256_bytes
from bench.plugins import code_of_module
from bench.plugins.code import TAKEN, is_installed

#: What Python and its pickling add to a class.
_MADE = ("__dict__", "__weakref__", "__module__", "__slotnames__", "__firstlineno__", "__static_attributes__")
#: Values that hold nothing else.
_PLAIN = (type(None), bool, int, float, complex, str, bytes)
#: What differs from one process to the next: addresses, and the names that TorchScript gives to types of one name.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_MANGLED = re.compile(rb"[./]___torch_mangle_\d+")


def fingerprint(found: Any) -> Any:
    """Return what an object depends on, as JSON; the same in every process."""
    return _print(found, {})


def is_own(name: str) -> bool:
    """Whether an imported module is a file of the user's own."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if not isinstance(file, str) or name.partition(".")[0] in TAKEN:
        return False
    return not is_installed(Path(file).resolve())


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
    if isinstance(value, logging.Logger):
        return ["logger", value.name]  # it leads to all other loggers, and changes nothing
    if (parts := _parts_of_network(value)) is not None:
        return [type(value).__name__, _print(parts, seen)]
    if isinstance(getattr(value, "__dict__", None), dict):
        return [_print(type(value), seen), _print(vars(value), seen)]
    try:
        return [_print(type(value), seen), sha256_bytes(pickle.dumps(value))]
    except ANYTHING:
        return [_print(type(value), seen), _ADDRESS.sub("", repr(value))]


def _parts_of_network(value: Any) -> Any:
    """What stands for a network that PyTorch has compiled; None for all else."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(value, torch.nn.Module):
        return None
    if isinstance(value, torch.jit.ScriptModule):
        return dict(_scripted(value))
    return getattr(value, "_orig_mod", None) if type(value).__module__.startswith("torch.") else None


def _scripted(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the hashes of what a TorchScript file of a network would hold, without what differs from one file of the
    same network to the next.
    """
    import torch

    file = io.BytesIO()
    torch.jit.save(value, file)
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.endswith((".debug_pkl", "serialization_id")):
                continue
            data = _MANGLED.sub(b"", archive.read(name))
            if name.endswith(".py"):  # a class lists its constants in any order
                lines = data.decode().splitlines()
                data = "\n".join(sorted(lines, key=_constant)).encode()
            yield _MANGLED.sub(b"", name.encode()).decode(), sha256_bytes(data)


def _constant(line: str) -> str:
    return line if " : Final[" in line else ""


def _print_code(value: Any, seen: dict[int, Any]) -> Any:
    """What a class or a function consists of, with what it uses; of what is installed, the distribution."""
    module = value.__module__
    name, own = f"{module}.{value.__qualname__}", is_own(module)
    if module != "__main__" and module in sys.modules and not own:
        return [name, code_of_module(module)]
    files = [_print(sys.modules[module], seen)] if own else []
    if inspect.isclass(value):
        inner = {key: part for key, part in vars(value).items() if key not in _MADE}
        members = {key: _unwrapped(part) for key, part in inner.items() if not own or _tells(part)}
        return [name, *files, [_print(base, seen) for base in value.__bases__], _print(members, seen)]
    cells = [cell.cell_contents for cell in value.__closure__ or () if _filled(cell)]
    used = _used(_names(value.__code__), value.__globals__, seen, own, set())
    parts = (value.__defaults__, value.__kwdefaults__, cells)
    return [name, *files, _print_bytes(value.__code__), *(_print(part, seen) for part in parts), used]


def _used(
    names: list[str], space: Mapping[str, Any], seen: dict[int, Any], own: bool, inside: set[str]
) -> dict[str, Any]:
    """What code uses of a module's names, and of those of the user's own modules among them.

    Args:
        names: All names in the code.
        space: The module's.
        seen: What was printed already.
        own: Whether it is an imported module of the user's own, of which the file tells the rest.
        inside: The modules that lead here.
    """
    used: dict[str, Any] = {}
    for name in names:
        value = space.get(name)
        if name not in space or (own and not _tells(value)):
            continue
        used[name] = [_print(value, seen)]
        if isinstance(value, ModuleType) and value.__name__ not in inside and is_own(value.__name__):
            used[name].append(_used(names, vars(value), seen, True, inside | {value.__name__}))
    return used


def _tells(value: Any) -> bool:
    """Whether a value of an imported module counts beside its file: code, and settings that a script may have changed.

    What a module makes for itself when it runs (a cache, an open file) is no setting.
    """
    if isinstance(value, Mapping):
        return bool(value) and all(_tells(inner) for pair in value.items() for inner in pair)
    if isinstance(value, (list, tuple, set, frozenset)):
        return bool(value) and all(map(_tells, value))
    code = (FunctionType, ModuleType, staticmethod, classmethod, property)
    return isinstance(value, (*_PLAIN, *code)) or inspect.isclass(value)


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
    """The names that a function reads, but for those that it sets itself: what it keeps there comes of its running."""
    kept = {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_GLOBAL"}
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return sorted({*code.co_names, *(name for one in inner for name in _names(one))} - kept)


def _print_bytes(code: CodeType) -> Any:
    """A function's instructions and constants, without where they stand in a file."""
    constants = [_print_bytes(c) if isinstance(c, CodeType) else _print_constant(c) for c in code.co_consts]
    return [sha256_bytes(code.co_code), constants, list(code.co_names), list(code.co_varnames)]


def _print_constant(constant: Any) -> str:
    # Python writes the sets of `x in {"a", "b"}` in another order in each process.
    if isinstance(constant, frozenset):
        return f"frozenset {sorted(map(repr, constant))}"
    return repr(constant)
