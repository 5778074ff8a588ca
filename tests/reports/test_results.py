from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import reports
from bench.errors import BadData, BadRecord
from bench.keep.records import Record, Score
from reports.results import rain_order, read_results
from reports.tables.cells import group_ranks
from reports.tables.means import mean_columns
from reports.tables.presets import PRESETS, build_tables

Make = Callable[..., Record]
MakeRun = Callable[..., list[Record]]


def test_rains_are_ordered_by_how_much_it_rains() -> None:
    names = ["streaks:heavy", "rainfall:100", "none", "streaks:light", "rainfall:25", "streaks:medium"]
    assert sorted(names, key=rain_order) == [
        "none",
        "rainfall:25",
        "rainfall:100",
        "streaks:light",
        "streaks:medium",
        "streaks:heavy",
    ]


def test_order_of_records_does_not_matter(run_records: MakeRun) -> None:
    records = run_records(("clean", "none", "rdmc", "twin"), ("none", "streaks:light"))
    for preset in PRESETS.keys() - {"models"}:  # which wants two models of a task
        assert reports.render(records, "csv", preset) == reports.render(records[::-1], "csv", preset)


def test_times_of_real_rain_come_from_what_measures_its_images(run_records: MakeRun) -> None:
    records = run_records(("none", "rdmc"), ("streaks:heavy",), ("detection", "restoration"))
    results = read_results(records)
    (variant,) = results.variants
    assert results.timed(variant) is results.fidelity(variant)
    assert read_results(records[:2]).timed(variant) is None


def test_no_records_are_refused() -> None:
    with pytest.raises(BadData, match="no records to report"):
        reports.render([], "md")


def test_mixed_data_is_refused(record: Make) -> None:
    other = record("median", rain="streaks:heavy")
    other = other.model_copy(update={"data": other.data.model_copy(update={"fingerprint": "0" * 64})})
    with pytest.raises(BadRecord, match="different files of street/test"):
        reports.render([record(), other], "md")


def test_mixed_protocols_are_refused(record: Make) -> None:
    first = record("rdmc", task="segmentation")
    second = record("median", task="segmentation")
    scores = tuple(s.model_copy(update={"protocol": "miou@19"}) for s in second.scores)
    second = second.model_copy(update={"scores": scores})
    with pytest.raises(BadRecord, match="different protocols, miou@19 and miou@3"):
        reports.render([first, second], "md")


def test_mixed_protocols_over_rains_are_refused(record: Make) -> None:
    first = record("rdmc", task="segmentation")
    second = record("rdmc", rain="streaks:heavy", task="segmentation")
    scores = tuple(s.model_copy(update={"protocol": "miou@19"}) for s in second.scores)
    with pytest.raises(BadRecord, match="different protocols"):
        reports.render([first, second.model_copy(update={"scores": scores})], "md", "paper")


@pytest.mark.parametrize(
    ("part", "change", "what"),
    [("rain", {"version": "2"}, "versions of the rain"), ("model", {"key": {"name": "x"}}, "checkpoints")],
)
def test_mixed_rain_and_model_are_refused(record: Make, part: str, change: dict[str, Any], what: str) -> None:
    other = record("median")
    other = other.model_copy(update={part: getattr(other, part).model_copy(update=change)})
    with pytest.raises(BadRecord, match=what):
        read_results([record(), other])


def test_two_records_of_one_cell_are_refused(record: Make) -> None:
    with pytest.raises(BadRecord, match="two records of one cell"):
        read_results([record(), record(cell="0" * 64)])


def test_equal_derainers_share_a_rank(run_records: MakeRun) -> None:
    group = read_results(run_records(rains=("streaks:medium",))).of("detection")[0]
    ranks = group_ranks(group, "ap")
    assert ranks == {"rdmc": 1, "twin": 1, "guided": 3, "median": 4}
    assert group_ranks(group, "ap_recovery") == ranks


def test_references_are_not_ranked_and_one_derainer_gets_no_mark(run_records: MakeRun) -> None:
    table = build_tables(run_records(("clean", "none", "rdmc")), "detection")[1]
    assert [row.reference for row in table.rows] == [True, True, False]
    assert all(cell.mark is None for row in table.rows for cell in row.cells)


def test_partial_record_is_shown_with_its_coverage_and_not_ranked(record: Make) -> None:
    partial = record("median", images=200)
    fields = partial.model_dump() | {
        "images": 150,
        "coverage": 0.75,
        "status": "partial",
        "reason": "50 of 200 scenes failed",
    }
    fields["scores"] = [s | {"images": 150} for s in fields["scores"]]
    partial = Record.model_validate(fields)
    records = [record("rdmc"), record("twin"), partial]
    (table,) = build_tables(records, "detection")
    cell = next(row for row in table.rows if row.label == "median").cells[0]
    assert cell.mark is None
    assert cell.note == "150 of 200 scenes: 50 of 200 scenes failed"


