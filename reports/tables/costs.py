"""What a derainer costs, beside what it is good for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.vocabulary import REFERENCES
from reports.results import Group, Results
from reports.series import number, restoring_seconds
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
        times = restoring_seconds(results, variant)
        if times:
            timing = plain_column(_cost("time", "time", "ms/image", 1, 1e3, about), times, "not timed")
            columns.append(_of_derainers(timing, labels))
        for group in groups:
            columns += columns_of(
                group, (group.about.headline.name,), span=group.seen_by, prefix=group.seen_by
            )
            columns += _with_model(group, times)
        machines = {
            str(r.run["processor"]) for g in groups for r in g.records.values() if r.run.get("processor")
        }
        timed = times or any(filled.column.key.endswith("/look") for filled in columns)
        notes = (
            [f"timed on {', '.join(sorted(machines))}{_threads(groups)}; median over images"]
            if machines and timed
            else []
        )
        if any(filled.column.key.endswith("/share") for filled in columns):
            notes.append(
                "end to end: derainer and model, one after the other; share of time: the derainer's part of it"
            )
        shown = groups[0].shown
        yield table_of(f"cost on {shown}", f"Cost on {shown}", groups, columns, labels, notes)


def _with_model(group: Group, times: Mapping[str, float | None]) -> list[Filled]:
    """The columns of what a group's model takes, alone and behind each derainer; none where it was not timed.

    Args:
        group: The records of one model.
        times: Seconds of each derainer per image; the reference rows have none, so that the model is all they take.
    """
    looks = _seconds(group) if group.model else {}
    behind = {label: 0.0 if label in REFERENCES else times.get(label) for label in looks}
    totals = {
        label: look + wait
        for label, look in looks.items()
        if look is not None and (wait := behind[label]) is not None
    }
    if not totals:
        return []
    shares = {
        label: wait / total
        for label, total in totals.items()
        if label not in REFERENCES and (wait := behind[label]) is not None
    }
    columns = []
    for key, title, unit, digits, scale, better, cells in (
        ("look", "model time", "ms/image", 1, 1e3, False, looks),
        ("total", "end to end", "ms/image", 1, 1e3, False, totals),
        ("share", "share of time", "%", 0, 100.0, None, shares),
    ):
        name, about = f"{group.seen_by}/{key}", {**group.facts, "metric": key}
        column = Column(name, title, unit, "", digits, scale, better, group.seen_by, about)
        filled = plain_column(column, cells, "not timed")
        columns.append(_of_derainers(filled, group.records) if cells is shares else filled)
    return columns


def _threads(groups: Sequence[Group]) -> str:
    """The threads and workers that the records of a table were made with, in words; empty where they do not say."""
    runs = [record.run for group in groups for record in group.records.values()]
    said = {(run["threads"], run["workers"]) for run in runs if "threads" in run and "workers" in run}
    counts = ", ".join(f"{threads} x {workers}" for threads, workers in sorted(said))
    return f", threads x workers: {counts}" if counts else ""


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
    return _of_derainers(plain_column(column, own, "its card does not say", marks=marks), cards)


def _of_derainers(filled: Filled, labels: Iterable[str]) -> Filled:
    """A column of which the reference rows have nothing."""
    references = {label: Cell(None, note="no derainer") for label in labels if label in REFERENCES}
    return Filled(filled.column, {**references, **filled.cells})


def _seconds(group: Group) -> dict[str, float | None]:
    """Median seconds per image of a group's network, by label."""
    times: dict[str, float | None] = {}
    for label, record in group.records.items():
        value = record.run.get("seconds_per_image")
        if isinstance(value, int | float):
            times[label] = float(value)
    return times if any(times.values()) else {}
