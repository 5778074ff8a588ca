from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from derainers.harness.network import NetworkDerainer
from derainers.nets.rdmc.inference import ConvolvedDouble, LightDecoder, lightened
from derainers.nets.rdmc.network import RDMC
from derainers.nets.rdmc.upsampling import upsample


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 3), st.integers(1, 90), st.integers(1, 90), st.sampled_from([0.0, 0.3, 1.0]))
def test_convolving_first_changes_nothing(count: int, height: int, width: int, bilinear: float) -> None:
    torch.manual_seed(0)
    x, weight = torch.rand(count, 5, height, width), torch.randn(4, 5, 3, 3)
    mix = (bilinear, 1 - bilinear)
    expected = F.conv2d(upsample(x, torch.tensor(mix)), weight, padding=1)
    torch.testing.assert_close(ConvolvedDouble(weight, torch.float32)(x, mix), expected, atol=1e-4, rtol=0)


def lively(**options: object) -> RDMC:
    """An untrained network whose links and mix matter."""
    torch.manual_seed(0)
    network = RDMC(width=8, recursions=2, **options).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        for gate in network.gates.parameters():
            gate.normal_() if gate.ndim else gate.fill_(0.3)
        network.upsample_mix.copy_(torch.tensor([0.5, -0.5]))
        network.last.weight.mul_(30)
    return network


def test_narrow_convolutions_stay() -> None:
    decoders = lightened(RDMC(width=8).eval(), torch.float32).decoders
    assert [isinstance(decoder, LightDecoder) for decoder in decoders] == [True, True, False, False]


@pytest.mark.parametrize(
    "options",
    [
        {"norm": "none"},
        {"norm": "bn"},
        {"norm": "none", "recruitment": "none"},
        {"norm": "none", "gates": "dynamic"},
    ],
)
def test_the_lightened_network_restores_the_same(options: dict[str, str]) -> None:
    network = lively(**options)
    x = torch.rand(2, 3, 48, 80)
    with torch.inference_mode():
        expected = network(x)
        assert (expected - x).abs().mean() > 1e-3
        torch.testing.assert_close(lightened(network, torch.float32)(x), expected, atol=1e-5, rtol=1e-5)


def test_the_network_itself_stays_as_it_was() -> None:
    network = lively(norm="none")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    lightened(network, torch.bfloat16)
    assert all(p.dtype == torch.float32 and p.requires_grad for p in network.parameters())
    lightened(network, torch.float32)
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("gates", ["static", "dynamic"])
def test_bfloat16_under_autocast(gates: str) -> None:
    network = lively(norm="none", gates=gates)
    x = torch.rand(1, 3, 32, 48)
    with torch.inference_mode():
        expected = network(x)
        with torch.autocast("cpu", torch.bfloat16):
            assert (lightened(network, torch.bfloat16)(x) - expected).abs().mean() < 0.02 * expected.std()


def test_in_bfloat16_the_first_levels_keep_their_weights() -> None:
    network = lively(norm="none")
    light = lightened(network, torch.bfloat16)
    kept = {name for name, tensor in light.encoders.state_dict().items() if tensor.dtype == torch.float32}
    assert kept == {name for name in light.encoders.state_dict() if ".levels.0." in name}
    for ours, theirs in zip(light.encoders, network.encoders, strict=True):
        torch.testing.assert_close(ours.levels[0].part.conv1.weight, theirs.levels[0].conv1.weight)
    with torch.autocast("cpu", torch.bfloat16):
        x = torch.rand(1, 6, 16, 16)
        expected = network.encoders[0].levels[0].float()
        found = light.encoders[0].levels[0](x)
    torch.testing.assert_close(found, expected(x).to(torch.bfloat16))


def test_the_harness_takes_the_lightened_network() -> None:
    from derainers.base import Card, Runtime

    network = lively(norm="none")
    asked: list[torch.dtype] = []

    def light(module: RDMC, dtype: torch.dtype) -> RDMC:
        asked.append(dtype)
        return lightened(module, dtype)

    for precision in ("fp32", "bf16"):
        derainer = NetworkDerainer(
            network, Card("x", multiple=16), {}, Runtime("cpu", precision), lighten=light
        )
        assert derainer.module is network
    assert asked == [torch.float32, torch.bfloat16]
