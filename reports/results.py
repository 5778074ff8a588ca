"""Records, put in order: which variants, derainers and models there are, and what compares with what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.errors import BadData, BadRecord, unknown
from bench.keep.records import Record, same_data
from bench.score.stats import Estimate, Sampled, difference
from bench.vocabulary import DRY, OWN, RESTORATION
from downstream.tasks.base import Description, Metric
from reports.arrangement import PLAIN, Arrangement

_STEPS = ("light", "medium", "heavy")


@dataclass(frozen=True)
class Group:
    """The records that one table compares: one variant, task and model.

    Attributes:
        variant: The variant's name.
        task: The task.
        model: The model's name; None for restoration.
        records: By derainer label: `clean`, `none`, then the others by name, or in the order asked for.
        arrangement: In whose names and order it is shown.
    """

    variant: str
    task: str
    model: str | None
    records: Mapping[str, Record]
    arrangement: Arrangement = PLAIN

    @property
    def first(self) -> Record:
        """Any record: data, rain and model are the same in all."""
        return next(iter(self.records.values()))

    @property
    def about(self) -> Description:
        """What the task is."""
        return self.first.description

    def metric(self, name: str) -> Metric:
        """How a metric of the task is shown."""
        found = self.about.metric(name)
        if found is None:
            raise unknown(f"metric of task {self.task}", name, (metric.name for metric in self.about.metrics))
        return found

    @property
    def title(self) -> str:
        """What a caption says of it: task, variant and model."""
        return f"{self.about.title} on {self.shown}" + (f" by {self.seen_by}" if self.model else "")

    @property
    def shown(self) -> str:
        """How the variant is called."""
        return self.arrangement.variant(self.first)

    @property
    def data(self) -> str:
        """How the data set is called."""
        return self.arrangement.name(self.first.data.name)

    @property
    def header(self) -> str:
        """What stands above the variant's columns: data that brings its own rain needs no word for it."""
        return self.shown if self.named or self.first.rain.name != OWN else self.data

    @property
    def named(self) -> bool:
        """Whether the variant has a short name of its own."""
        return self.arrangement.name(self.variant) != self.variant

    @property
    def seen_by(self) -> str:
        """How the model is called, or ``image`` where no model looks: the header above the group's columns."""
        return self.arrangement.name(self.model) if self.model else "image"

    @property
    def rain(self) -> str:
        """How the rain is called: ``dry`` where there is none."""
        rain = self.first.rain
        shown = self.arrangement.name(rain.name)
        shown = "dry" if self.dry and shown == rain.name else shown
        return shown + (f"#{rain.seed}" if rain.seed else "")

    @property
    def facts(self) -> dict[str, str | None]:
        """What a tidy row says of its numbers."""
        return {"variant": self.shown, "task": self.task, "model": self.model and self.seen_by}

    @property
    def dry(self) -> bool:
        """Whether the variant is without rain, so that derainers can only do harm."""
        return self.first.rain.name == DRY

    def sampled(self, metric: str, labels: Iterable[str] | None = None) -> dict[str, Sampled]:
        """Scores with replicates by label, only those that are there."""
        wanted = self.records if labels is None else [label for label in labels if label in self.records]
        scores = {label: sampled_score(self.records[label], metric) for label in wanted}
        return {label: score for label, score in scores.items() if score is not None}


@dataclass(frozen=True)
class Results:
    """All records of a report, checked against each other."""

    groups: tuple[Group, ...]
    arrangement: Arrangement = PLAIN

    def __iter__(self) -> Iterator[Group]:
        return iter(self.groups)

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of every row that is shown, in order: `clean`, `none`, then the others by name."""
        every = {label for group in self.groups for label in group.records} - set(self.arrangement.drop)
        return tuple(sorted(every, key=self.arrangement.key))

    @property
    def variants(self) -> tuple[str, ...]:
        """Every variant in order: by data set, dry first, then by how much it rains."""
        return tuple(dict.fromkeys(group.variant for group in self.groups))

    @property
    def tasks(self) -> tuple[str, ...]:
        """Every task's name, in the order of reports."""
        about = {group.task: group.about for group in self.groups}
        return tuple(sorted(about, key=lambda name: (about[name].order, name)))

    def fidelity(self, variant: str) -> Group | None:
        """The group that says how close restored images of a variant come to the clean ones, if there is one."""
        return next((g for g in self.of(RESTORATION) if g.variant == variant), None)

    def timed(self, variant: str) -> Group | None:
        """The group whose times are the derainers' own: of a task that no model looks for; None without one."""
        return next((g for g in self.groups if g.variant == variant and g.about.looks == "nothing"), None)

    def of(self, task: str) -> list[Group]:
        """The groups of a task."""
        return [group for group in self.groups if group.task == task]

    def series(self, task: str) -> list[list[Group]]:
        """The groups of a task that differ in their rain only: one list for each data set and model."""
        lists: dict[tuple[str, str | None], list[Group]] = {}
        for group in self.of(task):
            lists.setdefault((group.first.data.name, group.model), []).append(group)
        return list(lists.values())


