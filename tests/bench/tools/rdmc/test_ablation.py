from __future__ import annotations

import json
import runpy
import shutil
import sys
from pathlib import Path

import pytest

from bench.tools.rdmc.ablation import changed, interval, last_scores, read_scores, shipped, table


def test_a_variant_changes_one_section_and_keeps_the_rest() -> None:
    base = {"options": {"width": 4, "recursions": 3}, "loss": {"contrastive": 0.1}}
    one = changed(base, {"options": {"recursions": 1}}, 2)
    assert one == {"options": {"width": 4, "recursions": 1}, "loss": {"contrastive": 0.1}, "seed": 2}
    assert base["options"]["recursions"] == 3


def test_a_variant_may_be_another_network_for_other_steps() -> None:
    base = {"network": "rdmc", "options": {"width": 4}, "stages": [{"until": 9}]}
    one = changed(base, {"network": "prenet", "stages": [{"until": 3}]}, 0)
    assert one == {"network": "prenet", "stages": [{"until": 3}], "seed": 0}
    assert changed(base, {"network": "prenet", "options": {"stages": 2}}, 0)["options"] == {"stages": 2}


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_variant_is_a_valid_configuration(name: str) -> None:
    import yaml

    from bench.train.config import TrainConfig
    from bench.train.runner import build_network

    content = yaml.safe_load(shipped()[name].read_text())
    for change in ({}, *content["variants"].values()):
        config = TrainConfig.model_validate(changed(content["base"], change, 0))
        build_network(config.network, config.options)


def test_a_killed_ablation_goes_on_and_leaves_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import numpy as np
    import yaml

    from bench.images import write_image
    from bench.tools.rdmc import ablation

    (tmp_path / "photos").mkdir()
    write_image(tmp_path / "photos" / "a.png", np.full((40, 40, 3), 90, np.uint8))
    images = str(tmp_path / "photos")
    base = {
        "options": {"width": 2, "recursions": 1, "norm": "none"},
        "data": {"clean": [{"images": images}]},
        "stages": [{"until": 1, "patch": 16, "batch": 1}],
        "loss": {"contrastive": 0},
        "validation": {"images": [images], "rain": ["streaks:light"], "every": 1, "side": 32},
        "threads": 1,
    }
    variants = {"no recruitment": {"options": {"recruitment": "none"}}}
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump({"base": base, "variants": variants}))
    arguments = ["ablation", str(path), "--out", str(tmp_path / "out"), "--seeds", "1"]
    monkeypatch.setattr("sys.argv", arguments)
    ablation.main()
    said = capsys.readouterr().out
    assert "== no recruitment, seed 0" in said
    assert (tmp_path / "out" / "no_recruitment_0" / "weights.safetensors").is_file()
    ablation.main()
    again = capsys.readouterr().out
    assert "==" not in again
    assert again.strip() == said[said.index("| variant") :].strip()

    from bench import run

    entries = again.strip().splitlines()[-1].removeprefix("--derainer ").split(",")
    found = run(entries, "restoration", limit=1, out=tmp_path / "run", workers=1)
    scores = {r.derainer.label: r.score("psnr_y") for r in found.records}
    plain, other = (scores[f"{name}_0"] for name in ("base", "no_recruitment"))
    assert plain is not None
    assert other is not None
    kept = ["--scores", str(tmp_path / "scores.json")]
    monkeypatch.setattr("sys.argv", [*arguments, *kept, "--table", "--run", str(tmp_path / "run")])
    ablation.main()
    told = capsys.readouterr().out
    rows = told.splitlines()
    assert sum(row.startswith("| variant | seeds | PSNR") for row in rows) == 1
    assert f"| base | 1 | {plain.value:.2f} ± — |" in rows
    assert f"| no recruitment | 1 | {(other.value or 0) - (plain.value or 0):+.2f} ± — |" in rows

    shutil.rmtree(tmp_path / "out")  # on another machine the trainings are known by their scores alone
    monkeypatch.setattr("sys.argv", [*arguments, *kept])
    ablation.main()
    assert told.startswith(capsys.readouterr().out)


def test_the_interval_is_students() -> None:
    mean, half = interval([1.0, 2.0, 3.0])
    assert mean == pytest.approx(2)
    assert half == pytest.approx(4.303 * (1 / 3) ** 0.5)
    assert interval([1.5]) == (1.5, None)


def test_the_table_pairs_seeds_and_shows_gaps() -> None:
    results = {
        "base": {0: {"a": 20.0}, 1: {"a": 22.0}},
        "other": {0: {"a": 19.0}, 1: {"a": 21.0}, 2: {"a": 99.0}},
        "once": {1: {"a": 22.5}},
    }
    lines = table(results).splitlines()
    assert lines[2] == "| base | 2 | 21.00 ± 12.71 |"
    assert lines[3] == "| other | 2 | -1.00 ± 0.00 |"
    assert lines[4] == "| once | 1 | +0.50 ± — |"


def test_the_document_holds_the_tables_of_the_scores_that_are_kept() -> None:
    document = (Path(__file__).parents[4] / "docs" / "training.md").read_text(encoding="utf-8")
    for results in read_scores(shipped()["ideas"].with_suffix(".json")):
        assert table(results) in document, "print them anew: ablation ideas --table --scores ideas.json"


def test_scores_come_from_the_last_validation(tmp_path: Path) -> None:
    rows = [
        {"step": 1, "validation": {"a": {"psnr_y": 1.0}}},
        {"step": 2, "validation": {"a": {"psnr_y": 2.0}}},
        {"step": 3},
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert last_scores(tmp_path) == {"a": 2.0}


@pytest.mark.parametrize(
    "text", ["", "[]", '{"held_out": {}}', '{"held_out": {"base": {"one": {}}}, "run": {}}']
)
def test_a_mistake_is_one_line(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As from a shell, where scores are a file of something else."""
    scores = tmp_path / "scores.json"
    scores.write_text(text)
    monkeypatch.setattr("sys.argv", ["ablation", "short", "--out", str(tmp_path), "--scores", str(scores)])
    monkeypatch.delitem(sys.modules, "bench.tools.rdmc.ablation")
    with pytest.raises(SystemExit) as stopped:
        runpy.run_module("bench.tools.rdmc.ablation", run_name="__main__")
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith(f"bench: {scores} holds no scores of an ablation")
    assert scores.read_text() == text
