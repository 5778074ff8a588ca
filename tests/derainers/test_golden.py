"""Restormer, MPRNet, HINet and DRSformer against the authors' own output, and their full sizes."""

from __future__ import annotations

import json

import pytest

from bench.weights import match_state
from derainers import registry
from derainers.harness.load import _attribute, count_parameters

SIZES = {"restormer": 26_126_644, "mprnet": 3_637_249, "hinet": 88_669_702, "drsformer": 33_655_424}


def build(name, config):
    return _attribute(registry.get(name).build)(**config)


@pytest.mark.parametrize("name", SIZES)
def test_output_is_the_authors(name, golden):
    import safetensors
    import torch

    with safetensors.safe_open(golden(name), "pt") as file:
        module = build(name, json.loads(file.metadata()["config"])).eval()
        state = {key[8:]: file.get_tensor(key) for key in file.keys() if key.startswith("weights.")}  # noqa: SIM118
        match_state(module, state, name)
        assert count_parameters(module) == int(file.metadata()["params"])
        with torch.inference_mode():
            output = module(file.get_tensor("input"))
        assert (output - file.get_tensor("output")).abs().max() <= 1e-5


@pytest.mark.parametrize("name", SIZES)
def test_full_size(name):
    import torch

    with torch.device("meta"):
        module = build(name, registry.get(name).config)
    assert count_parameters(module) == SIZES[name] == registry.get(name).card.params
