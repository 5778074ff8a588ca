from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.keep.records import Record
from reports.figures import draw_figures
from reports.figures.panels import Crop, Panel, choose_scenes, draw_panels, largest_change
from reports.figures.style import drawing, look, save
from reports.results import read_results

Make = Callable[..., Record]
MakeRun = Callable[..., list[Record]]


def test_every_figure_is_drawn(tmp_path: Path, run_records: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    # One format is enough here, and a third of the time; the panels below are written in all.
    monkeypatch.setattr("reports.figures.style.FORMATS", ("svg",))
    labels = ("clean", "none", "rdmc", "median", "$x^{y$_<&>")
    paths = draw_figures(
        run_records(labels, ("streaks:light", "streaks:heavy"), ("detection", "restoration")),
        tmp_path,
    )
    kinds = {path.name.split("-")[0] for path in paths}
    assert kinds == {"severity", "cost", "agreement", "classes", "errors"}
    assert all(path.stat().st_size > 1000 for path in paths)
    svg = (tmp_path / "severity-detection-street-test-tiny_detector.svg").read_text()
    assert "$x^{y$_&lt;&amp;&gt;" in svg


def test_severity_draws_the_records_numbers(run_records: MakeRun) -> None:
    from reports.figures.curves import severity

    results = read_results(run_records(("clean", "none", "rdmc"), tasks=("detection",)))
    with drawing():
        figure = severity(results.of("detection"), results.labels)
    assert figure is not None
    drawn = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines}
    expected = [g.records["rdmc"].score("ap") for g in results.of("detection")]
    assert drawn["rdmc"] == pytest.approx([100 * (s.value or 0) for s in expected if s])


def test_sixteen_derainers_can_be_told_apart_without_colour() -> None:
    labels = ["clean", "none", *(f"d{i}" for i in range(16))]
    looks = set()
    for label in labels:
        style = look(label, labels)
        hollow = style.get("markerfacecolor") == "white"
        looks.add((str(style["linestyle"]) if not style["marker"] else "", style["marker"], hollow))
    assert len(looks) == len(labels)


def test_times_far_apart_have_plain_numbers_on_their_axis(record: Make) -> None:
    from reports.figures.curves import cost

    run = [
        record(label, "streaks:light", task, run={"seconds_per_image": seconds})
        for label, seconds in (("fast", 0.001), ("slow", 0.9))
        for task in ("detection", "restoration")
    ]
    results = read_results(run)
    with drawing():
        figure = cost(results, results.of("detection"))
        assert figure is not None
        figure.draw_without_rendering()
        axis = figure.axes[0]
        assert axis.get_xscale() == "log"
        words = [tick.get_text() for tick in axis.get_xticklabels(which="both") if tick.get_text()]
    assert {"1", "10", "100"} <= set(words)
    assert not any("$" in word for word in words)


def test_class_bars_show_the_best_derainers_and_the_classes_that_change(run_records: MakeRun) -> None:
    from reports.figures.bars import class_changes

    labels = tuple(f"d{i}" for i in range(9))
    results = read_results(
        [
            r
            for i, label in enumerate(labels)
            for r in run_records(
                (label,), ("streaks:light", "streaks:heavy"), ("segmentation",), skill=(0.1 * i, 0.0)
            )
        ]
        + run_records(("clean", "none"), ("streaks:light", "streaks:heavy"), ("segmentation",))
    )
    with drawing():
        figure = class_changes(results.of("segmentation"), results.labels)
    assert figure is not None
    drawn = [text.get_text() for text in figure.legends[0].get_texts()]
    assert drawn == ["d3", "d4", "d5", "d6", "d7", "d8"]
    assert "6 best of 9" in figure.get_suptitle()


def test_scenes_are_chosen_by_rule() -> None:
    before = np.zeros(6)
    after = np.array([0.5, -0.4, 0.1, 0.9, np.nan, 0.2])
    assert choose_scenes(before, after) == [3, 1, 5]
    assert choose_scenes(before, after, 10) == [3, 1, 5, 0, 2]
    assert choose_scenes([np.nan], [1.0]) == []


def test_crop_is_the_window_of_the_largest_change() -> None:
    first = np.zeros((40, 60, 3), np.uint8)
    second = first.copy()
    second[20:30, 35:50] = 200
    crop = largest_change(first, second, 15, 10)
    assert crop == Crop(35, 20, 15, 10)
    assert largest_change(first, second, 500, 500) == Crop(0, 0, 60, 40)
    with pytest.raises(ValueError, match="one shape"):
        largest_change(first, second[1:], 5, 5)


def test_panels_show_boxes_masks_and_crops(tmp_path: Path) -> None:
    image = np.full((40, 60, 3), 90, np.uint8)
    mask = np.zeros((40, 60), np.uint8)
    mask[:, 30:] = 255
    scene = [
        Panel("clean", image, np.array([[5.0, 5.0, 20.0, 20.0]]), ("car $1 0.9",)),
        Panel("_none", image, np.zeros((0, 4))),
        Panel("rdmc", image, mask=mask),
    ]
    figure = draw_panels([scene, scene], [Crop(10, 10, 20, 20), None])
    assert len(figure.axes) == 9
    with drawing():
        paths = save(figure, tmp_path, "panels")
    assert [path.name for path in paths] == ["panels.png", "panels.svg", "panels.pdf"]
    with pytest.raises(ValueError, match="same labels"):
        draw_panels([scene, scene[:2]])
    with pytest.raises(ValueError, match="at least one"):
        draw_panels([])
