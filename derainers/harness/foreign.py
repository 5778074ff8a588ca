"""Derainers from outside: which file they come from, and what is made of an object of a user's own.

What an object is decides what it is given:

* a class, or a function that lacks nothing, is called with what the user wrote after a question mark; what it makes
  counts as the object;
* an ``nn.Module`` is a network: float NCHW, RGB in [0, 1]. Its
  attributes ``multiple`` (what height and width must be multiples of) and ``card`` are heeded;
* a :class:`~derainers.base.Derainer` (an object with ``card``, ``key`` and ``restore``) is used as it is;
* a function or another object that can be called gets one uint8 RGB image.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import plugins
from bench.errors import ANYTHING, BadConfig, BadWeights, BenchError, MissingDependency, said
from bench.hashing import content_key, sha256_file
from derainers.base import Card, Derainer, DerainerError, DerainerSpec, Runtime
from derainers.harness.interface import SAID
from derainers.harness.load import given_file

if TYPE_CHECKING:
    import torch


def check_file(spec: DerainerSpec) -> None:
    """Check that the file of a derainer exists, without importing or running anything.

    Raises:
        BadWeights, BadConfig, MissingDependency: If it does not, or ONNX Runtime is not there.
    """
    plugin = spec.plugin
    if plugin is not None:
        plugins.check(plugin, "derainer")
        if spec.arg is not None:
            given_file(spec, "no weights file")
        return
    given_file(spec, "no file")
    if spec.name == "onnx" and importlib.util.find_spec("onnxruntime") is None:
        raise MissingDependency("derainer onnx needs ONNX Runtime: pip install 'derain-bench[onnx]'")


def load_file(spec: DerainerSpec, runtime: Runtime) -> Derainer:
    """Load a derainer from a Python file, a TorchScript or ONNX file, or a folder.

    Raises:
        BenchError: If that fails; one line says why.
    """
    if spec.given is not None:
        from bench.objects import open_given

        found, plain = open_given(spec.given), dataclasses.replace(spec, arg=None, name=spec.label)
        _check_made(found, spec.label)
        key = {"name": spec.name, "object": spec.given.digest}
        return adapt(build(found, plain), plain, runtime, key)
    if spec.name == "folder":
        from derainers.harness.folder import open_folder

        return open_folder(spec)
    check_file(spec)
    if spec.name in ("torchscript", "onnx"):
        from derainers.harness import exported

        load = exported.load_torchscript if spec.name == "torchscript" else exported.load_onnx
        return load(_path(spec), spec, runtime)
    plugin = spec.plugin
    assert plugin is not None
    return adapt_made(plugin, spec, runtime, {"name": plugin.name})


def _check_made(found: Any, label: str) -> None:
    """Check that a class that a script handed over can be called without arguments.

    Raises:
        BadConfig: If not: options are for names, an object is made by the script itself.
    """
    if inspect.isclass(found):
        try:
            inspect.signature(found).bind()
        except TypeError as error:
            raise BadConfig(
                f"derainer {label!r} is a class ({error}): hand over what it makes, {found.__name__}(...)"
            ) from None
        except ValueError:  # compiled code may not tell
            return


def adapt_made(plugin: plugins.PlugIn, spec: DerainerSpec, runtime: Runtime, key: dict[str, Any]) -> Derainer:
    """Make the object that a plug-in names, and a derainer of it; see :func:`adapt`."""
    made = plugins.make(plugin, defaults=_trained_with(spec), says=SAID)
    given = {"arguments": made.given} if made.given else {}
    return adapt(made.object, spec, runtime, {**key, "code": made.key, **given})


def build(found: Any, spec: DerainerSpec) -> Any:
    """Make the object of what an installed package has registered, with the options that the user wrote.

    Raises:
        BadConfig: If it does not take them, or making it raises.
    """
    return plugins.build(found, f"derainer {spec}", spec.options, defaults=_trained_with(spec), says=SAID)


def _trained_with(spec: DerainerSpec) -> dict[str, Any]:
    """What the network of a weights file that `bench train` exported was made with."""
    from derainers.harness.load import metadata

    return metadata(Path(spec.arg).expanduser(), "config") if spec.arg is not None else {}


def adapt(found: Any, spec: DerainerSpec, runtime: Runtime, key: dict[str, Any]) -> Derainer:
    """Make a derainer of a user's object; see the module's text for what is made of what.

    Args:
        found: The object, made.
        spec: Where it comes from; its argument is a weights file for an ``nn.Module``.
        runtime: Device, precision and tiles, for networks.
        key: What identifies the object's code.

    Raises:
        BenchError: If it is none of the known kinds, or cannot be made.
    """
    try:
        return _adapt(found, spec, runtime, key)
    except BenchError:
        raise
    except ANYTHING as error:  # its constructor and its attributes are anyone's code
        raise DerainerError(f"derainer {spec.name!r}: making it raised {said(error)}") from error


def _adapt(found: Any, spec: DerainerSpec, runtime: Runtime, key: dict[str, Any]) -> Derainer:
    name = spec.label if spec.given is not None else spec.name.rpartition(":")[2]
    card = getattr(found, "card", None)
    card = card if isinstance(card, Card) else Card(name, _summary(found))
    # Whoever has made a module has imported torch; for a function nobody has to, and it takes seconds.
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(found, torch.nn.Module):
        from derainers.harness.interface import attributes_of, interface_of, multiple_of
        from derainers.harness.load import count_parameters
        from derainers.harness.network import NetworkDerainer

        digest: str | None = None
        remarks: tuple[str, ...] = ()
        if spec.arg is not None:
            path = Path(spec.arg).expanduser()
            digest, remarks = sha256_file(path), _filled(found, spec, path, runtime.trust)
        elif _is_as_drawn(found, key):
            remarks = ("no weights file was named: the network is as its constructor made it",)
        what = f"derainer {spec.name!r}"
        declared = {**attributes_of(found), **spec.options.attributes}
        card = dataclasses.replace(
            card,
            multiple=multiple_of(declared, card.multiple, what),
            params=count_parameters(found),
            weights_sha256=digest,
        )
        # Weights made in the object's constructor are part of what it computes, and a seed may not be fixed
        # there.
        key = {**key, "weights": _state_digest(found)}
        # Weights kept in half precision are run in single: images come in that.
        found = found.float() if any(p.dtype.itemsize == 2 for p in found.parameters()) else found
        interface = interface_of(declared, what)
        return NetworkDerainer(found, card, key, runtime, interface=interface, remarks=remarks)
    if spec.arg is not None:
        raise BadConfig(
            f"derainer {spec.name!r} is no torch.nn.Module, so it takes no weights file ({spec.arg!r})"
        )
    if isinstance(found, Derainer):
        _check_description(found, spec.name)
        return found
    if callable(found):
        from derainers.harness.load import FunctionDerainer

        _check_arguments(found, name)
        return FunctionDerainer(found, card, key)
    raise BadConfig(
        f"derainer {spec.name!r} is a {type(found).__name__}: it must be a function, an nn.Module or a class "
        f"with __call__"
    )


def _is_as_drawn(module: torch.nn.Module, key: Mapping[str, Any]) -> bool:
    """Whether a network made by a plug-in can have learnt nothing: it has weights, and no file was opened for them."""
    opened = any(name.startswith("file ") for name in key.get("code", ()))
    return "code" in key and not opened and any(True for _ in module.parameters())


def _filled(module: torch.nn.Module, spec: DerainerSpec, path: Path, trust: str | None) -> tuple[str, ...]:
    """Fill a network from a weights file and say what was odd about the file's names.

    Raises:
        BadWeights: If the file is not this network's; the arguments that would fit are named if there are any.
    """
    from bench.weights import load_state, match_state

    state = load_state(path, trust)
    try:
        return match_state(module, state, f"{spec.arg} ({spec.name.rpartition(':')[2]})")
    except BadWeights as error:
        plugin = spec.plugin
        found = None if plugin is None else _fitting_with(plugin, state)
        if found is None:
            raise
        raise BadWeights(
            f"{error}; it fits {dataclasses.replace(spec, query=found)}, in quotes in a shell"
        ) from None


def _fitting_with(plugin: plugins.PlugIn, state: Mapping[str, torch.Tensor]) -> str | None:
    from derainers.harness.fitting import fitting_arguments

    options, found = plugin.options, plugins.load(plugin)
    if not callable(found) or (hasattr(found, "state_dict") and not inspect.isclass(found)):
        return None  # made already
    fitting = fitting_arguments(found, options.arguments, state)
    if fitting is None:
        return None
    return plugins.write_options(dataclasses.replace(options, arguments={**options.arguments, **fitting}))


def _check_arguments(function: Callable[..., Any], name: str) -> None:
    """Check that a function can be called with an image and nothing else.

    Raises:
        BadConfig: If not; what it lacks is named.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # compiled code may not tell
        return
    try:
        signature.bind(None)
    except TypeError as error:
        lacking = re.search(r"argument: '(\w+)'", str(error))
        advice = f": give it with ?{lacking[1]}=VALUE" if lacking else ""
        raise BadConfig(f"derainer {name!r} does not take one image alone ({error}){advice}") from None


