from __future__ import annotations

import json
from pathlib import Path

import pytest

from derainers.nets.rdmc.ablation import VARIANTS, changed, interval, last_scores, table


def test_a_variant_changes_one_section_and_keeps_the_rest() -> None:
    base = {"options": {"width": 4, "recursions": 3}, "loss": {"contrastive": 0.1}}
    one = changed(base, VARIANTS["1 recursion"], 2)
    assert one == {"options": {"width": 4, "recursions": 1}, "loss": {"contrastive": 0.1}, "seed": 2}
    assert base["options"]["recursions"] == 3


def test_every_variant_is_a_valid_configuration() -> None:
    import yaml

    from bench.train.config import TrainConfig
    from bench.train.runner import build_network

    base = yaml.safe_load(
        (Path(__file__).parents[4] / "derainers/nets/rdmc/configs/ablation.yaml").read_text()
    )
    for change in VARIANTS.values():
        config = TrainConfig.model_validate(changed(base, change, 0))
        build_network(config.network, config.options)


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


def test_scores_come_from_the_last_validation(tmp_path: Path) -> None:
    rows = [
        {"step": 1, "validation": {"a": {"psnr_y": 1.0}}},
        {"step": 2, "validation": {"a": {"psnr_y": 2.0}}},
        {"step": 3},
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert last_scores(tmp_path) == {"a": 2.0}