def read_results(records: Sequence[Record], arrangement: Arrangement = PLAIN) -> Results:
    """Put records in order and hold them against each other.

    Args:
        records: In any order.
        arrangement: From :func:`reports.arrangement.arrange`.

    Raises:
        BadData: If there are none.
        BadRecord: If two are of one cell, or of one name but different data, rain, model or protocol.
    """
    if not records:
        raise BadData(
            "no records to report: run `bench run` first, or give the --out folder of a finished run"
        )
    same_data(records)
    cells: dict[tuple[str, str, str | None], dict[str, Record]] = {}
    for record in records:
        key = (record.variant, record.task, record.model.name if record.model else None)
        group = cells.setdefault(key, {})
        label = record.derainer.label
        if label in group:
            raise BadRecord(
                f"{group[label].filename()} and {record.filename()} are two records of one cell: remove one"
            )
        group[label] = record
    groups = []
    for (variant, task, model), found in cells.items():
        ordered = {label: found[label] for label in sorted(found, key=arrangement.key)}
        _check_group(ordered)
        groups.append(Group(variant, task, model, ordered, arrangement))
    groups.sort(key=_group_order)
    return Results(tuple(groups), arrangement)


def _check_group(records: Mapping[str, Record]) -> None:
    """Refuse what must not stand in one column.

    Raises:
        BadRecord: Naming the two records and what they differ in.
    """
    first = next(iter(records.values()))
    protocols: dict[str, tuple[str, Record]] = {}
    for record in records.values():
        what = None
        if (record.rain.version, record.rain.seed) != (first.rain.version, first.rain.seed):
            what = "versions of the rain"
        elif record.model and first.model and record.model.key != first.model.key:
            what = f"checkpoints or settings of the model {first.model.name}"
        if what:
            raise BadRecord(
                f"{first.filename()} and {record.filename()} have different {what}: report them apart"
            )
        for score in record.scores:
            protocol, other = protocols.setdefault(score.metric, (score.protocol, record))
            if protocol != score.protocol:
                raise BadRecord(
                    f"{other.filename()} and {record.filename()} measure {score.metric} under different "
                    f"protocols, {protocol} and {score.protocol}: report them apart"
                )


#: Sort key of derainers: the references first, then by name.
label_order = PLAIN.key


def rain_order(name: str) -> tuple[int, str, float, str]:
    """Sort key of rains: dry first, then by family, then by how much it rains."""
    if name == DRY:
        return (0, "", 0.0, "")
    family, _, amount = name.partition(":")
    if amount in _STEPS:
        return (1, family, float(_STEPS.index(amount)), "")
    number = re.match(r"\d+(\.\d+)?", amount.rpartition(":")[2])
    return (1, family, float(number.group()) if number else 0.0, amount)


def has_amount(name: str) -> bool:
    """Whether a rain's name says how much it rains, so that it lies on a scale with others of its kind."""
    amount = name.rpartition(":")[2]
    return ":" in name and (amount in _STEPS or re.match(r"\d", amount) is not None)


def rain_kind(name: str) -> str:
    """What rains that differ in their strength alone have in common: ``streaks``, ``corruption:fog``."""
    return name.rpartition(":")[0] or name


def _group_order(group: Group) -> tuple[object, ...]:
    first = group.first
    return (
        first.data.name,
        rain_order(first.rain.name),
        first.rain.seed,
        group.about.order,
        group.task,
        group.model or "",
    )


def sampled_score(record: Record, metric: str) -> Sampled | None:
    """The record's score with its replicates, an empty vector where it has none; None without a score."""
    score = record.score(metric)
    if score is None or score.value is None:
        return None
    replicates = record.replicate(metric)
    return Sampled(score.value, np.zeros(0) if replicates is None else replicates)


def paired(first: Record, second: Record) -> bool:
    """Whether the replicates of two records come from the same resamples of the same scenes."""
    return (
        first.bootstrap is not None
        and first.bootstrap == second.bootstrap
        and first.data.fingerprint == second.data.fingerprint
        and first.coverage == second.coverage == 1
    )


def paired_difference(first: Record, second: Record, metric: str) -> Estimate | None:
    """First minus second with its paired interval, NaN where not paired; None without both scores."""
    a, b = sampled_score(first, metric), sampled_score(second, metric)
    if a is None or b is None:
        return None
    if paired(first, second) and len(a.replicates) == len(b.replicates) > 0 and first.bootstrap:
        return difference(a, b, first.bootstrap.level)
    return Estimate(a.value - b.value, float("nan"), float("nan"))
