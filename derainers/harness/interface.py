"""What a network takes and returns where that is not a float image, RGB in [0, 1], in and out.

A network says it by attributes of its class, or whoever names it does after the question mark (``?.output=-1``):

=============== ======================================================================================================
``multiple``     height and width of the input must be multiples of it (``window_size`` counts where it is not there)
``output``       which of several outputs is the image: an index such as ``-1``, or a dictionary's key
``returns``      ``image``; ``residual``, which is added to the input; ``rain``, which is taken from it
``value_range``  ``0..1``, ``-1..1`` or ``0..255``; ``0..1/0..255`` where what is taken and what is returned differ
``channels``     ``rgb`` or ``bgr``; ``rgb/bgr`` likewise
``inputs``       further arguments of ``forward`` by name, the same for every image
=============== ======================================================================================================

An attribute of one of these names that holds something else (many networks have a layer called ``output``) is the
network's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.errors import BadConfig

if TYPE_CHECKING:
    import torch

RETURNS = ("image", "residual", "rain")
#: The value range's name, to the factor and the summand that lead to it from [0, 1].
VALUE_RANGES = {"0..1": (1.0, 0.0), "-1..1": (2.0, -1.0), "0..255": (255.0, 0.0)}
CHANNELS = ("rgb", "bgr")
#: What can be said of a network, and what says it.
_KINDS: dict[str, Any] = {
    "output": (int, str),
    "returns": str,
    "value_range": str,
    "channels": str,
    "inputs": Mapping,
    "window_size": int,
}
_WORDS = {"output": "an index or a name", "inputs": "names with values, such as {task: 2}"}
SAID = ("multiple", *_KINDS)


@dataclass(frozen=True)
class Interface:
    """What a network takes and returns; see the module's text."""

    output: int | str | None = None
    returns: str = "image"
    value_range: str = "0..1"
    channels: str = "rgb"
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def key(self) -> dict[str, Any]:
        """What of it differs from the usual, for the derainer's key."""
        inputs = {name: _as_key(value) for name, value in self.inputs.items()}
        values = {**vars(self), "inputs": inputs}
        usual = vars(Interface())
        return {name: value for name, value in values.items() if value != usual[name]}

    def around(self, forward: Callable[..., Any]) -> Callable[[torch.Tensor], Any]:
        """Make of a network one that takes and returns RGB in [0, 1]."""
        if not self.key():
            return forward
        (order, made_order), (scale, made_scale) = ends(self.channels), ends(self.value_range)

        def as_taken(pixels: torch.Tensor, order: str, scale: str) -> torch.Tensor:
            factor, summand = VALUE_RANGES[scale]
            return (pixels.flip(1) if order == "bgr" else pixels) * factor + summand

        def run(pixels: torch.Tensor) -> Any:
            taken = as_taken(pixels, order, scale)
            made = forward(taken, **{name: _beside(taken, value) for name, value in self.inputs.items()})
            made = self._chosen(made)
            if getattr(made, "shape", None) != taken.shape:
                return made  # what it is instead is said by whoever checks it
            if self.returns != "image":
                same = (order, scale) == (made_order, made_scale)
                given = taken if same else as_taken(pixels, made_order, made_scale)
                made = given - made if self.returns == "rain" else given + made
            factor, summand = VALUE_RANGES[made_scale]
            made = (made - summand) / factor
            return made.flip(1) if made_order == "bgr" else made

        return run

    def _chosen(self, made: Any) -> Any:
        if self.output is None:
            return made
        try:
            return made[self.output]
        except (KeyError, IndexError, TypeError):
            raise BadConfig(f"output = {self.output!r}, but the network returned {described(made)}") from None


def _as_key(value: Any) -> Any:
    """A further input as keys hold it: of a tensor, which a class may have, its values."""
    return [str(value.dtype), value.tolist()] if hasattr(value, "tolist") else value


def _beside(image: torch.Tensor, value: Any) -> Any:
    """A further input on the device of the image."""
    return value.to(image.device) if hasattr(value, "tolist") and hasattr(value, "device") else value


def attributes_of(found: Any) -> dict[str, Any]:
    """Return those of an object's attributes that say what it takes and returns."""
    kept = {}
    for name, kinds in _KINDS.items():
        value = getattr(found, name, None)
        if isinstance(value, kinds) and not isinstance(value, bool):
            kept[name] = value
    if hasattr(found, "multiple"):
        kept["multiple"] = found.multiple
    return kept


def interface_of(said: Mapping[str, Any], what: str) -> Interface:
    """Read what is said of a network.

    Args:
        said: Attributes by name.
        what: What the network is called in messages.

    Raises:
        BadConfig: If what it is of its value range, channels or what it returns is unknown.
    """
    values = {name: said[name] for name in _KINDS if name in said and name != "window_size"}
    known = {"returns": RETURNS, "value_range": tuple(VALUE_RANGES), "channels": CHANNELS}
    for name, value in values.items():
        if name in known:
            halves = _halves(name, value)
            if not all(half in known[name] for half in halves):
                raise BadConfig(f"{what}: {name} is {value!r}: choose {', '.join(known[name])}")
            values[name] = "/".join(dict.fromkeys(halves))
        elif not isinstance(value, _KINDS[name]):
            raise BadConfig(f"{what}: {name} is {value!r}: it takes {_WORDS[name]}")
    return Interface(**values)


def ends(said: str) -> tuple[str, str]:
    """What is said of a value range or an order of colours, on the way in and on the way out.

    Example:
        >>> ends("-1..1"), ends("0..1/0..255")
        (('-1..1', '-1..1'), ('0..1', '0..255'))
    """
    taken, _, made = said.partition("/")
    return taken, made or taken


def _halves(name: str, value: Any) -> list[Any]:
    """What is said of the way in and of the way out, once where it is the same."""
    if not isinstance(value, str):
        return [value]
    return value.lower().split("/", 1 if name in ("value_range", "channels") else 0)


def multiple_of(said: Mapping[str, Any], default: int, what: str) -> int:
    """Return what height and width must be multiples of, as is said of a network.

    Raises:
        BadConfig: If that is no whole number from 1.
    """
    multiple = said.get("multiple", said.get("window_size", default) if default == 1 else default)
    if not isinstance(multiple, int) or isinstance(multiple, bool) or multiple < 1:
        raise BadConfig(f"{what}: its attribute multiple is {multiple!r}, not a whole number from 1")
    return multiple


def described(made: object) -> str:
    """What a network returned instead of a tensor, in words."""
    if isinstance(made, Mapping):
        return f"a dictionary with {', '.join(map(repr, list(made)[:6])) or 'nothing'}"
    if isinstance(made, (list, tuple)):
        return f"a {type(made).__name__} of {len(made)}"
    return f"a {type(made).__name__}"


def advice(made: object) -> str:
    """How to say which of several outputs is the image; empty where nothing can be said."""
    if isinstance(made, Mapping) and made:
        return f"say which of them is the image, as in ?.output={next(iter(made))}"
    if isinstance(made, (list, tuple)) and made:
        return "say which of them is the image: ?.output=-1 for the last, ?.output=0 for the first"
    return "forward must return one tensor"
