"""The tables there are: records in, neutral tables out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from bench.errors import BadData, unknown
from bench.keep.records import Record
from bench.vocabulary import REFERENCES
from downstream.tasks import is_registered
from downstream.tasks.base import Metric
from reports.results import Group, Results, label_order, rain_kind, read_results
from reports.tables.cells import Filled, assemble, mean_columns, metric_column, plain_column
from reports.tables.table import Cell, Choice, Column, Row, Table, choose

#: What the names of corruptions begin with; see `bench.rain.corruption`.
_CORRUPTION = "corruption:"


def build_tables(records: Sequence[Record], preset: str, choice: Choice | None = None) -> list[Table]:
    """Build the tables of a preset.

    Args:
        records: In any order.
        preset: A name of `PRESETS`, or a task's: all its metrics, one table per variant and model.
        choice: Columns and order; None keeps the preset's.

    Raises:
        UnknownName: If there is no such preset or column.
        BadRecord: If the records must not stand in one table.
        BadData: If there are no records, or none that the preset is about.
    """
    results = read_results(records)
    if preset not in PRESETS and preset not in results.tasks and not is_registered(preset):
        raise unknown("table", preset, {*PRESETS, *results.tasks})
    build = PRESETS.get(preset) or _task(preset)
    tables = [table for table in build(results) if table.columns]
    if not tables:
        raise BadData(
            f"nothing to show in table {preset}: these records have nothing of the kind; try --table summary"
        )
    return [choose(table, choice) for table in tables] if choice else tables


def summary(results: Results) -> Iterable[Table]:
    """Every task side by side, one table per variant: what became of the picture and of what models see."""
    for variant in results.variants:
        groups = sorted((g for g in results if g.variant == variant), key=lambda g: g.about.looks == "model")
        columns: list[Filled] = []
        for group in groups:
            span = group.seen_by
            columns += _columns(group, group.about.shown("summary"), span=span, prefix=span)
        yield _table(f"summary of {variant}", variant, groups, columns)


def _task(task: str) -> Callable[[Results], Iterable[Table]]:
    def build(results: Results) -> Iterable[Table]:
        for group in results.of(task):
            table = _table(group.title, group.title, [group], _columns(group, group.about.shown("table")))
            yield choose(table, Choice(sort=table.columns[0].key)) if table.columns else table

    return build


def paper(results: Results) -> Iterable[Table]:
    """Derainers by severity, with the mean over rains, one table per data set and model."""
    for task in results.tasks:
        for groups in results.series(task):
            data, model, about = groups[0].first.data.name, groups[0].model, groups[0].about
            columns: list[Filled] = []
            for group in groups:
                rain = group.variant.removeprefix(f"{data}@")
                columns += _columns(
                    group, about.shown("summary"), span="dry" if group.dry else rain, prefix=rain
                )
            for metric in about.metrics:
                if metric.place == "summary":
                    columns += mean_columns(groups, metric.name)
            title = f"{about.title} on {data}" + (f" by {model}" if model else "")
            # Ten columns of intervals fit on no page; the marks say what lies within noise.
            table = replace(_table(title, title, groups, columns), intervals=False)
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
            data, model, about = groups[0].first.data.name, groups[0].model, groups[0].about
            metric = about.headline.name
            columns: list[Filled] = []
            for kind, found in kinds.items():
                if len(found) == 1:
                    rain = found[0].first.rain.name
                    columns += _columns(found[0], (metric,), span=rain, prefix=rain)
                else:
                    columns += mean_columns(found, metric, kind, f"{kind}, mean of {len(found)}")
            corrupted = {kind: found for kind, found in kinds.items() if kind.startswith(_CORRUPTION)}
            severities = {frozenset(_severity(group) for group in found) for found in corrupted.values()}
            if len(severities) == 1:
                every = [group for found in corrupted.values() for group in found]
                said = f"mPC, {len(corrupted)} corruption{'s' * (len(corrupted) > 1)}"
                columns += mean_columns(every, metric, "mpc", f"{said} x {len(severities.pop())} severities")
            title = f"Robustness of {about.title.lower()} on {data}" + (f" by {model}" if model else "")
            shares = any("/relative_" in filled.column.key for filled in columns)
            notes = ["of clean: the mean's share of the clean score, rPC for mPC"] if shares else []
            yield _table(title, title, groups, columns, notes=notes)


def _severity(group: Group) -> str:
    return group.first.rain.name.rpartition(":")[2]


def cost(results: Results) -> Iterable[Table]:
    """What a derainer costs next to what it is good for, one table per variant."""
    for variant in results.variants:
        groups = [group for group in results if group.variant == variant]
        labels = _labels(groups)
        cards = {}
        for group in groups:
            cards.update({label: record.derainer.card for label, record in group.records.items()})
        columns = [
            _card(cards, "params", Column("params", "parameters", "M", "", 2, 1e-6, False)),
            _card(cards, "macs_256", Column("macs", "multiply-adds at 256x256", "G", "", 1, 1e-9, False)),
        ]
        times = _seconds(results.timed(variant))
        if times:
            columns.append(
                plain_column(Column("time", "time", "ms/image", "", 1, 1e3, False), times, "not timed")
            )
        for group in groups:
            columns += _columns(group, (group.about.headline.name,), span=group.seen_by, prefix=group.seen_by)
            looks = _seconds(group) if group.model else {}
            shares = {
                label: times[label] / (times[label] + looks[label])  # type: ignore[operator]
                for label in looks
                if times.get(label) is not None and looks[label] is not None
            }
            if shares:
                share = Column(
                    f"{group.model}/share", "share of time", "%", "", 0, 100.0, None, group.model or ""
                )
                columns.append(plain_column(share, shares, "not timed"))
        machines = {
            str(r.run["processor"]) for g in groups for r in g.records.values() if r.run.get("processor")
        }
        notes = [f"timed on {', '.join(sorted(machines))}; median over images"] if machines and times else []
        if any(filled.column.key.endswith("/share") for filled in columns):
            notes.append("share of time: of derainer and model together, the derainer's")
        yield _table(f"cost on {variant}", f"Cost on {variant}", groups, columns, labels, notes)


def per_class(results: Results) -> Iterable[Table]:
    """Every class by derainer, one table per variant and model."""
    for group in results:
        scores = {label: class_scores(record) for label, record in group.records.items()}
        yield from _parts(group, scores, group.about.by_class or group.about.headline, "class")


def per_tag(results: Results) -> Iterable[Table]:
    """The scenes of every tag by derainer, one table per variant and model."""
    for group in results:
        scores = {label: found for label, r in group.records.items() if (found := tag_scores(r))}
        yield from _parts(group, scores, group.about.headline, "tag")


def _parts(
    group: Group, scores: Mapping[str, Mapping[str, float | None]], metric: Metric, kind: str
) -> Iterable[Table]:
    """A table of what a score is made of: a row for each part, a column for each derainer."""
    names = list(dict.fromkeys(name for found in scores.values() for name in found))
    if not names:
        return
    protocol = group.first.protocol(metric)
    columns = tuple(
        Column(label, label, metric.unit, protocol, metric.digits, metric.scale, metric.higher_is_better)
        for label in sorted(scores, key=label_order)
    )
    rows = tuple(
        Row(
            name,
            tuple(
                _part_cell(scores[column.key].get(name), group.records[column.key], kind)
                for column in columns
            ),
        )
        for name in names
    )
    caption = f"{metric.title} of each {kind} on {group.variant}" + (
        f" by {group.model}" if group.model else ""
    )
    yield Table(
        caption, _caption(caption, [group], [protocol], sampled=False), columns, rows, (), False, kind
    )


def class_scores(record: Record) -> dict[str, float | None]:
    """Score of each class, from the record's breakdown or its `METRIC/CLASS` scores."""
    stated = {s.metric.partition("/")[2]: s.value for s in record.scores if "/" in s.metric}
    return stated or dict(record.breakdown.get("classes", {}))


