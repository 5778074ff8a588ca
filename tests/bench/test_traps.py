"""Traps that other benchmarks fell into; each test is named after what their users met."""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.api import Watcher, run_suite
from bench.engine.outline import outline
from bench.engine.plan import make_plan
from bench.engine.suite import Suite, make_suite, override_suite, suite_of
from bench.engine.work import Settings
from bench.engine.worker import load_components
from bench.errors import BadConfig, BadData
from bench.images import read_image, write_image
from bench.keep.records import Record
from bench.keep.store import Store


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, write_pairs: Callable[..., Path]) -> Path:
    return write_pairs(tmp_path_factory.mktemp("data") / "pairs")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two checkpoints of one small architecture."""
    import torch

    from derainers.nets.prenet import PReNet

    folder = tmp_path_factory.mktemp("weights")
    for name, seed in (("one", 1), ("two", 2)):
        torch.manual_seed(seed)
        torch.save(PReNet().state_dict(), folder / f"{name}.pth")
    return {name: folder / f"{name}.pth" for name in ("one", "two")}


def pair_suite(pairs: Path, derainer: str, **choices: Any) -> Suite:
    return suite_of({"derainer": derainer, "task": "restoration", "data": f"pairs:{pairs}", **choices})


def by_label(records: tuple[Record, ...]) -> dict[str, Record]:
    return {record.derainer.label: record for record in records}


def value(record: Record, metric: str = "psnr_y") -> float | None:
    score = record.score(metric)
    assert score is not None
    return score.value


def test_two_checkpoints_of_one_architecture_get_two_results(
    pairs: Path, checkpoints: dict[str, Path], tmp_path: Path, inline: Any
) -> None:
    """A cache that leaves the weights out gives both models the scores of the first, without a word."""
    both = f"a=prenet:{checkpoints['one']},b=prenet:{checkpoints['two']}"
    together = by_label(run_suite(pair_suite(pairs, both), tmp_path / "both", place=inline).records)
    assert together["a"].evidence != together["b"].evidence
    assert value(together["a"]) != value(together["b"])
    # Nor does it matter that the other one was there first.
    alone = by_label(
        run_suite(pair_suite(pairs, f"b=prenet:{checkpoints['two']}"), tmp_path / "b", place=inline).records
    )
    assert value(alone["b"]) == value(together["b"])


def test_the_same_weights_under_two_names_are_one_computation(
    pairs: Path, checkpoints: dict[str, Path], tmp_path: Path, inline: Any
) -> None:
    copy = tmp_path / "renamed.pth"
    shutil.copy(checkpoints["one"], copy)
    suite = pair_suite(pairs, f"a=prenet:{checkpoints['one']},b=prenet:{copy}")
    records = by_label(run_suite(suite, tmp_path / "out", place=inline).records)
    assert records["a"].evidence == records["b"].evidence
    assert records["a"].cell != records["b"].cell


def test_a_label_reused_for_other_weights_is_refused(
    pairs: Path, checkpoints: dict[str, Path], tmp_path: Path, inline: Any
) -> None:
    run_suite(pair_suite(pairs, f"net=prenet:{checkpoints['one']}"), tmp_path, place=inline)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    with pytest.raises(BadConfig, match="result of net.*other weights.*give it a label"):
        run_suite(pair_suite(pairs, f"net=prenet:{checkpoints['two']}"), tmp_path, place=inline)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before


def test_two_models_that_reports_could_not_tell_apart_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("mmdet")
    models = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for name in ("mine.py", "mine.pth"):
            (tmp_path / folder / name).touch()
        config, checkpoint = (str(tmp_path / folder / name) for name in ("mine.py", "mine.pth"))
        models.append({"task": "detection", "name": config, "checkpoint": checkpoint})
    with pytest.raises(BadConfig, match="two detection models are called mine"):
        outline(make_suite({"models": models}, "suite"))


def test_a_severity_that_was_not_run_is_absent_and_not_zero(tmp_path: Path, inline: Any) -> None:
    """Averaging unrun severities in as zeros turned an mPC of .24 into .096."""
    light = suite_of(
        {"derainer": "median", "task": "restoration", "rain": "streaks:light", "limit": 2, "seed": 3}
    )
    run_suite(light, tmp_path, place=inline)
    both = override_suite(light, {"rain": "streaks:light,streaks:heavy"})
    result = run_suite(both, tmp_path, place=inline, strategy="only-cache")
    heavy = {r.derainer.label: r for r in result.records if r.rain.name == "streaks:heavy"}
    assert {label: r.status for label, r in heavy.items()} == {
        "clean": "ok",
        "none": "failed",
        "median": "failed",
    }
    assert heavy["median"].scores == ()
    assert heavy["median"].coverage == 0
    assert "no evidence" in (heavy["median"].reason or "")
    rows = [r for r in result.rows() if r["derainer"] == "median" and "heavy" in r["variant"]]
    assert {(row["value"], row["status"]) for row in rows} == {(None, "failed")}
    assert all(r.status == "ok" for r in result.records if r.rain.name == "streaks:light")


def test_neither_batch_nor_worker_count_nor_shards_change_a_number(
    pairs: Path, checkpoints: dict[str, Path], tmp_path: Path, inline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AP that moves with samples_per_gpu cannot be compared with anybody's."""
    suite = pair_suite(pairs, f"median,net=prenet:{checkpoints['one']}")

    def numbers(out: Path, **how: Any) -> dict[str, Any]:
        records = run_suite(suite, out, **how).records
        return {r.filename(): r.model_dump(exclude={"run"}) for r in records}

    once = numbers(tmp_path / "inline", place=inline)
    assert numbers(tmp_path / "three", workers=3) == once
    monkeypatch.setattr("bench.engine.plan.shard_size", lambda left: 1)
    monkeypatch.setattr("bench.engine.worker._CHUNK_PIXELS", 1)
    assert numbers(tmp_path / "single", place=inline) == once


