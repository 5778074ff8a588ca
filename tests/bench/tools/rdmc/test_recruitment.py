from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from bench.seeds import rng_from
from bench.tools.rdmc.recruitment import figure_of, mean_gates, table, without, worth
from bench.train.validate import ValidationSet
from derainers.nets.rdmc.network import LINKS, RDMC


@pytest.fixture(params=["static", "dynamic"])
def network(request: pytest.FixtureRequest) -> RDMC:
    torch.manual_seed(0)
    network = RDMC(width=2, recursions=2, norm="none", gates=request.param).eval()
    with torch.no_grad():
        for gate in network.gates.parameters():
            gate.normal_(0.3, 0.1)
        network.gates.up1.zero_() if request.param == "static" else None
    return network


@pytest.fixture
def scenes() -> ValidationSet:
    images = [rng_from("recruitment", k).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8) for k in range(4)]
    pairs = [(rainy, clean) for rainy, clean in images]
    return ValidationSet({"one": pairs[:2], "two": pairs[2:]})


def test_links_are_switched_off_and_on_again(network: RDMC) -> None:
    x = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        whole = network(x)
        with without(network, LINKS):
            bare = network(x)
        network.recruiting = False
        torch.testing.assert_close(network(x), bare)
        network.recruiting = True
        torch.testing.assert_close(network(x), whole)
        assert not torch.equal(whole, bare)


def test_the_worth_of_links_is_a_difference_of_psnr(network: RDMC, scenes: ValidationSet) -> None:
    found = worth(network, scenes)
    assert list(found) == ["all links", "no links", *(f"without {name}" for name in LINKS)]
    if "up1" in dict(network.gates.named_parameters()):
        assert found["without up1"] == found["all links"]  # its gate is 0
    assert found["no links"] != found["all links"]
    lines = table(found).splitlines()
    assert lines[0] == "| links | one | two |"
    assert len(lines) == 2 + len(found)
    difference = found["no links"]["one"] - found["all links"]["one"]
    assert f"| no links | {difference:+.2f} |" in lines[3]


def test_gates_are_shown_by_rain_and_recursion(network: RDMC, scenes: ValidationSet) -> None:
    gates = mean_gates(network, scenes)
    assert {rain: values.shape for rain, values in gates.items()} == {"one": (2, 8), "two": (2, 8)}
    if "up1" in dict(network.gates.named_parameters()):
        assert gates["one"][:, LINKS.index("up1")].tolist() == [0, 0]
        assert gates["one"] == pytest.approx(gates["two"])
    else:
        assert ((gates["one"] > 0) & (gates["one"] < 1)).all()
        assert (gates["one"][0] != gates["one"][1]).any()
    figure = figure_of(gates, LINKS)
    assert [axis.get_title() for axis in figure.axes] == ["one", "two"]
    assert len(figure.axes[0].texts) == 16
