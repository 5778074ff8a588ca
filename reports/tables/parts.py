"""What every preset puts its tables together from: rows, protocols, captions."""

from __future__ import annotations

from collections.abc import Sequence

from reports.results import Group
from reports.tables.cells import Filled, assemble, metric_column
from reports.tables.table import Table


def columns_of(group: Group, metrics: Sequence[str], *, span: str = "", prefix: str = "") -> list[Filled]:
    """The columns of those metrics that any record of a group has; see `metric_column`."""
    found = (metric_column(group, metric, span=span, prefix=prefix) for metric in metrics)
    return [filled for filled in found if filled is not None]


def labels_of(groups: Sequence[Group]) -> list[str]:
    """The labels of all rows of some groups, in order."""
    return sorted({label for group in groups for label in group.records}, key=groups[0].arrangement.key)


def table_of(
    name: str,
    title: str,
    groups: Sequence[Group],
    columns: Sequence[Filled],
    labels: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> Table:
    """A table of derainers.

    Args:
        name: Unique in a report.
        title: What its caption begins with.
        groups: The groups that its numbers are from.
        columns: Its columns.
        labels: Its rows; None for those of the groups.
        notes: Remarks on the whole table.
    """
    rows = assemble(columns, labels_of(groups) if labels is None else labels)
    protocols = list(dict.fromkeys(filled.column.protocol for filled in columns if filled.column.protocol))
    return Table(
        name=name,
        caption=caption_of(title, groups, protocols),
        columns=tuple(filled.column for filled in columns),
        rows=rows,
        notes=(*notes, *_unscored(groups)),
    )


def caption_of(title: str, groups: Sequence[Group], protocols: Sequence[str], *, sampled: bool = True) -> str:
    """Title, scenes, protocols and version, and of a sampled table how its ties and intervals were made."""
    scenes = {group.header if group.named else group.data: group.first.data.scenes for group in groups}
    if len(scenes) == 1:
        (count,) = scenes.values()
        parts = [f"{title}; {count:,} scene{'s' if count != 1 else ''}."]
    else:
        parts = [f"{title}; scenes: {', '.join(f'{name} {count:,}' for name, count in scenes.items())}."]
    if protocols:
        parts.append(f"Protocols: {', '.join(protocols)}.")
    made = next((r.bootstrap for g in groups for r in g.records.values() if r.bootstrap), None)
    if made is not None and sampled:
        percent = f"{100 * made.level:g}"
        parts.append(
            f"Ties and intervals: {percent} %, paired bootstrap over scenes, {made.resamples:,} resamples."
        )
    versions = {
        str(r.run["versions"].get("derain-bench"))
        for g in groups
        for r in g.records.values()
        if isinstance(r.run.get("versions"), dict) and r.run["versions"].get("derain-bench")
    }
    if versions:
        parts.append(f"derain-bench {', '.join(sorted(versions))}.")
    return " ".join(parts)


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
