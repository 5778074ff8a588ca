"""Puts the table and the picture of the README's first screen in, as the program makes them.

Run it from the repository's root: python docs/make_readme.py [OUT]. With the --out folder of an earlier run of the
street suite, what that has already is not made again.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.api import run
from bench.engine.suite import ModelChoice
from bench.engine.views import View, draw, make_panels
from reports import render

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- table -->\n", "<!-- end of table -->"


def main(out: Path) -> None:
    """Run the README's first command, and write its table and its picture."""
    # In float32 on every machine: the README says what differs where bfloat16 is faster.
    result = run(derainer="rdmc", task="detection", out=out, precision="fp32")
    view = View(derainers="rdmc", model=ModelChoice(task="detection", name="street_yolox"))
    draw(make_panels(view, count=2, run=out), ROOT / "docs" / "panel.png", crops=False)
    readme = ROOT / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(START)
    _, after = rest.split(END)
    readme.write_text(f"{before}{START}{render(result.records, 'md')}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(Path(folder) / "runs")