def test_missing_and_failed_cells_are_dashes_with_reasons(record: Make, failed: Make) -> None:
    records = [record("rdmc"), failed("broken"), record("rdmc", task="restoration")]
    text = reports.render(records, "md", "summary")
    assert "200 of 200 scenes failed; out of memory" in text
    assert "not run" in text
    assert "| 0.0" not in text


def test_mean_states_its_coverage(run_records: MakeRun, record: Make) -> None:
    records = [*run_records(("clean", "none", "rdmc"), tasks=("detection",)), record("late", "streaks:light")]
    groups = read_results(records).series("detection")[0]
    mean, share = mean_columns(groups, "ap")
    assert mean.cells["late"].note == "over 1 of 3 rains; missing: streaks:medium, streaks:heavy"
    assert mean.cells["rdmc"].note is None
    values = [r.score("ap") for r in records if r.derainer.label == "rdmc" and r.rain.name != "none"]
    expected = sum(score.value or 0 for score in values if score) / 3
    assert mean.cells["rdmc"].value == pytest.approx(expected)
    assert share.cells["rdmc"].value == pytest.approx(expected / 0.42)
    assert mean.cells["rdmc"].low is not None


def test_mean_names_the_rains_whose_score_is_not_defined(run_records: MakeRun) -> None:
    records = run_records(("none", "rdmc"), ("streaks:light", "streaks:heavy"), ("restoration",))
    for at, item in enumerate(records):
        if item.rain.name == "streaks:light" and item.derainer.label == "rdmc":
            scores = tuple(
                s.model_copy(update={"value": None, "low": None, "high": None}) for s in item.scores
            )
            records[at] = item.model_copy(update={"scores": scores})
    (column,) = mean_columns(read_results(records).of("restoration"), "psnr_y")
    assert column.cells["rdmc"].note == "over 1 of 2 rains; missing: streaks:light"


def test_mean_without_any_score_says_why(run_records: MakeRun) -> None:
    wet = ("streaks:light", "streaks:heavy")
    records = run_records(("clean", "none"), wet, ("restoration",))
    same = "12 images identical to the clean one left out"
    for at, item in enumerate(records):
        if item.derainer.label == "clean":
            score = Score(metric="psnr_y", protocol="psnr@y", value=None, images=0, note=same)
            records[at] = item.model_copy(update={"scores": (score,)})
    (column,) = mean_columns(read_results(records).of("restoration"), "psnr_y")
    assert column.cells["clean"].value is None
    assert column.cells["clean"].note == same


def test_paper_is_sorted_by_the_mean_and_failed_rows_come_last(run_records: MakeRun, failed: Make) -> None:
    rains = ("streaks:light", "streaks:heavy")
    records = run_records(("clean", "none", "median", "rdmc"), rains, ("detection",))
    records += [failed("absent", rain) for rain in rains]
    (table,) = build_tables(records, "paper")
    assert [row.label for row in table.rows] == ["clean", "none", "rdmc", "median", "absent"]


def test_counts_of_errors_claim_no_ties(run_records: MakeRun) -> None:
    (table,) = build_tables(run_records(rains=("streaks:light",), tasks=("detection",)), "errors")
    assert not any(cell.mark for row in table.rows for cell in row.cells)
    assert "bootstrap" not in table.caption


def test_preset_without_its_task_says_so(record: Make) -> None:
    with pytest.raises(BadData, match="nothing to show in table segmentation"):
        reports.render([record()], "md", "segmentation")


