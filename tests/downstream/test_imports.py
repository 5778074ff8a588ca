"""Who may import what: the arrows of the design, read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bench", "derainers", "downstream", "reports")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if (
                called in ("import_module", "__import__")
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                names.add(str(node.args[0].value))
    return names


def packages(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


def test_there_is_something_to_look_at():
    assert len(FILES) > 20


def test_only_downstream_mm_modules_import_openmmlab():
    allowed = {
        path for path in FILES if path.parent == ROOT / "downstream" / "models" and path.name.startswith("mm")
    }
    guilty = [path for path in FILES if packages(path) & {"mmdet", "mmseg", "mmcv"} and path not in allowed]
    assert not guilty
    assert len(allowed) >= 3


@pytest.mark.parametrize(("package", "never"), [("derainers", "downstream"), ("downstream", "derainers")])
def test_derainers_and_downstream_do_not_know_each_other(package, never):
    guilty = [
        path for path in FILES if path.relative_to(ROOT).parts[0] == package and never in packages(path)
    ]
    assert not guilty


def test_scores_and_lists_need_no_network():
    code = (
        "import sys, downstream.tasks.detection, downstream.tasks.segmentation\n"
        "import downstream.models.openmmlab, downstream.doctor\n"
        "downstream.models.openmmlab.list_models(); downstream.doctor.ops_kind()\n"
        "heavy = {'torch', 'mmdet', 'mmseg', 'mmcv', 'mmengine', 'pycocotools'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
