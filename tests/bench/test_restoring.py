"""Restored images beside their originals: structure, what is there already, what is left alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.errors import BadConfig, BadData
from bench.images import read_image, write_image
from bench.png_text import text_of, with_text
from bench.restoring import plan_jobs, skipped
from bench.video.read import open_clip
from derainers import load_derainer

Command = Callable[..., str]


@pytest.fixture
def rainy(tmp_path: Path) -> Path:
    root = tmp_path / "rainy"
    for number, name in enumerate(("a.png", "city/a.png", "city/deep/b.bmp")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(root / name, np.random.default_rng(number).integers(0, 256, (16, 20, 3)).astype(np.uint8))
    (root / "city" / "labels.txt").write_text("0 0 0 1 1")
    return root


@pytest.fixture
def restore(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """`bench restore` in this process; returns what it wrote to the error stream."""

    def run(*arguments: object, code: int = 0) -> str:
        import sys

        from bench.cli import main

        words = ["bench", "restore", *arguments, "--out", tmp_path / "out", "--device", "cpu"]
        monkeypatch.setattr(sys, "argv", [str(word) for word in words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        assert (stop.value.code or 0) == code, said
        return said.err

    return run


def written(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_sub_folders_are_kept_and_what_was_skipped_is_said(
    rainy: Path, restore: Command, tmp_path: Path
) -> None:
    said = restore(rainy, "--derainer", "median")
    assert "skipped: files that are no images (1): labels.txt" in said
    assert list(written(tmp_path / "out")) == ["a.png", "city/a.png", "city/deep/b.png"]
    expected = load_derainer("median")(read_image(rainy / "city" / "a.png"))
    assert (read_image(tmp_path / "out" / "city" / "a.png") == expected).all()


def test_the_same_command_again_does_what_is_left(rainy: Path, restore: Command, tmp_path: Path) -> None:
    restore(rainy, "--derainer", "median")
    before = written(tmp_path / "out")
    (tmp_path / "out" / "a.png").unlink()
    write_image(
        rainy / "city" / "a.png", np.zeros((16, 20, 3), np.uint8)
    )  # another image under the same name
    said = restore(rainy, "--derainer", "median")
    assert "skipped: images that this derainer has restored already: 1" in said
    after = written(tmp_path / "out")
    assert after["a.png"] == before["a.png"]
    assert after["city/a.png"] != before["city/a.png"]
    assert not read_image(tmp_path / "out" / "city" / "a.png").any()


def test_another_derainers_results_stay_unless_told(rainy: Path, restore: Command, tmp_path: Path) -> None:
    restore(rainy, "--derainer", "median")
    before = written(tmp_path / "out")
    said = restore(rainy, "--derainer", "bilateral", code=2)
    assert (
        "out/a.png is there already, a file of median: give another --out, or --overwrite to replace it"
        in said
    )
    assert said.count("\n") == 1
    assert written(tmp_path / "out") == before
    restore(rainy, "--derainer", "bilateral", "--overwrite")
    after = written(tmp_path / "out")
    assert all(after[name] != before[name] for name in before)


def test_files_of_nobody_stay_too(rainy: Path, restore: Command, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_image(tmp_path / "out" / "a.png", np.zeros((16, 20, 3), np.uint8))
    assert "a file that `bench restore` did not write" in restore(rainy, "--derainer", "median", code=2)
    (tmp_path / "out" / "a.png").write_bytes(with_text((tmp_path / "out" / "a.png").read_bytes(), '["x"]'))
    assert "a file that `bench restore` did not write" in restore(rainy, "--derainer", "median", code=2)


def test_results_inside_the_folder_are_not_restored_again(rainy: Path) -> None:
    out = rainy / "restored"
    out.mkdir()
    write_image(out / "a.png", np.zeros((16, 20, 3), np.uint8))
    jobs, others = plan_jobs([rainy], out)
    assert [job.target.relative_to(out).as_posix() for job in jobs] == [
        "a.png",
        "city/a.png",
        "city/deep/b.png",
    ]
    assert [path.name for path in others] == ["labels.txt"]


def test_two_images_are_not_written_as_one(rainy: Path, tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"rainy/a.png and .*city/a.png would both be written as a.png"):
        plan_jobs([rainy / "a.png", rainy / "city" / "a.png"], tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadData, match="no images in"):
        plan_jobs([tmp_path / "empty"], tmp_path / "out")
    with pytest.raises(BadData, match="does not exist"):
        plan_jobs([tmp_path / "absent.png"], tmp_path / "out")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(BadData, match=r"pipe.png .*it is a pipe"):
        plan_jobs([tmp_path / "pipe.png"], tmp_path / "out")
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(BadData, match=r"pipe.mp4 cannot be read: it is a pipe"):
        open_clip(tmp_path / "pipe.mp4")
    assert skipped([], 0) == []


def test_text_inside_a_png_changes_no_pixel(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(np.uint8)
    path = tmp_path / "a.png"
    write_image(path, image)
    assert text_of(path) is None
    path.write_bytes(with_text(path.read_bytes(), "made by nobody"))
    assert text_of(path) == "made by nobody"
    assert (read_image(path) == image).all()
    assert text_of(tmp_path / "absent.png") is None
