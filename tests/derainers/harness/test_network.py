"""The harness around networks: padding, batches, tiles, rounding, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from bench.errors import BadConfig
from derainers import DerainerError
from derainers.base import Card, FixedSize, Runtime
from derainers.harness import network
from derainers.harness.interface import Interface
from derainers.harness.network import WHOLE_PIXELS, NetworkDerainer, resolve_precision, to_channels_last
from derainers.harness.padding import pad_to_multiple

torch = pytest.importorskip("torch")


def wrap(forward, *, tile="auto", precision="auto", whole_pixels=WHOLE_PIXELS, **card):
    runtime = Runtime("cpu", precision, tile)
    return NetworkDerainer(
        forward, Card("test", **card), {"name": "test"}, runtime, whole_pixels=whole_pixels
    )


def image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (17, 23), (16, 32), (33, 31)])
@pytest.mark.parametrize("multiple", [1, 2, 16])
def test_the_identity_network_gives_the_image_back(size, multiple):
    seen = []

    def forward(x):
        seen.append(x)
        return x

    assert (wrap(forward, multiple=multiple)(image(*size)) == image(*size)).all()
    (x,) = seen
    assert x.dtype == torch.float32
    assert x.shape[2] % multiple == 0
    assert x.shape[3] % multiple == 0
    assert x.min() >= 0
    assert x.max() <= 1


@pytest.mark.parametrize("alone", [False, True])
def test_a_network_that_wants_every_image_alone_gets_no_batch(alone):
    seen = []

    class Network(torch.nn.Module):
        def forward(self, x):
            seen.append(len(x))
            return x

    forward = Network()
    forward.alone = alone
    wrap(forward).restore_together([image(16, 16), image(16, 16, 1)])
    assert seen == ([1, 1] if alone else [2])


def test_padding_reflects():
    row = np.arange(5, dtype=np.uint8)[None, :, None].repeat(3, 2)
    assert pad_to_multiple(row, 4)[0, :, 0].tolist() == [0, 1, 2, 3, 4, 3, 2, 1]
    assert pad_to_multiple(row, 4).shape == (8, 8, 3)
    assert pad_to_multiple(row, 4, least=11).shape == (12, 12, 3)


def test_channels_are_rgb():
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 255
    seen = []
    wrap(lambda x: seen.append(x) or x)(red)
    assert seen[0][0, 0].min() == 1
    assert seen[0][0, 1:].max() == 0


def test_results_are_clamped_and_rounded():
    def forward(x):
        return x * 0 + torch.tensor([-3.0, 0.5, 9.0]).view(1, 3, 1, 1)

    assert wrap(forward)(image(3, 3))[0, 0].tolist() == [0, 128, 255]
    assert wrap(lambda x: x + 0.4 / 255)(image(9, 9)).tolist() == image(9, 9).tolist()


def test_images_of_several_sizes_keep_their_order():
    images = [image(8, 8, 1), image(5, 9, 2), image(8, 8, 3)]
    results = wrap(lambda x: 1 - x, multiple=4).restore(images)
    assert all((result == 255 - before).all() for result, before in zip(results, images, strict=True))


@pytest.mark.parametrize("multiple", [1, 8])
def test_tiles_give_what_the_whole_gives(multiple):
    conv = torch.nn.Conv2d(3, 3, 3, padding=1)
    torch.nn.init.constant_(conv.weight, 1 / 27)
    whole, tiled = (wrap(conv, multiple=multiple, tile=tile) for tile in ("off", "32+8"))
    picture = image(70, 90)
    assert np.abs(whole(picture).astype(int) - tiled(picture)).max() <= 1
    assert whole.key != tiled.key


def test_auto_tiles_large_images_only():
    sizes = []
    derainer = wrap(lambda x: sizes.append(tuple(x.shape[2:])) or x, whole_pixels=600 * 600)
    derainer.restore([image(600, 600), image(600, 601)])
    assert sizes[0] == (600, 600)
    assert set(sizes[1:]) == {(512, 512)}


def test_out_of_memory_falls_back_to_tiles_and_says_so():
    def forward(x):
        if x.shape[2] * x.shape[3] > 512 * 512:
            raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes")
        return x

    derainer = wrap(forward)
    picture = image(520, 700)
    assert (derainer(picture) == picture).all()
    assert "tiles of 512+64" in derainer.notes[0]
    with pytest.raises(DerainerError, match="ran out of memory|out of memory"):
        wrap(lambda x: forward(torch.zeros(1, 3, 600, 600)))(image(20, 20))


@pytest.mark.parametrize("central", [False, True])
def test_a_fixed_size_network_sees_that_size(central):
    sizes = []
    derainer = wrap(lambda x: sizes.append(tuple(x.shape[2:])) or x, fixed=FixedSize(32, 8, central))
    for size in ((20, 20), (32, 32), (50, 70)):
        assert (derainer(image(*size)) == image(*size)).all()
    assert (derainer.restore_together([image(20, 20)])[0] == image(20, 20)).all()
    assert set(sizes) == {(32, 32)}


def test_tiles_count_by_their_nearness():
    """Two tiles, black and white: what a pixel becomes is the second one's share of the weight."""
    values = iter((0.0, 1.0))
    derainer = wrap(lambda x: x * 0 + next(values), fixed=FixedSize(32, 8, central=True))
    row, column = 20, 27
    first, second = (1 / np.sqrt((row - 16) ** 2 + (at - 16) ** 2 + 1e-3) for at in (column, column - 24))
    restored = derainer(image(32, 56))
    assert restored[row, column, 0] == round(255 * second / (first + second))


