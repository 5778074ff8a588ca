from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from derainers.nets.rdmc.network import LINKS, RDMC, active_links

#: The authors' names and ours. `{b}` is the branch, `{l}` an encoder level, `{i}` a decoder.
UNIT = {0: "conv1", 1: "norm1", 3: "conv2", 4: "norm2"}
NAMES = {
    **{f"inc{b + 1}.conv.0.op.{n}": f"encoders.{b}.levels.0.{o}" for b in range(3) for n, o in UNIT.items()},
    **{
        f"down{b + 1}_{level}.mpconv.1.op.{n}": f"encoders.{b}.levels.{level}.{o}"
        for b in range(3)
        for level in range(1, 5)
        for n, o in UNIT.items()
    },
    **{f"up{i + 1}.conv.conv.{n}": f"decoders.{i}.{o}" for i in range(4) for n, o in UNIT.items()},
    **{
        f"skip_up_{s}_{s - 1}.conv.conv.{n}": f"links.up{s}.unit.{o}"
        for s in range(1, 5)
        for n, o in UNIT.items()
    },
    "skip_down_0_1.op.0": "links.down0.conv",
    **{f"skip_down_{s}_{s + 1}.op.0.1": f"links.down{s}.conv" for s in range(1, 4)},
    **{f"skip_down_{s}_{s + 1}.op.1": f"links.down{s}.norm" for s in range(4)},
    "outc.conv": "last",
}


def from_released(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The authors' weights and gates under our names."""
    state = {"upsample_mix": tensors["gates.upsample"][0]}
    for s in range(4):
        # The authors count the gates from the deepest level.
        state[f"gates.up{4 - s}"] = tensors["gates.skipup"][s]
        state[f"gates.down{3 - s}"] = tensors["gates.skipdown"][s]
    for name, value in tensors.items():
        if name.startswith("weights."):
            layer, _, kind = name.removeprefix("weights.").rpartition(".")
            state[f"{NAMES[layer]}.{kind}"] = value
    return state


def test_full_size_has_as_many_parameters_as_the_released_network() -> None:
    with torch.device("meta"):
        network, bare = RDMC(), RDMC(recruitment="none")
    gates = sum(p.numel() for p in network.architecture_parameters())
    assert sum(p.numel() for p in network.parameters()) - gates == 19_809_990
    assert gates == 8 + 2
    links = sum(p.numel() for p in network.links.parameters())
    assert links == 3_926_259
    assert sum(p.numel() for p in bare.parameters()) == 15_883_731 + 2


def test_output_equals_the_authors(golden: Callable[[str], Path]) -> None:
    from safetensors.torch import load_file

    tensors = load_file(golden("rdmc"))
    network = RDMC(width=4).eval()
    network.load_state_dict(from_released(tensors), strict=True)
    with torch.no_grad():
        output = network(tensors["input"])
    assert (output - tensors["output"]).abs().max() < 1e-5


def seeded(**options: object) -> RDMC:
    """A network whose every value follows from its name's place, whatever torch's initialisation does."""
    network = RDMC(**{"width": 2, **options}).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        for k, value in enumerate(network.state_dict().values()):
            if value.is_floating_point():
                wave = torch.sin(torch.arange(value.numel(), dtype=torch.float64) * 0.37 + k)
                scale = 0.4 / max(1, value[0].numel() if value.ndim > 1 else 1) ** 0.5
                value.copy_((wave * scale).view_as(value).float())
        for name, value in network.state_dict().items():
            if name.endswith("running_var") or (".norm" in name and name.endswith("weight")):
                value.copy_(value.abs() + 0.5)
    return network


def image(height: int = 32, width: int = 48) -> torch.Tensor:
    wave = torch.arange(3 * height * width, dtype=torch.float32)
    return (0.5 + 0.5 * torch.sin(wave * 0.11)).view(1, 3, height, width)


def test_output_is_what_it_was_when_it_equalled_the_authors() -> None:
    with torch.no_grad():
        output = seeded()(image())
    picked = output[0, :, ::11, ::17].flatten()
    expected = torch.tensor(EXPECTED)
    torch.testing.assert_close(picked, expected, atol=2e-5, rtol=0)


#: Printed by this file's `seeded()` network.
EXPECTED = [
    1.34586,
    1.81609,
    1.07414,
    1.84241,
    1.23617,
    0.94757,
    1.38438,
    0.88346,
    1.61854,
    0.98283,
    1.75489,
    1.34431,
    1.66014,
    1.49214,
    0.78988,
    1.63384,
    0.83938,
    1.20391,
    0.31948,
    1.06385,
    1.16476,
    0.90587,
    1.27697,
    0.47835,
    1.32227,
    0.61894,
    0.4473,
]


@pytest.mark.parametrize("norm", ["bn", "none"])
@pytest.mark.parametrize("recruitment", ["all", "none", ("down1", "up3")])
def test_shape_is_kept_and_every_parameter_gets_a_gradient(norm: str, recruitment: object) -> None:
    network = RDMC(width=2, recursions=2, recruitment=recruitment, norm=norm)  # type: ignore[arg-type]
    x = torch.rand(2, 3, 32, 48)
    y = network(x)
    assert y.shape == x.shape
    (y - 0.5).square().mean().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_gates_and_mix_are_saved_and_change_the_output() -> None:
    network = seeded()
    state = network.state_dict()
    assert {f"gates.{n}" for n in LINKS} | {"upsample_mix"} <= state.keys()
    with torch.no_grad():
        before = network(image())
        for parameter in network.architecture_parameters():
            parameter += 0.5
            assert not torch.equal(network(image()), before)
            parameter -= 0.5


def test_a_pruned_network_gives_the_same_output_with_fewer_parameters() -> None:
    network = seeded()
    with torch.no_grad():
        for name in ("down2", "up4"):
            network.gates[name].zero_()
        small = network.pruned()
        assert small.active == ("down0", "down1", "down3", "up1", "up2", "up3")
        torch.testing.assert_close(small(image()), network(image()))
        assert network.pruned(below=10.0).active == ()
    assert sum(p.numel() for p in small.parameters()) < sum(p.numel() for p in network.parameters())


def test_links_switched_off_are_pruned() -> None:
    network = seeded()
    network.recruiting = False
    network.recursions = 1
    with torch.no_grad():
        torch.testing.assert_close(network.pruned()(image()), network(image()))
    assert network.pruned().options["recruitment"] == []
    assert network.pruned().options["recursions"] == 1


def test_untrained_network_without_normalisation_is_near_the_identity() -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert (RDMC(width=8, norm="none")(x) - x).abs().mean() < 0.1


def test_the_second_recursion_sees_the_first_estimate() -> None:
    network = seeded(recursions=1)
    with torch.no_grad():
        once = network(image())
        twice = image() + network._residual(
            torch.cat((image(), once), 1), torch.softmax(network.upsample_mix, 0)
        )
        network.recursions = 2
        torch.testing.assert_close(network(image()), twice)


def test_unknown_link_and_normalisation_are_named() -> None:
    with pytest.raises(ValueError, match=r"'down9'.*down0"):
        active_links(["down9"])
    with pytest.raises(ValueError, match="'batch'"):
        RDMC(width=2, norm="batch")  # type: ignore[arg-type]


@pytest.mark.parametrize("recruitment", ["all", ("down0", "up1")])
def test_dynamic_gates_are_a_function_of_each_image(recruitment: object) -> None:
    torch.manual_seed(0)
    network = RDMC(width=2, recursions=1, recruitment=recruitment, norm="none", gates="dynamic")  # type: ignore[arg-type]
    deepest = torch.rand(2, 48, 3, 5)
    half_open = network.gates.of(deepest)
    assert tuple(half_open) == network.active
    assert all((gate == 0.5).all() for gate in half_open.values())
    y = network(torch.rand(2, 3, 32, 32))
    (y - 0.5).square().mean().backward()
    # The heads start at zero, so the layer before them learns from the second step on.
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.gates.heads.parameters())
    with torch.no_grad():
        for parameter in network.gates.heads.parameters():
            parameter.normal_()
    for name, gate in network.gates.of(deepest).items():
        assert gate.shape == (2, network.links[name].final.out_channels, 1, 1)
        assert ((gate > 0) & (gate < 1)).all()
        assert not torch.equal(gate[0], gate[1])


