"""Reading network weights without running anything a file says.

A PyTorch checkpoint is a pickle, and a pickle is a program. Here checkpoints are data: they are read with
torch's restricted unpickler, which builds tensors, numbers, text and containers and nothing else. What
OpenMMLab's checkpoints carry beside tensors (numpy scalars and arrays, MMEngine's ``HistoryBuffer``) is read
into inert placeholders, as none of it is weights. A file that names anything else is refused unless the user
vouches for its exact bytes by their SHA-256.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BadWeights, some
from bench.ordinary import read_ordinary

if TYPE_CHECKING:
    import torch

#: Where checkpoints of various codebases keep the state dict, or what holds it, tried in this order; averaged weights
#: go first.
CONTAINERS = (
    *("state_dict_ema", "ema_state_dict", "params_ema", "model_ema", "ema", "shadow"),
    *("state_dict", "params", "model_state_dict", "model", "network", "net", "generator", "netG", "weights"),
    *("net_g", "network_g"),
)

#: What the two networks of an adversarial training are called: the first restores, the second judges.
_GENERATORS = ("generator", "gen", "netg", "net_g", "g")
_CRITICS = ("discriminator", "disc", "dis", "critic", "netd", "net_d", "d")

#: What a counter of multiply-adds (thop) leaves in every layer.
_COUNTED = (r"(^|\.)total_(ops|params)$",)

#: What DataParallel and torch.compile put before every name.
_WRAPPERS = ("module.", "_orig_mod.")

#: Globals of what checkpoints hold beside weights: training logs of OpenMMLab, under numpy 1's and numpy 2's module
#: names, and the options, paths and dates of anyone's training script.
LOG_GLOBALS = (
    "numpy.ndarray",
    "numpy.dtype",
    "numpy.core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct",
    "mmengine.logging.history_buffer.HistoryBuffer",
    "argparse.Namespace",
    "types.SimpleNamespace",
    "pathlib.PosixPath",
    "pathlib.WindowsPath",
    "pathlib.PurePosixPath",
    "pathlib.PureWindowsPath",
    "pathlib._local.PosixPath",
    "pathlib._local.WindowsPath",
    "datetime.datetime",
    "datetime.timedelta",
    *("builtins.list", "builtins.dict", "builtins.int", "builtins.float", "typing.Any"),
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    *("omegaconf.base.ContainerMetadata", "omegaconf.base.Metadata", "omegaconf.nodes.AnyNode"),
    "builtins.getattr",  # how a HistoryBuffer names its methods; the placeholder looks nothing up
)

#: Globals of mappings that training scripts keep their options in.
_MAPPINGS = (
    "collections.defaultdict",
    "lightning.fabric.utilities.data.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "yacs.config.CfgNode",
    "easydict.EasyDict",
    "addict.addict.Dict",
)

_DAMAGED = "not a PyTorch checkpoint, or a damaged one; copy or download it again"
_SHOWN = 3  # keys named in an error before "and N more"
_allowing = threading.Lock()


class _Inert:
    """Stands in for an object of a log: takes any construction, keeps nothing, does nothing."""

    def __new__(cls, *args: object, **kwargs: object) -> _Inert:
        return super().__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


class _Plain:
    """Makes a plain mapping in the place of one of a library's: torch fills no others."""

    def __new__(cls, *args: object, **kwargs: object) -> OrderedDict[Any, Any]:  # type: ignore[misc]
        return OrderedDict()


def load_state(path: str | Path, trust: str | None = None) -> dict[str, torch.Tensor]:
    """Read the state dict of a checkpoint (PyTorch's format) or of a ``.safetensors`` file.

    Args:
        path: The file.
        trust: SHA-256 (64 hex digits) of a file that may run code when loaded; commas between several.

    Returns:
        Names and tensors, on the CPU, in the file's order. Prefixes ``module.`` and ``_orig_mod.`` on every name (left
        by DataParallel and torch.compile) are taken off, and averaged weights are taken before the last ones. It is an
        ``OrderedDict`` that keeps PyTorch's ``_metadata`` (the layers' versions), which some layers need to load.

    Raises:
        BadWeights: The file is absent, unreadable, not weights, or names objects that are not data.
    """
    return load_checkpoint(path, trust)[0]


