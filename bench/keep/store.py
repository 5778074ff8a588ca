"""The store: the folder of evidence and records, keyed by content.

Layout::

    evidence/KEY/cell.json           what KEY stands for
    evidence/KEY/SHARD.parquet       rows of evidence
    manifests/FINGERPRINT.json       scenes and ground truth of a data set, all that scoring needs of it
    manifests/FINGERPRINT.boxes.json boxes that are derived from the scenes' files, once detection is scored
    records/*.json                   scored cells
    memos/                           content keys of networks, so that a finished run need not load them
    locks/                           advisory locks, held while a shard is worked on
    images/VARIANT/DERAINER/ID.png   what the tasks looked at, where the user asked for it

Every file is written to a temporary name and renamed, so a killed run leaves whole files and perhaps temporary ones,
which :meth:`Store.collect_garbage` removes.
"""

from __future__ import annotations

import contextlib
import errno
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BadData, BadRecord, OutputError, said
from bench.files import TEMPORARY_PREFIX, ensure_folder, is_litter, list_files, write_atomic
from bench.hashing import canonical_json, content_key, sha256_bytes
from bench.keep.evidence import is_whole, read_index, read_shard, write_shard
from bench.keep.records import Record, distinct_slug, read_record, write_record
from bench.ordinary import read_ordinary

if TYPE_CHECKING:
    from downstream.tasks.base import Row, Task

#: A temporary file younger than this may belong to a run that is still going on.
_GRACE_SECONDS = 600.0
#: What a file system without locks answers.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_FOLDERS = ("evidence", "locks", "manifests", "memos", "records")