def test_dynamic_links_learn_as_fast_as_the_rest_where_static_ones_do_not() -> None:
    """What kept the links idle: a static gate scales the gradient of its link by a thousandth."""

    def gradient(gates: str) -> float:
        torch.manual_seed(0)
        network = RDMC(width=4, recursions=1, norm="none", gates=gates)  # type: ignore[arg-type]
        (network(image()) - 0.5).square().mean().backward()
        return float(network.links["up3"].final.weight.grad.abs().mean())

    assert gradient("dynamic") > 30 * gradient("static")


def test_an_untrained_network_with_dynamic_gates_is_near_the_identity() -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert (RDMC(width=8, norm="none", gates="dynamic")(x) - x).abs().mean() < 0.1


def test_dynamic_links_are_pruned_only_where_they_are_switched_off() -> None:
    torch.manual_seed(0)
    network = RDMC(width=2, norm="none", gates="dynamic")
    assert network.pruned(below=10.0).active == LINKS
    with torch.no_grad():
        torch.testing.assert_close(network.pruned()(image()), network(image()))
        network.recruiting = False
        bare = network.pruned()
        torch.testing.assert_close(bare(image()), network(image()))
    assert bare.active == ()
    assert not list(bare.gates.parameters())


def test_unknown_gates_are_named() -> None:
    with pytest.raises(ValueError, match="'open'"):
        RDMC(width=2, gates="open")  # type: ignore[arg-type]
