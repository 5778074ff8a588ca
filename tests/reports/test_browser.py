"""The site in a real browser: it sorts, filters, slides, and fits a phone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from bench.hashing import content_key
from bench.keep.records import Record, write_record
from reports.board.files import render_leaderboard, write_leaderboard
from reports.board.samples import write_sample

webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium here (pip install selenium)")

EVIL = '"><img src=x onerror="document.title=1"><script>document.title=2</script>'


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    binary, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("no Chromium with its driver here (Debian: apt install chromium chromium-driver)")
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    started = webdriver.Chrome(options=options, service=Service(driver))
    yield started
    started.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, run_records: Callable[..., list[Record]]) -> str:
    root: Path = tmp_path_factory.mktemp("site")
    board = root / "board"
    board.mkdir()
    for item in run_records(("clean", "none", "median", "rdmc", EVIL), ("streaks:light", "streaks:heavy")):
        write_record(board, item)
    dark, light = np.zeros((40, 60, 3), np.uint8), np.full((40, 60, 3), 250, np.uint8)
    write_sample(
        board / "samples", "street/test@streaks:heavy", "1", {"none": dark, "rdmc": light, "clean": light}
    )
    rendered, wrong = render_leaderboard(board, root / "site", root / "LEADERBOARD.md")
    assert not wrong
    write_leaderboard(rendered, board, root / "site")
    return (root / "site" / "index.html").as_uri()


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core, which looks for what keeps people from reading a page."""
    npm = shutil.which("npm")
    root = subprocess.run([npm, "root", "-g"], capture_output=True, text=True, timeout=60) if npm else None
    script = Path(root.stdout.strip()) / "axe-core" / "axe.min.js" if root else None
    if script is None or not script.is_file():
        pytest.skip("no axe-core here (npm install -g axe-core)")
    return script.read_text(encoding="utf-8")


def size(browser: Any, width: int, height: int = 900) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def labels(browser: Any) -> list[str]:
    """Labels of the visible rows of the first table."""
    return browser.execute_script(
        "return [...document.querySelectorAll('table tbody')[0].rows].filter(r => !r.hidden).map(r => r.dataset.label);"
    )


def press(browser: Any, header: str) -> str:
    """Click a header of the first table and say how it is sorted then."""
    return browser.execute_script(
        "const button = [...document.querySelectorAll('table')[0].querySelectorAll('thead button')]"
        ".find(b => b.textContent === arguments[0]);"
        "button.click(); return button.closest('th').getAttribute('aria-sort');",
        header,
    )


def places(browser: Any) -> list[str]:
    """What the visible rows have as their place."""
    return browser.execute_script(
        "return [...document.querySelectorAll('#board tbody tr:not(.reference)')].filter(r => !r.hidden)"
        ".map(r => r.querySelector('.place').textContent);"
    )


def choose(browser: Any, name: str, value: str) -> None:
    browser.execute_script(
        "const field = document.getElementById(arguments[0]); field.value = arguments[1];"
        "['change', 'input'].forEach(kind => field.dispatchEvent(new Event(kind, {bubbles: true})));",
        name,
        value,
    )


def test_sorts_best_first_and_back_and_places_follow(browser: Any, address: str) -> None:
    size(browser, 1280)
    browser.get(address)
    assert labels(browser) == ["clean", "none", "rdmc", EVIL, "median"]
    assert places(browser) == ["1", "2", "3"]
    assert press(browser, "AP (%)") == "ascending"
    assert labels(browser) == ["clean", "none", "median", EVIL, "rdmc"]
    assert press(browser, "mIoU (%)") == "descending"
    assert places(browser) == ["1", "2", "3"]
    assert press(browser, "time (ms/image)") == "ascending"
    assert labels(browser)[2:4] == ["rdmc", "median"]
    assert places(browser) == ["", "", ""]
    assert press(browser, "derainer") == "ascending"


def test_header_is_reached_and_pressed_by_keyboard(browser: Any, address: str) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.get(address)
    button = browser.find_element("css selector", "#board thead th[data-column='3'] button")
    button.send_keys(Keys.ENTER)
    assert (
        browser.execute_script("return arguments[0].closest('th').getAttribute('aria-sort')", button)
        == "descending"
    )


