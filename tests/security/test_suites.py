"""Suites and training configurations as anyone may hand them in: one line within moments, whatever they hold."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import bench
from bench.cli import main
from bench.engine.suite import read_suite
from bench.errors import BadConfig
from bench.keep.records import read_records
from bench.train.config import load_config

CONTENT: dict[str, tuple[bytes, str]] = {
    "latin-1": ("name: café\n".encode("latin-1"), "line 1 is not UTF-8"),
    "latin-1 on a later line": ("name: a\n\n# é\n".encode("latin-1"), "line 3 is not UTF-8"),
    "utf-16": ("name: a\n".encode("utf-16"), "is UTF-16 text"),
    "utf-16 without a mark": ("name: a\n".encode("utf-16-le"), "zero bytes"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not UTF-8"),
    "a program": (b"\x7fELF\x02\x01\x01\0", "zero bytes"),
    "a pickle": (b"\x80\x04\x95.", "not UTF-8"),
    "itself": (b"name: &a [*a]\n", "refers to itself"),
    "itself by a key": (b"a: &a\n  b: *a\n", "refers to itself"),
    "itself over two": (b"a: &a {b: &b {c: *a, d: *b}}\n", "refers to itself"),
    "many brackets": (b"name: " + b"[" * 100_000, "nests deeper"),
    "many braces": (b"{a: " * 100_000, "nests deeper"),
    "many dashes": (b"- " * 100_000, "nests deeper"),
    "a bomb of references": (
        b"a: &a ["
        + b"x, " * 9
        + b"]\n"
        + b"".join(b"%c: &%c [" % (c, c) + b"*%c, " % (c - 1) * 9 + b"]\n" for c in b"bcdefghi"),
        "references multiply",
    ),
    "a bomb of mappings": (
        b"a: &a {x: 1, y: 2}\n"
        + b"".join(
            b"%c: &%c {" % (c, c) + b"".join(b"k%d: *%c, " % (i, c - 1) for i in range(9)) + b"}\n"
            for c in b"bcdefgh"
        ),
        "references multiply",
    ),
    "a number of 5,000 digits": (b"seed: " + b"7" * 5_000 + b"\n", "cannot be read"),
    "a number of 5,000 digits in base 60": (
        b"seed: " + b":".join([b"59"] * 5_000) + b"\n",
        "cannot be read|seed",
    ),
    "a large seed": (b"seed: 99999999999999999999999999\n", "seed"),
    "the 99th of a month": (b"name: 2024-99-99\n", "cannot be read"),
    "an object": (b"name: !!python/object/apply:os.system ['touch it-ran']\n", "no plain value"),
    "a module": (b"name: !!python/module:os\n", "no plain value"),
    "a name": (b"name: !!python/name:os.system\n", "no plain value"),
    "a new object": (b"!!python/object/new:os.system [touch it-ran]\n", "no plain value"),
    "bytes": (b"name: !!binary 'aGk='\n", "no plain value"),
    "a set": (b"derainers: !!set {a, b}\n", "no plain value"),
    "a key that is a list": (b"? [a, b]\n: c\n", "is not YAML|unknown key"),
    "several documents": (b"name: a\n---\nname: b\n", "is not YAML"),
    "a truth for a number": (b"seed: true\n", "seed is True: must be a number"),
    "yes for a number": (b"variants: [{limit: yes}]\n", "variants.0.limit is True: must be a number"),
    "a truth for seconds": (b"timeout: yes\n", "timeout is True: must be a number"),
    "no seconds": (b"timeout: .nan\n", "timeout is nan"),
    "seconds that nothing ends in": (b"timeout: 0.001\n", "timeout is 0.001: must be at least 1 second"),
    "text for a list": (b"derainers: rdmc\n", "must be a list"),
    "long text": (b"tile: " + b"x" * 100_000 + b"\n", "tile is 'xxx"),
    "nothing": (b"5\n", "a suite is a mapping"),
    "a list": (b"- a\n", "a suite is a mapping"),
    "half": (b"name: [a\n", "is not YAML"),
    "tabs": (b"a:\n\t- b\n", "is not YAML"),
    "controls": (b"name: a\x07\x1b[2J\n", "is not YAML"),
}


@pytest.mark.parametrize("name", CONTENT)
def test_a_suite_is_answered_in_one_line(tmp_path: Path, name: str) -> None:
    content, words = CONTENT[name]
    path = tmp_path / "s.yaml"
    path.write_bytes(content)
    with pytest.raises(BadConfig, match=words) as caught:
        read_suite(str(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1_000
    with pytest.raises(BadConfig):
        load_config(path)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _folder(path: Path) -> None:
    path.mkdir()


def _huge(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(1 << 40)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _nowhere(path: Path) -> None:
    path.symlink_to("no-such-file")


@pytest.mark.parametrize("make", [_pipe, _device, _folder, _huge, _loop, _nowhere])
def test_only_ordinary_files_are_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    from bench.data.coco import read_coco
    from bench.errors import BadData, BadWeights
    from bench.images import read_image, read_labels
    from bench.torchscript import load as load_torchscript
    from bench.weights import load_state

    path = tmp_path / "s.yaml"
    make(path)
    for read, kind in (
        (read_suite, BadConfig),
        (load_config, BadConfig),
        (read_image, BadData),
        (read_labels, BadData),
        (read_coco, BadData),
        (load_state, BadWeights),
        (load_torchscript, BadWeights),
    ):
        with pytest.raises(kind) as caught:
            read(str(path) if read is read_suite else path)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)


def test_the_limit_of_a_file_can_be_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.ordinary import VARIABLE, read_ordinary

    path = tmp_path / "f"
    path.write_bytes(b"12345678")
    with pytest.raises(BadConfig, match=f"8 bytes, more than the 4.*set {VARIABLE}"):
        read_ordinary(path, BadConfig, 4)
    monkeypatch.setenv(VARIABLE, "8")
    assert read_ordinary(path, BadConfig, 4) == b"12345678"
    for wrong in ("many", "-1", "1e9", "٣", "9" * 5_000):
        monkeypatch.setenv(VARIABLE, wrong)
        with pytest.raises(BadConfig, match="must be a whole number"):
            read_ordinary(path, BadConfig, 4)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1"])
def test_output_that_cannot_hold_a_letter(
    store: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """`bench report > file` under an encoding without the letter ends with a question mark, not with a traceback."""
    import io

    records = store / "records"
    (path,) = records.glob("*--median--*")
    text = (
        path.read_text(encoding="utf-8")
        .replace('"label":"median"', '"label":"雨"')
        .replace('"label": "median"', '"label": "雨"')
    )
    path.unlink()
    from bench.keep.records import Record

    (records / Record.model_validate_json(text).filename()).write_text(text, encoding="utf-8")
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "argv", ["bench", "report", str(store)])
    with pytest.raises(SystemExit) as ended:
        main()
    stream.flush()
    assert ended.value.code in (0, None)
    assert b"?" in raw.getvalue()


def test_what_is_no_file_is_written_to_and_never_replaced(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import stat
    import threading

    from bench.files import write_atomic

    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_atomic(pipe, b"hello")
    reader.join(10)
    assert got == [b"hello"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    null = tmp_path / "null"
    null.symlink_to("/dev/null")
    write_atomic(null, b"hello")
    assert null.is_symlink()
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_atomic(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_what_this_process_writes_to_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.files import write_atomic

    path = tmp_path / "out"
    kept = os.dup(1)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.dup2(file, 1)
        inode = path.stat().st_ino
        write_atomic(path, b"hello")
    finally:
        os.dup2(kept, 1)
        os.close(file)
        os.close(kept)
    assert path.stat().st_ino == inode
    assert path.read_bytes() == b"hello"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["profile", "--derainer", "median", "--plot", "x.qqq"], "no image format .qqq"),
        (["profile", "--derainer", "median", "--plot", "x.py"], "no image format .py"),
        (["train", "--config", "rdmc", "--seed", "-1", "--out", "o"], "seed"),
        (["train", "--config", "rdmc", "--launcher", "pytorch", "--out", "o"], "RANK.* is not set"),
        (["train", "--config", "rdmc", "--launcher", "mpi", "--out", "o"], "choose none or pytorch"),
    ],
)
def test_choices_are_checked_before_any_work(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import re

    monkeypatch.chdir(tmp_path)
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().err.strip()
    assert ended.value.code == 2
    assert re.search(words, told)
    assert len(told.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_long_label_has_a_record(pairs: Path, tmp_path: Path) -> None:
    labels = ["a" * 200, "a" * 199 + "b", "é" * 200, "a" * 5_000]
    bench.run(
        derainer=[f"{label}=median" for label in labels],
        task="restoration",
        data=f"pairs:{pairs}",
        limit=1,
        out=tmp_path / "out",
        save_images=True,
        workers=1,
    )
    assert {record.derainer.label for record in read_records(tmp_path / "out")} >= set(labels)


@pytest.mark.parametrize("litter", ["._x{}", ".DS_Store", ".x{}", "Thumbs.db", "@eaDir/x{}", "__MACOSX/x{}"])
def test_what_file_managers_leave_is_nobodys_data(
    store: Path, pairs: Path, tmp_path: Path, litter: str
) -> None:
    import shutil

    from bench.data import open_data
    from bench.keep.store import Store
    from bench.score.rescore import rescore
    from bench.train.pools import find_images
    from derainers import load_derainer
    from reports.board.content import read_board

    data = shutil.copytree(pairs, tmp_path / "pairs")
    for folder, suffix in (
        (data / "rain", ".png"),
        (data / "norain", ".png"),
        (store / "records", ".json"),
        *((path, ".parquet") for path in (store / "evidence").iterdir()),
    ):
        path = folder / litter.format(suffix)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\0\5\x16\7")
    assert len(open_data(f"pairs:{data}").scenes) == 4
    assert len(find_images(str(data / "rain"))) == 4
    assert len(load_derainer(f"folder:{data / 'norain'}").missing(["0", "1", "2", "3", "x"])) == 1  # type: ignore[attr-defined]
    assert len(read_records(store)) == 3
    assert not read_board(store / "records")[1]
    assert len(rescore(Store(store))) == 3
    assert not list(Store(store).damaged())
