"""An entry of the board: one derainer's records and the evidence that they are made of, in one file.

A ZIP file that holds a store (see :mod:`bench.keep.store`) with nothing in it that the records do not need, so that
whoever receives it can score the records again without data or networks::

    entry.json                       what the entry says of itself
    records/*.json                   the derainer's records and those of the rows that they are compared with
    evidence/KEY/cell.json           what KEY stands for
    evidence/KEY/SHARD.parquet       all rows of a cell, each cell once
    manifests/FINGERPRINT*.json      scenes and ground truth

The same store gives the same bytes. An entry is data from a stranger: what is read of it is bounded, lands in a folder
of its own under names that the store itself would have chosen, and runs nothing.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BadConfig, BadData, BadRecord, unknown
from bench.files import ensure_folder, list_files, write_atomic
from bench.keep.records import Head, Record, no_records, read_record, records_folder
from bench.keep.store import Store
from bench.vocabulary import REFERENCES

if TYPE_CHECKING:
    from downstream.tasks.base import Row, Task

FORMAT = 1
SUFFIX = ".zip"
#: Beside a board's entries, what was found of them: no record.
VERIFIED = "verified.json"
#: What an entry may unpack to. A board of fifty variants of a thousand scenes stays far below.
MOST_BYTES = 512 << 20
MOST_FILES = 20_000

_NAME = re.compile(
    r"entry\.json|records/[^/\\]{1,250}\.json|manifests/[0-9a-f]{64}(\.boxes)?\.json"
    r"|evidence/[0-9a-f]{64}/(cell\.json|[0-9a-f]{20}\.parquet)"
)
#: The date that every file of an entry has, so that only the content decides the bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Statement:
    """What an entry says of itself.

    Attributes:
        label: The derainer's label.
        records: File names of its records, references not among them.
        partial: Why variants are left out of a data set that it has others of; None where none is.
        format: Version of the layout.
    """

    label: str
    records: tuple[str, ...]
    partial: str | None = None
    format: int = FORMAT


@dataclass(frozen=True)
class Entry:
    """An unpacked entry.

    Attributes:
        statement: What it says of itself.
        store: The store that it holds; gone when the entry is closed.
        records: The derainer's records.
        references: Those of the rows that they are compared with.
    """

    statement: Statement
    store: Store
    records: tuple[Record, ...]
    references: tuple[Record, ...]


def pack(store: Store, label: str, path: Path, *, partial: str | None = None) -> tuple[Record, ...]:
    """Write a derainer's records of a store, with their evidence, as an entry.

    Args:
        store: Of a finished run.
        label: The derainer's label there.
        path: The file.
        partial: Why variants are missing, where some are.

    Returns:
        The derainer's records.

    Raises:
        BadData: If the store has no records.
        UnknownName: If none of them is of that derainer.
        BadConfig: If a record is not whole, or lies apart from its evidence.
        OutputError: If the file cannot be written.
    """
    records = store.read_records() if store.records.is_dir() else []
    if not records:
        raise BadData(f"no records in {store.root}: give the --out folder of a finished run")
    labels = {record.derainer.label for record in records} - set(REFERENCES)
    if label not in labels:
        raise unknown("derainer of this run", label, labels)
    own = [record for record in records if record.derainer.label == label]
    for record in own:
        if record.status != "ok":
            raise BadConfig(
                f"{record.filename()} is {record.status} ({record.reason}): run it to the end first"
            )
    beside = [r for r in records if r.derainer.label in REFERENCES and any(_compared(r, o) for o in own)]
    members: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        lean = Store(Path(folder))
        lean.prepare()
        for record in (*own, *beside):
            lean.write_record(record)
            _copy_evidence(store, lean, record)
        for file in sorted(p for p in lean.root.rglob("*") if p.is_file()):
            members[file.relative_to(lean.root).as_posix()] = file.read_bytes()
    statement = Statement(label, tuple(sorted(record.filename() for record in own)), partial)
    members["entry.json"] = (json.dumps(asdict(statement), indent=1) + "\n").encode()
    ensure_folder(path.parent)
    write_atomic(path, _zipped(members))
    return tuple(own)


@contextlib.contextmanager
def open_entry(path: Path) -> Iterator[Entry]:
    """Unpack an entry into a temporary folder.

    Raises:
        BadRecord: If the file is no entry, or holds anything but what it says.
    """
    with tempfile.TemporaryDirectory(prefix="derain-bench-") as folder:
        root = Path(folder)
        statement = _unpack(path, root)
        store = Store(root)
        records = store.read_records()
        own = tuple(record for record in records if record.derainer.label not in REFERENCES)
        if tuple(sorted(record.filename() for record in own)) != statement.records:
            raise BadRecord(f"{path}: the records that it states are not those that it holds: pack it again")
        strangers = [record for record in own if record.derainer.label != statement.label]
        if strangers:
            raise BadRecord(
                f"{path}: {strangers[0].filename()} is of {strangers[0].derainer.label!r}, "
                f"the entry of {statement.label!r}: one entry is of one derainer"
            )
        references = tuple(record for record in records if record.derainer.label in REFERENCES)
        yield Entry(statement, store, own, references)


def read_folder(folder: Path) -> list[Record]:
    """Read every record of a run or of a board: those that lie by themselves, and those of its entries.

    The rows that an entry's are compared with stand for all; the folder's own come first.

    Raises:
        BadData: If there is no such folder or no record in it.
        BadRecord: If one of them is not valid, or an entry is none.
    """
    place = records_folder(folder)
    records = [read_record(path) for path in list_files(place, (".json",)) if path.name != VERIFIED]
    known = {Head.of(record).row for record in records}
    for path in list_files(place, (SUFFIX,)):
        with open_entry(path) as entry:
            records += entry.records
            records += [row for row in entry.references if Head.of(row).row not in known]
            known |= {Head.of(row).row for row in entry.references}
    if not records:
        raise no_records(folder)
    return records


def _compared(reference: Record, record: Record) -> bool:
    """Whether a reference row stands in the same table as a record."""
    return (reference.variant, reference.task, reference.model) == (
        record.variant,
        record.task,
        record.model,
    )


def _copy_evidence(source: Store, target: Store, record: Record) -> None:
    """Put what a record is scored from into another store, a cell's rows in one shard."""
    from downstream.tasks import find_task

    fingerprint = record.data.fingerprint
    manifest = source.read_manifest(fingerprint)
    boxes = manifest.pop("coco") if source.has_boxes(fingerprint) else None
    if target.write_manifest(manifest) != fingerprint:
        raise BadRecord(f"the manifest {fingerprint} is not that of its name: run the suite again")
    if boxes is not None and not target.has_boxes(fingerprint):
        target.write_boxes(fingerprint, boxes)
    task = find_task(record.task)
    scenes = [(name, digest) for name, digest in manifest["scenes"]]
    for key in (record.evidence, *record.references.values()):
        if not target.shards(key):
            _copy_cell(source, target, key, task, scenes, record)


