"""Reading TorchScript without giving it more than arithmetic.

A TorchScript file is a program. Its operators can write files (``torch.save``, ``torch.from_file``), and its classes'
``__setstate__`` runs while it is loaded, so it has to be looked at before. What is looked at is the program's own
source, which the archive holds and PyTorch compiles: it is parsed, and every operator that it calls must be on the list
of those that may be called. Once loaded, the compiled graphs are held to the same list.

An operator is on the list if it takes no text: without one, it can name no file, address or module. Those that make
text, numbers or truth values of text are on it too, and the few that only choose a way of computing by it are named.
"""

from __future__ import annotations

import ast
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from bench.errors import BadWeights
from bench.ordinary import check_ordinary

_AGAIN = "copy or export it again"
NOT_ONE = f"not a TorchScript file that can be loaded, or a damaged one; {_AGAIN}"

#: Operators that take text and compute by it alone: the names of modes, reductions and sides.
_TEXT_TAKEN = frozenset(
    {
        "Delete",
        "__interpolate",
        "__upsample",
        "_convolution_mode",
        "_set_item",
        "bucketize",
        "clear",
        "conv1d",
        "conv2d",
        "conv3d",
        "div",
        "div_",
        "divide",
        "divide_",
        "einsum",
        *(
            f"fft_{way}{kind}fft{size}"
            for way in ("", "i")
            for kind in ("", "r", "h")
            for size in ("", "2", "n")
        ),
        *(f"fft_{kind}fft{size}" for kind in ("ir", "ih") for size in ("", "2", "n")),
        "format",
        "gelu",
        "gelu_",
        "get",
        "index_reduce",
        "index_reduce_",
        "insert",
        "linalg_matrix_norm",
        "linalg_norm",
        "meshgrid",
        "pad",
        "pad_sequence",
        "pop",
        "quantile",
        "remove",
        "scatter",
        "scatter_",
        "scatter_reduce",
        "scatter_reduce_",
        "searchsorted",
        "setdefault",
        "sort",
        "stft",
        "update",
        "warn",
    }
)
#: Operators that take no text and change more than what they return: seeds and switches of the whole process.
_OF_THE_PROCESS = frozenset(
    {
        "_cufft_clear_plan_cache",
        "_cufft_set_plan_cache_max_size",
        "initial_seed",
        "manual_seed",
        "seed",
        "set_grad_enabled",
    }
)
#: Operators outside ``aten``: how values are turned into one another, and a refusal in words.
_PRIMITIVE = frozenset(
    {
        "prim.NumToTensor",
        "prim.RaiseException",
        "prim.TupleUnpack",
        "prim.data",
        "prim.device",
        "prim.dtype",
        "prim.is_cuda",
        "prim.is_nested",
        "prim.max",
        "prim.min",
        "prim.abs",
        "prim.rangelist",
        "prim.requires_grad",
        "prim.shape",
        "prim.type",
        "prim.unchecked_cast",
        "prim.unchecked_unwrap_optional",
        "prim.layout",
        "prim.isinstance",
    }
)
#: What TorchScript's source calls by bare names.
_WORDS = frozenset(
    {
        "annotate",
        "bool",
        "float",
        "getattr",
        "int",
        "isinstance",
        "len",
        "range",
        "str",
        "tuple",
        "unchecked_cast",
        "uninitialized",
        "unwrap_optional",
        "AssertionError",
        "Exception",
        "NotImplementedError",
        "RuntimeError",
        "ValueError",
    }
)
#: Nodes of a compiled graph that call nothing outside it.
_STRUCTURE = frozenset(
    {
        "CallFunction",
        "CallMethod",
        "Closure",
        "Constant",
        "CreateObject",
        "DictConstruct",
        "DictIndex",
        "EnumValue",
        "Enter",
        "Exit",
        "GetAttr",
        "If",
        "IfThenElse",
        "Interface",
        "ListConstruct",
        "ListUnpack",
        "Loop",
        "NumToTensor",
        "Param",
        "Return",
        "SetAttr",
        "TupleConstruct",
        "TupleIndex",
        "TupleSlice",
        "TupleUnpack",
        "Uninitialized",
        "abs",
        "data",
        "device",
        "dtype",
        "is_cuda",
        "is_nested",
        "isinstance",
        "layout",
        "max",
        "min",
        "rangelist",
        "requires_grad",
        "shape",
        "type",
        "unchecked_cast",
        "unchecked_unwrap_optional",
        "RaiseException",
    }
)


