"""The table of a deraining paper: derainers by data sets, the average last, and what a derainer costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from downstream.tasks.base import Metric
from reports.results import Group, Results
from reports.tables.cells import Filled, metric_column
from reports.tables.costs import parameters
from reports.tables.means import mean_columns
from reports.tables.parts import table_of
from reports.tables.table import Choice, Column, Table, choose

AVERAGE = "average"


def survey(results: Results) -> Iterable[Table]:
    """One table: a group of columns for each data set under each rain, tasks side by side, the average last.

    Where nothing but the image is measured both PSNR and SSIM stand there; beside what models see PSNR alone. Dry
    variants are left out: what a derainer does to them is harm, not deraining.
    """
    wet = [group for group in results if not group.dry]
    shown: list[tuple[Group, Metric]] = []
    columns: list[Filled] = []
    for variant in dict.fromkeys(group.variant for group in wet):
        groups = sorted((g for g in wet if g.variant == variant), key=lambda g: g.about.looks == "model")
        for group in groups:
            for metric in _metrics(group, groups):
                found = metric_column(group, metric.name, span=group.header, prefix=_prefix(group, groups))
                if found is not None:
                    columns.append(found)
                    shown.append((group, metric))
    averages, notes = _averages(shown)
    columns += averages
    order = (averages or columns)[:1]
    if not columns:
        return
    # Twenty headers with units, and twenty intervals, fit on no page; the marks say what lies within noise.
    columns.append(parameters(wet))
    units = {filled.column.title: filled.column.unit for filled in columns if filled.column.unit}
    columns = [Filled(replace(filled.column, unit=""), filled.cells) for filled in columns]

    def title(shown: Sequence[Column]) -> str:
        variants = {variant for column in shown for variant in column.variants}
        sets = len({group.first.data.name for group in wet if group.shown in variants})
        what = f"Derainers on {sets} data set{'s' * (sets > 1)}" if sets else "Derainers"
        titles = dict.fromkeys(column.title for column in shown if column.title in units)
        return ", ".join([what, *(f"{name} in {units[name]}" for name in titles)])

    table = table_of("survey", title, wet, columns, notes=notes)
    yield choose(replace(table, intervals=False), Choice(sort=order[0].column.key))


def _metrics(group: Group, beside: Sequence[Group]) -> Sequence[Metric]:
    if group.about.looks == "model" or any(other.about.looks == "model" for other in beside):
        return [group.about.headline]
    return [metric for metric in group.about.metrics if metric.place == "summary"]


def _prefix(group: Group, beside: Sequence[Group]) -> str:
    """What tells a column from those of the same metric: the variant, and the model where there are several."""
    several = sum(other.task == group.task for other in beside) > 1
    return f"{group.header}/{group.seen_by}" if several else group.header


def _averages(shown: Sequence[tuple[Group, Metric]]) -> tuple[list[Filled], list[str]]:
    """The unweighted mean of each metric over all columns of one protocol, and remarks on them."""
    found, counted, notes = [], [], []

    def place(pair: tuple[Group, Metric]) -> tuple[bool, int]:
        return pair[0].about.looks == "model", pair[0].about.order

    for task, name in dict.fromkeys((g.task, m.name) for g, m in sorted(shown, key=place)):
        groups = [group for group, metric in shown if (group.task, metric.name) == (task, name)]
        title = groups[0].metric(name).title
        protocols = {group.first.protocol(group.metric(name)) for group in groups}
        if len(groups) < 2:
            continue
        if len(protocols) > 1:
            notes.append(f"{title}: no average, {' and '.join(sorted(protocols))} are different protocols")
            continue
        mean, *_ = mean_columns(groups, name, over="columns")
        found.append(Filled(replace(mean.column, group=AVERAGE), mean.cells))
        counted.append(f"{title} over {len(groups)}")
    if counted:
        notes.insert(0, f"{AVERAGE}: the unweighted mean of the columns, {', '.join(counted)}")
    return found, notes
