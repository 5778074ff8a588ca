"""The five-line derainer of the documentation, run as written."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "derainers.md"


def test_the_five_lines_run_as_written(tmp_path, monkeypatch, capsys, no_workers):
    from bench.cli import main

    monkeypatch.chdir(tmp_path)
    text = DOCS.read_text()
    section = text[text.index("## Your own in five lines") :]
    source, commands = re.findall(r"```(?:python)?\n(.*?)```", section, re.DOTALL)[:2]
    assert len([line for line in source.splitlines() if line.strip()]) <= 5
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
