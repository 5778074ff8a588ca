"""What a derainer costs, beside what it is good for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.vocabulary import REFERENCES
from reports.results import Group, Results
from reports.series import number
from reports.tables.cells import Filled, plain_column
from reports.tables.parts import columns_of, labels_of, table_of
from reports.tables.table import Cell, Column, Table


def cost(results: Results) -> Iterable[Table]:
    """What a derainer costs next to what it is good for, one table per variant."""
    for variant in results.variants:
        groups = [group for group in results if group.variant == variant]
        labels, about = labels_of(groups), {"variant": groups[0].shown}
        columns = [
            parameters(groups, marks=True),
            _card(_cards(groups), "macs_256", _cost("macs", "multiply-adds at 256x256", "G", 1, 1e-9)),
        ]
        times = _seconds(results.timed(variant))
        if times:
            columns.append(plain_column(_cost("time", "time", "ms/image", 1, 1e3, about), times, "not timed"))
        for group in groups:
            columns += columns_of(
                group, (group.about.headline.name,), span=group.seen_by, prefix=group.seen_by
            )
            looks = _seconds(group) if group.model else {}
            shares = {
                label: times[label] / (times[label] + looks[label])  # type: ignore[operator]
                for label in looks
                if times.get(label) is not None and looks[label] is not None
            }
            if shares:
                share = Column(
                    f"{group.seen_by}/share",
                    "share of time",
                    "%",
                    "",
                    0,
                    100.0,
                    None,
                    group.seen_by,
                    {**group.facts, "metric": "share"},
                )
                columns.append(plain_column(share, shares, "not timed"))
        machines = {
            str(r.run["processor"]) for g in groups for r in g.records.values() if r.run.get("processor")
        }
        notes = [f"timed on {', '.join(sorted(machines))}; median over images"] if machines and times else []
        if any(filled.column.key.endswith("/share") for filled in columns):
            notes.append("share of time: of derainer and model together, the derainer's")
        shown = groups[0].shown
        yield table_of(f"cost on {shown}", f"Cost on {shown}", groups, columns, labels, notes)


def parameters(groups: Sequence[Group], *, marks: bool = False) -> Filled:
    """The column of parameters."""
    return _card(_cards(groups), "params", _cost("params", "params", "M", 2, 1e-6), marks=marks)


def _cost(
    key: str, title: str, unit: str, digits: int, scale: float, about: Mapping[str, Any] | None = None
) -> Column:
    return Column(key, title, unit, "", digits, scale, False, about={**(about or {}), "metric": key})


def _cards(groups: Sequence[Group]) -> dict[str, dict[str, object]]:
    return {label: record.derainer.card for group in groups for label, record in group.records.items()}


def _card(cards: dict[str, dict[str, object]], key: str, column: Column, *, marks: bool = True) -> Filled:
    own = {label: number(card.get(key)) for label, card in cards.items() if label not in REFERENCES}
    filled = plain_column(column, own, "its card does not say", marks=marks)
    references = {label: Cell(None, note="no derainer") for label in cards if label in REFERENCES}
    return Filled(filled.column, {**references, **filled.cells})


def _seconds(group: Group | None) -> dict[str, float | None]:
    """Median seconds per image of a group's network, by label."""
    if group is None:
        return {}
    times: dict[str, float | None] = {}
    for label, record in group.records.items():
        value = record.run.get("seconds_per_image")
        if isinstance(value, int | float) and (group.about.looks == "model" or label not in REFERENCES):
            times[label] = float(value)
    return times if any(times.values()) else {}
