"""Bars: what deraining did to each class, and to each kind of error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.keep.records import Record
from bench.score.stats.errors import KINDS
from bench.vocabulary import NONE, REFERENCES
from reports.figures.style import grid_of, legend_below, look, shown, title_of
from reports.results import Group
from reports.tables.classes import class_scores, class_title, tag_scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: What a record's score is made of, by name.
Parts = Callable[[Record], Mapping[str, float | None]]

_HATCHES = ("", "//", "..", "xx", "--")
_MOST_CLASSES, _MOST_DERAINERS = 20, 6
#: A class that no derainer moves by this much has no bar to see.
_SMALLEST_CHANGE = 0.005
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b")


def class_changes(groups: Sequence[Group], labels: Sequence[str]) -> Figure | None:
    """Score of each class minus that on rainy images, one axis per rain; None without class scores.

    Of more than 20 classes those that change most for any derainer are shown, and none that no derainer
    changes; of more than six derainers those with the best mean score, which the title says.
    """
    return _part_changes(groups, labels, class_scores, class_title(groups[0]))


def tag_changes(groups: Sequence[Group], labels: Sequence[str]) -> Figure | None:
    """The same of the scenes of each tag; None without tags."""
    return _part_changes(groups, labels, tag_scores, groups[0].about.headline.title)


def _part_changes(groups: Sequence[Group], labels: Sequence[str], parts: Parts, title: str) -> Figure | None:
    chosen = [(group, _changes(group, parts)) for group in groups if not group.dry]
    chosen = [(group, changes) for group, changes in chosen if changes]
    every = [label for label in labels if any(label in changes for _, changes in chosen)]
    own = best_of(groups, every, _MOST_DERAINERS)
    chosen = [(group, {k: v for k, v in changes.items() if k in own}) for group, changes in chosen]
    if not chosen:
        return None
    reach: dict[str, float] = {}
    for _, changes in chosen:
        for by_class in changes.values():
            for name, change in by_class.items():
                reach[name] = max(reach.get(name, 0.0), abs(change))
    moved = [name for name in reach if reach[name] >= _SMALLEST_CHANGE]
    kept = sorted(moved, key=lambda name: (-reach[name], name))[:_MOST_CLASSES]
    names = [name for name in reach if name in kept]
    if not names:
        return None
    figure, axes = grid_of(len(chosen), 3.1, 1.0 + 0.1 * len(names) * (len(own) + 1))
    height = 0.8 / len(own)
    for axis, (group, changes) in zip(axes, chosen, strict=True):
        for i, label in enumerate(own):
            by_class = changes.get(label, {})
            at = [n + (i - (len(own) - 1) / 2) * height for n, name in enumerate(names) if name in by_class]
            widths = [100 * by_class[name] for name in names if name in by_class]
            if not at:
                continue
            style = look(label, labels)
            hatch = _HATCHES[i % len(_HATCHES)]
            axis.barh(
                at, widths, height, color=style["color"], hatch=hatch, edgecolor="white", label=shown(label)
            )
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set_yticks(range(len(names)), [shown(name) for name in names])
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.grid(axis="y", visible=False)
        axis.set_title(shown(group.rain))
        axis.set_xlabel(f"{title}, points against {shown(group.arrangement.label(NONE))}")
        if axis is not axes[0]:
            axis.tick_params(labelleft=False)
    said = f"; the {len(own)} best of {len(every)} derainers" if len(own) < len(every) else ""
    figure.suptitle(title_of(groups[0]) + said, fontsize=9)
    legend_below(figure, axes)
    return figure


def best_of(groups: Sequence[Group], labels: Sequence[str], most: int) -> list[str]:
    """At most so many labels, those with the best mean headline score over the groups, in the order given."""
    means = {}
    for label in labels:
        records = (group.records.get(label) for group in groups)
        scores = [record.score(record.description.headline.name) for record in records if record is not None]
        values = [score.value for score in scores if score is not None and score.value is not None]
        means[label] = sum(values) / len(values) if values else float("-inf")
    kept = sorted(labels, key=lambda label: -means[label])[:most]
    return [label for label in labels if label in kept]


def _changes(group: Group, parts: Parts) -> dict[str, dict[str, float]]:
    rainy = group.records.get(NONE)
    if rainy is None:
        return {}
    before = parts(rainy)
    changes = {}
    for label, record in group.records.items():
        if label in REFERENCES:
            continue
        after = parts(record)
        both = {k: (before[k], after[k]) for k in before if k in after}
        found = {k: b - a for k, (a, b) in both.items() if a is not None and b is not None}
        if found:
            changes[label] = found
    return changes


def error_budget(groups: Sequence[Group]) -> Figure | None:
    """Errors caused (right of 0) and cured (left) by kind, one axis per rain; None without such counts."""
    chosen = []
    for group in groups:
        changes = {k: r.breakdown["changes"] for k, r in group.records.items() if "changes" in r.breakdown}
        if changes and not group.dry:
            chosen.append((group, changes))
    if not chosen:
        return None
    tallest = max(len(changes) for _, changes in chosen)
    figure, axes = grid_of(len(chosen), 3.1, 1.0 + 0.35 * tallest)
    for axis, (group, changes) in zip(axes, chosen, strict=True):
        labels = list(changes)
        for side, what in ((-1, "cured"), (1, "caused")):
            start = [0.0] * len(labels)
            for kind, colour, hatch in zip(KINDS, _COLOURS, _HATCHES, strict=True):
                widths = [side * float(changes[label][kind][what]) for label in labels]
                axis.barh(
                    labels_at(labels),
                    widths,
                    0.7,
                    start,
                    color=colour,
                    hatch=hatch,
                    edgecolor="white",
                    label=kind,
                )
                start = [a + b for a, b in zip(start, widths, strict=True)]
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set_yticks(labels_at(labels), [shown(label) for label in labels])
        axis.invert_yaxis()
        axis.grid(axis="y", visible=False)
        axis.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
        axis.set_title(shown(group.rain))
        axis.set_xlabel("cured   errors   caused")
    figure.suptitle(title_of(groups[0]), fontsize=9)
    legend_below(figure, axes)
    return figure


def labels_at(labels: Sequence[str]) -> list[float]:
    """Where each label's bar stands."""
    return [float(i) for i in range(len(labels))]
