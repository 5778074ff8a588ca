"""How long 1,000 records take to become tables in every format and the leaderboard's site.

python tests/benchmarks/thousand_records.py
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from pathlib import Path

from bench.keep.records import write_record
from reports.board.files import render_leaderboard, write_leaderboard
from reports.tables.presets import PRESETS, build_tables
from reports.tables.renderers import FORMATS, render_tables


def main() -> None:
    path = Path(__file__).parents[1] / "reports" / "conftest.py"
    spec = importlib.util.spec_from_file_location("made_up", path)
    assert spec is not None
    assert spec.loader is not None
    made_up = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made_up)
    made_up.RESAMPLES = 1000
    labels = ["clean", "none", *(f"derainer {i}" for i in range(19))]
    records = [r for data in range(4) for r in made_up.make_run(labels, data=f"street/test{data}")][:1000]
    with tempfile.TemporaryDirectory() as name:
        board, site = Path(name) / "board", Path(name) / "site"
        board.mkdir()
        for record in records:
            write_record(board, record)
        begin, busy = time.perf_counter(), time.process_time()
        rendered, wrong = render_leaderboard(board, site, Path(name) / "LEADERBOARD.md")
        assert not wrong, wrong[0]
        write_leaderboard(rendered, board, site)
        middle = time.perf_counter()
        tables = [
            table for preset in PRESETS if preset != "correlation" for table in build_tables(records, preset)
        ]
        for form in FORMATS:
            render_tables(tables, form)
        end = time.perf_counter()
        size = sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
        print(
            f"{len(records)} records: page and site {middle - begin:.1f} s, {len(tables)} tables {end - middle:.1f} s"
        )
        print(
            f"together {end - begin:.1f} s ({time.process_time() - busy:.1f} s of one core); site {size / 1e6:.2f} MB"
        )


if __name__ == "__main__":
    main()
