"""From what a user wrote to a derainer that runs."""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import plugins
from bench.errors import ANYTHING, BadConfig, BadWeights, BenchError, said
from bench.hashing import sha256_file
from bench.ordinary import check_ordinary
from derainers.base import Card, Derainer, DerainerError, DerainerSpec, Runtime, checked
from derainers.cards.entry import Entry
from derainers.learnt import learnt_from

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from derainers.nets.classical import ImageFunction

#: Weights that are shipped with the package.
WEIGHTS_FOLDER = Path(__file__).parent.parent / "weights"
#: No argument of a network is larger; each may stand for that many layers.
_MOST = 4096


class FunctionDerainer:
    """A function from a uint8 RGB image to another as a derainer.

    Args:
        function: Takes and returns uint8 HxWx3; gets a copy, so it may work in place.
        card: What it is.
        key: What its output depends on.
    """

    def __init__(self, function: ImageFunction, card: Card, key: dict[str, Any]) -> None:
        self.card = card
        self.key = key
        self._function = function

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Restore one uint8 RGB image.

        Raises:
            DerainerError: If the function raises, or does not return a uint8 image of the same size.
        """
        try:
            result = self._function(image.copy())
        except BenchError:
            raise
        except ANYTHING as error:
            raise DerainerError(f"derainer {self.card.name!r} raised {said(error)}") from error
        return checked(result, image, self.card.name)

    def restore(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Restore several images, one after the other."""
        return [self(image) for image in images]


def load_entry(entry: Entry, spec: DerainerSpec, runtime: Runtime) -> Derainer:
    """Build a registered derainer.

    Raises:
        BadWeights: If its weights are not given, missing, or another network's.
    """
    options = spec.options
    if options.attributes:
        raise BadConfig(f"derainer {spec}: .{next(iter(options.attributes))} is for objects of your own")
    if not entry.network:
        if spec.arg is not None:
            raise BenchError(f"derainer {spec.name!r} takes no weights file, but got {spec.arg!r}")
        config = {**entry.config, **options.arguments}
        function = plugins.call(_attribute(entry.build), f"derainer {spec}", config)
        return FunctionDerainer(function, entry.card, _key(entry, config, None))
    from derainers.harness.fold import fold_norms

    path = weights_path(entry, spec)
    module, config, remarks = load_module(entry, path, runtime.trust, options.arguments)
    fold_norms(module)
    digest = sha256_file(path)
    card = dataclasses.replace(
        entry.card,
        weights_sha256=digest,
        params=count_parameters(module),
        training_data=_trained_on(path) or entry.card.training_data,
        learnt=learnt_from(digest, metadata(path, "card")),
    )
    return _network(entry, module, card, _key(entry, config, digest), runtime, remarks)


def load_untrained(
    entry: Entry, device: str, precision: str, arguments: Mapping[str, Any] | None = None
) -> Derainer:
    """Build a registered network with random weights: to measure what it costs, never to restore anything.

    Raises:
        BadConfig: If it has no such arguments.
    """
    config = {**entry.config, **(arguments or {})}
    module = plugins.call(_attribute(entry.build), f"derainer {entry.card.name}", config)
    card = dataclasses.replace(entry.card, params=count_parameters(module))
    key = {**_key(entry, config, None), "untrained": True}
    return _network(entry, module, card, key, Runtime(device, precision))


def weights_path(entry: Entry, spec: DerainerSpec) -> Path:
    """Where the weights are: the user's file, or the shipped one.

    Raises:
        BadWeights: If the user has to bring a file and did not, or it does not exist.
    """
    if spec.arg is not None:
        return given_file(spec, "no weights file")
    if entry.weights is None:
        raise BadWeights(
            f"derainer {spec.name!r} has no weights: write {spec.name}:FILE; files: {entry.card.weights_note}"
        )
    return WEIGHTS_FOLDER / entry.weights


def given_file(spec: DerainerSpec, absent: str) -> Path:
    """Return the file that a derainer is given.

    Args:
        spec: The derainer.
        absent: How the message begins where there is none.

    Raises:
        BadWeights: There is none, or it is a pipe, a device or a folder.
    """
    path = Path(spec.arg or "").expanduser()
    if not path.exists():
        raise BadWeights(f"derainer {spec.name!r}: {absent} {path}")
    check_ordinary(path, BadWeights)
    return path


