from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.errors import BadConfig, BadData
from bench.keep.records import Record, write_record
from reports.board.charts import pareto_front
from reports.board.content import make_board
from reports.board.page import build_site
from reports.board.samples import read_samples, write_sample

Make = Callable[..., Record]
MakeRun = Callable[..., list[Record]]

EVIL = '"><script>alert(1)</script>'


@pytest.fixture
def board(tmp_path: Path, run_records: MakeRun, failed: Make) -> Path:
    folder = tmp_path / "board"
    folder.mkdir()
    for item in [
        *run_records(("clean", "none", "rdmc", "twin", EVIL), ("none", "streaks:light", "streaks:heavy")),
        failed("broken", "streaks:heavy"),
    ]:
        write_record(folder, item)
    image = np.full((40, 60, 3), 128, np.uint8)
    write_sample(
        folder / "samples",
        "street/test@streaks:heavy",
        "scene<1>",
        {"none": image, "clean": image, "rdmc": image},
    )
    return folder


def leaderboard(folder: Path, *options: str) -> tuple[int, str]:
    from bench.cli.app import app

    root = folder.parent
    places = ["--board", str(folder), "--site", str(root / "site"), "--page", str(root / "LEADERBOARD.md")]
    result = CliRunner().invoke(app, ["leaderboard", *places, *options])
    return result.exit_code, result.output


def set_page(site: dict[str, bytes]) -> str:
    """The page of the only data set."""
    (page,) = [content for name, content in site.items() if name.startswith("sets/")]
    return page.decode()


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name in ("href", "src") and value:
                self.links.append(value)


def test_rendered_files_are_current_and_every_link_leads_somewhere(board: Path) -> None:
    assert leaderboard(board)[0] == 0
    site = board.parent / "site"
    agree = f"{board.parent / 'LEADERBOARD.md'} and {site} agree with the records in {board}\n"
    assert leaderboard(board, "--check") == (0, agree)
    pages = {path: Page() for path in site.rglob("*.html")}
    assert len(pages) == 1 + 1 + 4  # the first page, the data set's, and each derainer's
    for path, page in pages.items():
        page.feed(path.read_text())
        assert page.tags.count("script") == 1
        assert len(page.ids) == len(set(page.ids))
    for path, page in pages.items():
        for link in page.links:
            assert link == "data:," or not re.match(r"[a-z]+:|//", link), "the site needs no network"
            name, _, fragment = link.partition("#")
            to = (path.parent / name).resolve() if name else path
            assert link == "data:," or to.is_file()
            assert not fragment or fragment in pages[to].ids
    assert sum(path.stat().st_size for path in site.glob("*.*")) < 300_000


def test_page_shows_the_numbers_of_the_records(board: Path, record: Make) -> None:
    leaderboard(board)
    score = record("rdmc", "streaks:heavy").score("ap")
    assert score is not None
    assert score.value is not None
    assert score.low is not None
    shown = f"{100 * score.value:.1f}"
    (page,) = (board.parent / "site" / "sets").iterdir()
    for path in (page, board.parent / "LEADERBOARD.md"):
        text = path.read_text()
        assert shown in text
        assert f"[{100 * score.low:.1f}, " in text
        assert "out of memory" in text


@pytest.mark.parametrize("change", ["edit", "remove"])
def test_check_fails_on_a_stale_file(board: Path, change: str) -> None:
    leaderboard(board)
    page = board.parent / "site" / "index.html"
    page.write_text("old") if change == "edit" else page.unlink()
    code, output = leaderboard(board, "--check")
    assert code == 1
    assert "index.html is stale" in output


def test_check_fails_on_a_picture_that_no_sample_shows_any_more(board: Path) -> None:
    leaderboard(board)
    site = board.parent / "site"
    orphan = site / "samples" / "street-test-streaks-heavy--gone--rdmc.webp"
    orphan.write_bytes(b"old")
    (site / "CNAME").write_text("board.example.org")
    code, output = leaderboard(board, "--check")
    assert code == 1
    assert output.count("is stale") == 1
    assert f"{orphan} is stale" in output
    assert leaderboard(board)[0] == 0
    assert not orphan.exists()
    assert len(list(orphan.parent.iterdir())) == 3
    assert (site / "CNAME").exists()  # what others put beside the site's files is theirs
    assert leaderboard(board, "--check")[0] == 0


def test_check_fails_after_a_new_record(board: Path, record: Make) -> None:
    leaderboard(board)
    write_record(board, record("new", "streaks:light"))
    assert leaderboard(board, "--check")[0] == 1


def test_lies_are_refused_with_a_line_each_and_nothing_is_written(board: Path) -> None:
    for path in sorted(board.glob("*detection*rdmc*.json"))[:2]:
        path.write_text(
            re.sub(
                r'("metric": "ap",\s+"protocol": "ap@coco",\s+"value": )[\d.]+',
                r"\g<1>0.99",
                path.read_text(),
            )
        )
    code, output = leaderboard(board)
    assert code == 2
    assert output.count("is not the score of its replicates") == 2
    assert not (board.parent / "LEADERBOARD.md").exists()


