"""Who may import what: the arrows of the design, read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("bench", "derainers", "downstream", "reports")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

#: Who must not know whom, and whom of those all the same.
ARROWS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "reports": (
        ("bench", "derainers", "downstream"),
        (
            "bench.errors",
            "bench.files",
            "bench.hashing",
            "bench.keep.difference",
            "bench.keep.entry",
            "bench.keep.records",
            "bench.listing",
            "bench.score.stats",
            "bench.vocabulary",
            "bench.yaml_file",
            "downstream.tasks",
        ),
    ),
    "derainers": (("bench.engine", "bench.keep", "bench.score", "downstream", "reports"), ()),
    "downstream": (("bench.engine", "bench.keep", "derainers", "reports"), ()),
    "downstream.tasks": (("downstream.models",), ("downstream.models.base",)),
    "downstream.measures": (("downstream.models", "downstream.tasks"), ()),
    "bench.data": (
        ("bench.engine", "bench.keep", "bench.score", "bench.train", "derainers", "downstream", "reports"),
        (),
    ),
    "bench.rain": (
        ("bench.engine", "bench.keep", "bench.score", "bench.train", "derainers", "downstream", "reports"),
        ("downstream.measures",),
    ),
    "bench.keep": (
        ("bench.engine", "bench.score", "bench.rain", "derainers", "downstream", "reports"),
        ("downstream.tasks",),
    ),
    "bench.score": (
        ("bench.engine", "bench.data", "bench.rain", "derainers", "downstream", "reports"),
        ("downstream.tasks",),
    ),
    "bench.score.stats": (("bench", "downstream"), ("bench.score.stats", "bench.seeds")),
    "bench.train": (("bench.engine", "bench.keep", "reports"), ()),
    "bench.engine": (("bench.cli", "bench.api", "reports"), ("reports.figures", "reports.board.samples")),
}


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path): path for path in FILES}


def _imports(path: Path, *, types: bool) -> Iterator[str]:
    """The modules that a file imports, wherever in it; those for type annotations alone only if asked for."""
    own = module(path)
    package = own if path.name == "__init__.py" else own.rpartition(".")[0]

    def walk(nodes: list[ast.stmt] | list[ast.AST]) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, ast.If) and getattr(node.test, "id", None) == "TYPE_CHECKING" and not types:
                yield from walk(node.orelse)
                continue
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = package.rsplit(".", node.level - 1)[0] + "." if node.level else ""
                name = base + (node.module or "")
                inner = [f"{name}.{alias.name}".replace("..", ".") for alias in node.names]
                yield from [full for full in inner if full in MODULES] or [name.rstrip(".")]
            elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if called in ("import_module", "__import__"):
                    yield str(node.args[0].value)
            yield from walk(list(ast.iter_child_nodes(node)))

    yield from walk(list(ast.iter_child_nodes(ast.parse(path.read_text(encoding="utf-8")))))


def below(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def test_there_is_something_to_look_at() -> None:
    assert len(FILES) > 150


def test_only_mm_modules_import_openmmlab() -> None:
    allowed = {p for p in FILES if p.parent == ROOT / "downstream" / "models" and p.name.startswith("mm")}
    guilty = [
        path
        for path in FILES
        if path not in allowed
        and {name.split(".")[0] for name in _imports(path, types=True)} & {"mmdet", "mmseg", "mmcv"}
    ]
    assert not guilty
    assert len(allowed) >= 3


@pytest.mark.parametrize("who", sorted(ARROWS))
def test_the_arrows_point_one_way(who: str) -> None:
    never, but = ARROWS[who]
    own = [name for name in MODULES if below(name, who)]
    assert own
    guilty = [
        f"{name} imports {other}"
        for name in own
        for other in _imports(MODULES[name], types=False)
        if any(below(other, package) for package in never)
        and not any(below(other, package) for package in (who, *but))
    ]
    assert not guilty


def test_only_who_runs_things_knows_the_planner() -> None:
    """What others shared with it, such as the names of the reference rows, has a home of its own."""
    allowed = ("bench.engine", "bench.cli", "bench.api")
    guilty = [
        f"{name} imports {other}"
        for name, path in MODULES.items()
        if not any(below(name, package) for package in allowed)
        for other in _imports(path, types=True)
        if below(other, "bench.engine")
    ]
    assert not guilty


def test_no_imports_go_in_a_circle() -> None:
    """Not even through functions: two modules that need each other are one, or lack a third."""
    graph = {
        name: {other for other in _imports(path, types=False) if other in MODULES and other != name}
        for name, path in MODULES.items()
    }
    graph = {name: {other for other in others if not below(name, other)} for name, others in graph.items()}
    assert not list(_circles(graph))


def _circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Strongly connected parts of more than one module (Tarjan, SIAM J. Comput. 1, 1972)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []

    def visit(node: str) -> Iterator[list[str]]:
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in number:
                yield from visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], number[other])
        if low[node] == number[node]:
            part = []
            while not part or part[-1] != node:
                part.append(stack.pop())
            if len(part) > 1:
                yield sorted(part)

    for node in sorted(graph):
        if node not in number:
            yield from visit(node)


def test_no_task_is_known_by_name() -> None:
    """Comparisons with a task's name, outside that task's own module: none."""
    from downstream.tasks import tasks

    names = set(tasks.names())
    constants = {name.upper() for name in names}
    guilty = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, (ast.Compare, ast.MatchValue)):
                continue
            parts = [node.left, *node.comparators] if isinstance(node, ast.Compare) else [node.value]
            for part in [inner for outer in parts for inner in ast.walk(outer)]:
                literal = isinstance(part, ast.Constant) and part.value in names
                named = isinstance(part, ast.Name) and part.id in constants
                if (literal or named) and path.stem not in names:
                    guilty.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not guilty


def test_scores_and_lists_need_no_network() -> None:
    code = (
        "import sys, downstream.tasks.detection, downstream.tasks.segmentation, downstream.tasks.restoration\n"
        "import downstream.models, downstream.doctor, derainers\n"
        "downstream.models.list_models(); downstream.doctor.ops_kind(); derainers.cards()\n"
        "heavy = {'torch', 'mmdet', 'mmseg', 'mmcv', 'mmengine', 'pycocotools'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
