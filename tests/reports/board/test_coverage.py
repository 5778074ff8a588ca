from __future__ import annotations

from collections.abc import Callable

from bench.keep.records import Record
from reports.board.coverage import coverage, coverage_table
from reports.results import read_results

Make = Callable[..., Record]
MakeRun = Callable[..., list[Record]]


def test_each_derainer_is_counted_over_every_rain_and_task(run_records: MakeRun, failed: Make) -> None:
    records = run_records(("clean", "none", "rdmc", "twin"), ("none", "streaks:heavy"))
    of_twin = next(r for r in records if r.derainer.label == "twin" and r.rain.name == "none")
    records.remove(of_twin)
    (found,) = coverage(read_results([*records, failed("broken", "streaks:heavy")]))
    everything = len({(r.rain.name, r.task) for r in records})
    assert (found.data, found.results) == ("street/test", everything)
    assert found.measured == {"rdmc": everything, "twin": everything - 1}
    assert next(iter(found.measured)) == "rdmc"
    assert found.complete == ("rdmc",)


def test_the_table_says_who_has_all_and_who_has_some(run_records: MakeRun, failed: Make) -> None:
    records = run_records(("clean", "none", "rdmc", "a|b"), ("none", "streaks:heavy"))
    records.remove(next(r for r in records if r.derainer.label == "a|b"))
    found = coverage(read_results([*records, failed("broken", "streaks:heavy")]))
    row = coverage_table(found).splitlines()[-1]
    count = found[0].results
    assert row == f"| street test | {count} | rdmc | a&#124;b ({count - 1}) |"
