"""What the page on derainers says, run as written; its table of what one has is run in test_own.py."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.cli.app import app
from bench.plugins import Options, read_options

DOCS = Path(__file__).parents[2] / "docs" / "derainers.md"
TEXT = DOCS.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def rows(title: str) -> list[list[list[str]]]:
    """The pieces of code in each cell of the table below a title."""
    lines = TEXT[TEXT.index(title) :].partition("\n| ")[2].partition("\n\n")[0].splitlines()[2:]
    return [[re.findall(r"`([^`]+)`", cell) for cell in line.strip("| ").split(" | ")] for line in lines]


def test_there_is_no_block_that_is_not_run() -> None:
    # The first, the table and the two after it (test_own.py), the five lines and their commands, the entry point.
    assert [kind for kind, _ in BLOCKS] == ["bash", "sh", "yaml", "python", "python", "bash", "toml"]


def test_the_first_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for line in BLOCKS[0][1].splitlines():
        done = CliRunner().invoke(app, shlex.split(line, comments=True)[1:])
        assert done.exit_code == 0, f"{line}\n{done.output}{done.exception}"
    assert (tmp_path / "cost.png").is_file()


def test_options_mean_what_the_table_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.yml").write_text("name: mine\nnetwork_g:\n  type: Net\n  width: 8\n  depth: 2\n")
    written = {text: read_options(text) for (texts, *_) in rows("### Options") for text in texts}
    assert written == {
        "width=48": Options({"width": 48}),
        "name=none": Options({"name": None}),
        "flag=true": Options({"flag": True}),
        "sizes=[1,2]": Options({"sizes": [1, 2]}),
        "opt={a: 1}": Options({"opt": {"a": 1}}),
        "text=a%3Ab": Options({"text": "a:b"}),
        "@train.yml": Options({"width": 8, "depth": 2}),
        ".multiple=16": Options({}, {"multiple": 16}),
    }
    signs = {
        quoted[1:]: sign for quoted, sign in (("`%3A", ":"), ("`%26", "&"), ("`%2C", ",")) if quoted in TEXT
    }
    assert len(signs) == 3
    assert all(read_options(f"a=x{code}y").arguments == {"a": f"x{sign}y"} for code, sign in signs.items())
    assert read_options("@train.yml&width=9").arguments["width"] == 9


def test_networks_may_say_what_the_table_says() -> None:
    from derainers.harness.interface import SAID, interface_of, multiple_of

    heard = set()
    for spans, *_ in rows("### What a network takes and returns"):
        name = spans[0].partition(" ")[0]
        for span in spans if name != "card" else ():
            said: dict[str, Any] = {}
            exec(span if "=" in span else f"{name} = {span}", {}, said)
            assert set(said) == {name}
            assert interface_of(said, "it").key().keys() | {"multiple"} >= {name}
            assert multiple_of(said, 1, "it") == said.get("multiple", 1)
        heard.add(name)
    assert heard == {*SAID, "card"} - {"window_size"}
    assert multiple_of({"window_size": 8}, 1, "it") == 8


def test_a_package_adds_a_derainer_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import derainers
    from bench.registry import Registry

    found = re.fullmatch(r'\[project\.entry-points\."(.*)"\]\n(\w+) = "(.*)"\n', BLOCKS[-1][1])
    assert found is not None
    group, name, target = found.groups()
    module, _, attribute = target.partition(":")
    file = tmp_path.joinpath(*module.split(".")).with_suffix(".py")
    file.parent.mkdir(parents=True)
    (file.parent / "__init__.py").touch()
    file.write_text(f"class {attribute}:\n    def __call__(self, image):\n        return image // 2\n")
    notes = tmp_path / "mypackage-1.0.dist-info"
    notes.mkdir()
    (notes / "METADATA").write_text("Metadata-Version: 2.1\nName: mypackage\nVersion: 1.0\n")
    (notes / "entry_points.txt").write_text(f"[{group}]\n{name} = {target}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(derainers, "registry", Registry("derainer", group))
    assert derainers.registry.names() == (name,)
    derainers.check_derainer(derainers.parse_derainers(name)[0])
    loaded = derainers.load_derainer(name, device="cpu")
    assert loaded.restore([np.full((4, 4, 3), 100, np.uint8)])[0].max() == 50
    for each in [each for each in sys.modules if each.partition(".")[0] == "mypackage"]:
        monkeypatch.delitem(sys.modules, each)


def test_the_five_lines_run_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], no_workers: Any
) -> None:
    from bench.cli import main

    monkeypatch.chdir(tmp_path)
    source, commands = BLOCKS[4][1], BLOCKS[5][1]
    name, *lines = source.splitlines()
    assert name == "# my_derainer.py"
    assert len([line for line in lines if line.strip()]) <= 5
    (tmp_path / "my_derainer.py").write_text(source)
    outputs = []
    for line in commands.strip().splitlines():
        program, *arguments = line.split()
        assert program == "bench"
        monkeypatch.setattr(sys, "argv", [program, *arguments])
        with pytest.raises(SystemExit) as ended, no_workers():
            main()
        said = capsys.readouterr()
        assert not ended.value.code, said
        outputs.append(said.out)
    assert "all properties hold" in outputs[0]
    assert "Smoother" in outputs[1]
    assert "guided" in outputs[1]
