"""What tables, figures and the board alike reckon from groups of records."""

from __future__ import annotations

from collections.abc import Sequence

from bench.vocabulary import REFERENCES
from reports.results import Group, Results, has_amount, rain_kind


def with_dry_in_scale(groups: Sequence[Group]) -> list[Group]:
    """The groups of a series that one axis can show.

    On a dry day the measures of an image are those of images that hardly change; they would flatten all else.
    """
    return [group for group in groups if not group.dry or group.about.looks == "model"]


def scales(groups: Sequence[Group]) -> list[list[int]]:
    """Positions of neighbouring groups that lie on one scale; the dry one belongs to a kind of rain that is alone."""
    kinds = {rain_kind(group.first.rain.name) for group in groups if not group.dry}
    runs: list[list[int]] = []
    before: str | None = None
    for at, group in enumerate(groups):
        name = group.first.rain.name
        kind = next(iter(kinds)) if group.dry and len(kinds) == 1 else rain_kind(name)
        on_scale = group.dry or has_amount(name)
        if runs and on_scale and kind == before:
            runs[-1].append(at)
        else:
            runs.append([at])
        before = kind if on_scale else None
    return runs


def derainer_seconds(results: Results, group: Group) -> dict[str, float | None]:
    """Median seconds per image of each derainer of a group on its variant."""
    timed = restoring_seconds(results, group.variant)
    return {label: timed.get(label) for label in group.records if label not in REFERENCES}


def restoring_seconds(results: Results, variant: str) -> dict[str, float | None]:
    """Median seconds per image of each derainer on a variant; empty where none was timed.

    The times are those of records that no model looks for, and beside models alone what these say of the derainer.
    """
    measured = results.timed(variant)
    groups = [measured] if measured else [group for group in results if group.variant == variant]
    name = "seconds_per_image" if measured else "restoring_seconds_per_image"
    times: dict[str, float | None] = {}
    for group in groups:
        for label, record in group.records.items():
            value = number(record.run.get(name))
            if label not in REFERENCES and value is not None:
                times.setdefault(label, value)
    return times


def number(value: object) -> float | None:
    """A number of a card or of a run's notes, which hold anything; None for what is none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def pareto_front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points (cost, quality) that no other beats in one without losing in the other, by rising cost."""
    front: list[tuple[float, float]] = []
    for cost, quality in sorted(points, key=lambda p: (p[0], -p[1])):
        if not front or quality > front[-1][1]:
            front.append((cost, quality))
    return front
