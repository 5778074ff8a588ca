from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bench.errors import OutputError
from bench.files import TEMPORARY_PREFIX, ensure_folder, write_atomic


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_full_disk_leaves_the_old_content_and_no_leftovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    write_atomic(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device; free some space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert not list(tmp_path.glob(f"{TEMPORARY_PREFIX}*"))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="gone"):
        write_atomic(tmp_path / "gone" / "a.bin", b"x")


def test_a_file_where_a_folder_is_wanted_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        ensure_folder(tmp_path / "f")
    with pytest.raises(OutputError):
        ensure_folder(tmp_path / "f" / "below")


def test_a_read_only_place_is_refused() -> None:
    with pytest.raises(OutputError, match="cannot write to /proc"):
        ensure_folder(Path("/proc/nothing"))
