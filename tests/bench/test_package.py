from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_every_file_that_is_no_code_is_named_as_package_data() -> None:
    """A template that an install from pip lacked broke somebody's reports, and every test passed in the checkout."""
    if sys.version_info < (3, 11):
        pytest.skip("tomllib came with Python 3.11")
    import tomllib

    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    listed = subprocess.run(["git", "ls-files", *data], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    assert listed.stdout
    taken = {
        path
        for package, patterns in data.items()
        for glob in patterns
        for path in (ROOT / package).glob(glob)
    }
    made = ROOT / "reports" / "site"  # what `bench leaderboard` writes and no code reads
    for path in (ROOT / name for name in listed.stdout.splitlines() if not name.endswith(".py")):
        assert path in taken or made in path.parents


def test_a_folder_named_like_a_package_hides_none(tmp_path: Path) -> None:
    """A folder without code is no package, but a package that is found only after the path loses to it."""
    for name in ("bench", "derainers", "downstream", "reports"):
        (tmp_path / name).mkdir()
    code = "from bench import run; from reports import rows; import derainers.harness, downstream.tasks"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
