"""What ``bench new`` writes passes the test that it writes beside it, and overwrites nothing."""

from __future__ import annotations

import inspect
import runpy
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.cli.app import app
from bench.errors import BadConfig, BenchError
from bench.templates import TEMPLATES, write_template


@pytest.mark.parametrize("kind", TEMPLATES)
def test_each_passes_its_own_test(kind: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["new", kind, f"my_own_{kind}", "--out", str(tmp_path / "new")])
    assert done.exit_code == 0, done.output
    assert "how it is run, in its folder" in done.output
    assert f"my_own_{kind}.py" in done.output
    test = tmp_path / "new" / f"test_my_own_{kind}.py"
    (found,) = [value for name, value in runpy.run_path(str(test)).items() if name.startswith("test_")]
    found(*([tmp_path] if inspect.signature(found).parameters else []))


def test_names_are_made_fit_and_nothing_is_overwritten(tmp_path: Path) -> None:
    files = write_template("derainer", "MyNet", tmp_path)
    assert [file.name for file in files] == ["my_net.py", "test_my_net.py"]
    assert "class MyNet(" in files[0].read_text()
    with pytest.raises(BadConfig, match="is there already: choose another name"):
        write_template("rain", "my-net", tmp_path)
    assert write_template("derainer", "HINet2", tmp_path)[0].name == "hinet2.py"
    for kind, name, words in (
        ("derainr", "x", "did you mean derainer"),
        ("rain", "3 x", "use letters"),
        *(
            ("task", name, f"choose another, such as my_{name}")
            for name in ("class", "json", "torch", "bench", "detection")
        ),
    ):
        with pytest.raises(BenchError, match=words):
            write_template(kind, name, tmp_path)