def load_module(
    entry: Entry, path: Path, trust: str | None = None, arguments: Mapping[str, Any] | None = None
) -> tuple[nn.Module, dict[str, Any], tuple[str, ...]]:
    """Build a registered network and fill it from a weights file.

    Args:
        entry: Which network.
        path: The file.
        trust: See :func:`bench.weights.load_state`.
        arguments: What the user makes it with; the file's metadata and the paper say the rest.

    Returns:
        The network in evaluation mode, its configuration, and what was odd about the file's names.

    Raises:
        BadWeights: If the file is not this network's.
        BadConfig: If the network has no such arguments.
    """
    from bench.weights import load_state, match_state

    what = f"{path} ({entry.card.name})"
    state, stated = load_state(path, trust), metadata(path, "config")
    config = {**entry.config, **stated, **(arguments or {})}
    if arguments:
        module = plugins.call(_attribute(entry.build), f"derainer {entry.card.name}", config)
    else:
        try:
            if stated:
                _check_stated(entry, config, state)
            module = _attribute(entry.build)(**config)
        except (TypeError, ValueError, RuntimeError, AttributeError, KeyError, OverflowError) as error:
            raise BadWeights(
                f"{what}: the configuration in its metadata does not fit: {said(error)}"
            ) from error
    try:
        remarks = match_state(module, state, what)
    except BadWeights as error:
        fitting = _fitting(state) or _fitting_with(entry, config, arguments or {}, state)
        raise BadWeights(f"{error}; it fits {' and '.join(fitting)}" if fitting else str(error)) from None
    return module.eval(), config, remarks


def _check_stated(entry: Entry, config: Mapping[str, Any], state: Mapping[str, torch.Tensor]) -> None:
    """Check that the network which a file asks for is no larger than what the file holds, before memory is taken.

    Raises:
        ValueError: If it is.
    """
    import torch

    for name, value in config.items():
        if isinstance(value, (int, float)) and abs(value) > _MOST:
            raise ValueError(f"{name} is {value:g}")
    with torch.device("meta"):
        asked = count_parameters(_attribute(entry.build)(**config))
    held = sum(value.numel() for value in state.values())
    if asked > held:
        raise ValueError(f"it asks for {asked:,} weights and the file has {held:,}")


def count_parameters(module: nn.Module) -> int:
    """The number of learnt values, buffers left out."""
    return sum(parameter.numel() for parameter in module.parameters())


def _network(
    entry: Entry,
    module: nn.Module,
    card: Card,
    key: dict[str, Any],
    runtime: Runtime,
    remarks: Sequence[str] = (),
) -> Derainer:
    from derainers.harness.network import WHOLE_PIXELS, NetworkDerainer

    return NetworkDerainer(
        module,
        card,
        key,
        runtime,
        bears_bf16=entry.bears_bf16,
        whole_pixels=entry.whole_pixels or WHOLE_PIXELS,
        lighten=_attribute(entry.lighten) if entry.lighten else None,
        remarks=remarks,
    )


def _fitting(state: Mapping[str, torch.Tensor]) -> list[str]:
    """The registered networks, as their authors released them, that have just these weights."""
    import torch

    from bench.weights import unwrapped
    from derainers.cards import entries

    held = sum(value.numel() for value in state.values())
    fitting = []
    for entry in entries():
        # A file holds little beside the parameters: networks of another size need not be built.
        if entry.network and entry.card.params and 0 <= held - entry.card.params <= entry.card.params // 10:
            with torch.device("meta"):
                wanted = _attribute(entry.build)(**entry.config).state_dict()
            if _shapes(unwrapped(state, wanted)) == _shapes(wanted):
                fitting.append(entry.card.name)
    return fitting


def _fitting_with(
    entry: Entry, config: Mapping[str, Any], arguments: Mapping[str, Any], state: Mapping[str, torch.Tensor]
) -> list[str]:
    """How to name the network so that it is made as the file wants it; nothing where no argument does that."""
    from derainers.harness.fitting import fitting_arguments

    found = fitting_arguments(_attribute(entry.build), config, state)
    if found is None:
        return []
    query = plugins.write_options(plugins.Options({**arguments, **found}))
    return [plugins.joined(entry.card.name, query, "FILE")]


def _shapes(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in state.items()}


def metadata(path: Path, entry: str) -> dict[str, Any]:
    """A JSON object from a safetensors file's metadata; empty where it has none, and for other files."""
    if path.suffix != ".safetensors":
        return {}
    import safetensors

    try:
        with safetensors.safe_open(path, "pt") as file:
            value = json.loads((file.metadata() or {}).get(entry, "{}"))
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        text = " ".join(str(error).split())[:200]
        raise BadWeights(f"{path}: not a readable safetensors file ({text})") from None
    if not isinstance(value, dict):
        raise BadWeights(f"{path}: {entry} in its metadata is no JSON object")
    return value


def _trained_on(path: Path) -> str:
    """What a weights file that was trained here says of its training data."""
    data = metadata(path, "card").get("data", ())
    return ", ".join(str(part) for part in data) if isinstance(data, list) else ""


def _key(entry: Entry, config: Mapping[str, Any], digest: str | None) -> dict[str, Any]:
    return {"name": entry.card.name, "version": entry.version, "config": dict(config), "weights": digest}


def _attribute(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
