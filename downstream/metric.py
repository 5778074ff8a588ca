"""What a metric is: a number that a task yields, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Where a metric is shown: in every table, on the board and the task's own table, or in the latter alone.
Place = Literal["summary", "board", "table"]

_FREE = (float("-inf"), float("inf"))


@dataclass(frozen=True)
class Metric:
    """A number that a task yields, and how it is shown.

    Attributes:
        name: What records and `--columns` call it, e.g. ``ap50``.
        title: Its name in a header.
        protocol: How it is measured; ``{classes}`` stands for the number of classes, as in ``miou@{classes}``.
        unit: Unit of the number shown; empty for none.
        scale: What the stored value is multiplied by to be shown.
        digits: Decimals shown.
        higher_is_better: Direction.
        bounds: What the stored value cannot go beyond; None on either side for no bound.
        place: Where it is shown.
        headline: Whether derainers are ranked by it; one metric of a task is.
        meaning: What it is, as a sentence without its subject, where its title does not say it.
    """

    name: str
    title: str
    protocol: str
    unit: str = "%"
    scale: float = 100.0
    digits: int = 1
    higher_is_better: bool = True
    bounds: tuple[float | None, float | None] = (0.0, 1.0)
    place: Place = "table"
    headline: bool = False
    meaning: str = ""

    @property
    def header(self) -> str:
        """Title and unit, e.g. ``AP (%)``."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def limits(self) -> tuple[float, float]:
        """The bounds as numbers, infinite where there is none."""
        return tuple(free if own is None else own for own, free in zip(self.bounds, _FREE, strict=True))  # type: ignore[return-value]
