"""Networks against their authors' own output on stored inputs, their full sizes, and the forms of released files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from bench.weights import load_state, match_state
from derainers import registry
from derainers.harness.load import _attribute, count_parameters
from derainers.harness.network import to_channels_last

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("one_thread")


@dataclass(frozen=True)
class Golden:
    """What there is to know of a network's file beside what it says itself.

    Attributes:
        settled: Arguments of the authors' constructor that ours lacks, with the only values that deraining has.
        ours: Arguments of ours that the authors' lacks.
        channels: The order of the network's channels; the file holds what the network itself sees and gives.
        double: Whether it is compared in float64 (see the network's docstring).
    """

    settled: Mapping[str, Any] = field(default_factory=dict)
    ours: Mapping[str, Any] = field(default_factory=dict)
    channels: str = "RGB"
    double: bool = False


_IMAGES = {"inp_channels": 3, "out_channels": 3}
_UFORMER = {"in_chans": 3, "dd_in": 3, "token_projection": "linear", "shift_flag": True}
GOLDEN = {
    "ast": Golden({**_UFORMER, "token_mlp": "frfn"}),
    "ddn": Golden({"n_channels": 3, "use_bnorm": True, "kernel_size": 3, "padding": 1}),
    "drsformer": Golden(),
    "efficientderain": Golden(
        {
            "color": True,
            "burst_length": 1,
            "blind_est": True,
            "sep_conv": False,
            "channel_att": False,
            "spatial_att": False,
            "upMode": "bilinear",
            "core_bias": False,
        }
    ),
    "fadformer": Golden(
        {"in_chans": 3, "out_chans": 3, "patch_size": 1, "local_size": [4] * 5, "embed_kernel_size": 3}
    ),
    "fsnet": Golden(),
    "hinet": Golden(),
    "histoformer": Golden(
        {**_IMAGES, "LayerNorm_type": "WithBias", "dual_pixel_task": False},
        double=True,
    ),
    # Depths shape only what training drops; the numbers of blocks are literals.
    "idt": Golden({"in_chans": 3, "depths": [3, 3, 2, 2, 1, 1, 2, 2, 3], "qkv_bias": True}),
    # The number of blocks is an argument that nothing uses; they are literals.
    "mfdnet": Golden({"in_c": 3, "out_c": 3, "kernel_size": 3, "num_tb": 4}),
    "mprnet": Golden(),
    "nafnet": Golden(),
    "nafnet_local": Golden({"fast_imp": False}),
    "nerd_rain": Golden({**_IMAGES, "inr_L": 4}),
    # Widths that follow from the others.
    "promptir": Golden({**_IMAGES, "decoder": True, "lin_dims": [8, 16, 32]}),
    # The file was made with images from 0 to 1.
    "rcdnet": Golden(ours={"peak": 1.0}),
    "rescan": Golden({"unit": "GRU", "frame": "Full"}, channels="BGR"),
    "restormer": Golden(),
    "sfnet": Golden(),
    "uformer": Golden({**_UFORMER, "token_mlp": "leff"}),
    "xrestormer": Golden({**_IMAGES, "dual_pixel_task": False, "scale": 1}),
}


def build(name, metadata):
    """The small network that the file holds the weights of."""
    config = json.loads(metadata["config"])
    settled = GOLDEN[name].settled
    assert {key: config.pop(key) for key in settled} == settled
    return _attribute(registry.get(name).build)(**config, **GOLDEN[name].ours).eval()


@pytest.mark.parametrize("name", GOLDEN)
def test_output_is_the_authors(name, golden):
    import safetensors

    facts = GOLDEN[name]
    with safetensors.safe_open(golden(name), "pt") as file:
        metadata = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    module = build(name, metadata)
    match_state(
        module, {key[8:]: value for key, value in tensors.items() if key.startswith("weights.")}, name
    )
    assert count_parameters(module) == int(metadata["params"])
    rainy, expected = tensors["input"], tensors["output"]
    tolerance = max(1e-5, 10 * float(metadata.get("fp32_vs_fp64_max", 0)))
    if facts.double:
        module, rainy, expected, tolerance = module.double(), rainy.double(), tensors["output_fp64"], 1e-9
    if facts.channels == "BGR":
        rainy, expected = rainy.flip(1), expected.flip(1)
    with torch.inference_mode():
        output = module(rainy)
        assert (output - expected).abs().max() <= tolerance
        # What the harness runs: another memory format, and a batch.
        both = torch.cat([rainy, rainy.flip(-1)]).contiguous(memory_format=torch.channels_last)
        to_channels_last(module)
        assert (module(both)[:1] - expected).abs().max() <= tolerance


@pytest.mark.parametrize("name", GOLDEN)
def test_full_size_is_the_authors(name, golden):
    import safetensors

    with safetensors.safe_open(golden(name), "pt") as file:
        count = int(file.metadata()["full_params"])
    entry = registry.get(name)
    with torch.device("meta"):
        module = _attribute(entry.build)(**entry.config)
    assert count_parameters(module) == entry.card.params == count


@pytest.mark.parametrize("name", GOLDEN)
def test_gradients_reach_what_the_output_rests_on(name, golden):
    """Inference may take shortcuts that training cannot: both give the same output."""
    import safetensors

    with safetensors.safe_open(golden(name), "pt") as file:
        module = build(name, file.metadata())
        rainy = file.get_tensor("input")
    module = module.double()
    rainy = rainy.double()
    output = module(rainy)
    with torch.inference_mode():
        assert (module(rainy) - output).abs().max() <= 1e-9
    output.sum().backward()
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in module.parameters())


@pytest.mark.parametrize("container", [None, "params", "model", "state_dict"])
@pytest.mark.parametrize("prefix", ["", "module.", "net.", "module.net."])
def test_released_forms_load(container, prefix, tmp_path):
    """BasicSR's ``params``, SFNet's ``model``, many scripts' ``state_dict``; DataParallel's ``module.``, Lightning's
    ``net.``"""
    from derainers.nets.rescan import RESCAN

    written, read = (RESCAN(channel=4, stage_num=1, depth=4) for _ in range(2))
    state = {prefix + key: value for key, value in written.state_dict().items()}
    torch.save(state if container is None else {container: state, "epoch": 3}, tmp_path / "net.pth")
    match_state(read, load_state(tmp_path / "net.pth"), "rescan")
    for key, value in written.state_dict().items():
        assert (read.state_dict()[key] == value).all()


def test_the_small_form_of_nerd_rain_is_the_authors(golden):
    import safetensors

    with safetensors.safe_open(golden("nerd_rain"), "pt") as file:
        assert registry.get("nerd_rain_s").card.params == int(file.metadata()["full_params_S"])
