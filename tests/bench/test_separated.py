from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import bench
from bench.engine.suite import make_suite, read_suite, suite_of
from bench.errors import BenchError
from bench.images import write_image
from bench.plugins import listed
from derainers import load_derainer, parse_derainers
from derainers.harness.conformance import sample


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as sweeps over options name it."""
    monkeypatch.chdir(tmp_path)
    folder = Path("lr=0.1,width=32,kind=[a,b]")
    folder.mkdir()
    (folder / "my.py").write_text("def same(image):\n    return image\n")
    (folder / "net.onnx").write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b", ["a", "b"]),
        (" a , b", ["a", "b"]),
        ("", []),
        (" ", []),
        ("onnx:{0}/net.onnx", ["onnx:{0}/net.onnx"]),
        ("rdmc,h=onnx:{0}/net.onnx, guided", ["rdmc", "h=onnx:{0}/net.onnx", "guided"]),
        ("{0}/my.py:same,x={0}/my.py:same:1,rdmc", ["{0}/my.py:same", "x={0}/my.py:same:1", "rdmc"]),
        ("{0}/net.onnx,detection={0}/net.onnx", ["{0}/net.onnx", "detection={0}/net.onnx"]),
        ("{0}/none.onnx", ["lr=0.1", "width=32", "kind=[a,b]/none.onnx"]),
    ],
)
def test_commas_in_the_names_of_files_separate_nothing(sweep: Path, text: str, expected: list[str]) -> None:
    assert listed(text.format(sweep)) == [part.format(sweep) for part in expected]


def test_what_is_apart_is_not_cut_again(sweep: Path) -> None:
    assert listed(["a,b", "c"]) == ["a,b", "c"]
    assert suite_of({"derainer": ["onnx:x,y.onnx"], "rain": ["none"]}).derainers == ("onnx:x,y.onnx",)
    assert [spec.arg for spec in parse_derainers(["onnx:x,y.onnx", "h=prenet:a,b.pth"])] == [
        "x,y.onnx",
        "a,b.pth",
    ]
    (sweep / "a.py").touch()
    models = suite_of({"model": [f"{sweep}/a.py"], "checkpoint": [f"{sweep}/b.pth"]}).models
    assert (models[0].name, models[0].checkpoint) == (f"{sweep}/a.py", f"{sweep}/b.pth")


def test_a_suite_file_keeps_its_commas(sweep: Path) -> None:
    Path("s.yaml").write_text(f'derainers: ["{sweep}/my.py:same", "folder:one,two"]\n')
    assert read_suite("s.yaml").derainers == (f"{sweep}/my.py:same", "folder:one,two")
    suite = make_suite({"derainers": ["a,b"]}, "suite x")
    assert suite_of({"derainer": suite.derainers}).derainers == ("a,b",)


def test_a_list_without_an_entry_is_told(sweep: Path) -> None:
    for text in ("rdmc,,guided", ",rdmc", "rdmc,", ["rdmc", " "]):
        with pytest.raises(BenchError, match="an entry is empty"):
            parse_derainers(text)
    for key, text in (
        ("derainer", "guided,"),
        ("task", "restoration, ,detection"),
        ("rain", ",none"),
        ("model", "a,"),
    ):
        with pytest.raises(BenchError, match=f"'{text.replace(' ', '')}': an entry is empty"):
            suite_of({key: text})
    with pytest.raises(BenchError, match="unknown derainer 'a,b'"):
        load_derainer("a,b")


def cli(*arguments: str) -> Any:
    from typer.testing import CliRunner

    from bench.cli.app import app

    return CliRunner().invoke(app, list(arguments))


def test_run_and_verify_in_a_folder_with_commas(sweep: Path) -> None:
    for name in ("rain", "norain"):
        write_image(_made(Path(name)) / "1.png", sample(24, 32, len(name)))
    out = "out,1"
    result = bench.run(
        derainer=[f"{sweep}/my.py:same"], task="restoration", data="pairs:.", out=out, workers=1
    )
    assert not result.problems
    spec = f"{sweep}/my.py:same"
    again = cli("plan", "--derainer", spec, "--derainer", "median", "--task", "restoration", "--data", "pairs:.",
                "--out", out)  # fmt: skip
    assert again.exit_code == 0, again.output
    assert "same" in again.output
    assert "median" in again.output
    (record,) = (path for path in Path(out, "records").iterdir() if "same" in path.name)
    checked = cli("verify", str(record), "--derainer", spec, "--sample", "1", "--workers", "1")
    assert "1 of 1 images give the same evidence" in checked.output, checked.output


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
