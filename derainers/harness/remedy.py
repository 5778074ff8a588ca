"""What a network would have to say of itself so that it can be run: found by trying, for ``bench check``."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations, product
from typing import TYPE_CHECKING, Any

from bench.errors import ANYTHING
from bench.plugins import Options, load, write_options
from bench.plugins.code import home_of
from bench.verdicts import Outcome, Verdict, attempt
from derainers.base import Derainer, DerainerSpec, Unfit
from derainers.harness.conformance import (
    LEAST_CLEAN_PSNR,
    SIZES,
    channel_order,
    looks_right,
    psnr,
    restored,
    run_checks,
    sample,
)
from derainers.harness.interface import RETURNS, VALUE_RANGES, ends

if TYPE_CHECKING:
    import numpy as np
    import torch

#: Loads a derainer of which something is said, with tiles of a size.
Load = Callable[[Mapping[str, Any], str], Derainer]

#: Padding is tried to multiples of these, in this order.
MULTIPLES = (2, 4, 8, 16, 32, 64, 128, 7, 12, 14, 28, 48, 56)

#: What is tried for arguments of forward beside the image: the number of a kind, a word.
INPUTS = (0, 1.0, "rain")

#: What is said of values has to help this much, in dB.
BETTER = 5.0

#: What to do about a property that does not hold, to somebody who sees it for the first time.
ADVICE = {
    "size": "return an image of the size that came in: pad inside forward and cut back, or set multiple",
    "type": "return uint8: np.rint(image.clip(0, 255)).astype(np.uint8), made in a copy",
    "finite": "look for a division or a logarithm of zero, and add a small number there",
    "deterministic": "leave dropout and random numbers to training: self.training says which it is",
    "batch": "normalise each image by itself, and keep nothing from one to the next: statistics of the batch belong to "
    "training",
    "place": "cut the padding off at the side where it was put, and leave flips to flip(...)",
    "colour": "return the channels in the order in which they came: RGB",
    "flat": "look at how values are scaled on their way in and out; value_range may say it",
    "harm": "look at how values are scaled on their way in and out; value_range and returns may say it",
    "tiles": "run it whole (`bench run --tile off`), or make what it computes depend on less than the whole image",
}

#: What messages have that say themselves what to do.
TOLD = ("it must return", "look for", "say which", "give it with", "write its forward", "there is no GPU")


def diagnose(loaded: Load, seconds: float = 60.0) -> tuple[dict[str, Any], list[Verdict]]:
    """Check a derainer, and find out what would have to be said of it.

    Args:
        loaded: Loads it.
        seconds: See :func:`derainers.harness.conformance.run_checks`.

    Returns:
        What to say of it, empty where nothing is lacking or nothing helps; and the verdicts, which hold with that said.
    """
    lacking = find_remedy(loaded)
    verdicts = run_checks(lambda tile: loaded(lacking, tile), seconds)
    remarks = getattr(loaded(lacking, "off"), "remarks", ())
    verdicts += [Verdict("weights", Outcome.NOTE, remark) for remark in remarks]
    if lacking:
        listed = ", ".join(f"{name} = {value!r}" for name, value in lacking.items())
        fault = attempt("interface", lambda: _small(loaded({}, "off"))).detail
        verdicts.insert(0, Verdict("interface", Outcome.FAIL, f"{fault}; what follows is with {listed}"))
    return lacking, verdicts


def mend(spec: DerainerSpec, lacking: Mapping[str, Any], verdicts: Sequence[Verdict]) -> str:
    """Say the one thing to mend first, and how; empty where all properties hold."""
    if lacking:
        words = " and ".join(f"{name} = {value!r}" for name, value in lacking.items())
        choose = ", with values of your own" if "inputs" in lacking else ""
        if spec.given is not None:
            return f"{spec.label}: set {words} in its class{choose}, or as attributes of the object"
        return (
            f"{spec.label}: set {words} in its class{choose}, or write '{saying(spec, lacking)}' "
            f"(--fix prints a class that does it)"
        )
    for verdict in verdicts:
        if verdict.outcome is Outcome.FAIL:
            told = verdict.name == "size" and not verdict.detail.endswith("must stay")
            told |= any(words in verdict.detail for words in TOLD)
            advice = None if told else ADVICE.get(verdict.name)
            return f"{spec.label}: {verdict.name}: {verdict.detail}{f'; {advice}' if advice else ''}"
    return ""


def load_with(
    spec: DerainerSpec,
    device: str,
    precision: str,
    lacking: Mapping[str, Any],
    tile: str,
    trust: str | None = None,
) -> Derainer:
    """Load a derainer of which something more is said."""
    from derainers import load_derainer

    return load_derainer(saying(spec, lacking) if lacking else spec, device, precision, tile, trust)


def saying(spec: DerainerSpec, lacking: Mapping[str, Any]) -> DerainerSpec:
    """Return the same derainer of which something more is said."""
    options = Options(spec.options.arguments, {**spec.options.attributes, **lacking})
    return replace(spec, query=write_options(options))


def find_remedy(loaded: Load) -> dict[str, Any]:
    """Find what would have to be said of a network: further inputs, which output is the image, how values are scaled,
    the order of colours, a multiple."""
    derainer = loaded({}, "off")
    network = getattr(derainer, "module", None)
    if network is None or (_runs(loaded, {}) and looks_right(derainer)):
        return {}
    inputs, made = _called(network, derainer)
    outputs = [{**inputs, **output} for output in _outputs(made, derainer)] or [inputs]
    lacking = max(outputs, key=lambda output: _clean(loaded, output))
    if not looks_right(loaded(lacking, "off")):
        usual = _clean(loaded, lacking)
        for scales in _scales():
            scaled = max(({**lacking, **scale} for scale in scales), key=lambda each: _rainy(loaded, each))
            if _clean(loaded, scaled) > max(usual, LEAST_CLEAN_PSNR) + BETTER:
                lacking = scaled
                break
    lacking |= _turned(loaded, lacking)
    if _is_unfit(loaded, lacking):
        return {}
    for multiple in ({}, *({"multiple": multiple} for multiple in MULTIPLES)):
        if _runs(loaded, {**lacking, **multiple}):
            return {**lacking, **multiple}
    return {}


def adapter(spec: DerainerSpec, lacking: Mapping[str, Any], network: Any) -> str:
    """Write what would pass: a class around the user's own, or how to name a network that no class can be put around.

    Args:
        spec: What the user named.
        lacking: What has to be said of it.
        network: The network; where a layer of it has one of these names, a class cannot say anything under it.
    """
    plugin = spec.plugin
    if plugin is None or any(name in dict(network.named_children()) for name in lacking):
        return f"--derainer '{saying(spec, lacking)}'"
    lines = [f"    {name} = {value!r}" for name, value in lacking.items()]
    # By its whole name: files in a package may have been imported from their neighbours.
    module = plugin.module or home_of(plugin.path).module
    head = [f"from {module} import {plugin.name} as Original", "", ""]
    found = load(plugin)
    if inspect.isclass(found):
        return "\n".join([*head, f"class {plugin.name}(Original):", *lines])
    making = "Original(**arguments)" if inspect.isroutine(found) else "Original"
    body = [f"    network = {making}", *(line.replace("    ", "    network.", 1) for line in lines)]
    return "\n".join([*head, f"def {plugin.name}(**arguments):", *body, "    return network"])


def _runs(loaded: Load, lacking: Mapping[str, Any]) -> bool:
    """Whether it can be said, and small images of all sizes then keep theirs."""
    return attempt("size", lambda: _small(loaded(lacking, "off"))).outcome is Outcome.PASS


def _is_unfit(loaded: Load, lacking: Mapping[str, Any]) -> bool:
    """Whether it fails in a way that no padding would mend."""
    try:
        _small(loaded(lacking, "off"))
    except Unfit:
        return True
    except ANYTHING:
        return False
    return False


def _small(derainer: Derainer) -> Verdict:
    for height, width in SIZES:
        restored(derainer, sample(height, width))
    return Verdict("size", Outcome.PASS, "a clean image does not come back as it was")


def _clean(loaded: Load, lacking: Mapping[str, Any]) -> float:
    """How well a clean image comes back, in dB and in either order of colours, 0 where it does not; its sides are
    multiples of all that is usual."""
    image = sample(128, 128)
    try:
        return _likeness(restored(loaded(lacking, "off"), image), image)
    except ANYTHING:
        return 0.0


def _rainy(loaded: Load, lacking: Mapping[str, Any]) -> float:
    """How close a clean image and a rainy one come to the clean one, in dB: what adds rain instead of taking it falls
    behind."""
    clean = sample(128, 128)
    rainy = clean.copy()
    rainy[:, ::16] = 255
    try:
        derainer = loaded(lacking, "off")
        return sum(_likeness(restored(derainer, image), clean) for image in (clean, rainy))
    except ANYTHING:
        return 0.0


def _likeness(result: np.ndarray, image: np.ndarray) -> float:
    return max(psnr(result, image), psnr(result[..., ::-1], image))


def _turned(loaded: Load, lacking: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be said where colours come out in the other order."""
    image = sample(128, 128)
    try:
        derainer = loaded(lacking, "off")
        order = channel_order(image, restored(derainer, image))
    except ANYTHING:
        return {}
    taken, made = ends(derainer.key.get("interface", {}).get("channels", "rgb"))
    other = "rgb" if made == "bgr" else "bgr"
    return {"channels": f"{taken}/{other}" if taken != other else other} if order == "BGR" else {}


