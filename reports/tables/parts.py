"""What every preset puts its tables together from: rows, protocols, captions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reports.results import Group
from reports.tables.cells import Filled, assemble, metric_column
from reports.tables.table import Column, Table


def columns_of(group: Group, metrics: Sequence[str], *, span: str = "", prefix: str = "") -> list[Filled]:
    """The columns of those metrics that any record of a group has; see `metric_column`."""
    found = (metric_column(group, metric, span=span, prefix=prefix) for metric in metrics)
    return [filled for filled in found if filled is not None]


def labels_of(groups: Sequence[Group]) -> list[str]:
    """The labels of all rows of some groups, in order."""
    return sorted({label for group in groups for label in group.records}, key=groups[0].arrangement.key)


def table_of(
    name: str,
    title: str | Callable[[Sequence[Column]], str],
    groups: Sequence[Group],
    columns: Sequence[Filled],
    labels: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> Table:
    """A table of derainers.

    Args:
        name: Unique in a report.
        title: What its caption begins with, or how that follows from the columns that are shown.
        groups: The groups that its numbers are from.
        columns: Its columns.
        labels: Its rows; None for those of the groups.
        notes: Remarks on the whole table.
    """

    def caption(shown: Sequence[Column]) -> str:
        variants = dict.fromkeys(variant for column in shown for variant in column.variants)
        about = [group for variant in variants for group in groups if group.shown == variant] or groups
        protocols = list(dict.fromkeys(column.protocol for column in shown if column.protocol))
        return caption_of(title if isinstance(title, str) else title(shown), about, protocols)

    filled = tuple(each.column for each in columns)
    return Table(
        name=name,
        caption=caption(filled),
        columns=filled,
        rows=assemble(columns, labels_of(groups) if labels is None else labels),
        notes=(*notes, *_unscored(groups)),
        sampling=sampling_of(groups),
        recaption=caption,
    )


def caption_of(title: str, groups: Sequence[Group], protocols: Sequence[str]) -> str:
    """Title, scenes, protocols and version."""
    scenes = {group.header if group.named else group.data: group.first.data.scenes for group in groups}
    if len(scenes) == 1:
        (count,) = scenes.values()
        parts = [f"{title}; {count:,} scene{'s' if count != 1 else ''}."]
    else:
        parts = [f"{title}; scenes: {', '.join(f'{name} {count:,}' for name, count in scenes.items())}."]
    if protocols:
        parts.append(f"Protocols: {', '.join(protocols)}.")
    versions = {
        str(r.run["versions"].get("derain-bench"))
        for g in groups
        for r in g.records.values()
        if isinstance(r.run.get("versions"), dict) and r.run["versions"].get("derain-bench")
    }
    if versions:
        parts.append(f"derain-bench {', '.join(sorted(versions))}.")
    return " ".join(parts)


def sampling_of(groups: Sequence[Group]) -> str:
    """How ties and intervals were made; empty where there are none."""
    made = next((r.bootstrap for g in groups for r in g.records.values() if r.bootstrap), None)
    if made is None:
        return ""
    return f"{100 * made.level:g} %, paired bootstrap over scenes, {made.resamples:,} resamples"


def _unscored(groups: Sequence[Group]) -> list[str]:
    """What networks give that their tasks do not score, one line each."""
    found = {
        (record.model.name, record.task, thing)
        for group in groups
        for record in group.records.values()
        if record.model is not None
        for thing in record.model.unscored
    }
    return [
        f"{name} gives {thing} too, which task {task} does not score" for name, task, thing in sorted(found)
    ]
