"""The command line as a user meets it: as a process, with its exit codes and its two streams."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from bench import __version__
from bench.cli.app import VERBS
from bench.images import write_image

HEAVY = ("torch", "mmengine", "mmdet", "mmseg", "mmcv", "pandas", "matplotlib", "pyarrow", "cv2")


def bench(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Where a small run lies, and what it said."""
    out = tmp_path_factory.mktemp("cli") / "run"
    return out, bench("run", "--derainer", "median", "--task", "restoration", "--limit", 2, "--out", out)


def test_help_imports_nothing_heavy() -> None:
    """All in one process, one after the other, so that the first which does is named."""
    code = (
        "import contextlib, io, sys\nfrom bench.cli import main\n"
        f"for arguments in {[['--help'], *([verb, '--help'] for verb in VERBS)]!r}:\n"
        "    sys.argv = ['bench', *arguments]\n"
        "    said = io.StringIO()\n"
        "    try:\n"
        "        with contextlib.redirect_stdout(said):\n"
        "            main()\n"
        "    except SystemExit as stop:\n"
        "        assert not stop.code, arguments\n"
        f"    loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "    assert not loaded, (arguments, loaded)\n"
        "    assert 'Usage: ' in said.getvalue(), arguments\n"
        "    print(*arguments)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1 + len(VERBS)


def test_the_version_names_the_environment_that_numbers_depend_on() -> None:
    first, *rest = bench("--version").stdout.splitlines()
    assert first == f"derain-bench {__version__}"
    said = dict(line.strip().split(": ", 1) for line in rest)
    assert {name: said[name] for name in ("numpy", "torch")} == {
        "numpy": version("numpy"),
        "torch": version("torch"),
    }
    assert {"python", "system", "processor"} <= set(said)


def test_a_mistake_is_one_line_on_stderr_and_exit_code_two(tmp_path: Path) -> None:
    done = bench("run", "--derainer", "giuded", "--out", tmp_path / "out", code=2)
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == "bench: unknown derainer 'giuded': did you mean guided?"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("run", "--taks", "detection"), "bench: no such option: --taks ("),
        (("run", "--task"), "bench: option '--task' requires an argument"),
        (("rnu",), "bench: no such command 'rnu'"),
        (("restore",), "bench: missing argument"),
        (("run", "--limit", "many"), "bench: invalid value for '--limit':"),
        (("run", "--limit", "\x1b[31mmany\n"), "bench: invalid value for '--limit':"),
    ],
)
def test_a_mistyped_command_is_one_line_and_exit_code_two(command: tuple[str, ...], said: str) -> None:
    done = bench(*command, code=2)
    assert done.stdout == ""
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


def test_ctrl_c_is_said_and_exit_code_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench import cli

    def press() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.environment.described", press)
    monkeypatch.setattr("sys.argv", ["bench", "--version"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "bench: interrupted\n"


def test_the_command_alone_shows_the_help() -> None:
    done = bench(code=2)
    assert "Usage: " in done.stdout + done.stderr


def test_restore_writes_what_the_derainer_gives(tmp_path: Path) -> None:
    from derainers import load_derainer

    image = np.random.default_rng(0).integers(0, 256, (33, 47, 3)).astype(np.uint8)
    (tmp_path / "in").mkdir()
    write_image(tmp_path / "in" / "a.png", image)
    bench("restore", tmp_path / "in", "--derainer", "median", "--out", tmp_path / "out")
    from bench.images import read_image

    assert (read_image(tmp_path / "out" / "a.png") == load_derainer("median")(image)).all()
    bench("restore", tmp_path / "in", "--derainer", "median", "--out", tmp_path / "in", code=2)
    assert (read_image(tmp_path / "in" / "a.png") == image).all()


@pytest.mark.parametrize("choice", [("--device", "gpu"), ("--precision", "fp64"), ("--tile", "x")])
def test_restore_checks_choices_that_its_derainer_has_no_use_for(
    tmp_path: Path, choice: tuple[str, str]
) -> None:
    write_image(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    out = tmp_path / "out"
    done = bench("restore", tmp_path / "a.png", "--derainer", "median", *choice, "--out", out, code=2)
    assert choice[0] in done.stderr
    assert done.stderr.count("\n") == 1
    assert not out.exists()


def test_restore_looks_at_every_file_before_the_first(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_image(tmp_path / "in" / "a.png", np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "in" / "b.png").write_bytes(b"")
    (tmp_path / "in" / "folder.png").mkdir()
    out = tmp_path / "out"
    done = bench("restore", tmp_path / "in", "--derainer", "median", "--out", out, code=2)
    assert "b.png is not an image that can be decoded" in done.stderr
    assert not out.exists()
    (tmp_path / "in" / "b.png").unlink()
    bench("restore", tmp_path / "in", tmp_path / "in" / "a.png", "--derainer", "median", "--out", out)
    assert [path.name for path in out.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("kind", "word"),
    [("derainers", "guided"), ("rains", "streaks:heavy"), ("data", "coco:DIR"), ("suites", "street")],
)
def test_list_names_what_there_is(kind: str, word: str) -> None:
    assert word in bench("list", kind).stdout


def test_list_of_something_else_is_answered() -> None:
    assert "did you mean rains" in bench("list", "rain", code=2).stderr


def test_plain_lines_without_a_terminal_and_json_on_stdout(
    finished: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, done = finished
    assert "\x1b" not in done.stdout + done.stderr
    assert "images" in done.stderr
    rows = json.loads(bench("report", out, "--format", "json").stdout)
    assert {row["derainer"] for row in rows} == {"clean", "none", "median"}
    assert "| " in bench("report", out, "--format", "md").stdout
    assert "0 changed" in bench("rescore", out).stdout
    assert "0 problems" in bench("store", "verify", out).stdout
    (line,) = (line for line in bench("store", "ls", out).stdout.splitlines() if "median" in line)
    assert "street/test[:2]" in line
    assert "2 scenes" in line
    record = next((out / "records").glob("*median*"))
    assert "2 of 2 images give the same evidence" in bench("verify", record).stdout
    plan = bench("plan", "--derainer", "median", "--task", "restoration", "--limit", 2, "--out", out).stdout
    assert "3 cells: 3 cached, 0 shared (made with an earlier row), 0 to do" in plan
    assert "0 shards" in plan


def test_rescoring_needs_neither_torch_nor_mm(
    finished: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    code = (
        "import sys\nfor name in ('torch', 'mmengine', 'mmdet', 'mmseg', 'mmcv'): sys.modules[name] = None\n"
        "sys.argv = ['bench', 'rescore', sys.argv[1]]\nfrom bench.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(finished[0])], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "0 changed" in done.stdout
