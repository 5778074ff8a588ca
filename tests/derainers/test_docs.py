"""The five-line derainer of the documentation, run as written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs" / "derainers.md"


def test_the_five_lines_run_as_written(tmp_path):
    text = DOCS.read_text()
    section = text[text.index("## Your own in five lines") :]
    source, commands = re.findall(r"```(?:python)?\n(.*?)```", section, re.DOTALL)[:2]
    assert len([line for line in source.splitlines() if line.strip()]) <= 5
    (tmp_path / "my_derainer.py").write_text(source)
    outputs = []
    for line in commands.strip().splitlines():
        program, *arguments = line.split()
        assert program == "bench"
        code = "from bench.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        outputs.append(done.stdout)
    assert "all properties hold" in outputs[0]
    assert "Smoother" in outputs[1]
    assert "guided" in outputs[1]