def test_a_batch_gives_what_its_images_give_alone(pairs: Path, checkpoints: dict[str, Path]) -> None:
    from derainers import load_derainer

    net = load_derainer(f"prenet:{checkpoints['one']}", device="cpu")
    images = [read_image(path) for path in sorted((pairs / "rain").iterdir())]
    images.append(images[0][:30, :37])
    for batch, image in zip(net.restore(images), images, strict=True):
        np.testing.assert_array_equal(batch, net(image))


@pytest.mark.parametrize("stray", ["002(1).png", "002 - Copy.png"])
def test_a_stray_copy_is_reported(tmp_path: Path, write_pairs: Callable[..., Path], stray: str) -> None:
    """Test2800 went round with a 926_10(1).jpg, and means were taken over it."""
    folder = write_pairs(tmp_path / "pairs")
    shutil.copy(folder / "rain" / "002.png", folder / "rain" / stray)
    with pytest.raises(BadData, match=stray.replace("(", r"\(").replace(")", r"\)")):
        outline(pair_suite(folder, "median"))


def test_order_on_the_command_line_changes_no_key(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    """A cache keyed by the order of solvers recomputed everything when they were named in another."""
    derainers = ("median", "guided", f"net=prenet:{checkpoints['one']}")
    rains = ("streaks:light", "rainfall:50", "none")
    keys = []
    for names, rain in zip(itertools.permutations(derainers), itertools.permutations(rains), strict=True):
        suite = suite_of({"derainer": names, "rain": rain, "task": "restoration", "limit": 2})
        found = outline(suite)
        plan = make_plan(found, load_components(found.networks, Settings()), Store(tmp_path))
        keys.append({(cell.variant.name, cell.label, cell.task): cell.key for cell in plan.cells})
    assert all(other == keys[0] for other in keys)


def test_a_failing_scene_makes_a_partial_cell_with_its_coverage(
    pairs: Path, tmp_path: Path, inline: Any
) -> None:
    """A mean over the scenes that happened to work, shown as if it were over all, got a model the wrong rank."""
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "def picky(image):\n"
        "    if image[0, 0, 0] == 2:\n"
        "        raise RuntimeError('not this one')\n"
        "    return image\n"
    )
    result = run_suite(pair_suite(pairs, f"{plugin}:picky,median"), tmp_path / "out", place=inline)
    records = by_label(result.records)
    assert records["picky"].status == "partial"
    assert records["picky"].coverage == pytest.approx(5 / 6)
    assert records["picky"].images == 5
    assert "1 of 6 scenes failed; scene 002: derainer 'picky'" in (records["picky"].reason or "")
    assert "not this one" in (records["picky"].reason or "")
    assert {records[label].status for label in ("clean", "none", "median")} == {"ok"}
    assert len(result.problems) == 1


PLUG_INS = """
from derainers import Card

def ending(image):
    raise SystemExit(0)

class Described:
    def __init__(self):
        name = type(self).__name__
        self.card, self.key = Card(name), {"name": name}

    def __call__(self, image):
        return self.restore([image])[0]

class Painting(Described):
    def restore(self, images):
        for image in images:
            image[:] = 0
        return images

class Naming(Described):
    def restore(self, images):
        return ["image.png" for image in images]

class Fewer(Described):
    def restore(self, images):
        return images[:-1]

class Floats(Described):
    def restore(self, images):
        return [image / 255 for image in images]
"""