def tag_scores(record: Record) -> dict[str, float | None]:
    """Headline score of the scenes of each tag, whose number is part of the name, from the record's breakdown."""
    tags = record.breakdown.get("tags", {})
    return {f"{tag} ({part['scenes']})": part["value"] for tag, part in tags.items()}


def class_title(group: Group) -> str:
    """What a class's score is called."""
    return group.about.by_class.title if group.about.by_class else group.about.headline.title


def _part_cell(value: float | None, record: Record, kind: str) -> Cell:
    if value is not None:
        return Cell(value)
    return Cell(
        None, note=(record.reason if record.status != "ok" else None) or f"{kind} not in these scenes"
    )


def errors(results: Results) -> Iterable[Table]:
    """Which detection errors deraining cured and caused, one table per variant and model."""
    for group in results:
        changes = {
            label: record.breakdown["changes"]
            for label, record in group.records.items()
            if "changes" in record.breakdown
        }
        if not changes:
            continue
        columns = []
        for kind in next(iter(changes.values())):
            for what, better in (("cured", True), ("caused", False)):
                column = Column(f"{kind}/{what}", what, "", "", 0, 1.0, better, kind)
                columns.append(
                    # Counts without intervals: a mark would claim more than is known.
                    plain_column(
                        column, {k: float(v[kind][what]) for k, v in changes.items()}, "", marks=False
                    )
                )
        title = f"Errors cured and caused on {group.variant} by {group.model}"
        notes = ["errors on rainy images that are gone, and new ones; docs/statistics.md defines the kinds"]
        table = _table(title, title, [group], columns, sorted(changes, key=label_order), notes)
        yield replace(table, caption=_caption(title, [group], [], sampled=False))


