"""The entries that lie on the board."""

from __future__ import annotations

from pathlib import Path

import pytest

import reports.board
from bench.engine.verify_entry import verify_entry
from reports.board.checked import statuses

RECORDS = Path(reports.board.__file__).parent / "records"


@pytest.mark.slow
def test_committed_entries_give_their_scores_and_were_run_again() -> None:
    found = statuses(RECORDS)
    assert found["rdmc.zip"] == "re-run"
    for name, status in found.items():
        assert status != "unverified", f"{name}: bench verify {RECORDS / name} --board {RECORDS}"
        assert verify_entry(RECORDS / name, 0).problems == []