#: What PyTorch writes sources in.
_PLAIN = re.compile(rb"[\t\n -~]*")
#: Bytes of source; that of the largest networks takes a hundredth.
_MOST_CODE = 64 << 20


def load(path: Path) -> Any:
    """Load a TorchScript module onto the CPU, if all that it does is compute.

    Returns:
        The ``torch.jit.ScriptModule``.

    Raises:
        BadWeights: If it is no TorchScript, is damaged, or calls what is not on the list, which is named.
    """
    import torch

    entries = _read(path)
    for name, text in entries.items():
        if _is_code(name):
            _check_source(path, name, text)
        # Classes of C++ take what a pickle hands them without any source that could be read.
        if name.endswith(".pkl") and b"__torch__.torch.classes" in text:
            raise _refused(path, name, "a class of C++")
    try:
        module = torch.jit.load(_written(entries), map_location="cpu")
    except Exception as error:  # RuntimeError, ValueError or OSError, with a C++ traceback as its text
        raise BadWeights(f"{path}: {NOT_ONE}") from error
    for part in module.modules():
        script = getattr(part, "_c", None)
        if script is not None:
            for name in script._method_names():
                _check_graph(path, name, script._get_method(name).graph)
    return module


def _read(path: Path) -> dict[str, bytes]:
    """The archive's entries by their names in its folder, without the notes for debuggers."""
    try:
        check_ordinary(path, BadWeights)
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            inner = {info.filename: info.filename.partition("/")[2] for info in infos}
            if len({info.filename.partition("/")[0] for info in infos}) != 1 or not all(inner.values()):
                raise BadWeights(f"{path}: {NOT_ONE}")
            lower = [name.lower() for name in inner.values()]
            # PyTorch finds an entry whatever the case of its name, and takes the first of one name.
            if len(infos) != len(set(lower)):
                raise BadWeights(f"{path}: holds two entries of one name: refused")
            # Without data.pkl, or with model.json, PyTorch reads a form of long ago, whose code may lie anywhere.
            if "data.pkl" not in lower or "model.json" in lower:
                raise BadWeights(f"{path}: {NOT_ONE}")
            if sum(info.file_size for info in infos if _is_code(inner[info.filename])) > _MOST_CODE:
                raise BadWeights(f"{path}: holds more than {_MOST_CODE >> 20} MB of code: refused")
            # PyTorch stores tensors as they are: what is packed may unpack to more than memory holds.
            if any(
                info.compress_type and not _is_code(inner[info.filename])
                for info in infos
                if not info.filename.endswith(".debug_pkl")
            ):
                raise BadWeights(f"{path}: holds packed tensors, which PyTorch does not write: refused")
            return {
                inner[info.filename]: archive.read(info)
                for info in infos
                if not info.filename.endswith(".debug_pkl")
            }
    except (
        zipfile.BadZipFile,
        OSError,
        zlib.error,
        struct.error,
        ValueError,
        RuntimeError,
        EOFError,
    ) as error:
        raise BadWeights(f"{path}: {NOT_ONE}") from error


def _is_code(name: str) -> bool:
    return name.lower().startswith("code/") and not name.endswith(".debug_pkl")