def test_filters_stand_in_the_address_and_survive_fragments(browser: Any, address: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(address)
    shown = "return document.getElementById('shown').textContent"
    # A busy machine may still be at the script.
    WebDriverWait(browser, 10).until(lambda _: browser.execute_script(shown))
    assert browser.execute_script(shown) == "3 derainers, 3 columns"
    choose(browser, "task", "segmentation")
    assert browser.execute_script(shown) == "3 derainers, 1 column"
    choose(browser, "search", "RDM")
    assert labels(browser) == ["clean", "none", "rdmc"]
    browser.find_element("css selector", "nav a[href$='#sets']").click()
    assert browser.current_url == f"{address}?task=segmentation&search=RDM#sets"
    browser.refresh()
    assert browser.execute_script(shown) == "1 derainer, 1 column"
    assert labels(browser) == ["clean", "none", "rdmc"]
    choose(browser, "size", "0.1")
    assert browser.execute_script(shown).startswith("0 derainers")


def test_slider_moves_the_edge(browser: Any, address: str) -> None:
    browser.get(address)
    choose(browser, "divider", "20")
    box = browser.execute_script(
        "const r = document.querySelector('.stage').getBoundingClientRect(); return [r.left, r.width];"
    )
    edge = browser.execute_script(
        "const r = document.getElementById('edge').getBoundingClientRect(); return r.left + r.width / 2;"
    )
    assert edge == pytest.approx(box[0] + 0.2 * box[1], abs=2)
    assert browser.find_element("id", "tag-left").get_attribute("textContent") == "rainy, as it is"
    assert browser.find_element("id", "tag-right").get_attribute("textContent") == "rdmc"
    choose(browser, "right", "clean")
    assert browser.execute_script("return document.getElementById('under').src").endswith("--clean.webp")
    assert browser.execute_script("return document.getElementById('under').naturalWidth") == 60


def test_theme_is_switched(browser: Any, address: str) -> None:
    browser.get(address)
    paper = "return getComputedStyle(document.body).backgroundColor"
    before = browser.execute_script(paper)
    browser.find_element("id", "theme").click()
    assert browser.execute_script(paper) != before


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_page_is_never_wider_than_the_screen(browser: Any, address: str, width: int) -> None:
    size(browser, width)
    browser.get(address)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.fixture(scope="module")
def two_segmenters(
    tmp_path_factory: pytest.TempPathFactory, run_records: Callable[..., list[Record]]
) -> Path:
    """A site on which two models look at the same scenes for one task."""
    root: Path = tmp_path_factory.mktemp("two")
    (root / "board").mkdir()
    for name in ("first", "second"):
        model = {"name": name, "classes": 3, "key": {"name": name}}
        for item in run_records(
            ("clean", "none", "rdmc"), ("streaks:light", "streaks:heavy"), ("segmentation",), model=model
        ):
            write_record(root / "board", item.model_copy(update={"cell": content_key([item.cell, name])}))
    rendered, wrong = render_leaderboard(root / "board", root / "site", root / "LEADERBOARD.md")
    assert not wrong
    write_leaderboard(rendered, root / "board", root / "site")
    return root / "site"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("page", ["index.html", "derainers/rdmc.html", "sets/*.html"])
def test_axe_finds_nothing_to_mend(
    browser: Any, address: str, axe: str, page: str, width: int, theme: str
) -> None:
    size(browser, width)
    site = Path(unquote(urlsplit(address).path)).parent
    assert violations(browser, axe, next(site.glob(page)), theme) == []


def test_axe_tells_two_models_of_a_page_apart(browser: Any, axe: str, two_segmenters: Path) -> None:
    size(browser, 1280)
    (page,) = (two_segmenters / "sets").glob("*.html")
    assert violations(browser, axe, page, "light") == []


def violations(browser: Any, axe: str, page: Path, theme: str) -> list[tuple[str, list[str]]]:
    """The rules of axe-core that a page breaks, with what breaks them."""
    browser.get(page.as_uri())
    browser.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    browser.execute_script(axe)
    rules, passed = browser.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run().then(r => done([r.violations, r.passes.length]), e => done([[{id: String(e)}], 0]))"
    )
    assert rules or passed > 10
    return [(rule["id"], [node["html"] for node in rule.get("nodes", ())]) for rule in rules]


def test_hostile_name_is_text(browser: Any, address: str) -> None:
    browser.get(address)
    assert browser.title == "derain-bench leaderboard"
    assert EVIL in labels(browser)


def test_nothing_is_lost_without_scripts(browser: Any, address: str) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(address)
        assert browser.find_element("id", "board").is_displayed()
        assert browser.find_element("css selector", "details.sample").is_displayed()
        assert not browser.find_element("id", "filters").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
