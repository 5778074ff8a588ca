"""The charts of a data set's page."""

from __future__ import annotations

import re
from collections.abc import Callable

from bench.keep.records import Record
from reports.board.content import make_board
from reports.board.plots import charts_of

MakeRun = Callable[..., list[Record]]


def chart(records: list[Record]) -> tuple[str, str]:
    results = make_board(records).results
    (series,) = results.series("detection")
    first = charts_of(results, series, {"rdmc": 0})[0]
    return first.svg, first.caption


def steps(svg: str) -> list[int]:
    """How many pieces each line of a chart has."""
    return [path.count("L") for path in re.findall(r'<path d="(M[^"]*)" class="line', svg)]


def test_rains_on_different_scales_are_not_joined(run_records: MakeRun) -> None:
    records = run_records(("clean", "none", "rdmc"), ("streaks:light", "streaks:heavy"), ("detection",))
    svg, caption = chart(records)
    assert steps(svg) == [1, 1, 1]
    assert "not joined" not in caption
    for name in ("rainfall:25", "rainfall:50", "my:fog"):
        for item in run_records(("clean", "none", "rdmc"), ("streaks:light",), ("detection",)):
            rain = item.rain.model_copy(update={"name": name})
            records.append(item.model_copy(update={"rain": rain, "variant": f"street/test@{name}"}))
    svg, caption = chart(records)
    assert sorted(steps(svg)) == [0, 0, 0, 1, 1, 1, 1, 1, 1]
    assert "rains of different kinds are not joined" in caption
    assert len(re.findall(r'd="M[\d. ]+h16"', svg)) == 2, "a reference alone on its scale is a stroke"


def test_many_bands_do_not_hide_the_lines(run_records: MakeRun) -> None:
    few, many = ("clean", "none", "a", "b"), ("clean", "none", *"abcdefgh")
    for labels, words in ((few, "bands are intervals"), (many, "intervals are in the tables")):
        svg, caption = chart(run_records(labels, ("streaks:light", "streaks:heavy"), ("detection",)))
        assert words in caption
        assert ("<polygon" in svg) == (labels is few)
