from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from bench.keep.records import Record
from reports.board.content import make_board
from reports.board.derainer import derainer_pages
from reports.board.page import build_site

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


def test_a_filter_states_neither_parameters_nor_multiply_adds(run_records: MakeRun) -> None:
    records = run_records(("clean", "none", "rdmc"), ("streaks:heavy",))
    stated = {}
    for params, macs in ((4_090_000, 31.1e9), (0, None)):
        card = {"params": params, "macs_256": macs}
        (page,) = [
            content.decode()
            for name, content in build_site(make_board([_with_card(r, card) for r in records])).items()
            if name.startswith("derainers/")
        ]
        stated[params] = re.findall(r"<dt>(Parameters|Multiply-adds)</dt><dd>([^<]+)", page)
    assert stated[4_090_000] == [
        ("Parameters", "4.09 M"),
        ("Multiply-adds", "31.1 G for 256 x 256 pixels"),
    ]
    assert stated[0] == []


def _with_card(record: Record, card: Mapping[str, object]) -> Record:
    derainer = record.derainer.model_copy(update={"card": {**record.derainer.card, **card}})
    return record.model_copy(update={"derainer": derainer})
