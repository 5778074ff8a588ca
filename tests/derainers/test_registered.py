"""Every registered network: the properties that hold for any weights; with the authors' weights, all of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import derainers
from bench.verdicts import Outcome
from derainers import load_derainer
from derainers.base import FixedSize, Runtime
from derainers.harness.conformance import run_checks
from derainers.harness.load import WEIGHTS_FOLDER, _attribute, count_parameters, load_module
from derainers.harness.network import NetworkDerainer
from derainers.harness.timing import count_macs

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("one_thread")

#: Configurations small enough to be checked in a second or two.
SMALL = {
    "ast": {"embed_dim": 4, "depths": [1, 1, 1, 1, 1, 2, 1, 1, 1], "num_heads": [1] * 9},
    "efficientderain": {"widths": [2, 4, 4, 8, 8]},
    "fadformer": {"embed_dim": [4, 8, 8, 8, 4], "depth": [1, 1, 1, 1, 1]},
    "fadformer-mini": {"embed_dim": [4, 4, 8, 4, 4], "depth": [1, 1, 1, 1, 1]},
    "histoformer": {
        "dim": 4,
        "num_blocks": [1, 1, 1, 1],
        "num_refinement_blocks": 1,
        "ffn_expansion_factor": 3,
    },
    "idt": {"embed_dim": 4, "num_heads": [1] * 9, "mlp_ratio": 1},
    "rescan": {"channel": 4, "stage_num": 2, "depth": 4},
    "uformer": {"embed_dim": 4, "depths": [1, 1, 1, 1, 1, 2, 1, 1, 1], "num_heads": [1] * 9},
    "ddn": {"n_features": 4},
    "dfn": {"width": 4, "iterations": 2},
    "fsnet": {"num_res": 4, "base_channel": 4, "group": 2},
    "mfdnet": {"n_feat": 4},
    "nafnet": {"width": 4, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]},
    "nafnet_local": {
        "width": 4,
        "enc_blk_nums": [1, 1],
        "dec_blk_nums": [1, 1],
        "train_size": [1, 3, 16, 16],
    },
    "nerd_rain": {"dim": 4, "num_blocks": [1, 1, 1], "inr_hidden": [8]},
    "nerd_rain_s": {"dim": 4, "num_blocks": [1, 1, 1], "heads": [1, 1, 1], "inr_hidden": [8]},
    "promptir": {
        "dim": 4,
        "num_blocks": [1, 1, 1, 1],
        "num_refinement_blocks": 1,
        "heads": [1, 1, 1, 1],
        "prompt_dims": [4, 4, 4],
    },
    "rcdnet": {"stage": 3, "num_M": 4, "num_Z": 4},
    "sfnet": {"num_res": 1, "base_channel": 4, "group": 2},
    "xrestormer": {
        "dim": 4,
        "num_blocks": [1, 1, 1, 1],
        "num_refinement_blocks": 1,
        "channel_heads": [1, 1, 1, 1],
        "spatial_dim_head": 4,
    },
    "prenet": {"stages": 2},
    "prenet_r": {"stages": 1, "shared": True},
    "prn": {"stages": 2, "lstm": False},
    "prn_r": {"stages": 1, "lstm": False, "shared": True},
    "brn": {"stages": 1},
    "sapnet": {"stages": 1},
    "rdmc": {"width": 2},
    "rdmc-s": {"width": 2, "recursions": 1},
    "restormer": {"dim": 8, "num_blocks": [1, 1, 1, 1], "num_refinement_blocks": 1},
    "drsformer": {"dim": 8, "num_blocks": [1, 1, 1, 1]},
    "mprnet": {"n_feat": 8, "scale_unetfeats": 4, "scale_orsnetfeats": 4, "num_cab": 1},
    "hinet": {"wf": 4},
    "rom": {},
    "spanet": {},
    "umrl": {},
}
#: Sides of squares that test as well as those of the card, where the network takes any size.
SMALL_SQUARES = {"nerd_rain": 32, "nerd_rain_s": 32}
#: What holds for any weights; without training, an image does not come back as itself, in its place and colours.
STRUCTURE = ("type", "finite", "deterministic", "batch")
#: What only trained weights can show. Tiles are tried where that is fast.
TRAINED = ("place", "colour", "flat", "harm")
WEIGHTS = {
    "prenet": "prenet_rain100h",
    "prenet_r": "prenet_r_rain100h",
    "prn": "prn_rain100h",
    "prn_r": "prn_r_rain100h",
    "brn": "brn_rain100h",
    "ddn": "ddn_rain100h",
    "dfn": "dfn_rain100h",
    "rom": "rom_rain200l",
    "sapnet": "sapnet",
    "spanet": "spanet_spa",
    "umrl": "umrl_rain800",
}


def networks():
    return [
        name for name in derainers.registry.names() if getattr(derainers.registry.get(name), "network", False)
    ]


def test_every_network_is_tested_here():
    assert set(SMALL) == set(networks())


@pytest.mark.parametrize("name", SMALL)
def test_structure_holds_for_any_weights(name):
    torch.manual_seed(0)
    entry = derainers.registry.get(name)
    module = _attribute(entry.build)(**SMALL[name])
    card = entry.card
    if name in SMALL_SQUARES:
        card = dataclasses.replace(card, fixed=FixedSize(SMALL_SQUARES[name], 0))

    def load(tile):
        return NetworkDerainer(module, card, {"name": name}, Runtime("cpu", tile=tile))

    bad = [v for v in run_checks(load, 0, STRUCTURE) if v.outcome is Outcome.FAIL]
    assert not bad, bad


@pytest.mark.parametrize("name", SMALL)
def test_the_card_tells_the_cost(name):
    entry = derainers.registry.get(name)
    config = entry.config if entry.weights is None else load_module(entry, WEIGHTS_FOLDER / entry.weights)[1]
    with torch.device("meta"):
        module = _attribute(entry.build)(**config)
    assert count_parameters(module) == entry.card.params
    # SPANet loops over lines: a quarter of the side is counted in a quarter of the time.
    side = entry.card.fixed.side if entry.card.fixed else 64 if name == "spanet" else 256
    assert count_macs(module, side, side) * (256 // side) ** 2 == entry.card.macs_256


@pytest.mark.parametrize(("name", "file"), WEIGHTS.items())
def test_the_authors_files_load(name, file, shared):
    """Strictly, names and shapes, and the output is an image that resembles its input."""
    from derainers.harness.conformance import sample

    derainer = load_derainer(f"{name}:{shared}/weights/derain/{file}.pth", device="cpu")
    assert derainer.card.weights_sha256
    assert derainer.key["weights"] == derainer.card.weights_sha256
    picture = sample(48, 64)
    assert np.corrcoef(derainer(picture).ravel(), picture.ravel())[0, 1] > 0.8


@pytest.mark.slow
@pytest.mark.parametrize(("name", "file"), WEIGHTS.items())
def test_properties_that_need_training_hold_with_the_authors_weights(name, file, shared):
    spec = f"{name}:{shared}/weights/derain/{file}.pth"
    only = (*TRAINED, "tiles") if name == "rom" else TRAINED
    found = run_checks(lambda tile: load_derainer(spec, device="cpu", tile=tile), 0, only)
    assert not [v for v in found if v.outcome is Outcome.FAIL]


def test_weights_of_another_network_are_named(shared):
    from bench.errors import BadWeights

    with pytest.raises(
        BadWeights,
        match=r"prn_rain100h\.pth \(prenet\): weights of another architecture.*conv_i.*; it fits prn$",
    ):
        load_derainer(f"prenet:{shared}/weights/derain/prn_rain100h.pth")


@pytest.mark.parametrize(
    ("asked", "written", "prefix", "without", "said"),
    [
        ("fadformer", "fadformer-mini", "", "", r"of another shape \(.*\); it fits fadformer-mini$"),
        ("rescan", "ddn", "", "", r"lacks \d+ of \d+ \(rnns.*; it fits ddn$"),
        ("rescan", "ddn", "net.", "", r"; it fits ddn$"),
        ("ddn", "ddn", "", "b3.1.bias", r"lacks 1 of 182 \(b3\.1\.bias\)$"),
    ],
)
def test_a_released_file_that_does_not_fit_says_what_it_fits(asked, written, prefix, without, said, tmp_path):
    from bench.errors import BadWeights

    entry = derainers.registry.get(written)
    state = _attribute(entry.build)(**entry.config).state_dict()
    torch.save({prefix + key: value for key, value in state.items() if key != without}, tmp_path / "net.pth")
    with pytest.raises(BadWeights, match=said) as caught:
        load_derainer(f"{asked}:{tmp_path}/net.pth")
    assert "\n" not in str(caught.value)


def test_shipped_weights():
    derainer = load_derainer("rdmc", device="cpu")
    assert derainer.card.params
    assert derainer.card.training_data != "unknown"
    assert derainer.key["weights"] == derainer.card.weights_sha256
    assert dataclasses.asdict(derainer.card)["multiple"] == 16
