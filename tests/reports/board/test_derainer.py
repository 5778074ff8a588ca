from __future__ import annotations

import re
from collections.abc import Callable

from bench.keep.records import Record
from reports.board.content import make_board
from reports.board.derainer import derainer_pages

MakeRun = Callable[..., list[Record]]


def test_harm_and_recovery_say_their_units(run_records: MakeRun) -> None:
    board = make_board(run_records(("clean", "none", "rdmc"), ("none", "streaks:heavy")))
    (page,) = derainer_pages(board, (), {}).values()
    assert page["label"] == "rdmc"
    compared = {(cell["task"], cell["rain"]): cell["compared"] for cell in page["cells"]}
    (harm,) = compared["detection", "no rain"]
    (recovery,) = compared["detection", "heavy streaks"]
    assert re.fullmatch(r"harm -?[\d.]+ \[\S+, \S+\] points", harm)
    assert re.fullmatch(r"recovery [\d.]+ \[\S+, \S+\] %", recovery)
    assert compared["restoration", "heavy streaks"] == []
