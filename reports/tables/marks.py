"""Who is best in a column, who second, and who cannot be told apart from the best."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from reports.metrics import written
from reports.tables.table import Mark, Table


@dataclass(frozen=True)
class Standing:
    """How a number stands in its column; see `Cell` for the attributes."""

    mark: Mark | None = None
    tied: bool = False


PLAIN = Standing()


def by_value(
    values: Mapping[str, float],
    tied: Collection[str] = (),
    *,
    digits: int,
    scale: float = 1.0,
    higher_is_better: bool = True,
    passable: Collection[str] | None = None,
) -> dict[str, Standing]:
    """Best and second by value, as readers expect.

    Numbers that are shown alike are equal. There is no best of one and none where all are equal, no second best of
    two, and none beside two that are best.

    Args:
        values: By derainer, as stored.
        tied: Who cannot be told apart from the best.
        digits: Decimals shown.
        scale: What values are multiplied by to be shown.
        higher_is_better: Direction.
        passable: Who is better than the rainy image; nobody else is marked. None for all.
    """
    sign = 1 if higher_is_better else -1
    shown = {label: sign * float(written(value, digits, scale)) for label, value in values.items()}
    ordered = sorted(set(shown.values()), reverse=True)
    if len(ordered) < 2:
        return {}
    best = [label for label, value in shown.items() if value == ordered[0]]
    marks: dict[str, Mark] = dict.fromkeys(best, "best")
    if len(best) == 1 and len(shown) > 2:
        marks |= {label: "second" for label, value in shown.items() if value == ordered[1]}
    allowed = set(shown) if passable is None else set(passable)
    if not allowed.issuperset(best):
        return {}
    return {
        label: Standing(marks.get(label), label in tied and label not in best)
        for label in shown
        if label in allowed and (label in marks or label in tied)
    }


def by_rank(places: Mapping[str, int]) -> dict[str, Standing]:
    """Best and second from shared ranks; no best of one, and no second best of two."""
    if len(places) < 2:
        return {}
    kinds: tuple[Mark, ...] = ("best", "second") if len(places) > 2 else ("best",)
    names = dict(zip(sorted(set(places.values())), kinds, strict=False))
    return {label: Standing(names[place]) for label, place in places.items() if place in names}


def places_of(
    values: Mapping[str, float], *, digits: int, scale: float, higher_is_better: bool
) -> dict[str, int]:
    """Ranks by value: one more than there are better ones; numbers that are shown alike share one."""
    sign = 1 if higher_is_better else -1
    shown = {label: sign * float(written(value, digits, scale)) for label, value in values.items()}
    return {label: 1 + sum(other > value for other in shown.values()) for label, value in shown.items()}


def caption(table: Table, legend: str = "") -> str:
    """A table's caption, how the ties and intervals that it shows were made, and what its marks mean."""
    cells = [cell for row in table.rows for cell in row.cells]
    ties = any(cell.tied or (cell.mark and table.best == "ties") for cell in cells)
    intervals = table.intervals and any(cell.low is not None for cell in cells)
    what = " and ".join(word for word, there in (("ties", ties), ("intervals", intervals)) if there)
    made = f"{what.capitalize()}: {table.sampling}." if what and table.sampling else ""
    return " ".join(filter(None, (table.caption, made, legend)))


def legend(table: Table, best: str, second: str, tied: str) -> str:
    """What the marks of a table mean; empty where there are none.

    Args:
        table: The table.
        best: How the format shows the best, e.g. ``best in bold``.
        second: How it shows the second best, e.g. ``second underlined``.
        tied: The sign of what cannot be told apart from the best.
    """
    cells = [cell for row in table.rows for cell in row.cells]
    if not any(cell.mark for cell in cells):
        return ""
    words = f"{best}, {second}" if any(cell.mark == "second" for cell in cells) else best
    words = words[:1].upper() + words[1:]
    if table.best == "ties":
        return f"{words}; derainers within noise of each other share the mark."
    alike = f"; {tied} cannot be told apart from the best" if any(cell.tied for cell in cells) else ""
    return f"{words}{alike}; nothing is marked that is no better than the rainy image."