def _written(entries: dict[str, bytes]) -> io.BytesIO:
    """A new archive of some entries: PyTorch is given what was read, however it would have read the file itself."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            archive.writestr(f"archive/{name}", content)
    file.seek(0)
    return file


def _check_source(path: Path, name: str, text: bytes) -> None:
    """Refuse a source that calls what is not on the list."""
    if not _PLAIN.fullmatch(text):  # other characters are where Python's reading and PyTorch's could part
        raise BadWeights(f"{path}: its code ({name}) holds characters that PyTorch does not write: refused")
    try:
        tree = ast.parse(text.decode("ascii"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadWeights(f"{path}: its code ({name}) cannot be read, so it is not run: refused") from error
    called_or_chained = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    called_or_chained |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    own = {id(call.func) for function in ast.walk(tree) for call in _own_calls(function)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not _is_own_import(node):
            raise _refused(path, name, ast.unparse(node))
        if isinstance(node, ast.Call) and id(node.func) not in own and not _may_call(node.func):
            raise _refused(path, name, ast.unparse(node.func))
        if isinstance(node, ast.Attribute):
            dotted = _dotted(node)
            # An operator that is not called where it is named could be called under another name.
            if dotted.startswith(("torch.", "ops.")) and id(node) not in called_or_chained:
                raise _refused(path, name, dotted)
            if dotted.startswith("__torch__.torch.classes."):
                raise _refused(path, name, dotted)
        for bound in _bound(node):
            if bound in _WORDS or bound in ("torch", "ops", "__torch__"):
                raise BadWeights(f"{path}: its code ({name}) gives {bound!r} another meaning: refused")


def _own_calls(function: ast.AST) -> Iterator[ast.Call]:
    """Calls in a function of the names that it gives to other functions of the archive, and to nothing else."""
    if not isinstance(function, ast.FunctionDef):
        return
    aliases = {
        id(node.targets[0])
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and _is_own(node.value)
    }
    given: dict[str, bool] = {}
    for node in ast.walk(function):
        for name in _bound(node):
            given[name] = given.get(name, True) and id(node) in aliases
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and given.get(node.func.id):
            yield node


def _is_own(value: ast.expr) -> bool:
    return isinstance(value, ast.Attribute) and _dotted(value).startswith("__torch__.")


def _bound(node: ast.AST) -> list[str]:
    """Names to which a node gives a meaning."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return [node.id]
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name for alias in node.names]
    return []


def _is_own_import(node: ast.Import | ast.ImportFrom) -> bool:
    """Whether an import statement names another file of the archive."""
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return all(name.partition(".")[0] == "__torch__" for name in names)


def _may_call(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id in _WORDS
    if not isinstance(function, ast.Attribute):
        return False
    dotted = _dotted(function)
    root, _, rest = dotted.partition(".")
    if root == "torch":
        return _is_allowed(rest)
    if root == "ops":
        space, _, operator = rest.partition(".")
        return rest in _PRIMITIVE or (space == "aten" and _is_allowed(operator)) or rest == "torchvision.nms"
    # A method: of a class of the archive, whose source is checked as well, or of a value, which is an operator.
    return _is_allowed(function.attr) or function.attr not in _operators()


def _dotted(node: ast.expr) -> str:
    """A chain of names as it is written, white space aside; empty for what hangs on another kind of expression."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
        return ".".join(reversed(parts))
    return "." + ".".join(reversed(parts))


def _check_graph(path: Path, name: str, graph: Any) -> None:
    for node in _nodes(graph):
        space, _, operator = node.kind().partition("::")
        known = (space == "prim" and operator in _STRUCTURE) or (space == "aten" and _is_allowed(operator))
        if not known and node.kind() != "torchvision::nms":
            raise _refused(path, name, node.kind())


def _nodes(block: Any) -> Iterator[Any]:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)


def _is_allowed(operator: str) -> bool:
    return _operators().get(operator, False)


@cache
def _operators() -> dict[str, bool]:
    """Names of the operators of ``aten``, and whether each is harmless in all of its forms, or named above."""
    import torch

    harmless: dict[str, bool] = {}
    for schema in torch._C._jit_get_all_schemas():
        space, _, name = schema.name.partition("::")
        if space == "aten":
            harmless[name] = harmless.get(name, True) and _is_harmless(schema)
    return {
        name: (so or name in _TEXT_TAKEN) and name not in _OF_THE_PROCESS for name, so in harmless.items()
    }


def _is_harmless(schema: Any) -> bool:
    """Whether a form of an operator takes no text, or makes no tensor of it and something all the same."""
    taken = [str(argument.type) for argument in schema.arguments]
    given = [str(result.type) for result in schema.returns]
    if any("__torch__" in kind or "Storage" in kind for kind in taken):
        return False
    if not any("str" in kind or kind in ("t", "Any", "AnyType") for kind in taken):
        return True
    return bool(given) and not any("Tensor" in kind for kind in taken + given)


def _refused(path: Path, where: str, what: str) -> BadWeights:
    return BadWeights(
        f"{path}: its code ({where}) calls {what}, which is not among what a network may call: refused"
    )
