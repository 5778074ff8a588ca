"""The store: the folder of evidence and records, keyed by content.

Layout::

    evidence/KEY/cell.json           what KEY stands for
    evidence/KEY/SHARD.parquet       rows of evidence
    manifests/FINGERPRINT.json       scenes and ground truth of a data set, all that scoring needs of it
    records/*.json                   scored cells
    memos/                           content keys of networks, so that a finished run need not load them
    locks/                           advisory locks, held while a shard is worked on

Every file is written to a temporary name and renamed, so a killed run leaves whole files and perhaps temporary ones,
which :meth:`Store.collect_garbage` removes.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BadData, BadRecord
from bench.evidence import Row, read_index, read_shard, write_shard
from bench.files import TEMPORARY_PREFIX, ensure_folder, write_atomic
from bench.hashing import canonical_json, content_key, sha256_bytes
from bench.records import Record, read_record, write_record

#: A temporary file younger than this may belong to a run that is still going on.
_GRACE_SECONDS = 600.0


@dataclass(frozen=True)
class Store:
    """A store at ``root``; any number of processes may use one at the same time."""

    root: Path

    @property
    def records(self) -> Path:
        """The folder of records."""
        return self.root / "records"

    def prepare(self) -> None:
        """Create the folders.

        Raises:
            OutputError: If the store cannot be written to.
            BadData: If ``root`` is a folder of something else.
        """
        known = {"evidence", "manifests", "records", "locks", "memos"}
        if self.root.is_dir():
            strangers = sorted(
                p.name for p in self.root.iterdir() if p.name not in known and p.name[0] != "."
            )
            if strangers and not (self.root / "evidence").is_dir():
                raise BadData(
                    f"{self.root} already holds other files ({strangers[0]}, ...): give an empty folder or one of "
                    f"an earlier run as --out"
                )
        for name in sorted(known - {"memos"}):
            ensure_folder(self.root / name)

    # Evidence

    def folder(self, key: str) -> Path:
        """Return the evidence folder of a cell key."""
        return self.root / "evidence" / key

    def describe(self, key: str, what: dict[str, Any]) -> None:
        """Write down what a cell key stands for."""
        path = self.folder(key) / "cell.json"
        if not path.exists():
            ensure_folder(path.parent)
            write_atomic(path, (json.dumps(what, indent=1, sort_keys=True) + "\n").encode())

    def write(self, key: str, task: str, rows: Sequence[Row]) -> Path:
        """Write a shard of evidence; its name follows from its scenes."""
        names = content_key([[row.scene, row.digest] for row in rows])[:20]
        path = self.folder(key) / f"{names}.parquet"
        write_shard(path, task, rows)
        return path

    def done(self, key: str, task: str) -> dict[str, str]:
        """Return scene id to digest of all evidence of a cell; damaged shards count as absent."""
        found: dict[str, str] = {}
        for path in self.shards(key):
            found.update(read_index(path, task) or ())
        return found

    def read(self, key: str, task: str) -> dict[str, Row]:
        """Return scene id to row of all evidence of a cell; damaged shards count as absent."""
        rows: dict[str, Row] = {}
        for path in self.shards(key):
            rows.update((row.scene, row) for row in read_shard(path, task) or ())
        return rows

    def shards(self, key: str) -> list[Path]:
        """Return the shard files of a cell, ordered by name."""
        folder = self.folder(key)
        return sorted(folder.glob("*.parquet")) if folder.is_dir() else []

    # Manifests

    def write_manifest(self, manifest: dict[str, Any]) -> str:
        """Keep a data set's scenes and ground truth; return the fingerprint they are filed under."""
        data = canonical_json(manifest).encode()
        fingerprint = sha256_bytes(data)
        path = self.root / "manifests" / f"{fingerprint}.json"
        if not path.exists():
            write_atomic(path, data)
        return fingerprint

    def read_manifest(self, fingerprint: str) -> dict[str, Any]:
        """Return the manifest filed under ``fingerprint``.

        Raises:
            BadRecord: If it is missing or its content is not that of its name.
        """
        path = self.root / "manifests" / f"{fingerprint}.json"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadRecord(
                f"manifest {path} cannot be read: {error.strerror}; run the suite again"
            ) from None
        if sha256_bytes(data) != fingerprint:
            raise BadRecord(
                f"manifest {path} was changed: its content is not that of its name; run the suite again"
            )
        return json.loads(data)

    # Records

    def write_record(self, record: Record) -> Path:
        """Write a record, replacing an earlier one of the same cell key."""
        return write_record(self.records, record)

    def read_records(self) -> list[Record]:
        """Return all records, ordered by file name."""
        return [read_record(path) for path in sorted(self.records.glob("*.json"))]

    # Locks

    @contextlib.contextmanager
    def lock(self, name: str, *, wait: bool) -> Iterator[bool]:
        """Hold an advisory lock; two runs on one store so share its shards out.

        Yields:
            True once the lock is held; False if another process holds it and ``wait`` is False.
        """
        import fcntl

        with open(self.root / "locks" / f"{name}.lock", "a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            # The kernel lets go of the lock when the process ends, however it ends.
            yield True

    # Housekeeping

    def collect_garbage(self, *, grace: float = _GRACE_SECONDS) -> list[Path]:
        """Remove what killed runs left: temporary files, damaged shards, unused locks.

        Args:
            grace: Temporary files younger than this many seconds are left alone, as a run may be writing them.

        Returns:
            The files removed.
        """
        removed: list[Path] = []
        now = time.time()
        for path in self.root.rglob(f"{TEMPORARY_PREFIX}*"):
            # A clock that jumped back makes files look as if they came from the future; those are old as well.
            if not 0 <= now - path.stat().st_mtime < grace:
                removed.append(path)
        removed += [path for path, _ in self.damaged()]
        for path in (self.root / "locks").glob("*.lock"):
            with self.lock(path.stem, wait=False) as held:
                if held:
                    removed.append(path)
        for path in removed:
            path.unlink(missing_ok=True)
        return removed

    def damaged(self) -> Iterator[tuple[Path, str]]:
        """Yield each evidence file that cannot be used, with the reason."""
        for key, what in self.cells():
            for path in self.shards(key):
                try:
                    if read_shard(path, what["task"]) is None:
                        yield path, "truncated or damaged"
                except BadRecord as error:
                    yield path, str(error)

    def cells(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each cell key with what it stands for, ordered by key."""
        folder = self.root / "evidence"
        for path in sorted(folder.glob("*/cell.json")) if folder.is_dir() else ():
            yield path.parent.name, json.loads(path.read_bytes())


def missing_scenes(scenes: Iterable[tuple[str, str]], done: dict[str, str]) -> list[str]:
    """Return the ids of those (id, digest) scenes for which ``done`` holds no evidence of the same digest."""
    return [name for name, digest in scenes if done.get(name) != digest]
