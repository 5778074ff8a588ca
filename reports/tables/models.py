"""Derain, or retrain? Derainers by models: what each model sees behind each derainer, and the harm of a dry day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reports.results import Group, Results
from reports.tables.cells import Filled
from reports.tables.parts import columns_of, table_of
from reports.tables.table import Table


def models(results: Results) -> Iterable[Table]:
    """One table per task and data set that several models looked at: a column for each model under each rain.

    The row ``none`` of a model that knows rain is retraining, a derainer's row of one that does not is deraining, and a
    derainer's row of the former is both. Under no rain each model's harm stands beside its score.
    """
    for task in results.tasks:
        series = results.series(task)
        for data in dict.fromkeys(groups[0].first.data.name for groups in series):
            groups = [group for part in series for group in part if group.first.data.name == data]
            if len({group.model for group in groups}) < 2:
                continue
            columns: list[Filled] = []
            for variant in dict.fromkeys(group.variant for group in groups):
                for group in groups:
                    if group.variant == variant:
                        columns += _columns(group)
            title = f"{groups[0].about.title} on {groups[0].data} by model"
            yield table_of(title, title, groups, columns)


def _columns(group: Group) -> list[Filled]:
    head = group.about.headline.name
    metrics = (head, f"{head}_harm") if group.dry and group.about.compared else (head,)
    found = columns_of(group, metrics, span=group.rain, prefix=f"{group.rain}/{group.seen_by}")
    return [
        Filled(replace(each.column, title=f"{group.seen_by} {each.column.title}"), each.cells)
        for each in found
    ]
