"""The tables there are: records in, neutral tables out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from bench.errors import BadData, some, unknown
from bench.keep.records import Record
from downstream.tasks import is_registered
from reports.arrangement import PLAIN, Arrangement, arrange
from reports.results import Group, Results, rain_kind, read_results
from reports.tables.cells import Filled
from reports.tables.classes import errors, per_class, per_tag
from reports.tables.costs import cost
from reports.tables.images import images
from reports.tables.means import mean_columns
from reports.tables.models import models
from reports.tables.parts import columns_of, table_of
from reports.tables.quoted import with_quotes
from reports.tables.seen import with_seen
from reports.tables.survey import survey
from reports.tables.table import Choice, Table, choose, choose_each, set_out

#: What the names of corruptions begin with; see `bench.rain.corruption`.
_CORRUPTION = "corruption:"
#: The preset that is shown where none is asked for.
DEFAULT = "summary"


def build_tables(
    records: Sequence[Record],
    preset: str,
    choice: Choice | None = None,
    arrangement: Arrangement = PLAIN,
) -> list[Table]:
    """Build the tables of a preset.

    Args:
        records: In any order.
        preset: A name of `PRESETS`, or a task's: all its metrics, one table per variant and model.
        choice: Columns and order; None keeps the preset's.
        arrangement: In whose names, choice and order.

    Raises:
        UnknownName: If there is no such preset, column or derainer.
        BadRecord: If the records must not stand in one table.
        BadData: If there are no records, or none that the preset is about.
        BadConfig: If two rows would have one name, or what is quoted does not fit.
    """
    choice = choice or Choice()
    kept, arrangement = arrange(records, arrangement)
    results = read_results(kept, arrangement)
    if preset not in PRESETS and preset not in results.tasks and not is_registered(preset):
        raise unknown("table", preset, {*PRESETS, *results.tasks})
    tables = _filled(preset, results)
    if not tables and preset == DEFAULT:
        # Records of tasks of which the summary shows nothing: all that they have.
        tables = [table for task in results.tasks for table in _filled(task, results)]
    if not tables:
        there = [name for name in (*PRESETS, *results.tasks) if name != preset and _filled(name, results)]
        raise BadData(
            f"nothing to show in table {preset}: these records have nothing of the kind; "
            + (f"there is --table {some(there)}" if there else "no cell of theirs has a score")
        )
    chosen = with_seen(choose_each(tables, choice), results)
    placed = [set_out(table, arrangement, ordered=choice.sort is None) for table in chosen]
    return with_quotes(placed, results, arrangement.quotes)


def _filled(preset: str, results: Results) -> list[Table]:
    """The tables of a preset that have a column at least."""
    build = PRESETS.get(preset) or _task(preset)
    return [table for table in build(results) if table.columns]


def summary(results: Results) -> Iterable[Table]:
    """Every task side by side, one table per variant: what became of the picture and of what models see."""
    for variant in results.variants:
        groups = sorted((g for g in results if g.variant == variant), key=lambda g: g.about.looks == "model")
        columns: list[Filled] = []
        for group in groups:
            span = group.seen_by
            columns += columns_of(group, group.about.shown("summary"), span=span, prefix=span)
        yield table_of(f"summary of {groups[0].shown}", groups[0].shown, groups, columns)


def _task(task: str) -> Callable[[Results], Iterable[Table]]:
    def build(results: Results) -> Iterable[Table]:
        for group in results.of(task):
            table = table_of(group.title, group.title, [group], columns_of(group, group.about.shown("table")))
            yield choose(table, Choice(sort=table.columns[0].key)) if table.columns else table

    return build


def paper(results: Results) -> Iterable[Table]:
    """Derainers by severity, with the mean over rains, one table per data set and model."""
    for task in results.tasks:
        for groups in results.series(task):
            about, model = groups[0].about, groups[0].model
            columns: list[Filled] = []
            for group in groups:
                columns += columns_of(
                    group, about.shown("summary"), span=group.rain, prefix=group.variant.rpartition("@")[2]
                )
            for metric in about.metrics:
                if metric.place == "summary":
                    columns += mean_columns(groups, metric.name)
            title = f"{about.title} on {groups[0].data}" + (f" by {groups[0].seen_by}" if model else "")
            # Ten columns of intervals fit on no page; the marks say what lies within noise.
            table = replace(table_of(title, title, groups, columns), intervals=False)
            mean = [column.key for column in table.columns if column.key == f"mean/{about.headline.name}"]
            order = (mean or [column.key for column in table.columns])[:1]
            yield choose(table, Choice(sort=order[0])) if order else table


def robustness(results: Results) -> Iterable[Table]:
    """Means over the severities of each kind of rain, and mPC and rPC over corruptions, one table per data and model.

    mPC (Michaelis et al. 2019) is the mean over corruptions of the mean over severities; rPC its share of the clean
    score. Where corruptions were measured at different severities there is none.
    """
    for task in results.tasks:
        for groups in results.series(task):
            kinds: dict[str, list[Group]] = {}
            for group in groups:
                if not group.dry:
                    kinds.setdefault(rain_kind(group.first.rain.name), []).append(group)
            data, model, about = groups[0].data, groups[0].model, groups[0].about
            metric = about.headline.name
            columns: list[Filled] = []
            for kind, found in kinds.items():
                if len(found) == 1:
                    rain = found[0].first.rain.name
                    columns += columns_of(found[0], (metric,), span=found[0].rain, prefix=rain)
                else:
                    columns += mean_columns(
                        found,
                        metric,
                        key=kind,
                        heading=f"{kind}, mean of {len(found)}",
                    )
            corrupted = {kind: found for kind, found in kinds.items() if kind.startswith(_CORRUPTION)}
            severities = {frozenset(_severity(group) for group in found) for found in corrupted.values()}
            if len(severities) == 1:
                every = [group for found in corrupted.values() for group in found]
                said = f"mPC, {len(corrupted)} corruption{'s' * (len(corrupted) > 1)}"
                heading = f"{said} x {len(severities.pop())} severities"
                columns += mean_columns(every, metric, key="mpc", heading=heading)
            title = f"Robustness of {about.title.lower()} on {data}" + (
                f" by {groups[0].seen_by}" if model else ""
            )
            shares = any("/relative_" in filled.column.key for filled in columns)
            notes = ["of clean: the mean's share of the clean score, rPC for mPC"] if shares else []
            yield table_of(title, title, groups, columns, notes=notes)


def _severity(group: Group) -> str:
    return group.first.rain.name.rpartition(":")[2]


def correlation(results: Results) -> Iterable[Table]:
    """Whether measures of the image order derainers, and images, as AP and mIoU do; two tables for all variants."""
    from reports.tables.agreement import agreement_table, image_table

    yield agreement_table(results)
    yield image_table(results)


PRESETS: dict[str, Callable[[Results], Iterable[Table]]] = {
    "summary": summary,
    "paper": paper,
    "survey": survey,
    "robustness": robustness,
    "models": models,
    "cost": cost,
    "per-class": per_class,
    "per-tag": per_tag,
    "images": images,
    "errors": errors,
    "correlation": correlation,
}
