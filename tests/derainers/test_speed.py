"""What is done for speed changes nothing: folded norms, the fused LSTM step."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")


def test_folding_norms_keeps_the_output():
    from derainers.harness.fold import fold_norms
    from derainers.nets.rdmc.network import RDMC

    torch.manual_seed(0)
    plain = RDMC(width=2, recursions=2, norm="bn")
    with torch.no_grad():
        for part in plain.modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                part.running_mean.normal_(0, 0.1)
                part.running_var.uniform_(0.5, 2)
                part.weight.uniform_(0.5, 1.5)
                part.bias.normal_(0, 0.1)
    plain.eval()
    folded = copy.deepcopy(plain)
    fold_norms(folded)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in folded.modules())
    x = torch.rand(1, 3, 32, 48)
    with torch.inference_mode():
        torch.testing.assert_close(folded(x), plain(x), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("steps", [1, 3])
def test_the_lstm_step_is_four_gates(steps):
    from derainers.nets.blocks.recurrent import WIDTH, gate, lstm_step

    torch.manual_seed(0)
    gates = (gate(5), gate(5), gate(5, torch.nn.Tanh), gate(5))
    hidden, cell, expected = None, None, None
    seen = [torch.rand(2, 5, 7, 9) for _ in range(steps)]
    with torch.inference_mode():
        for x in seen:
            hidden, cell = lstm_step(gates, x, cell)
            i, f, g, o = (part(x) for part in gates)
            expected = i * g if expected is None else f * expected + i * g
        torch.testing.assert_close(hidden, o * torch.tanh(expected))
    assert hidden.shape == (2, WIDTH, 7, 9)


def test_gradients_are_those_of_the_plain_form():
    from derainers.nets.prenet import PReNet

    torch.manual_seed(0)
    network = PReNet(stages=2)
    x = torch.rand(1, 3, 8, 8)
    output = network(x)
    with torch.inference_mode():
        torch.testing.assert_close(network(x), output.detach())
    output.sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_norms_after_convolutions_in_a_row_are_folded_and_others_are_not():
    from derainers.harness.fold import fold_norms
    from derainers.nets.umrl import ImageNorm

    torch.manual_seed(0)
    plain = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.BatchNorm2d(4)
    )
    plain.extend([torch.nn.Conv2d(4, 4, 1), ImageNorm(4)])
    plain(torch.rand(4, 3, 16, 16))  # its statistics
    plain.eval()
    folded = copy.deepcopy(plain)
    fold_norms(folded)
    assert [type(part).__name__ for part in folded] == [
        "Conv2d",
        "Identity",
        "ReLU",
        "BatchNorm2d",
        "Conv2d",
        "ImageNorm",
    ]
    x = torch.rand(1, 3, 16, 16)
    with torch.inference_mode():
        torch.testing.assert_close(folded(x), plain(x), atol=1e-5, rtol=1e-4)