def load_checkpoint(
    path: str | Path, trust: str | None = None
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read the state dict and the ``meta`` entry of a checkpoint; arguments and errors as in
    :func:`load_state`.

    Returns:
        The state dict, and what OpenMMLab's checkpoints say of themselves (``dataset_meta``, ...): plain data
        from an outside file, to be checked before use. For safetensors, the file's text metadata.
    """
    path = Path(path)
    if not path.exists():
        raise BadWeights(f"{path}: no such weights file")
    data = read_ordinary(path, BadWeights, what="weights ")
    if path.suffix == ".safetensors":
        return _clean(_read_safetensors(path, data), path), _safetensors_metadata(data)
    content = _read_pickle(path, data, trust)
    meta = content.get("meta") if isinstance(content, Mapping) else None
    return _clean(_find_state(content, path), path), dict(meta) if isinstance(meta, Mapping) else {}


def match_state(
    module: torch.nn.Module,
    state: Mapping[str, torch.Tensor],
    what: str,
    missing_ok: Iterable[str] = (),
    extra_ok: Iterable[str] = (),
) -> tuple[str, ...]:
    """Load ``state`` into ``module``, or say how the two disagree.

    Args:
        module: The network, filled in place; weights too small for a normal float become zero.
        state: Names and tensors, as :func:`load_state` returns them; what stands before the network's names is taken
            off, see :func:`unwrapped`.
        what: The subject of the error message, usually the file and the network: ``"w.pth (prenet)"``.
        missing_ok: Regular expressions, searched for in the name: weights of the network that the file may
            lack.
        extra_ok: The same for entries of the file that the network may lack.

    Returns:
        What was taken off and left aside, in a line; nothing where the names are the network's.

    Raises:
        BadWeights: Names are missing, unexpected, or have another shape; a few of them are named.
    """
    wanted = module.state_dict()
    held, state = state, unwrapped(state, wanted)
    shapes: list[str] = []
    try:
        # Loaded rather than compared by name: layers convert the entries of older releases while loading.
        result = module.load_state_dict(dict_with_metadata(state), strict=False)
        absent, unknown = result.missing_keys, result.unexpected_keys
    except RuntimeError as error:
        shapes = [
            f"{name} is {_shape(value)} in the file, {_shape(wanted[name])} in the network"
            for name, value in state.items()
            if name in wanted and value.shape != wanted[name].shape
        ]
        if not shapes:
            raise BadWeights(f"{what}: {_one_line(str(error))}") from None
        absent = [name for name in wanted if name not in state]
        unknown = [name for name in state if name not in wanted]
    missing = _without(absent, missing_ok)
    extra = _without(unknown, (*extra_ok, *_COUNTED))
    faults = []
    if missing:
        faults.append(f"lacks {len(missing)} of {len(wanted)} ({_few(missing)})")
    if extra:
        faults.append(f"has {len(extra)} that the network does not know ({_few(extra)})")
    if shapes:
        faults.append(f"has {len(shapes)} of another shape ({_few(shapes, 1)})")
    if faults:
        several = [f"{prefix}*" for prefix in _whole_below(held, wanted)] if state is held else []
        choose = f"; it holds {_few(several)}, which all fit: save one of them as a file" if several else ""
        raise BadWeights(f"{what}: weights of another architecture: the file {' and '.join(faults)}{choose}")
    flush_denormals(module)
    return () if state is held else (_taken_off(held, state),)


def _taken_off(held: Mapping[str, torch.Tensor], state: Mapping[str, torch.Tensor]) -> str:
    first, value = next(iter(state.items()))
    prefix = next(n for n, each in held.items() if each is value and n.endswith(first))[: -len(first)]
    rest = len(held) - len(state)
    return f"weights taken from the file's {prefix}*" + (f", {rest} others left aside" if rest else "")


def unwrapped(state: Mapping[str, torch.Tensor], wanted: Mapping[str, Any]) -> Mapping[str, torch.Tensor]:
    """Take off what stands before a network's names in a file.

    First names that all of ``state`` have in common are taken off where ``wanted`` has none that begins with them:
    training scripts hold the network as ``net``, or another attribute. Where a file holds several networks (a generator
    and its critic, a network and its average), that one is taken whose names are all of ``wanted``; averages go first,
    and a generator before critics.
    """
    return _common_taken_off(state, wanted) or _one_of_several(state, wanted) or state


def _whole_below(state: Mapping[str, torch.Tensor], wanted: Mapping[str, Any]) -> list[str]:
    """What stands before names in a file that has all of ``wanted`` below it."""
    first = next(iter(wanted), None)
    if first is None or state.keys() & wanted.keys():
        return []
    prefixes = [name[: -len(first)] for name in state if name.endswith(f".{first}")]
    return [prefix for prefix in prefixes if all(f"{prefix}{name}" in state for name in wanted)]


def _one_of_several(
    state: Mapping[str, torch.Tensor], wanted: Mapping[str, Any]
) -> Mapping[str, torch.Tensor] | None:
    whole = _whole_below(state, wanted)
    if len(whole) > 1:
        whole = [prefix for prefix in whole if "ema" in prefix.lower()] or whole
    if len(whole) > 1 and all(_called(prefix, _GENERATORS + _CRITICS) for prefix in whole):
        whole = [prefix for prefix in whole if _called(prefix, _GENERATORS)]
    if len(whole) != 1:
        return None
    inner = OrderedDict((name, value) for name, value in state.items() if name.startswith(whole[0]))
    versions = getattr(state, "_metadata", None)
    if versions:
        inner._metadata = OrderedDict((n, v) for n, v in versions.items() if f"{n}.".startswith(whole[0]))  # type: ignore[attr-defined]
    return _without_prefix(inner, whole[0])


def _called(prefix: str, words: Iterable[str]) -> bool:
    """Whether the last part of what stands before names is one of some words, the mark of an average aside."""
    last = prefix.rstrip(".").rpartition(".")[2].lower()
    return last.removesuffix("_ema").removeprefix("ema_") in words


def _common_taken_off(
    state: Mapping[str, torch.Tensor], wanted: Mapping[str, Any]
) -> Mapping[str, torch.Tensor] | None:
    inner = state
    while not inner.keys() & wanted.keys():
        prefix = next(iter(inner), "").partition(".")[0] + "."
        if not all(name.startswith(prefix) for name in inner) or any(
            name.startswith(prefix) for name in wanted
        ):
            return None
        inner = _without_prefix(inner, prefix)
    return inner


def flush_denormals(model: torch.nn.Module) -> None:
    """Set weights too small for a normal float to zero, in place.

    Weight decay drives unused weights below 1e-38, where a CPU computes 20 times slower; no output can tell the
    difference.
    """
    import torch

    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                value[value.abs() < torch.finfo(value.dtype).tiny] = 0


def dict_with_metadata(state: Mapping[str, torch.Tensor]) -> OrderedDict[str, torch.Tensor]:
    """Copy ``state`` with PyTorch's ``_metadata``, which ``load_state_dict`` reads."""
    copy = OrderedDict(state)
    metadata = getattr(state, "_metadata", None)
    if metadata is not None:
        copy._metadata = metadata  # type: ignore[attr-defined]
    return copy


def _read_safetensors(path: Path, data: bytes) -> Mapping[str, Any]:
    import safetensors
    import safetensors.torch

    try:
        return safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise BadWeights(f"{path}: not a readable safetensors file ({_one_line(str(error))})") from None


def _safetensors_metadata(data: bytes) -> dict[str, Any]:
    """The text that a valid safetensors file carries: 8 bytes of length, then a JSON header."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return dict(header.get("__metadata__", {}))


def _read_pickle(path: Path, data: bytes, trust: str | None) -> Any:
    import torch

    allowed = [*((_Inert, name) for name in LOG_GLOBALS), *((_Plain, name) for name in _MAPPINGS)]
    try:
        # The list of allowed globals is the process's: without the lock one load's end would spoil another.
        with _allowing, torch.serialization.safe_globals(allowed):  # type: ignore[arg-type]
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = _offender(str(error))
        if named is None:
            raise BadWeights(f"{path}: {_DAMAGED}") from None
        return _read_trusted(path, data, trust, named)
    except Exception:  # a damaged file makes torch raise anything from EOFError to RuntimeError
        raise BadWeights(f"{path}: {_DAMAGED}") from None


def _read_trusted(path: Path, data: bytes, trust: str | None, offender: str) -> Any:
    import torch

    digest = hashlib.sha256(data).hexdigest()
    trusted = {part.strip().lower() for part in (trust or "").split(",")}
    if digest not in trusted:
        raise BadWeights(
            f"{path}: not plain weights: it names {offender}, which would run when loaded; "
            f"if you trust its source: --trust-checkpoint {digest}"
        )
    try:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=False)
    except Exception as error:
        raise BadWeights(
            f"{path}: loading it as trusted failed: {_one_line(f'{type(error).__name__}: {error}')}"
        ) from None


def _offender(message: str) -> str | None:
    """What torch's restricted unpickler refused, from its message; None where it met no name but nonsense."""
    patterns = (r"GLOBAL (\S+) (?:was not|whose)", r"(\S+) must be imported", r"class '([^']+)'")
    for pattern in patterns:
        found = re.search(pattern, message)
        if found:
            return re.sub(r"[^\w.<>]", "", found.group(1))[:120]
    return None


def _find_state(content: Any, path: Path) -> Mapping[str, Any]:
    """The state dict in what a checkpoint holds: itself, or under one of the customary names."""
    import torch

    if isinstance(content, torch.nn.Module):  # only a trusted file can hold one
        return content.state_dict()
    if isinstance(content, Mapping):
        if found := _held(content):
            return found
        raise BadWeights(f"{path}: holds no weights (its entries: {_few([str(key) for key in content])})")
    raise BadWeights(f"{path}: holds no weights (a {type(content).__name__}, not a dictionary of tensors)")


def _held(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The state dict in a mapping, or in what it holds under a customary name."""
    import torch

    for name in CONTAINERS:
        inner = content.get(name)
        if isinstance(inner, torch.nn.Module):
            return inner.state_dict()
        if isinstance(inner, Mapping) and (found := _held(inner)):
            return found
    return content if any(isinstance(value, torch.Tensor) for value in content.values()) else None


def _clean(state: Mapping[str, Any], path: Path) -> OrderedDict[str, torch.Tensor]:
    """Keep the tensors of ``state`` and its layers' versions, without what DataParallel and torch.compile add."""
    import torch

    tensors = OrderedDict(
        (str(key), value) for key, value in state.items() if isinstance(value, torch.Tensor)
    )
    if not tensors:
        raise BadWeights(f"{path}: holds no weights")
    versions = getattr(state, "_metadata", None)
    if isinstance(versions, Mapping) and versions:
        tensors._metadata = OrderedDict(versions)  # type: ignore[attr-defined]
    while prefix := next((p for p in _WRAPPERS if all(key.startswith(p) for key in tensors)), None):
        tensors = _without_prefix(tensors, prefix)
    return tensors


def _without_prefix(state: Mapping[str, torch.Tensor], prefix: str) -> OrderedDict[str, torch.Tensor]:
    """The same tensors, and layers' versions, under shorter names."""
    inner = OrderedDict((name[len(prefix) :], value) for name, value in state.items())
    versions = getattr(state, "_metadata", None)
    if versions:
        inner._metadata = OrderedDict((str(key)[len(prefix) :], value) for key, value in versions.items())  # type: ignore[attr-defined]
    return inner


def _without(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    compiled = [re.compile(pattern) for pattern in patterns]
    return [name for name in names if not any(pattern.search(name) for pattern in compiled)]


def _few(names: list[str], shown: int = _SHOWN) -> str:
    # Names come from the file: a terminal obeys some characters, and a name may be as long as the file.
    return some(("".join(c if c.isprintable() else "?" for c in name[:120]) for name in names), shown)


def _shape(tensor: torch.Tensor) -> str:
    return "x".join(str(size) for size in tensor.shape) or "a scalar"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
