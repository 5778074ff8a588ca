"""The on-disk schema of a record: one scored cell with everything needed to believe it and to repeat it.

A record is a JSON file. Everything in it but :attr:`Record.run` follows from the inputs alone, so two runs of one
cell differ in ``run`` only. Reports read records and nothing else, hence the bootstrap replicates: resampling
counts of a variant come from one seed, so the replicate vectors of different derainers are paired element by
element, and the interval of any difference follows from two records.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bench.errors import BadData, BadRecord
from bench.explain import explain
from bench.files import list_files, write_atomic
from bench.hashing import content_key
from bench.ordinary import read_ordinary
from downstream.tasks.base import Description, Metric

if TYPE_CHECKING:
    import numpy as np

SCHEMA_VERSION = 1

#: Most file systems take names of 255 bytes, less what a temporary name adds. Longer ones are cut; the cell's key tells
#: them apart.
_LONGEST_NAME, _SHORT = 230, 50

Status = Literal["ok", "partial", "failed"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Score(_Part):
    """One number.

    Attributes:
        metric: ``ap``, ``psnr_y``, ``miou_recovery``, ``iou/road``, ...
        protocol: How it was measured.
        value: AP, IoU, SSIM, recovery and harm as fractions, PSNR in dB; None where it is undefined.
        low: Lower end of the interval; None where there is none.
        high: Upper end of the interval.
        images: Scenes that the value is made of.
        note: Why the value is None, or what was left out of it.
    """

    metric: str
    protocol: str
    value: float | None
    low: float | None = None
    high: float | None = None
    images: int
    note: str | None = None


class DerainerInfo(_Part):
    """The derainer of a cell; ``card`` is its card, ``key`` everything its output depends on."""

    label: str
    name: str
    card: dict[str, Any] = Field(default_factory=dict)
    key: dict[str, Any] = Field(default_factory=dict)


class DataInfo(_Part):
    """The data set of a cell; ``fingerprint`` covers the scenes' files and the annotations."""

    name: str
    kind: str
    split: str
    scenes: int
    fingerprint: str
    depth_source: str | None = None
    notes: tuple[str, ...] = ()


class RainInfo(_Part):
    """The rain of a cell."""

    name: str
    version: str
    seed: int


class ModelInfo(_Part):
    """The downstream network of a cell.

    Attributes:
        name: What reports call it.
        classes: How many classes the protocol counts.
        key: Everything its output depends on.
        unscored: What it gives that the cell's task does not score: ``masks`` where only boxes are.
    """

    name: str
    classes: int = 0
    key: dict[str, Any] = Field(default_factory=dict)
    unscored: tuple[str, ...] = ()


class Bootstrap(_Part):
    """How the intervals were made: paired bootstrap over scenes."""

    resamples: int
    level: float
    seed: int