def _copy_cell(
    source: Store, target: Store, key: str, task: Task, scenes: Sequence[tuple[str, str]], record: Record
) -> None:
    held = source.read(key, task)
    rows: list[Row] = [held[scene] for scene in scenes if scene in held]
    if not rows:
        raise BadConfig(
            f"{record.filename()} lies apart from its evidence: pack it from the store of its run"
        )
    target.describe(key, dict(source.cells()).get(key, {}))
    target.write(key, task, rows)


def _zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])
    return buffer.getvalue()


def _unpack(path: Path, root: Path) -> Statement:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(path, members)
            for member in members:
                target = root / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                # A directory that understates a size must not fill the disk.
                with archive.open(member) as file:
                    data = file.read(member.file_size + 1)
                if len(data) != member.file_size:
                    raise BadRecord(f"{path}: {member.filename} is not of the size that the archive states")
                target.write_bytes(data)
        return _statement(json.loads((root / "entry.json").read_bytes()))
    except OSError as error:
        raise BadRecord(f"entry {path} cannot be read: {error.strerror or error}") from None
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, RecursionError, NotImplementedError):
        raise BadRecord(f"{path} is no entry: make one with `bench submit RUN --derainer LABEL`") from None


def _check_members(path: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    strange = next((name for name in names if not _NAME.fullmatch(name)), None)
    if strange is not None:
        raise BadRecord(f"{path} holds {strange!r}, which is no part of an entry")
    if len(set(names)) != len(names):
        raise BadRecord(f"{path} holds a file twice: pack it again")
    if len(members) > MOST_FILES or sum(member.file_size for member in members) > MOST_BYTES:
        raise BadRecord(f"{path} unpacks to more than {MOST_BYTES >> 20} MB or {MOST_FILES:,} files")


def _statement(values: Any) -> Statement:
    if values["format"] != FORMAT:
        raise ValueError
    names, partial = values["records"], values["partial"]
    if not (isinstance(values["label"], str) and all(isinstance(name, str) for name in names)):
        raise ValueError
    if not (partial is None or isinstance(partial, str)):
        raise ValueError
    return Statement(values["label"], tuple(names), partial)
