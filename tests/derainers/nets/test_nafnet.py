from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")


def networks(train_size):
    """A global and a local network with the same weights, whose attention has something to say."""
    from derainers.nets.nafnet import NAFNet

    torch.manual_seed(0)
    shape = {"width": 4, "enc_blk_nums": (1, 1), "dec_blk_nums": (1, 1)}
    plain, local = NAFNet(**shape).eval(), NAFNet(**shape, train_size=train_size).eval()
    with torch.no_grad():
        for name, weight in plain.named_parameters():
            if name.endswith(("beta", "gamma")):
                weight.normal_()
    local.load_state_dict(plain.state_dict())
    return plain, local


@pytest.mark.parametrize("size", [(1, 1), (5, 8), (24, 24), (23, 40)])
def test_local_means_are_global_ones_where_the_window_covers_the_image(size):
    plain, local = networks((1, 3, 16, 16))
    x = torch.rand(1, 3, *size)
    with torch.inference_mode():
        assert plain(x).shape == x.shape
        same = torch.allclose(plain(x), local(x), atol=1e-6)
    assert same == (max(size) <= 24)


def test_a_window_of_the_image_in_one_direction_only():
    """Along the axis that the window covers there is one mean for all."""
    from derainers.nets.nafnet import Means

    x = torch.rand(1, 2, 6, 20)
    means = Means((9, 5))(x)
    assert means.shape == x.shape
    assert torch.equal(means, means[:, :, :1].expand_as(means))
    torch.testing.assert_close(means[0, 0, 0, 10], x[0, 0, :, 8:13].mean())
    torch.testing.assert_close(means[0, 0, 0, 0], x[0, 0, :, :5].mean())
