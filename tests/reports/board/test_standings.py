from __future__ import annotations

from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from bench.keep.records import Record, Score
from downstream.tasks import find_task
from reports.board.content import make_board
from reports.board.downloads import board_rows
from reports.board.front import overview
from reports.board.page import build_site
from reports.board.standings import standings_of
from reports.results import read_results

Make = Callable[..., Record]
MakeRun = Callable[..., list[Record]]


def brought(record: Make, label: str, niqe: float) -> Record:
    """A record of real rain: no clean images, and a measure whose lower values are better."""
    made = record(label, "streaks:light", "restoration", data="images/real_rain")
    about = find_task("quality").about
    metric = about.metric("niqe")
    assert metric is not None
    score = Score(
        metric="niqe",
        protocol=metric.protocol,
        value=niqe,
        low=niqe - 0.5,
        high=niqe + 0.5,
        images=made.images,
    )
    return made.model_copy(
        update={
            "task": "quality",
            "scores": (score,),
            "replicates": {"niqe": made.replicates["psnr_y"]},
            "data": made.data.model_copy(update={"kind": "images"}),
            "rain": made.rain.model_copy(update={"name": "own"}),
            "variant": "images/real_rain@own",
        }
    )


def test_mean_is_over_the_rains_and_places_follow_it(run_records: MakeRun, record: Make) -> None:
    (standings,) = standings_of(read_results(run_records(tasks=("detection",))))
    assert standings.over == "mean of 3 rains"
    rains = ("streaks:light", "streaks:medium", "streaks:heavy")
    scores = [record("rdmc", rain).score("ap") for rain in rains]
    values = [score.value for score in scores if score is not None and score.value is not None]
    assert standings.filled.cells["rdmc"].value == pytest.approx(sum(values) / 3)
    assert dict(standings.places) == {"rdmc": 1, "twin": 1, "guided": 3, "median": 4}


def test_who_lacks_a_rain_is_not_ranked(run_records: MakeRun, record: Make) -> None:
    records = [*run_records(tasks=("detection",)), record("new", "streaks:light")]
    (standings,) = standings_of(read_results(records))
    assert "new" not in standings.places
    assert "missing: streaks:medium, streaks:heavy" in str(standings.filled.cells["new"].note)


def test_lower_is_better_of_real_rain_without_a_clean_image(run_records: MakeRun, record: Make) -> None:
    real = [brought(record, label, niqe) for label, niqe in (("none", 4.0), ("rdmc", 3.0), ("median", 5.0))]
    standings = standings_of(read_results([*run_records(), *real]))
    assert [each.smoke for each in standings] == [False, True, True, True]
    assert dict(standings[0].places) == {"rdmc": 1, "median": 2}
    assert standings[0].over == "its own rain"
    site = build_site(make_board([*run_records(), *real]))
    page = site["index.html"].decode()
    assert "lower is better" in page
    assert page.index("real rain") < page.index("rendered: smoke test")


def test_each_row_says_what_its_card_says(run_records: MakeRun) -> None:
    records = []
    for one in run_records(tasks=("detection",)):
        card = {
            "paper": "Some et al., A Title, with a Comma, CVPR 2020",
            "year": 2020,
            "training_data": "streaks",
            "weights_sha256": "0" * 64,
            "weights_note": "shipped",
            "learnt": ["streaks"],
        }
        info = one.derainer.model_copy(update={"card": card if one.derainer.label == "rdmc" else {}})
        records.append(one.model_copy(update={"derainer": info}))
    rows = {row["label"]: row for row in overview(read_results(records))["rows"]}
    facts = rows["rdmc"]["facts"]
    assert (facts["paper"], facts["year"], facts["weights"]) == ("Some et al., CVPR 2020", 2020, "shipped")
    assert rows["rdmc"]["seen"]
    assert not rows["twin"]["seen"]
    assert rows["twin"]["facts"]["weights"] == "not said"
    assert rows["none"]["facts"] is None
    (row,) = [row for row in board_rows(read_results(records)) if row["derainer"] == "rdmc"]
    assert (row["seen"], row["year"], row["place"]) == (True, 2020, 1)


class _Places(HTMLParser):
    """The ranks of each table, in the order of its rows."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.heads: list[list[str]] = []
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
            self.heads.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self._text = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._text is not None:
            self.tables[-1][-1].append("".join(self._text))
            self._text = None

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)


def _ranks(page: str) -> Iterator[list[int]]:
    parsed = _Places()
    parsed.feed(page)
    for rows in parsed.tables:
        for name in ("rank", "#"):
            at = [row.index(name) for row in rows if name in row]
            if at:
                numbers: list[Any] = ["".join(c for c in row[at[0]] if c.isdigit()) for row in rows[1:]]
                yield [
                    int(n) for n, row in zip(numbers, rows[1:], strict=True) if n and "—" not in row[at[0]]
                ]


def test_ranks_never_run_backwards(run_records: MakeRun) -> None:
    site = build_site(make_board(run_records()))
    found = [
        ranks for name, page in site.items() if name.endswith(".html") for ranks in _ranks(page.decode())
    ]
    assert sum(len(ranks) > 1 for ranks in found) == 13  # 12 variants, and the table over all data sets
    assert all(ranks == sorted(ranks) for ranks in found)


def test_the_columns_of_a_data_set_stand_together() -> None:
    """The first page's header spans them; with several tasks a data set's name once stood over another's numbers."""
    from itertools import groupby
    from pathlib import Path

    import reports.board
    from bench.keep.entry import read_folder

    folder = Path(reports.board.__file__).parent / "records"
    there = standings_of(read_results(read_folder(folder)))
    data = [each.groups[0].data for each in there]
    assert len(data) > len(set(data)) > 5
    assert len(list(groupby(data))) == len(set(data))
    assert [each.smoke for each in there] == sorted(each.smoke for each in there)
