from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.keep.records import Record
from reports.arrangement import arrangement_of
from reports.figures import draw_figures
from reports.figures.panels import Crop, Panel, choose_scenes, draw_panels, largest_change
from reports.figures.style import drawing, look, save
from reports.results import read_results

Make = Callable[..., Record]
MakeRun = Callable[..., list[Record]]


def test_every_figure_is_drawn(tmp_path: Path, run_records: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    # One format is enough here, and a third of the time; the panels below are written in all.
    monkeypatch.setattr("reports.figures.style.FORMATS", ("svg",))
    labels = ("clean", "none", "rdmc", "long " * 40, "$x^{y$_<&>")
    paths = draw_figures(
        run_records(labels, ("streaks:light", "streaks:heavy"), ("detection", "restoration")),
        tmp_path,
    )
    kinds = {path.name.split("-")[0] for path in paths}
    assert kinds == {"severity", "cost", "agreement", "classes", "errors"}
    assert all(path.stat().st_size > 1000 for path in paths)
    svg = (tmp_path / "severity-detection-street-test-tiny_detector.svg").read_text()
    assert "$x^{y$_&lt;&amp;&gt;" in svg
    assert "long long" in svg
    assert "long " * 9 not in svg


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
    assert figure.get_suptitle() == "street/test, tiny_segmenter; the 6 best of 9 derainers"
    assert figure.axes[0].get_xlabel() == "IoU, points against none"


def test_every_figure_says_what_it_is_about_in_the_names_of_the_report(run_records: MakeRun) -> None:
    from reports.figures.bars import class_changes, error_budget
    from reports.figures.curves import agreement, cost, severity

    arrangement = arrangement_of(name=["street/test=Streets", "tiny_detector=T"], reference=["Rainy=none"])
    rains = ("streaks:light", "streaks:heavy")
    results = read_results(run_records(rains=rains, tasks=("detection", "restoration")), arrangement)
    groups = results.of("detection")
    with drawing():
        figures = [
            severity(groups, results.labels),
            cost(results, groups),
            agreement(results, groups),
            class_changes(groups, results.labels),
            error_budget(groups),
        ]
    for figure in figures:
        assert figure is not None
        assert figure.get_suptitle() or figure.axes[0].get_title() == "Streets, T"
        assert figure.get_suptitle() in ("Streets, T", "")
    assert figures[3] is not None
    assert figures[3].axes[0].get_xlabel() == "AP, points against Rainy"


def test_names_of_points_stay_within_their_axes(run_records: MakeRun) -> None:
    from reports.figures.curves import agreement

    results = read_results(
        run_records(rains=("streaks:light", "streaks:heavy"), tasks=("detection", "restoration"))
    )
    with drawing():
        figure = agreement(results, results.of("detection"))
        assert figure is not None
        figure.draw_without_rendering()
        for axis in figure.axes:
            boxes = [text.get_window_extent() for text in axis.texts]
            assert boxes
            assert all(axis.bbox.x0 - 1 <= box.x0 and box.x1 <= axis.bbox.x1 + 1 for box in boxes)


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


def test_rains_on_different_scales_are_not_joined(run_records: MakeRun) -> None:
    from reports.figures.curves import severity
    from reports.series import scales

    records = run_records(("clean", "none", "rdmc"), ("streaks:light", "streaks:heavy"), ("detection",))
    for name in ("rainfall:25", "rainfall:50", "my:fog", "my:snow"):
        for item in run_records(("clean", "none", "rdmc"), ("streaks:light",), ("detection",)):
            rain = item.rain.model_copy(update={"name": name})
            records.append(item.model_copy(update={"rain": rain, "variant": f"street/test@{name}"}))
    results = read_results(records)
    groups = results.of("detection")
    names = [[groups[at].first.rain.name for at in run] for run in scales(groups)]
    assert sorted(names) == [
        ["my:fog"],
        ["my:snow"],
        ["rainfall:25", "rainfall:50"],
        ["streaks:light", "streaks:heavy"],
    ]
    with drawing():
        figure = severity(groups, results.labels)
    assert figure is not None
    lines = [line for line in figure.axes[0].lines if line.get_label() == "rdmc"]
    assert sorted(len(line.get_xdata()) for line in lines) == [1, 1, 2, 2]
    # The dry day is where a kind of rain that is alone begins.
    alone = read_results(run_records(("none", "rdmc"), tasks=("detection",))).of("detection")
    assert scales(alone) == [[0, 1, 2, 3]]


def test_of_many_derainers_the_best_six_have_bands_and_the_title_says_so(run_records: MakeRun) -> None:
    from reports.figures.curves import severity

    rains = ("streaks:light", "streaks:heavy")
    records = run_records(("clean", "none"), rains, ("detection",))
    for i in range(9):
        records += run_records((f"d{i}",), rains, ("detection",), skill=(0.1 * i, 0.0))
    results = read_results(records)
    with drawing():
        figure = severity(results.of("detection"), results.labels)
        bare = severity(results.of("detection"), results.labels, intervals=False)
    assert figure is not None
    assert bare is not None
    axis = figure.axes[0]
    assert "the 6 best of 9 derainers" in axis.get_title()
    assert len(axis.collections) == 8  # six, clean and none
    assert not bare.axes[0].collections
    entries = [text.get_text() for text in figure.legends[0].get_texts()]
    assert entries == ["clean", "none", *(f"d{i}" for i in range(3, 9))]


def test_points_have_their_names_beside_them_and_bars_can_be_left_out(run_records: MakeRun) -> None:
    from reports.arrangement import arrangement_of
    from reports.figures.curves import agreement, cost

    records = run_records(rains=("streaks:light",), tasks=("detection", "restoration"))
    results = read_results(records, arrangement_of(reference=["Rainy=none"]))
    with drawing():
        for figure in (cost(results, results.of("detection")), agreement(results, results.of("detection"))):
            assert figure is not None
            names = {text.get_text() for text in figure.axes[0].texts}
            assert {"rdmc", "twin", "guided", "median"} <= names
            assert not figure.legends
            assert figure.axes[0].collections  # bars
        assert figure is not None
        assert "Rainy" in names
        plain = agreement(results, results.of("detection"), intervals=False)
    assert plain is not None
    assert not plain.axes[0].collections


def test_judged_boxes_and_pixels_are_explained() -> None:
    image = np.full((40, 60, 3), 90, np.uint8)
    boxes = np.array([[5.0, 5.0, 20.0, 20.0], [30.0, 5.0, 40.0, 20.0]])
    wrong = np.zeros((40, 60), bool)
    wrong[:10] = True
    scene = [
        Panel(
            "none", image, boxes, ("car", "bus"), verdicts=("hit", "miss"), scene="a7", note="PSNR Y 20.00 dB"
        ),
        Panel("rdmc", image, mask=np.zeros((40, 60), np.uint8), wrong=wrong, scene="a7", note="AP 50.0 %"),
    ]
    figure = draw_panels([scene])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["hit", "miss", "wrong class"]
    words = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert {"a7", "PSNR Y 20.00 dB", "AP 50.0 %"} <= set(words)
    drawn = np.asarray(figure.axes[1].images[0].get_array())
    assert drawn[0, 0, 0] > 150 > drawn[39, 0, 0]


def test_names_of_crowded_points_do_not_cover_each_other() -> None:
    from matplotlib.figure import Figure

    from reports.figures.names import name_points

    figure = Figure()
    axis = figure.subplots()
    points = {f"network {place}": (place % 3 / 200, place // 3 / 100) for place in range(6)} | {
        "far": (1.0, 1.0)
    }
    axis.scatter(*zip(*points.values(), strict=True))
    name_points(axis, points)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent().padded(-1) for text in axis.texts]
    assert [text.get_text() for text in axis.texts].count("network 0") == 1
    assert not any(a.overlaps(b) for place, a in enumerate(boxes) for b in boxes[:place])
    assert all(axis.bbox.x0 <= box.x0 and box.x1 <= axis.bbox.x1 for box in boxes)