def test_a_derainer_that_breaks_its_promises_changes_no_other_number(
    pairs: Path, tmp_path: Path, inline: Any
) -> None:
    """One that paints over its input made the rows after it those of a black image; one that ends its program left
    nothing behind, with exit code 0."""
    plugin = tmp_path / "mine.py"
    plugin.write_text(PLUG_INS)
    wrong = {
        "ending": "derainer 'ending' raised SystemExit: 0",
        "Painting": "derainer Painting: ValueError: assignment destination is read-only",
        "Naming": "derainer 'Naming' returned a str: it must return a uint8 image like its input",
        "Fewer": "derainer 'Fewer' returned 0 images for 1",
        "Floats": "derainer 'Floats' returned float64 values: it must return uint8 from 0 to 255, "
        "as np.rint(255 * image).clip(0, 255).astype(np.uint8)",
    }
    names = ",".join(f"{plugin}:{name}" for name in wrong)
    records = by_label(run_suite(pair_suite(pairs, f"{names},median"), tmp_path / "o", place=inline).records)
    alone = by_label(run_suite(pair_suite(pairs, "median"), tmp_path / "alone", place=inline).records)
    for label, record in alone.items():
        assert records[label].scores == record.scores
    for label, words in wrong.items():
        assert records[label].status == "failed"
        assert records[label].reason == f"6 of 6 scenes failed; scene 000: {words}"


def test_data_sets_that_share_scene_ids_do_not_hide_each_other(
    pairs: Path, tmp_path: Path, write_pairs: Callable[..., Path], inline: Any
) -> None:
    """Rain100H and Rain100L both call their images norain-1 to norain-100."""
    other = write_pairs(tmp_path / "others", kind="others")
    suite = make_suite(
        {
            "variants": [{"data": f"pairs:{pairs}"}, {"data": f"pairs:{other}"}],
            "derainers": ["median"],
            "tasks": ["restoration"],
        },
        "suite",
    )
    together = run_suite(suite, tmp_path / "both", place=inline).records
    assert {record.status for record in together} == {"ok"}
    alone = run_suite(pair_suite(other, "median"), tmp_path / "alone", place=inline).records
    apart = [record for record in together if record.data.name == alone[0].data.name]
    assert [value(record) for record in apart] == [value(record) for record in alone]


def test_the_clean_row_is_evaluated_once_for_all_rains(tmp_path: Path) -> None:
    suite = suite_of({"rain": "streaks:light,streaks:heavy,none", "task": "restoration", "limit": 4})
    found = outline(suite)
    plan = make_plan(found, load_components(found.networks, Settings()), Store(tmp_path))
    # clean once, the rainy image once for each of the two rains; the row `none` of the dry day is the clean one
    assert plan.images == 3 * 4
    assert sum(len(cell.missing) for cell in plan.cells) == 6 * 4


def test_a_rain_that_is_not_added_is_said(pairs: Path, tmp_path: Path, inline: Any) -> None:
    class Listening(Watcher):
        def __init__(self) -> None:
            self.notes: list[str] = []

        def note(self, text: str) -> None:
            self.notes.append(text)

    for choices, notes in (
        ({}, []),
        ({"rain": "streaks:heavy"}, ["pairs/pairs: has its own rain, streaks:heavy is not added"]),
    ):
        watcher = Listening()
        suite = pair_suite(pairs, "median", **choices)
        run_suite(suite, tmp_path, place=inline, watcher=watcher)
        assert [note for note in watcher.notes if "own rain" in note] == notes


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int | str | None:
    from bench.cli import main

    monkeypatch.setattr(sys, "argv", ["bench", "run", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        main()
    return caught.value.code


def test_gaps_and_wrong_weights_are_one_line_before_anything_is_written(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Hours of work ended in a traceback, for a file that could have been missed at the start."""
    restored = tmp_path / "restored"
    restored.mkdir()
    for index in (0, 1, 2, 3, 5):
        write_image(restored / f"{index:03}.png", np.zeros((36, 48, 3), np.uint8))
    import torch

    torch.save({"layer.weight": torch.zeros(3)}, tmp_path / "other.pth")
    task = ("--task", "restoration", "--data", f"pairs:{pairs}", "--out", tmp_path / "out", "--workers", 1)
    for derainer, words in (
        (f"folder:{restored}", "lacks 1 of 6 scenes (004)"),
        (f"prenet:{tmp_path / 'none.pth'}", "no weights file"),
        (f"prenet:{tmp_path / 'other.pth'}", "other.pth"),  # found out in a worker
    ):
        assert command(monkeypatch, "--derainer", derainer, *task) == 2
        said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("bench: ")]
        assert len(said) == 1
        assert words in said[0]
        assert not (tmp_path / "out").exists()
