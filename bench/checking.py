"""``bench check`` as a function, for scripts and notebooks."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.listing import labelled
from bench.verdicts import Outcome, Verdict


@dataclass(frozen=True)
class Checked:
    """What came of a check.

    Attributes:
        label: What was checked.
        verdicts: One per property.
        first: What to mend first, and how; empty where all properties hold.
    """

    label: str
    verdicts: tuple[Verdict, ...]
    first: str

    @property
    def holds(self) -> bool:
        """Whether all properties hold."""
        return not any(verdict.outcome is Outcome.FAIL for verdict in self.verdicts)

    def __repr__(self) -> str:
        width = max(len(verdict.name) for verdict in self.verdicts)
        lines = [f"{v.name:{width}}  {v.outcome.value:4}  {v.detail}" for v in self.verdicts]
        head = f"mend this first: {self.first}" if self.first else f"{self.label}: all properties hold"
        return "\n".join([head, *lines])


def check(derainer: Any, device: str = "auto", precision: str = "auto") -> Checked:
    """Check that a derainer keeps to what the bench relies on.

    Args:
        derainer: A network, a function of a uint8 RGB image, or any object that can be one; or text as in
            :func:`bench.run`.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto``, ``fp32`` or ``bf16``.

    Returns:
        The verdicts, and what to mend first.

    Raises:
        BenchError: If it cannot be loaded.

    Example:
        >>> import bench
        >>> bench.check(lambda image: image).holds
        True
    """
    from bench.objects import handed_over
    from derainers import parse_derainers
    from derainers.harness.remedy import diagnose, load_with, mend

    given = {} if isinstance(derainer, str) else {_name_of(derainer): derainer}
    with tempfile.TemporaryDirectory() as folder, handed_over(given, Path(folder)) as (texts, _):
        (spec,) = parse_derainers(next((labelled(label, text) for label, text in texts.items()), derainer))
        lacking, verdicts = diagnose(partial(load_with, spec, device, precision))
        return Checked(spec.label, tuple(verdicts), mend(spec, lacking, verdicts))


def _name_of(found: Any) -> str:
    name = getattr(found, "__name__", type(found).__name__)
    return name if name.isidentifier() else "mine"