def correlation(results: Results) -> Iterable[Table]:
    """Whether measures of the image order derainers, and images, as AP and mIoU do; two tables for all variants."""
    from reports.tables.agreement import agreement_table, image_table

    yield agreement_table(results)
    yield image_table(results)


PRESETS: dict[str, Callable[[Results], Iterable[Table]]] = {
    "summary": summary,
    "paper": paper,
    "robustness": robustness,
    "cost": cost,
    "per-class": per_class,
    "per-tag": per_tag,
    "errors": errors,
    "correlation": correlation,
}


def _columns(group: Group, metrics: Sequence[str], *, span: str = "", prefix: str = "") -> list[Filled]:
    found = (metric_column(group, metric, span=span, prefix=prefix) for metric in metrics)
    return [filled for filled in found if filled is not None]


def _labels(groups: Sequence[Group]) -> list[str]:
    return sorted({label for group in groups for label in group.records}, key=label_order)


def _card(cards: dict[str, dict[str, object]], key: str, column: Column) -> Filled:
    values = {}
    for label, card in cards.items():
        number = card.get(key)
        values[label] = float(number) if isinstance(number, int | float) else None
    own = {label: value for label, value in values.items() if label not in REFERENCES}
    filled = plain_column(column, own, "its card does not say")
    references = {label: Cell(None, note="no derainer") for label in values if label in REFERENCES}
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


def _table(
    name: str,
    title: str,
    groups: Sequence[Group],
    columns: Sequence[Filled],
    labels: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> Table:
    rows = assemble(columns, _labels(groups) if labels is None else labels)
    protocols = list(dict.fromkeys(filled.column.protocol for filled in columns if filled.column.protocol))
    return Table(
        name=name,
        caption=_caption(title, groups, protocols),
        columns=tuple(filled.column for filled in columns),
        rows=rows,
        notes=tuple(notes),
    )


def _caption(title: str, groups: Sequence[Group], protocols: Sequence[str], *, sampled: bool = True) -> str:
    """Title, scenes, protocols and version, and of a sampled table how its ties and intervals were made."""
    scenes = sorted({group.first.data.scenes for group in groups})
    counted = " or ".join(f"{n:,}" for n in scenes)
    parts = [f"{title}; {counted} scene{'s' if scenes != [1] else ''}."]
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
