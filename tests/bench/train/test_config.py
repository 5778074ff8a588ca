from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import BadConfig
from bench.train.config import TrainConfig, load_config, shipped_config

GOOD = """
network: rdmc
data: {clean: [{images: photos}]}
stages: [{until: 100, patch: 32, batch: 2}, {until: 200, patch: 64, batch: 1, set: {recursions: 2}}]
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return path


def test_stages_follow_each_other(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))
    assert config.steps == 200
    assert [config.stage_at(step).patch for step in (0, 99, 100, 199, 500)] == [32, 32, 64, 64, 64]


def test_the_default_loss_is_the_papers() -> None:
    loss = TrainConfig.model_fields["loss"].default
    assert (loss.mse, loss.ssim, loss.l1, loss.contrastive) == (0.1, 1.0, 0.0, 0.1)


def test_changes_keep_the_rest_of_the_data_section(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("clean:", "zoom: 1.5, clean:"))
    config = load_config(path, {"data": {"clean": [{"images": "other"}]}, "seed": 7})
    assert (config.data.clean[0].images, config.data.zoom, config.seed) == ("other", 1.5, 7)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("optimizer: {}", r"unknown key optimizer: did you mean optimiser\?"),
        ("loss: {contrastiv: 1}", r"unknown key loss.contrastiv: did you mean contrastive\?"),
        ("loss: {ssim: -1}", "loss.ssim is -1: .*greater than or equal to 0"),
        ("average: 1.0", "average is 1.0: .*less than 1"),
        ("seed: many", "seed is 'many': must be a whole number"),
    ],
)
def test_a_bad_key_or_value_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(BadConfig, match=message):
        load_config(write(tmp_path, GOOD + line))


def test_unknown_keys_in_lists_are_named(tmp_path: Path) -> None:
    text = GOOD.replace("patch: 32", "pach: 32")
    with pytest.raises(BadConfig, match=r"unknown key stages.0.pach: did you mean patch\?"):
        load_config(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data: {}\nstages: [{until: 1}]", "neither clean images nor pairs"),
        ("data: {clean: [{images: a}]}", "stages is missing"),
        ("data: {clean: [{images: a}]}\nstages: [{until: 5}, {until: 5}]", "growing steps"),
        (
            "data: {clean: [{images: a}], rain: [{kind: streaks, low: 0, high: 3}]}\nstages: [{until: 5}]",
            "within",
        ),
        ("- a\n- b", "must be a mapping"),
        ("a: [", "not YAML"),
    ],
)
def test_a_bad_file_is_explained(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadConfig, match=message):
        load_config(write(tmp_path, text))


def test_a_missing_file_and_an_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="does not exist"):
        load_config(tmp_path / "none.yaml")
    with pytest.raises(BadConfig, match="rdmc"):
        shipped_config("rdcm")


def test_every_shipped_configuration_is_valid() -> None:
    folder = shipped_config("rdmc").parent
    paths = list(folder.glob("*.yaml"))
    assert shipped_config("rdmc") in paths
    assert all(load_config(path).steps > 0 for path in paths)
