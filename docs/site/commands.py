"""Runs the commands of the documents, as a reader would type them.

    python docs/site/commands.py [PAGE ...]

What stands in a fence marked ``bash`` is run, a page at a time and in its order, in a folder of the page's own that
holds what the documents name (:mod:`world`). A fence whose first line is ``# NAME`` is a file of that name, written
when its turn comes; other Python is run. What cannot be run here (a cluster, a download, hours of training) is marked
``sh``; its spelling is held by the tests. Exit code 1 where a command fails.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: A fence may be indented, as in a list.
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<code>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL
)
#: The first line of a fence that is a file.
_FILE = re.compile(r"# (?P<name>[\w/.-]+\.\w+)\n")


@dataclass(frozen=True)
class Fence:
    """A fence of a page: its kind (``bash``, ``python``, ..., or nothing) and what is in it."""

    kind: str
    code: str

    @property
    def file(self) -> str | None:
        """The name of the file that it is, or None."""
        named = _FILE.match(self.code)
        return named["name"] if named else None


def fences(page: Path) -> list[Fence]:
    """The fences of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    return [Fence(found["kind"], textwrap.dedent(found["code"])) for found in _FENCE.finditer(text)]


def run(fence: Fence, folder: Path) -> subprocess.CompletedProcess[str] | None:
    """Do what a reader would do with a fence; None where that is to look at it."""
    if fence.file is not None:
        (folder / fence.file).write_text(fence.code, encoding="utf-8")
        return None
    command = {
        "bash": ["bash", "-euo", "pipefail", "-c", fence.code],
        "python": [sys.executable, "-c", fence.code],
    }.get(fence.kind)
    if command is None:
        return None
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")


def main(pages: list[str]) -> int:
    """Run the pages' commands and print what came of each; returns the exit code."""
    import world

    chosen = (
        [Path(page) for page in pages]
        if pages
        else sorted((ROOT / "docs").rglob("*.md")) + [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    )
    failed = 0
    with tempfile.TemporaryDirectory() as whole:
        world.build(Path(whole) / "world")
        for page in chosen:
            folder = Path(whole) / page.stem
            shutil.copytree(Path(whole) / "world", folder)
            # Documents speak of the repository's own files by their place in it.
            for name in ("docs", "tests", "constraints.txt"):
                (folder / name).symlink_to(ROOT / name)
            # Commands write here, and add `guided` to the board.
            shutil.copytree(
                ROOT / "reports" / "board" / "records",
                folder / "reports" / "board" / "records",
                ignore=shutil.ignore_patterns("*--guided--*.json"),
            )
            shutil.copytree(ROOT / "reports" / "board" / "suites", folder / "reports" / "board" / "suites")
            shutil.copy(ROOT / "LEADERBOARD.md", folder)
            for fence in fences(page):
                started = time.perf_counter()
                done = run(fence, folder)
                if done is None:
                    continue
                first = fence.code.strip().splitlines()[0]
                verdict = "ran" if done.returncode == 0 else f"FAILED ({done.returncode})"
                print(f"{page.name}: {verdict}, {time.perf_counter() - started:.0f} s: {first}", flush=True)
                if done.returncode:
                    failed += 1
                    print("    " + "\n    ".join((done.stdout + done.stderr).splitlines()[-8:]), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