class Record(_Part):
    """A scored cell.

    Attributes:
        schema_version: Version of this schema.
        cell: Content key of everything the scores depend on.
        evidence: Key of the evidence that the scores are made of.
        references: Keys of the evidence of the rows ``clean`` and ``none``, for recovery and harm.
        task: The task's name.
        about: What reports must know of the task; None for tasks that come with the program or a package.
        status: ``ok``; ``partial`` where some scenes failed; ``failed``.
        reason: Why the status is not ``ok``.
        images: Scenes with evidence.
        coverage: Scenes with evidence over scenes asked for.
        replicates: Metric to its bootstrap replicates, float32 little-endian in base64.
        breakdown: Further tables by name (by class, by size, error kinds, cost), each JSON.
        run: When, where and how fast: the only part that differs between two runs of one cell.
    """

    schema_version: int = SCHEMA_VERSION
    cell: str
    evidence: str
    references: dict[str, str] = Field(default_factory=dict)
    derainer: DerainerInfo
    data: DataInfo
    rain: RainInfo
    variant: str
    task: str
    about: Description | None = None
    model: ModelInfo | None = None
    status: Status
    reason: str | None = None
    images: int
    coverage: float = Field(ge=0, le=1)
    scores: tuple[Score, ...] = ()
    bootstrap: Bootstrap | None = None
    replicates: dict[str, str] = Field(default_factory=dict)
    breakdown: dict[str, Any] = Field(default_factory=dict)
    run: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Record:
        problems = []
        if self.schema_version != SCHEMA_VERSION:
            problems.append(f"schema version {self.schema_version}, this program reads {SCHEMA_VERSION}")
        if self.variant != variant_name(self.data.name, self.rain.name, self.rain.seed):
            problems.append(f"variant {self.variant!r} is not that of its data and rain")
        about = self.about or _registered(self.task)
        if about is None:
            raise ValueError(f"task {self.task} is known neither here nor to the record itself")
        if about.name != self.task:
            problems.append(f"task {self.task} is described as {about.name}")
        if (self.model is None) != (about.looks == "nothing"):
            problems.append(f"task {self.task} {'lacks' if self.model is None else 'has'} a model")
        if self.data.scenes and abs(self.coverage - self.images / self.data.scenes) > 1e-9:
            problems.append(f"coverage {self.coverage} is not {self.images} of {self.data.scenes} scenes")
        if self.status == "ok" and self.coverage < 1:
            problems.append("status ok with scenes missing")
        if self.status == "failed" and self.scores:
            problems.append("status failed with scores")
        if self.status != "ok" and not self.reason:
            problems.append(f"status {self.status} without a reason")
        for metric_name, text in self.replicates.items():
            if not _is_replicates(text):
                problems.append(f"the replicates of {metric_name} are no numbers in base64")
        for score in self.scores:
            if score.images > self.images:
                problems.append(f"{score.metric} counts {score.images} images of {self.images}")
            metric = about.metric(score.metric)
            if metric is None:
                problems.append(f"task {self.task} has no metric {score.metric}")
            elif score.protocol != self.protocol(metric):
                problems.append(f"{score.metric} under protocol {score.protocol}")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def description(self) -> Description:
        """What reports must know of the record's task."""
        found = self.about or _registered(self.task)
        assert found is not None  # validated
        return found

    def protocol(self, metric: Metric) -> str:
        """Return the protocol that a metric of this record is measured under, e.g. ``miou@19``."""
        return metric.protocol.format(classes=self.model.classes if self.model else 0)

    def score(self, metric: str) -> Score | None:
        """Return the score of ``metric``, or None where the record has none."""
        return next((score for score in self.scores if score.metric == metric), None)

    def replicate(self, metric: str) -> np.ndarray | None:
        """Return the bootstrap replicates of ``metric`` (float64, length ``bootstrap.resamples``), or None."""
        text = self.replicates.get(metric)
        return None if text is None else decode_replicates(text)

    def filename(self) -> str:
        """Return the file name that agrees with the content."""
        parts = [self.variant, self.task, self.model.name if self.model else "-", self.derainer.label]
        name = f"{'--'.join(slug(part) for part in parts)}--{self.cell[:12]}.json"
        if len(name) > _LONGEST_NAME:
            name = f"{'--'.join(slug(part)[:_SHORT] for part in parts)}--{self.cell[:12]}.json"
        return name


@dataclass(frozen=True)
class Head:
    """What is known of a record before it is scored; the attributes are those of :class:`Record`."""

    derainer: DerainerInfo
    data: DataInfo
    rain: RainInfo
    variant: str
    task: str
    about: Description | None
    model: ModelInfo | None
    evidence: str
    references: dict[str, str]

    @classmethod
    def of(cls, record: Record) -> Head:
        """Return the head of a record that is there already."""
        return cls(**{name: getattr(record, name) for name in cls.__dataclass_fields__})

    @property
    def row(self) -> tuple[str, str, str | None, str]:
        """What one row of a report is called: variant, task, model and label."""
        return self.variant, self.task, self.model.name if self.model else None, self.derainer.label


