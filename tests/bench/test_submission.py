"""A submission as a maintainer meets it: an honest one is accepted, and each tampering is caught by a verb."""

from __future__ import annotations

import json
import re
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench.api import run_suite
from bench.engine.suite import suite_of
from bench.engine.verify import check_scores
from bench.engine.verify_entry import verify_entry
from bench.errors import BadConfig, BadRecord, UnknownName
from bench.keep.entry import open_entry, pack, read_folder
from bench.keep.records import Record, decode_replicates, encode_replicates, read_record
from bench.keep.store import Store
from reports.board import checked
from reports.board.content import read_board

Command = Callable[..., str]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, inline: Any) -> Store:
    """A run of two derainers, as somebody made it at home."""
    out = tmp_path_factory.mktemp("submission") / "run"
    choices = {"derainer": "median,guided", "task": "restoration", "rain": "none,streaks:medium", "limit": 3}
    run_suite(suite_of(choices), out, device="cpu", place=inline)
    return Store(out)


@pytest.fixture(scope="module")
def entry(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("entry") / "median.zip"
    pack(store, "median", path)
    return path


@pytest.fixture
def board(store: Store, entry: Path, tmp_path: Path) -> Path:
    """A board that holds guided's records and the entry."""
    folder = tmp_path / "board"
    folder.mkdir()
    for path in store.records.iterdir():
        if "--median--" not in path.name:
            shutil.copy(path, folder)
    shutil.copy(entry, folder)
    return folder


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command line, called in this process; returns what it wrote to the output and the error stream."""

    def run(*arguments: object, code: int = 0) -> str:
        from bench.cli import main

        monkeypatch.setattr(sys, "argv", ["bench", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        assert (stop.value.code or 0) == code, said
        return said.out + said.err

    return run


def rezip(path: Path, change: Callable[[dict[str, bytes]], Any]) -> Path:
    """Change the members of an entry as whoever cheats would."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def record_of(members: dict[str, bytes], label: str = "median", rain: str = "medium") -> str:
    """The name of a record among an entry's members."""
    return next(n for n in members if n.startswith("records/") and f"--{label}--" in n and rain in n)


def edit_record(members: dict[str, bytes], change: Callable[[dict[str, Any]], Any], **which: str) -> None:
    name = record_of(members, **which)
    values = json.loads(members[name])
    change(values)
    members[name] = json.dumps(values).encode()


def raise_score(values: dict[str, Any], by: float = 1.0) -> None:
    """Raise a score, its interval and its resamples alike, so that the record agrees with itself."""
    score = next(score for score in values["scores"] if score["metric"] == "psnr_y")
    for part in ("value", "low", "high"):
        score[part] += by
    replicates = decode_replicates(values["replicates"]["psnr_y"]) + by
    values["replicates"]["psnr_y"] = encode_replicates(replicates)


def problems_of(path: Path) -> list[str]:
    return verify_entry(path, 0).problems


def test_an_honest_entry_is_accepted_and_shown_as_what_it_is(
    board: Path, command: Command, tmp_path: Path
) -> None:
    entry = board / "median.zip"
    _, wrong = read_board(board)
    assert wrong == []
    assert checked.statuses(board) == {"median.zip": "unverified"}
    said = command("verify", entry, "--sample", 0, "--board", board)
    assert "6 records re-scored from their evidence, all equal" in said  # clean, none and median, dry and wet
    assert checked.statuses(board) == {"median.zip": "re-scored"}
    said = command("verify", entry, "--sample", 1, "--workers", 1, "--device", "cpu", "--board", board)
    assert "2 images of 2 records re-run" in said
    assert checked.statuses(board) == {"median.zip": "re-run"}
    page = tmp_path / "LEADERBOARD.md"
    command("leaderboard", "--board", board, "--site", tmp_path / "site", "--page", page)
    assert re.search(
        r"^\| median\.zip \| median \| street/test\S* \| 2 \| re-run \|$", page.read_text(), re.MULTILINE
    )
    found = {
        label: set(
            re.findall(r"record</a><small>([^<]+)", (tmp_path / f"site/derainers/{label}.html").read_text())
        )
        for label in ("median", "guided")
    }
    assert found == {"median": {"re-run"}, "guided": {"unverified"}}  # guided's records came by themselves


def test_a_board_is_reported_with_its_entries(board: Path, store: Store, command: Command) -> None:
    """What `verify` keeps beside the entries is no record, and the rows `clean` and `none` stand there once."""
    command("verify", board / "median.zip", "--sample", 0, "--board", board)
    records = read_folder(board)
    assert sorted(r.filename() for r in records) == sorted(p.name for p in store.records.iterdir())
    assert command("report", board, "--format", "csv") == command("report", store.root, "--format", "csv")
    for path in board.glob("*--*.json"):
        path.unlink()
    alone = {record.derainer.label for record in read_folder(board)}
    assert alone == {"clean", "none", "median"}


def test_images_are_run_again_for_an_entrys_own_rows(board: Path, tmp_path: Path, command: Command) -> None:
    for path in board.glob("*--*.json"):
        path.unlink()
    entry = board / "median.zip"
    checked.keep(board, entry.name, verify_entry(entry, 0).sha256, images=2)
    site, table = tmp_path / "site", tmp_path / "LEADERBOARD.md"
    command("leaderboard", "--board", board, "--site", site, "--page", table)
    (page,) = (site / "sets").iterdir()
    found = re.findall(r'aria-label="record of ([^,]+),[^>]*>record</a><small>([^<]+)', page.read_text())
    assert set(found) == {("no rain", "re-scored"), ("rainy", "re-scored"), ("median", "re-run")}


def test_an_entry_is_small_and_the_same_whenever_it_is_packed(
    store: Store, entry: Path, tmp_path: Path
) -> None:
    pack(store, "median", tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == entry.read_bytes()
    with zipfile.ZipFile(entry) as archive:
        names = archive.namelist()
    assert (
        len([name for name in names if name.endswith(".parquet")]) == 4
    )  # each cell's rows once, in one shard
    assert not any("guided" in name for name in names)


def test_what_is_no_entry_to_pack_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="median"):
        pack(store, "medain", tmp_path / "x.zip")
    apart = Store(tmp_path / "apart")
    apart.prepare()
    for path in store.records.iterdir():
        shutil.copy(path, apart.records)
    for path in (store.root / "manifests").iterdir():
        shutil.copy(path, apart.root / "manifests")
    with pytest.raises(BadConfig, match="apart from its evidence"):
        pack(apart, "median", tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def test_an_edited_score_of_a_plain_store_is_caught(store: Store, command: Command, tmp_path: Path) -> None:
    copy = Store(Path(shutil.copytree(store.root, tmp_path / "run")))
    path = next(p for p in copy.records.iterdir() if "--median--" in p.name and "medium" in p.name)
    values = json.loads(path.read_text())
    raise_score(values)
    path.write_text(json.dumps(values))
    read_record(path)  # it agrees with itself
    assert "psnr_y is" in command("verify", path, "--sample", 0, code=1)
    assert check_scores(next(p for p in copy.records.iterdir() if "--guided--" in p.name)) is None


def test_a_plain_store_does_not_hide_an_edited_score(store: Store, command: Command, tmp_path: Path) -> None:
    """Neither `report` and `compare`, which hold a record against its resamples, nor `store verify`."""
    copy = Store(Path(shutil.copytree(store.root, tmp_path / "run")))
    path = next(p for p in copy.records.iterdir() if "--median--" in p.name and "medium" in p.name)
    good = path.read_text()
    values = json.loads(good)
    next(score for score in values["scores"] if score["metric"] == "ssim_y")["value"] = 0.99
    path.write_text(json.dumps(values))
    for verb in (("report", copy.root), ("compare", "median", "guided", "--run", copy.root)):
        assert "is not the score of its replicates" in command(*verb, code=2)
    assert "ssim_y is 0.99 in the record" in command("store", "verify", copy.root, code=1)
    values = json.loads(good)
    raise_score(values)  # with its resamples: only the evidence tells
    path.write_text(json.dumps(values))
    assert "psnr_y is" in command("store", "verify", copy.root, code=1)
    path.write_text(good)
    assert "0 problems" in command("store", "verify", copy.root)


def test_scores_that_the_evidence_does_not_give_are_caught(board: Path) -> None:
    path = rezip(board / "median.zip", lambda members: edit_record(members, raise_score))
    (problem,) = problems_of(path)
    assert "psnr_y is" in problem
    assert "by its evidence" in problem


def test_a_baseline_made_worse_is_caught(board: Path) -> None:
    """A lower row `none` would make every gain larger."""
    path = rezip(
        board / "median.zip",
        lambda members: edit_record(members, lambda values: raise_score(values, -1.0), label="none"),
    )
    assert any("--none--" in problem for problem in problems_of(path))
    _, wrong = read_board(board)
    assert any("its row none is not the board's" in line for line in wrong)


def test_edited_evidence_is_caught(board: Path, tmp_path: Path) -> None:
    def flatter(members: dict[str, bytes]) -> None:
        evidence = json.loads(members[record_of(members)])["evidence"]
        name = next(n for n in members if n.startswith(f"evidence/{evidence}/") and n.endswith(".parquet"))
        (tmp_path / "shard.parquet").write_bytes(members[name])
        table = pq.read_table(tmp_path / "shard.parquet")
        index = table.column_names.index("psnr_y")
        better = table.set_column(index, table.schema.field(index), [[50.0] * table.num_rows])
        pq.write_table(better, tmp_path / "shard.parquet")
        members[name] = (tmp_path / "shard.parquet").read_bytes()

    assert any("by its evidence" in problem for problem in problems_of(rezip(board / "median.zip", flatter)))


def test_evidence_that_is_not_there_is_caught(board: Path) -> None:
    def thin(members: dict[str, bytes]) -> None:
        evidence = json.loads(members[record_of(members)])["evidence"]
        for name in [n for n in members if n.startswith(f"evidence/{evidence}/") and n.endswith(".parquet")]:
            del members[name]

    (problem,) = problems_of(rezip(board / "median.zip", thin))
    assert "counts 3 images, its evidence has 0" in problem


def test_a_copy_under_another_label_is_caught(board: Path) -> None:
    for path in list(board.glob("*--guided--*.json")):
        values = json.loads(path.read_text())
        values["derainer"]["label"] = "stolen"
        record = Record.model_validate(values)
        (board / record.filename()).write_text(json.dumps(values))
    _, wrong = read_board(board)
    assert any("stolen has the very evidence of guided" in line for line in wrong)


def test_a_copy_with_another_key_is_caught(board: Path) -> None:
    for path in list(board.glob("*--guided--*.json")):
        values = json.loads(path.read_text())
        values["derainer"]["label"], values["evidence"] = "stolen", "0" * 64
        record = Record.model_validate(values)
        (board / record.filename()).write_text(json.dumps(values))
    _, wrong = read_board(board)
    assert any("stolen has the very evidence of guided" in line for line in wrong)


def test_a_board_that_an_earlier_release_scored_takes_entries(
    board: Path, command: Command, tmp_path: Path
) -> None:
    for path in list(board.glob("*.json")):
        values = json.loads(path.read_text())
        values["cell"] = values["cell"][::-1]
        values["scores"] = [score for score in values["scores"] if score["metric"] != "ssim_y"]
        values["replicates"].pop("ssim_y", None)
        path.unlink()
        (board / Record.model_validate(values).filename()).write_text(json.dumps(values))
    assert read_board(board)[1] == []
    command("leaderboard", "--board", board, "--site", tmp_path / "site", "--page", tmp_path / "page.md")
    (path,) = board.glob("*medium*--none--*.json")
    values = json.loads(path.read_text())
    raise_score(values, 0.5)
    path.write_text(json.dumps(values))
    assert any("its row none is not the board's: psnr_y is" in line for line in read_board(board)[1])


def test_variants_left_out_have_to_be_said(store: Store, board: Path, tmp_path: Path) -> None:
    fewer = Store(Path(shutil.copytree(store.root, tmp_path / "fewer")))
    for path in list(fewer.records.iterdir()):
        if "--median--" in path.name and "medium" in path.name:
            path.unlink()
    pack(fewer, "median", board / "median.zip")
    _, wrong = read_board(board)
    assert any("leaves out street/test[:3]@streaks:medium" in line for line in wrong)
    pack(fewer, "median", board / "median.zip", partial="no time")
    assert read_board(board)[1] == []


def test_seconds_need_a_machine(board: Path) -> None:
    rezip(board / "median.zip", lambda m: edit_record(m, lambda values: values["run"].pop("processor")))
    _, wrong = read_board(board)
    assert any("seconds without the machine" in line for line in wrong)


def test_invented_metrics_are_refused(board: Path) -> None:
    def invent(values: dict[str, Any]) -> None:
        values["scores"].append({**values["scores"][0], "metric": "wonder"})

    path = rezip(board / "median.zip", lambda members: edit_record(members, invent))
    with pytest.raises(BadRecord, match="wonder"):
        problems_of(path)


def drop_a_record(members: dict[str, bytes]) -> None:
    del members[record_of(members)]


def other_label(members: dict[str, bytes]) -> None:
    members["entry.json"] = members["entry.json"].replace(b'"median"', b'"best"')


def other_truth(members: dict[str, bytes]) -> None:
    name = next(n for n in members if n.startswith("manifests/"))
    members[name] = members[name].replace(b'"bbox"', b'"nobox"')


def path_out(members: dict[str, bytes]) -> None:
    members["../../out.json"] = b"{}"


def not_json(members: dict[str, bytes]) -> None:
    members["entry.json"] = b"\xff"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (drop_a_record, "are not those that it holds"),
        (other_label, "one entry is of one derainer"),
        (other_truth, "content is not what was written"),
        (path_out, "no part of an entry"),
        (not_json, "is no entry"),
    ],
)
def test_entries_that_are_none_are_refused_in_a_line(
    change: Callable[[dict[str, bytes]], None], said: str, board: Path
) -> None:
    with pytest.raises(BadRecord, match=said):
        problems_of(rezip(board / "median.zip", change))