def test_where_the_summary_shows_nothing_all_that_there_is_is_shown(
    record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [record(), record("median")]
    monkeypatch.setitem(PRESETS, "summary", lambda results: [])
    assert build_tables(records, "summary") == build_tables(records, "detection")
    with pytest.raises(BadData, match=r"nothing to show in table per-tag: .*; there is --table .*detection"):
        build_tables([record(breakdown={})], "per-tag")


def test_unknown_preset_and_format(record: Make) -> None:
    with pytest.raises(Exception, match="did you mean paper"):
        reports.render([record()], "md", "papper")
    with pytest.raises(Exception, match="did you mean latex"):
        reports.render([record()], "latx")


def test_rows_have_the_promised_keys(record: Make, failed: Make) -> None:
    rows = reports.rows([record(), failed()])
    assert list(rows[0]) == (
        [
            "derainer",
            "variant",
            "task",
            "model",
            "metric",
            "protocol",
            "value",
            "low",
            "high",
            "images",
            "coverage",
            "status",
            "note",
        ]
    )
    assert rows[0]["value"] == record().scores[0].value
    assert rows[-1] | {"protocol": "ap@coco", "value": None, "status": "failed"} == rows[-1]


def test_cost_shows_what_derainer_and_model_take(run_records: MakeRun) -> None:
    records = run_records()
    records = [r.model_copy(update={"run": {**r.run, "threads": 1, "workers": 2}}) for r in records]
    table = build_tables(records, "cost")[0]
    keys = [column.key for column in table.columns]

    def row(label: str, *columns: str) -> list[float | None]:
        (found,) = (row for row in table.rows if row.label == label)
        return [found.cells[keys.index(column)].value for column in columns]

    asked = ("time", *(f"tiny_detector/{key}" for key in ("look", "total", "share")))
    assert row("rdmc", *asked) == pytest.approx([0.04, 0.05, 0.09, 0.04 / 0.09])
    assert row("none", *asked) == [None, 0.05, 0.05, None]  # nothing is restored: the model is all there is
    (rainy,) = (row for row in table.rows if row.label == "none")
    assert {cell.note for cell in rainy.cells if cell.value is None} == {"no derainer"}
    assert "threads x workers: 1 x 2" in table.notes[0]


def test_correlation_needs_three_derainers(run_records: MakeRun) -> None:
    table, _ = build_tables(run_records(("clean", "none", "rdmc"), ("streaks:medium",)), "correlation")
    assert table.rows[0].cells[0].value is None
    table, _ = build_tables(run_records(rains=("streaks:medium",)), "correlation")
    assert table.rows[0].cells[0].value == pytest.approx(1.0)


def test_correlation_across_images_is_of_gains(run_records: MakeRun) -> None:
    records = run_records(("clean", "none", "rdmc"), ("streaks:medium",))
    _, table = build_tables(records, "correlation")
    assert [row.label for row in table.rows] == [
        "rdmc: AP, street/test@streaks:medium, tiny_detector",
        "rdmc: mIoU, street/test@streaks:medium, tiny_segmenter",
    ]
    cell = table.rows[0].cells[0]
    assert cell.low is not None
    assert cell.high is not None
    assert cell.value is not None
    assert 0 < cell.low < cell.value < cell.high < 1


def test_robustness_is_mpc_and_rpc_as_their_authors_compute_them(run_records: MakeRun) -> None:
    """MMDetection's evaluation: mPC = mean over corruptions of the mean over severities, rPC = mPC / P."""
    kinds = ("fog", "snow")
    rains = [f"corruption:{kind}:{severity}" for kind in kinds for severity in range(1, 6)]
    records = run_records(
        ("clean", "none", "rdmc"), (*rains, "streaks:light", "streaks:heavy"), ("detection",)
    )
    rng = np.random.default_rng(0)
    aps: dict[str, dict[str, float]] = {}
    for at, item in enumerate(records):
        label = item.derainer.label
        value = 0.42 if label == "clean" else float(rng.uniform(0.1, 0.4))
        aps.setdefault(label, {})[item.rain.name] = value
        scores = tuple(
            s.model_copy(update={"value": value, "low": None, "high": None}) if s.metric == "ap" else s
            for s in item.scores
        )
        records[at] = item.model_copy(update={"scores": scores, "replicates": {}})
    (table,) = build_tables(records, "robustness")
    at = {column.key: i for i, column in enumerate(table.columns)}
    assert list(at) == [
        f"{kind}/{metric}"
        for kind in ("corruption:fog", "corruption:snow", "streaks", "mpc")
        for metric in ("ap", "relative_ap")
    ]
    rows = {row.label: row.cells for row in table.rows}
    for label in ("none", "rdmc"):
        by_hand = np.mean([[aps[label][f"corruption:{k}:{s}"] for s in range(1, 6)] for k in kinds], axis=1)
        assert rows[label][at["corruption:snow/ap"]].value == pytest.approx(by_hand[1])
        assert rows[label][at["mpc/ap"]].value == pytest.approx(by_hand.mean())
        assert rows[label][at["mpc/relative_ap"]].value == pytest.approx(by_hand.mean() / 0.42)
    without = [r for r in records if r.rain.name != "corruption:fog:5"]
    (table,) = build_tables(without, "robustness")
    assert not any(column.key.startswith("mpc/") for column in table.columns)  # not the same severities
