"""Which arguments of a network would make it fit a weights file of other sizes."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    import torch
    from torch import nn

#: How many networks are made at most while looking; they take no memory.
_MOST_TRIES = 200
#: No argument is taken to be larger.
_LARGEST = 4096


def fitting_arguments(
    build: Callable[..., nn.Module], arguments: Mapping[str, Any], state: Mapping[str, torch.Tensor]
) -> dict[str, Any] | None:
    """Look for arguments that make a network's weights those of a file, in names and shapes.

    One argument is changed at a time, whichever brings the network closer to the file: numbers to what the shapes and
    names that differ suggest, truth values to the other one, texts to the other choices of a ``Literal``.

    Args:
        build: Makes the network.
        arguments: What it was made with.
        state: The file's weights.

    Returns:
        The arguments to change, with their values; None where none were found.
    """
    from bench.weights import unwrapped

    try:
        parameters = inspect.signature(build).parameters
    except (TypeError, ValueError):
        return None
    usual = {name: p.default for name, p in parameters.items() if p.default is not p.empty}
    tries = 0

    def far(
        values: Mapping[str, Any],
    ) -> tuple[int, list[tuple[str, tuple[int, ...] | None, tuple[int, ...] | None]]]:
        nonlocal tries
        tries += 1
        wanted = _shapes_of(build, values)
        if wanted is None:
            return 1 << 30, []
        held = {name: tuple(value.shape) for name, value in unwrapped(state, wanted).items()}
        names = [name for name in {**wanted, **held} if wanted.get(name) != held.get(name)]
        return len(names), [(name, wanted.get(name), held.get(name)) for name in names]

    now = {**usual, **arguments}
    changed: dict[str, Any] = {}
    distance, differing = far(arguments)
    while distance and distance < 1 << 30:
        best: tuple[int, str, Any] | None = None
        for name, value in _changes(now, differing, _choices(build)):
            if tries >= _MOST_TRIES:
                return None
            closer, _ = far({**arguments, **changed, name: value})
            if closer < (best[0] if best else distance):
                best = closer, name, value
            if closer == 0:
                break
        if best is None:
            return None
        distance, name, value = best
        changed[name] = now[name] = value
        differing = far({**arguments, **changed})[1]
    return changed if distance == 0 and changed else None


def _shapes_of(build: Callable[..., nn.Module], arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """A network's weights on the meta device; None where it cannot be made there."""
    import torch

    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = build(**arguments)
        return {name: tuple(value.shape) for name, value in module.state_dict().items()}
    except Exception:  # anyone's constructor, given what it may not take
        return None


def _changes(
    now: Mapping[str, Any], differing: list[tuple[str, Any, Any]], choices: Mapping[str, tuple[Any, ...]]
) -> Iterator[tuple[str, Any]]:
    """Yield an argument and another value for it, the likely ones first."""
    ratios = {
        (held, wanted)
        for _, want, hold in differing
        if want and hold and len(want) == len(hold)
        for wanted, held in zip(want, hold, strict=True)
        if wanted != held
    }
    numbers = {int(part) for name, _, _ in differing for part in re.findall(r"\d+", name) if len(part) < 4}
    depths = sorted(numbers | {number + 1 for number in numbers})

    def other(value: int) -> list[int]:
        scaled = [value * held // wanted for held, wanted in sorted(ratios) if value * held % wanted == 0]
        same = [held for held, wanted in sorted(ratios) if wanted == value]
        found = dict.fromkeys([*same, *scaled, *depths])
        return [each for each in found if 0 <= each <= _LARGEST and each != value]

    for name, value in now.items():
        if isinstance(value, bool):
            yield name, not value
        elif isinstance(value, int):
            yield from ((name, each) for each in other(value))
        elif isinstance(value, (list, tuple)) and all(type(item) is int for item in value):
            for index, item in enumerate(value):
                yield from ((name, [*value[:index], each, *value[index + 1 :]]) for each in other(item))
        for choice in choices.get(name, ()):
            if choice != value:
                yield name, choice


def _choices(build: Callable[..., Any]) -> dict[str, tuple[Any, ...]]:
    """The values of those parameters that are annotated as a Literal."""
    try:
        hints = get_type_hints(build.__init__ if inspect.isclass(build) else build)
    except Exception:  # an annotation may name what is not there
        return {}
    return {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}
