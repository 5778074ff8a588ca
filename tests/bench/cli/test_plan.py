from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.api import run_suite
from bench.cli.plan import describe
from bench.cli.table import align
from bench.engine.outline import outline
from bench.engine.plan import Plan, make_plan
from bench.engine.suite import suite_of
from bench.engine.work import Settings
from bench.engine.worker import load_components
from bench.keep.store import Store


def planned(out: Path, **choices: Any) -> Plan:
    suite = suite_of({"task": "restoration", "derainer": "median", "limit": 3, **choices})
    found = outline(suite)
    return make_plan(found, load_components(found.networks, Settings()), Store(out))


def test_a_plan_says_of_every_cell_what_is_there(tmp_path: Path, inline: Any) -> None:
    rains = "streaks:light,none"
    text = describe(planned(tmp_path, rain=rains))
    assert text.splitlines() == [
        "street/test[:3]@streaks:light, 3 scenes",
        "           restoration",
        "  clean    missing",
        "  none     missing",
        "  median   missing",
        "",
        "street/test[:3]@none, 3 scenes",
        "           restoration",
        "  clean    shared",
        "  none     shared",
        "  median   missing",
        "",
        "6 cells: 0 cached, 2 shared (made with an earlier row), 4 to do; 6 shards, 12 images to look at",
    ]
    fewer = {"task": "restoration", "derainer": "median", "limit": 2, "rain": "streaks:light"}
    run_suite(suite_of(fewer), tmp_path, place=inline)
    assert "median   2 of 3 cached" in describe(planned(tmp_path, rain=rains))


def test_columns_are_as_wide_as_their_widest_word() -> None:
    assert align([["a", "bb"], ["ccc", "d"]], indent=" ") == [" a     bb", " ccc   d"]
    assert align([]) == []
