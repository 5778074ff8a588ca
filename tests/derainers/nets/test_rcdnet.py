from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")


def test_white_is_what_the_weights_know_as_white():
    from derainers.nets.rcdnet import RCDNet

    torch.manual_seed(0)
    outside, inside = (RCDNet(stage=3, num_M=4, num_Z=4, peak=peak).eval() for peak in (255.0, 1.0))
    inside.load_state_dict(outside.state_dict())
    x = torch.rand(1, 3, 12, 16)
    with torch.inference_mode():
        torch.testing.assert_close(outside(x), inside(255 * x) / 255)
        assert not torch.allclose(outside(x), inside(x), atol=1e-2)


def test_two_steps_have_no_second_dictionary():
    from derainers.nets.rcdnet import RCDNet

    with pytest.raises(ValueError, match="stage is 2; it must be 3 or more"):
        RCDNet(stage=2)


def test_kernels_start_as_shares_of_a_drop():
    from derainers.nets.rcdnet import RCDNet

    network = RCDNet(stage=3, num_M=4, num_Z=4)
    torch.testing.assert_close(network.weight0.sum((2, 3)), torch.ones(3, 4))
    assert torch.equal(network.conv[1], network.weight0)
