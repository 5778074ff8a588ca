"""Puts the table and the picture of the README's first screen in, as the program makes them.

Run it from the repository's root: python docs/make_readme.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.api import run
from bench.panels import View, draw, make_panels
from bench.suite import ModelChoice
from reports import render

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- table -->\n", "<!-- end of table -->"


def main() -> None:
    """Run the README's first command, and write its table and its picture."""
    with tempfile.TemporaryDirectory() as folder:
        result = run(derainer="rdmc", task="detection", out=Path(folder) / "runs")
        table = render(result.records, "md")
        view = View(derainers="rdmc", model=ModelChoice(task="detection", name="street_yolox"))
        draw(make_panels(view, count=2, run=result.out), ROOT / "docs" / "panel.png", crops=False)
    readme = ROOT / "README.md"
    text = readme.read_text()
    before, rest = text.split(START)
    _, after = rest.split(END)
    readme.write_text(f"{before}{START}{table}{END}{after}")


if __name__ == "__main__":
    main()