def _registered(task: str) -> Description | None:
    from downstream.tasks import about

    return about(task)


def variant_name(data: str, rain: str, seed: int) -> str:
    """Return the name of a data set under a rain, e.g. ``coco/val2017@streaks:heavy``; seed 0 goes unsaid."""
    return f"{data}@{rain}" + (f"#{seed}" if seed else "")


def slug(text: str) -> str:
    """Return ``text`` with everything but letters, digits, dot and underscore as a hyphen; for file names."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._") else "-" for c in text).strip("-.") or "-"


def distinct_slug(text: str) -> str:
    """Return :func:`slug`, with a few digits of a hash where it lost something: two texts do not share one."""
    short = slug(text)[:_LONGEST_NAME]
    return short if short == text else f"{short}-{content_key(text)[:8]}"


def encode_replicates(values: np.ndarray) -> str:
    """Return replicates as base64 of little-endian float32."""
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


def decode_replicates(text: str) -> np.ndarray:
    """Return the float64 vector that :func:`encode_replicates` was given, to float32 precision."""
    import numpy as np

    return np.frombuffer(base64.b64decode(text), "<f4").astype(np.float64)


def _is_replicates(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) % 4 == 0
    except ValueError:
        return False


def identity(record: Record) -> str:
    """Return the content key of a record without its ``run`` part: equal for two runs of one cell."""
    return content_key(record.model_dump(mode="json", exclude={"run"}))


def write_record(folder: Path, record: Record) -> Path:
    """Write a record under its own file name, atomically.

    Raises:
        OutputError: If the folder cannot be written to.
    """
    path = folder / record.filename()
    values = record.model_dump(mode="json")
    if record.about is None:  # says nothing, and other versions of the program would not know it
        del values["about"]
    if record.model is not None and not record.model.unscored:
        del values["model"]["unscored"]
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomic(path, (text + "\n").encode())
    return path


def read_record(path: Path) -> Record:
    """Read and validate one record.

    Raises:
        BadRecord: If the file is not a record, contradicts itself, or has a name that is not its content's.
    """
    try:
        record = Record.model_validate_json(read_ordinary(path, BadRecord, what="record "))
    except ValidationError as error:
        raise BadRecord(
            f"{path} is not a valid record: {explain(error, Record)[0]}; run the cell again or remove the file"
        ) from None
    if path.name != record.filename():
        raise BadRecord(f"{path} holds the record of {record.filename()}: its name and its content disagree")
    return record


def read_records(folder: Path) -> list[Record]:
    """Read every record under a run's folder (or a folder of records), ordered by file name.

    Raises:
        BadData: If there is no such folder or no record in it.
        BadRecord: If one of them is not valid.
    """
    records = [read_record(path) for path in list_files(records_folder(folder), (".json",))]
    if not records:
        raise no_records(folder)
    return records


def records_folder(folder: Path) -> Path:
    """Where the records of a run are, or those of a folder that holds nothing else.

    Raises:
        BadData: If there is no such folder.
    """
    place = folder / "records" if (folder / "records").is_dir() else folder
    if not place.is_dir():
        raise BadData(f"no folder {folder}: give the --out folder of a run")
    return place


def no_records(folder: Path) -> BadData:
    """What to raise of a folder without records."""
    return BadData(f"no records in {folder}: give the --out folder of a finished run")


def same_data(records: Iterable[Record]) -> None:
    """Check that records of one data set's name were made from the same files.

    Raises:
        BadRecord: If two differ, naming both.
    """
    seen: dict[str, Record] = {}
    for record in records:
        first = seen.setdefault(record.data.name, record)
        if first.data.fingerprint != record.data.fingerprint:
            raise BadRecord(
                f"{first.filename()} and {record.filename()} were made from different files of {record.data.name}: "
                f"report them apart"
            )