def _called(network: torch.nn.Module, derainer: Derainer) -> tuple[dict[str, Any], object]:
    """Call a network with an image and what else it asks for; return what has to be said of that, and what it makes,
    which is None where no value will do."""
    import torch

    given = dict(derainer.key.get("interface", {}).get("inputs", {}))
    try:
        parameters = list(inspect.signature(network.forward).parameters.values())
    except (TypeError, ValueError):  # exported code may not tell
        parameters = []
    named = [p for p in parameters if p.default is p.empty]
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    asked = [p.name for p in named[1:] if p.kind in plain and p.name not in given]
    for value in INPUTS if asked else INPUTS[:1]:
        inputs = {**given, **dict.fromkeys(asked, value)}
        with contextlib.suppress(*ANYTHING), torch.inference_mode():
            return ({"inputs": inputs} if asked else {}), network(_pixels(derainer), **inputs)
    return {}, None


def _pixels(derainer: Derainer) -> torch.Tensor:
    import torch

    image = torch.from_numpy(sample(128, 128)).permute(2, 0, 1)[None]
    return image.float().div(255).to(derainer.device)  # type: ignore[attr-defined]


def _outputs(made: object, derainer: Derainer) -> Iterator[dict[str, Any]]:
    """Yield what may have to be said of which output is the image, the likely one first."""
    pixels = _pixels(derainer)
    if isinstance(made, Mapping):
        named: list[tuple[Any, Any]] = list(made.items())
    elif isinstance(made, (list, tuple)):
        named = [(-1, made[-1]), *enumerate(made[:-1])] if made else []
    else:
        yield {}
        return
    same = [(name, value) for name, value in named if getattr(value, "shape", None) == pixels.shape]
    far = {name: float((value.float() - pixels).abs().mean()) for name, value in same}
    yield from ({"output": name} for name in sorted(far, key=lambda name: round(far[name], 3)))


def _scales() -> list[list[dict[str, Any]]]:
    """What may have to be said of values and of what is returned, one thing before two. What returns hardly anything
    for want of the right range looks like a network that returns rain, so ranges come first."""
    ranges = [{"value_range": name} for name in list(VALUE_RANGES)[1:]]
    mixed = [{"value_range": "/".join(both)} for both in permutations(VALUE_RANGES, 2)]
    returns = [{"returns": name} for name in RETURNS[1:]]
    return [ranges, mixed, returns, [{**one, **other} for one, other in product(ranges, returns)]]
