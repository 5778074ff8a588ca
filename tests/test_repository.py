"""The files beside the code, of which nothing else would say that they are wrong before they are needed."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import bench
from bench.environment import versions

ROOT = Path(__file__).resolve().parents[1]


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    if sys.version_info < (3, 11):
        pytest.skip("tomllib came with Python 3.11")
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_version_is_said_once(project: dict[str, Any]) -> None:
    assert "version" not in project["project"]
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "bench.__version__"}
    assert versions()["derain-bench"] == bench.__version__
    assert "version" not in read("CITATION.cff")


def test_everything_that_the_tests_need_is_pinned(project: dict[str, Any]) -> None:
    command = (ROOT / "README.md").read_text(encoding="utf-8").split("<!-- test command -->")[1]
    extras = re.findall(r'-e "\.\[([\w,]+)\]"', command)[0].split(",")
    assert extras == ["lite", "ray", "test"]
    listed = project["project"]["optional-dependencies"]
    wanted = project["project"]["dependencies"] + [
        line for extra in [*extras, "dev"] for line in listed[extra]
    ]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {canonicalize_name(r.name): r for r in map(Requirement, lines[1:])}
    for requirement in map(Requirement, wanted):
        pin = pinned[canonicalize_name(requirement.name)]
        (version,) = pin.specifier
        assert version.operator == "=="
        assert requirement.specifier.contains(version.version), requirement


def test_ci_runs_every_environment_and_the_oldest_python(project: dict[str, Any]) -> None:
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    jobs = read(".github/workflows/ci.yml")["jobs"]
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    run = set(jobs["environments"]["strategy"]["matrix"]["environment"]) | {"tests"}  # the latter by .ci/run
    for names in re.findall(r"tox -e ([a-z,]+)", text):
        run |= set(names.split(","))
    assert run == {name.partition(":")[2] for name in tox.sections() if name.startswith("testenv:")}
    oldest = project["project"]["requires-python"].removeprefix(">=")
    (setup,) = [step["with"] for step in jobs["oldest"]["steps"] if "setup-python" in step.get("uses", "")]
    assert setup["python-version"] == oldest


def test_hooks_run_tools_that_are_installed_and_files_that_are_there(project: dict[str, Any]) -> None:
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    tools = {
        Requirement(r).name for e in ("dev", "test") for r in project["project"]["optional-dependencies"][e]
    }
    for hook in repository["hooks"]:
        tool, *arguments = hook["entry"].split()
        assert tool in tools
        for path in (argument for argument in arguments if argument.endswith(".py")):
            assert (ROOT / path).is_file()


def test_every_yaml_file_can_be_read() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.yml", "*.yaml", "*.cff"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    names = listed.stdout.splitlines()
    assert ".github/workflows/ci.yml" in names
    for name in names:
        assert isinstance(read(name), dict), name


@pytest.mark.parametrize("name", ["derainer", "fault", "result"])
def test_an_issue_form_is_one(name: str) -> None:
    form = read(f".github/ISSUE_TEMPLATE/{name}.yml")
    assert {"name", "description", "body"} <= set(form)
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in fields} <= {"input", "textarea", "dropdown", "checkboxes"}
    assert all(field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields) >= 4
    assert any(field["validations"]["required"] for field in fields if "validations" in field)


def test_text_is_read_and_written_in_an_encoding_that_is_said() -> None:
    """Else it is the machine's, and a file in UTF-8 cannot be read under an ASCII locale."""
    silent = []
    packages = ("bench", "derainers", "downstream", "reports", "docs")
    for path in sorted(path for package in packages for path in (ROOT / package).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if not re.search(r"open\(|_text\(", text):
            continue
        for call in ast.walk(ast.parse(text)):
            if isinstance(call, ast.Call) and _opens_text(call):
                silent.append(f"{path.relative_to(ROOT)}:{call.lineno}")
    assert not silent


def _opens_text(call: ast.Call) -> bool:
    function = call.func
    if any(keyword.arg in ("encoding", None) for keyword in call.keywords):
        return False
    if isinstance(function, ast.Attribute) and function.attr in ("read_text", "write_text"):
        return True
    is_open = isinstance(function, ast.Name) and function.id == "open"
    if not is_open and not (isinstance(function, ast.Attribute) and function.attr == "fdopen"):
        return False
    modes = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return not any(isinstance(mode, ast.Constant) and "b" in str(mode.value) for mode in modes)