@dataclass(frozen=True)
class Store:
    """A store at ``root``; any number of processes may use one at the same time."""

    root: Path

    @property
    def records(self) -> Path:
        """The folder of records."""
        return self.root / "records"

    def images(self, variant: str) -> Path:
        """Return the folder for the images of a variant, named as :func:`bench.keep.records.variant_name` does."""
        return self.root / "images" / distinct_slug(variant)

    def check(self) -> None:
        """Check that ``root`` is a store or may become one; nothing is written.

        Raises:
            BadData: If it is a folder of something else.
        """
        if not self.root.is_dir() or (self.root / "evidence").is_dir():
            return
        strangers = sorted(
            p.name for p in self.root.iterdir() if p.name not in _FOLDERS and not is_litter(p.name)
        )
        if strangers:
            raise BadData(
                f"{self.root} already holds other files ({strangers[0]}, ...): give an empty folder or one of "
                f"an earlier run as --out"
            )

    def prepare(self) -> None:
        """Create the folders.

        Raises:
            OutputError: If the store cannot be written to.
            BadData: As :meth:`check`.
        """
        self.check()
        for name in _FOLDERS:
            ensure_folder(self.root / name)

    # Evidence

    def folder(self, key: str) -> Path:
        """Return the evidence folder of a cell key.

        Raises:
            BadRecord: If it is no key but a path that leads elsewhere, as a record from outside may hold.
        """
        return self.root / "evidence" / _plain(key)

    def describe(self, key: str, what: dict[str, Any]) -> None:
        """Write down what a cell key stands for."""
        path = self.folder(key) / "cell.json"
        if not path.exists():
            ensure_folder(path.parent)
            write_atomic(path, (json.dumps(what, indent=1, sort_keys=True) + "\n").encode())

    def shard_path(self, key: str, scenes: Iterable[tuple[str, str]]) -> Path:
        """Return where the evidence of these (id, digest) scenes lies if they make up one shard."""
        return self.folder(key) / f"{content_key([list(scene) for scene in scenes])[:20]}.parquet"

    def write(self, key: str, task: Task, rows: Sequence[Row]) -> Path:
        """Write a shard of evidence; its name follows from its scenes."""
        path = self.shard_path(key, ((row.scene, row.digest) for row in rows))
        write_shard(path, task, rows)
        return path

    def done(self, key: str, task: Task | None = None) -> set[tuple[str, str]]:
        """Return (scene id, digest) of all evidence of a cell; damaged shards count as absent.

        Data sets may share scene ids (every other one starts at 1), so the id alone names no scene here.
        """
        found: set[tuple[str, str]] = set()
        for path in self.shards(key):
            found.update(read_index(path, task) or ())
        return found

    def read(self, key: str, task: Task) -> dict[tuple[str, str], Row]:
        """Return (scene id, digest) to row of all evidence of a cell; damaged shards count as absent."""
        rows: dict[tuple[str, str], Row] = {}
        for path in self.shards(key):
            rows.update(((row.scene, row.digest), row) for row in read_shard(path, task) or ())
        return rows

    def shards(self, key: str) -> list[Path]:
        """Return the shard files of a cell, ordered by name."""
        return list_files(self.folder(key), (".parquet",))

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
        """Return the manifest filed under ``fingerprint``, with the boxes that were filed beside it.

        Raises:
            BadRecord: If it is missing or its content is not that of its name.
        """
        path = self.root / "manifests" / f"{_plain(fingerprint)}.json"
        data = self._read_manifest_file(path)
        if sha256_bytes(data) != fingerprint:
            raise _changed(path)
        try:
            manifest: dict[str, Any] = json.loads(data)
        except (ValueError, RecursionError):
            raise _changed(path) from None
        if not _lists_scenes(manifest):
            raise BadRecord(f"manifest {path} lists no scenes: it is no manifest; run the suite again")
        if self.has_boxes(fingerprint):
            path = self._boxes_path(fingerprint)
            try:
                beside = json.loads(self._read_manifest_file(path))
                digest, manifest["coco"] = beside["sha256"], beside["coco"]
            except (ValueError, KeyError, TypeError, RecursionError):
                raise _changed(path) from None
            if content_key(manifest["coco"]) != digest:
                raise _changed(path)
        return manifest

    def has_boxes(self, fingerprint: str) -> bool:
        """Return whether derived boxes are filed beside a manifest."""
        return self._boxes_path(fingerprint).exists()

    def write_boxes(self, fingerprint: str, coco: dict[str, Any]) -> None:
        """Keep the boxes that were derived for a manifest."""
        content = {"sha256": content_key(coco), "coco": coco}
        write_atomic(self._boxes_path(fingerprint), canonical_json(content).encode())

    def _boxes_path(self, fingerprint: str) -> Path:
        return self.root / "manifests" / f"{fingerprint}.boxes.json"

    def _read_manifest_file(self, path: Path) -> bytes:
        return read_ordinary(path, BadRecord, what="manifest ")

    # Records

    def write_record(self, record: Record) -> Path:
        """Write a record, replacing an earlier one of the same cell key."""
        return write_record(self.records, record)

    def read_records(self) -> list[Record]:
        """Return all records, ordered by file name."""
        return [read_record(path) for path in list_files(self.records, (".json",))]

    # Locks

    @contextlib.contextmanager
    def lock(self, name: str, *, wait: bool) -> Iterator[bool]:
        """Hold an advisory lock; two runs on one store so share its shards out.

        Where the file system has no locks, all get this one: work done twice is wasted, but does no harm.

        Yields:
            True once the lock is held; False if another process holds it and ``wait`` is False.

        Raises:
            OutputError: If the store cannot be written to.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.root / "locks" / f"{name}.lock", blocking=wait)
        try:
            lock.acquire()
        except Timeout:
            held = False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise OutputError(
                    f"cannot write {lock.lock_file}: {error.strerror or error}; "
                    f"what is finished stays, mend it and run again"
                ) from None
            held = True
        else:
            held = True
        try:
            # The kernel lets go of the lock when the process ends, however it ends.
            yield held
        finally:
            lock.release()

    # Housekeeping

    def collect_garbage(self, *, grace: float = _GRACE_SECONDS) -> list[Path]:
        """Remove what killed runs left: temporary files, truncated shards, unused locks.

        Evidence that is whole but of another version of the program stays.

        Args:
            grace: Temporary files younger than this many seconds are left alone, as a run may be writing them.

        Returns:
            The files removed.

        Raises:
            OutputError: If the store cannot be written to.
        """
        old: list[Path] = []
        now = time.time()
        for path in self.root.rglob(f"{TEMPORARY_PREFIX}*"):
            with contextlib.suppress(FileNotFoundError):  # its run has just renamed it
                # A clock that jumped back makes files look as if they came from the future; they are old as well.
                if not 0 <= now - path.stat().st_mtime < grace:
                    old.append(path)
        old += [path for path, _, broken in self._problems() if broken]
        for path in old:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise OutputError(f"cannot remove {path}: {error.strerror or error}") from None
        locks = sorted((self.root / "locks").glob("*.lock"))
        return old + [path for path in locks if self._remove_lock(path)]

    def damaged(self) -> Iterator[tuple[Path, str]]:
        """Yield each evidence file that cannot be used, with the reason."""
        for path, reason, _ in self._problems():
            yield path, reason

    def _problems(self) -> Iterator[tuple[Path, str, bool]]:
        """Each evidence file that cannot be used, the reason, and whether it is of no use to anybody."""
        from downstream.tasks import find_task, is_registered

        for key, what in self.cells():
            for path in self.shards(key):
                try:
                    if not is_whole(path):
                        yield path, "truncated or damaged; the next run makes it again", True
                    elif is_registered(
                        what["task"]
                    ):  # of tasks from a file, only those know what a row holds
                        read_shard(path, find_task(what["task"]))
                except BadRecord as error:
                    yield path, str(error), False

    def _remove_lock(self, path: Path) -> bool:
        with self.lock(path.stem, wait=False) as held:
            if held:
                path.unlink(missing_ok=True)
            return held

    def cells(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each cell key with what it stands for, ordered by key.

        Raises:
            BadRecord: If a description cannot be read.
        """
        folder = self.root / "evidence"
        for path in sorted(folder.glob("*/cell.json")) if folder.is_dir() else ():
            try:
                what = json.loads(path.read_bytes())
                if not _describes(what):
                    raise ValueError("it describes no cell")
            except (OSError, ValueError, RecursionError) as error:
                raise BadRecord(
                    f"{path} cannot be read: {said(error)}; remove its folder and run again"
                ) from None
            yield path.parent.name, what


def _plain(key: str) -> str:
    if not (key.isascii() and key.isalnum()):
        raise BadRecord(f"{key!r} is no key of a store: a key is made of letters and digits")
    return key


def _describes(what: Any) -> bool:
    """Whether a description has what every reader of it relies on."""
    return (
        isinstance(what, dict)
        and isinstance(what.get("task"), str)
        and all(isinstance(what.get(name, ""), (dict, type(None))) for name in ("derainer", "rain"))
    )


def _lists_scenes(manifest: Any) -> bool:
    """Whether a manifest, whose hash anyone can make fit, has what every reader of it relies on."""
    scenes = manifest.get("scenes") if isinstance(manifest, dict) else None
    return isinstance(scenes, list) and all(
        isinstance(scene, list) and len(scene) == 2 and all(isinstance(part, str) for part in scene)
        for scene in scenes
    )


def _changed(path: Path) -> BadRecord:
    return BadRecord(
        f"manifest {path} was changed: its content is not what was written; remove it and run the suite again"
    )


def missing_scenes(scenes: Iterable[tuple[str, str]], done: set[tuple[str, str]]) -> list[str]:
    """Return the ids of those (id, digest) scenes for which there is no evidence."""
    return [name for name, digest in scenes if (name, digest) not in done]