def test_ranks_go_by_value_and_what_ties_with_the_best_is_marked(
    run_records: MakeRun, record: Callable[..., Record]
) -> None:
    records = run_records(rains=("streaks:medium",), tasks=("detection",))
    board = make_board([*records, record("close", skill=(0.795, 0.01))])
    (section,) = board.sections
    assert dict(section.ranks) == {"rdmc": 1, "twin": 1, "close": 3, "guided": 4, "median": 5}
    assert [row.label for row in section.table.rows][:4] == ["clean", "none", "rdmc", "twin"]
    assert [row.label for row in section.table.rows if row.cells[0].tied] == ["close"]
    assert "3<abbr" in set_page(build_site(board))


def test_one_derainer_is_not_ranked(run_records: MakeRun) -> None:
    board = make_board(run_records(("clean", "none", "rdmc"), ("streaks:medium",), ("detection",)))
    assert "nobody to be ranked against" in set_page(build_site(board))


def test_same_records_give_the_same_bytes(run_records: MakeRun) -> None:
    records = run_records()
    assert build_site(make_board(records)) == build_site(make_board(records[::-1]))


def test_pareto_front() -> None:
    assert pareto_front([(3, 5), (1, 1), (2, 4), (2, 3), (4, 5), (5, 2)]) == [(1, 1), (2, 4), (3, 5)]


def test_a_derainer_is_added_to_the_sample_of_a_scene(tmp_path: Path) -> None:
    clean, rainy = np.zeros((8, 12, 3), np.uint8), np.full((8, 12, 3), 90, np.uint8)

    def labels() -> list[str]:
        (sample,) = read_samples(tmp_path)
        return [image.label for image in sample.images]

    write_sample(tmp_path, "v", "s", {"clean": clean, "none": rainy, "rdmc": clean})
    write_sample(tmp_path, "v", "s", {"clean": clean, "none": rainy, "guided": rainy})
    assert labels() == ["clean", "none", "guided", "rdmc"]
    write_sample(tmp_path, "v", "s", {"clean": clean, "none": rainy + 60, "guided": rainy})
    assert labels() == ["clean", "none", "guided"]


def test_samples_are_replaced_and_checked(tmp_path: Path) -> None:
    image = np.zeros((8, 12, 3), np.uint8)
    write_sample(tmp_path, "v", "s", {"rdmc": image, "none": image})
    write_sample(tmp_path, "v", "s", {"clean": image, "none": image})
    (sample,) = read_samples(tmp_path)
    assert (sample.width, sample.height) == (12, 8)
    assert [i.label for i in sample.images] == ["clean", "none"]
    with pytest.raises(BadData, match="2 sizes"):
        write_sample(tmp_path, "v", "s", {"a": image, "b": image[1:]})
    (tmp_path / "samples.json").write_text(
        '[{"scene": "s", "variant": "v", "width": 1, "height": 1, "images": {"a": "../x"}}]'
    )
    with pytest.raises(BadData, match="not the name of a file beside it"):
        read_samples(tmp_path)
    (tmp_path / "samples.json").write_text("[1]")
    with pytest.raises(BadData, match="not an index"):
        read_samples(tmp_path)


def test_check_needs_no_site_and_finds_orphans_beside_the_records(board: Path) -> None:
    import shutil

    leaderboard(board)
    shutil.rmtree(board.parent / "site")
    assert leaderboard(board, "--check")[0] == 0
    orphan = board / "samples" / "gone.webp"
    orphan.write_bytes(b"old")
    code, output = leaderboard(board, "--check")
    assert (code, f"{orphan} is stale" in output) == (1, True)
    assert leaderboard(board)[0] == 0
    assert not orphan.exists()


def test_pages_of_what_is_gone_are_removed(board: Path) -> None:
    leaderboard(board)
    site = board.parent / "site"
    orphan = site / "derainers" / "gone.html"
    orphan.write_text("old")
    assert leaderboard(board, "--check")[0] == 1
    assert leaderboard(board)[0] == 0
    assert not orphan.exists()
    assert (site / "derainers" / "rdmc.html").is_file()


def test_the_repository_is_linked_to_where_it_is_known(board: Path) -> None:
    assert leaderboard(board, "--repository", "https://example.org/derain-bench")[0] == 0
    page = (board.parent / "site" / "index.html").read_text()
    assert page.count('href="https://example.org/derain-bench"') == 2
    from bench.cli.app import app

    result = CliRunner().invoke(
        app, ["leaderboard", "--board", str(board), "--repository", "javascript:alert(1)"]
    )
    assert isinstance(result.exception, BadConfig)


def test_a_derainer_s_page_has_its_cells_pictures_and_command(board: Path) -> None:
    leaderboard(board)
    page = (board.parent / "site" / "derainers" / "rdmc.html").read_text()
    assert page.count(">record</a>") == 9  # three rains, three tasks
    assert "bench run" in page
    assert page.count("<img") == 3
    assert "@none" not in page
    assert "rainy, as it is" in page