def _check_description(found: Derainer, name: str) -> None:
    """Check that records can hold what an object says of itself.

    Raises:
        BadConfig: If its card is no card, or its key is not made of plain values.
    """
    if not isinstance(found.card, Card):
        raise BadConfig(f"derainer {name!r}: its card is a {type(found.card).__name__}, not a derainers.Card")
    try:
        content_key(dict(found.key))
        content_key(found.card.kept())
    except (TypeError, ValueError):
        raise BadConfig(
            f"derainer {name!r}: its key and its card must be made of text, numbers, lists and dictionaries, "
            f"which go into the record"
        ) from None


def _path(spec: DerainerSpec) -> Path:
    return Path(spec.arg or "").expanduser()


def _state_digest(module: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for chunk in _state_bytes(module):
        digest.update(chunk)
    return digest.hexdigest()


def _state_bytes(module: torch.nn.Module) -> Iterator[bytes]:
    import torch

    for name, tensor in sorted(module.state_dict().items()):
        yield f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode()
        yield tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def _summary(found: Any) -> str:
    """The first line of an object's own documentation, if it wrote any."""
    text = inspect.getdoc(found if inspect.isroutine(found) else type(found)) or ""
    return "" if type(found).__module__.startswith("torch") else text.partition("\n")[0]