@pytest.mark.parametrize(("size", "side"), [((1, 1), 16), ((17, 23), 32), ((16, 40), 48), ((32, 32), 32)])
def test_a_square_is_black_around_the_image(size, side):
    seen = []
    derainer = wrap(lambda x: seen.append(x) or x, multiple=16, square=True)
    assert (derainer(image(*size)) == image(*size)).all()
    (x,) = seen
    assert x.shape[2:] == (side, side)
    above, before = (side - size[0]) // 2, (side - size[1]) // 2
    inner = np.s_[0, :, above : above + size[0], before : before + size[1]]
    assert (x[inner].numpy() == image(*size).transpose(2, 0, 1).astype(np.float32) / 255).all()
    assert x.count_nonzero() == x[inner].count_nonzero()


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (lambda x: [x], "returned a list"),
        (lambda x: x[:, :, 1:], "size must stay"),
        (lambda x: x[:, :1], "size must stay"),
        (lambda x: x * float("nan"), "NaN"),
        (lambda x: (x * 255).to(torch.uint8), "floats"),
        (lambda x: x / torch.zeros(2, 2, 2), "failed on a 8x8 image: RuntimeError"),
    ],
)
def test_a_bad_network_is_one_line(forward, words):
    with pytest.raises(DerainerError, match=words) as caught:
        wrap(forward)(image(8, 8))
    assert "\n" not in str(caught.value)


def test_a_module_is_put_into_evaluation_mode():
    class Net(torch.nn.Module):
        def forward(self, x):
            return x * 0 if self.training else x

    assert (wrap(Net().train())(image(4, 4)) == image(4, 4)).all()


def test_precision_is_in_the_key(monkeypatch):
    assert wrap(lambda x: x, precision="bf16").key["precision"] == "bf16"
    assert wrap(lambda x: x).key["precision"] == "fp32"
    cpu = torch.device("cpu")
    assert resolve_precision("auto", cpu, bears_bf16=False) == "fp32"
    for name, avx512, tiles, precision in (
        ("AMD EPYC 9354", True, False, "bf16"),
        ("Intel(R) Xeon(R) Platinum", True, True, "bf16"),
        ("Intel(R) Xeon(R) Processor", True, False, "fp32"),
        ("AMD EPYC 7742", False, False, "fp32"),
    ):
        monkeypatch.setattr(network, "processor", lambda name=name: name)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has=avx512: has)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda has=tiles: has)
        assert resolve_precision("auto", cpu, bears_bf16=True) == precision
    for bad in ("fp16", ""):
        with pytest.raises(BadConfig, match="precision"):
            resolve_precision(bad, cpu, bears_bf16=True)
    with pytest.raises(BadConfig, match="--device tpu"):
        NetworkDerainer(lambda x: x, Card("x"), {}, Runtime("tpu"))


def test_a_weight_of_five_dimensions_does_not_keep_others_from_lying_as_images_do():
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Conv3d(1, 2, 3))
    expected = [weight.clone() for weight in network.parameters()]
    to_channels_last(network)
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert all(torch.equal(a, b) for a, b in zip(expected, network.parameters(), strict=True))


def test_what_is_not_finite_on_a_flat_image_alone_is_left_to_the_run():
    interface = Interface()

    def probed(forward):
        NetworkDerainer(forward, Card("test"), {}, Runtime("cpu"), interface=interface).probe()

    probed(lambda x: x / x.std())
    with pytest.raises(DerainerError, match="returned NaN or infinite values: look for a division"):
        probed(lambda x: x / 0)
