"""Runs the commands of the documents, as a reader would type them.

    python docs/site/commands.py [PAGE ...]

What stands in a fence marked ``bash`` is run, a page at a time and in its order, in an empty folder of the page's own,
where the page's Python files lie: fences marked ``python`` that begin with a comment of the file's name alone. What is
only to be looked at (data that nobody here has, a cluster) is marked ``sh``. Exit code 1 where a command fails.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FILE = re.compile(r"^```python\n# (?P<name>\w+\.py)\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
#: A fence may be indented, as in a list.
_FENCE = re.compile(r"^(?P<indent> *)```bash\n(?P<code>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)


def fences(page: Path) -> list[str]:
    """The commands of a page, fence by fence."""
    import textwrap

    return [textwrap.dedent(m["code"]) for m in _FENCE.finditer(page.read_text(encoding="utf-8"))]


def files(page: Path) -> dict[str, str]:
    """The Python files of a page: name to content."""
    return {m["name"]: m["code"] for m in _FILE.finditer(page.read_text(encoding="utf-8"))}


def main(pages: list[str]) -> int:
    """Run the pages' commands and print what came of each; returns the exit code."""
    chosen = (
        [Path(page) for page in pages]
        if pages
        else sorted((ROOT / "docs").rglob("*.md")) + [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    )
    failed = 0
    for page in chosen:
        with tempfile.TemporaryDirectory() as folder:
            # Documents speak of the repository's own files by their place in it.
            for name in ("docs", "reports", "tests", "constraints.txt", "LEADERBOARD.md"):
                (Path(folder) / name).symlink_to(ROOT / name)
            for name, code in files(page).items():
                (Path(folder) / name).write_text(code, encoding="utf-8")
            for code in fences(page):
                started = time.perf_counter()
                done = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", code],
                    cwd=folder,
                    capture_output=True,
                    text=True,
                    errors="replace",
                )
                first = code.strip().splitlines()[0]
                verdict = "ran" if done.returncode == 0 else f"FAILED ({done.returncode})"
                print(f"{page.name}: {verdict}, {time.perf_counter() - started:.0f} s: {first}", flush=True)
                if done.returncode:
                    failed += 1
                    print("    " + "\n    ".join((done.stdout + done.stderr).splitlines()[-8:]), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