def test_what_is_no_archive_and_what_unpacks_too_far_is_refused(
    board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.keep.entry.MOST_BYTES", 1000)
    with pytest.raises(BadRecord, match="unpacks to more than"), open_entry(board / "median.zip"):
        pass
    (board / "text.zip").write_text("no archive")
    with pytest.raises(BadRecord, match="is no entry"), open_entry(board / "text.zip"):
        pass
    with pytest.raises(BadRecord, match="cannot be read"), open_entry(board / "none.zip"):
        pass


def test_what_was_verified_holds_for_those_bytes_only(board: Path) -> None:
    entry = board / "median.zip"
    checked.keep(board, entry.name, verify_entry(entry, 0).sha256, images=0)
    assert checked.statuses(board) == {"median.zip": "re-scored"}
    rezip(entry, lambda members: edit_record(members, raise_score))
    assert checked.statuses(board) == {"median.zip": "unverified"}


def test_derainers_that_leave_the_image_are_no_copies(store: Store, board: Path) -> None:
    """Two that do nothing agree to the last digit, and with the row `none`."""
    from reports.board.honesty import problems

    rainy = [read_record(p) for p in store.records.iterdir() if "--none--" in p.name]
    same = [
        record.model_copy(
            update={
                "derainer": record.derainer.model_copy(update={"label": label}),
                "evidence": label * 32,
            }
        )
        for record in rainy
        for label in ("aa", "bb")
    ]
    assert not [line for line in problems([*rainy, *same]) if "very evidence" in line]
    assert np.isfinite([record.coverage for record in same]).all()
