from __future__ import annotations

from typing import Any

import pytest
import torch

pytest.importorskip("mmengine")

from bench.errors import BadConfig
from bench.train.data import Batches
from bench.train.estimate import Stretch, estimate, in_words
from bench.train.losses import RestorationLoss
from bench.train.model import Restorer
from bench.train.pools import read_pools
from bench.train.runner import build_network


def restorer(config: Any) -> Restorer:
    return Restorer(build_network(config.network, config.options), RestorationLoss(config.loss), config)


def stages(**settings: Any) -> list[dict[str, Any]]:
    return [
        {"until": 4, "patch": 16, "batch": 2, "set": {"recursions": 1}},
        {"until": 10, "patch": 32, "batch": 2, "set": settings},
    ]


def test_every_stage_that_is_left_is_measured(tiny: Any) -> None:
    config = tiny(stages=stages())
    batches = Batches(config, read_pools(config.data))
    assert [s.steps for s in estimate(config, restorer(config), batches, 0)] == [4, 6]
    assert [s.steps for s in estimate(config, restorer(config), batches, 7)] == [3]
    assert estimate(config, restorer(config), batches, 10) == []
    assert all(s.seconds > 0 for s in estimate(config, restorer(config), batches, 0))


def test_it_leaves_nothing_behind(tiny: Any) -> None:
    """Running statistics, random numbers, settings and gradients: a training is the same with and without it."""
    config = tiny(options={"width": 2, "recursions": 3, "norm": "bn"}, stages=stages(recruiting=False))
    model = restorer(config)
    before = {k: v.clone() for k, v in model.network.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    estimate(config, model, Batches(config, read_pools(config.data)), 0)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(v, before[k]) for k, v in model.network.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert (model.network.recursions, model.network.recruiting) == (3, True)


def test_a_step_that_fails_is_one_line(tiny: Any) -> None:
    config = tiny(stages=[{"until": 4, "patch": 24, "batch": 1}])
    with pytest.raises(BadConfig, match="network rdmc: a step on patches of 24 pixels raised") as error:
        estimate(config, restorer(config), Batches(config, read_pools(config.data)), 0)
    assert "\n" not in str(error.value)


def test_the_time_in_words() -> None:
    said = in_words([Stretch(3000, 0.5), Stretch(6000, 1.25)])
    assert said.startswith("about 2 h 30 min: 3,000 steps of 0.5 s, 6,000 steps of 1.2 s")
