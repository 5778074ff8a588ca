from __future__ import annotations

import builtins
import hashlib
import pathlib
import pickle
import sys
import types
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bench.errors import BadWeights
from bench.weights import load_state, match_state


def net() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))


class Bomb:
    """Touches a file when unpickled, as a hostile checkpoint would run a command."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (builtins.open, (str(self.path), "w"))


@pytest.mark.parametrize(
    "wrap", [lambda s: s, lambda s: {"state_dict": s, "meta": {"epoch": 3}}, lambda s: {"params": s}]
)
def test_reads_the_usual_containers(tmp_path, wrap):
    source = net()
    torch.save(wrap(source.state_dict()), tmp_path / "w.pth")
    state = load_state(tmp_path / "w.pth")
    target = net()
    match_state(target, state, "w.pth")
    assert all(
        torch.equal(a, b)
        for a, b in zip(source.state_dict().values(), target.state_dict().values(), strict=True)
    )


def test_reads_safetensors_and_strips_the_parallel_prefix(tmp_path):
    state = {f"module.{name}": value for name, value in net().state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    match_state(net(), load_state(tmp_path / "w.safetensors"), "w")


def test_the_name_under_which_a_training_script_holds_the_network_is_taken_off():
    source, target = net(), net()
    state = OrderedDict((f"model.{name}", value) for name, value in source.state_dict().items())
    match_state(target, state, "w")
    assert torch.equal(source[0].weight, target[0].weight)
    # A network that has the name itself keeps it, and so does a file of which nothing would fit.
    outer = torch.nn.ModuleDict({"model": net()})
    match_state(outer, state, "w")
    with pytest.raises(BadWeights, match=r"does not know \(model\.0\.weight"):
        match_state(torch.nn.Linear(2, 2), state, "w")


def test_layer_versions_survive(tmp_path):
    torch.save({"state_dict": net().state_dict()}, tmp_path / "w.pth")
    assert load_state(tmp_path / "w.pth")._metadata["1"]["version"] == 2


def test_openmmlab_logs_are_read_past(tmp_path):
    history = pytest.importorskip("mmengine.logging").HistoryBuffer([1.0, 2.0], [1, 1])
    log = {"log": history, "best": np.float64(0.3), "lr": np.arange(3), "half": np.float16(1)}
    torch.save({"state_dict": net().state_dict(), "message_hub": log}, tmp_path / "w.pth")
    match_state(net(), load_state(tmp_path / "w.pth"), "w.pth")


@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_refused_and_not_run(tmp_path, zipped):
    path, trap = tmp_path / "w.pth", tmp_path / "trap"
    torch.save(
        {"state_dict": net().state_dict(), "x": Bomb(trap)}, path, _use_new_zipfile_serialization=zipped
    )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(
        BadWeights, match=rf"w\.pth: not plain weights: it names \S*open.*--trust-checkpoint {digest}"
    ) as caught:
        load_state(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(BadWeights):
        load_state(path, trust="0" * 64)
    assert not trap.exists()


def test_bare_pickle_with_code_is_refused(tmp_path):
    trap = tmp_path / "trap"
    (tmp_path / "w.pth").write_bytes(pickle.dumps(Bomb(trap)))
    with pytest.raises(BadWeights):
        load_state(tmp_path / "w.pth")
    assert not trap.exists()


def test_exact_bytes_can_be_trusted(tmp_path):
    path = tmp_path / "w.pth"
    torch.save({"state_dict": net().state_dict(), "x": Bomb(tmp_path / "trap")}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    match_state(net(), load_state(path, trust=f"{'1' * 64},{digest}"), "w.pth")


@pytest.mark.parametrize(
    "content", [b"", b"<html>not found</html>", b"PK\x03\x04 cut off", b"\x80\x02}q\x00."]
)
def test_not_a_checkpoint(tmp_path, content):
    (tmp_path / "w.pth").write_bytes(content)
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(BadWeights, match=r"w\.pth"):
        load_state(tmp_path / "w.pth")
    with pytest.raises(BadWeights, match=r"w\.safetensors"):
        load_state(tmp_path / "w.safetensors")


def test_truncated_checkpoint(tmp_path):
    torch.save(net().state_dict(), tmp_path / "w.pth")
    data = (tmp_path / "w.pth").read_bytes()
    (tmp_path / "w.pth").write_bytes(data[: len(data) // 2])
    with pytest.raises(BadWeights, match="damaged"):
        load_state(tmp_path / "w.pth")


def test_absent_file_and_folder(tmp_path):
    with pytest.raises(BadWeights, match="no such weights file"):
        load_state(tmp_path / "w.pth")
    with pytest.raises(BadWeights, match="cannot be read"):
        load_state(tmp_path)


def test_no_tensors(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(BadWeights, match=r"holds no weights.*epoch"):
        load_state(tmp_path / "w.pth")


def test_other_architecture_names_keys_and_counts():
    state = OrderedDict(net().state_dict())
    del state["0.bias"], state["1.weight"]
    state["9.weight"] = torch.zeros(1)
    with pytest.raises(
        BadWeights, match=r"w \(net\).*lacks 2 of 7 \(0\.bias, 1\.weight\).*has 1 .*9\.weight"
    ):
        match_state(net(), state, "w (net)")
    with pytest.raises(BadWeights, match=r"lacks 1 of 7 \(0\.bias\)$"):
        match_state(net(), state, "w", missing_ok=[r"1\.weight$"], extra_ok=["^9"])
    match_state(net(), state, "w", missing_ok=[r"1\.weight$", r"\.bias$"], extra_ok=["^9"])


def test_other_shape_names_both():
    state = OrderedDict(net().state_dict())
    state["0.weight"] = torch.zeros(8, 3, 3, 3)
    with pytest.raises(BadWeights, match=r"0\.weight is 8x3x3x3 in the file, 4x3x3x3 in the network"):
        match_state(net(), state, "w")


def test_weights_too_small_for_a_normal_float_become_zero():
    source, target = net(), net()
    with torch.no_grad():
        source[0].bias.copy_(torch.tensor([1e-40, -3e-39, 1e-30, -2.0]))
        source[1].running_var.fill_(1e-42)
    match_state(target, source.state_dict(), "w")
    assert target[0].bias.tolist() == [0, 0, pytest.approx(1e-30), -2]
    assert target[1].running_var.tolist() == [0, 0, 0, 0]


def test_names_of_a_file_reach_no_terminal_as_they_are(tmp_path):
    path = tmp_path / "w.pth"
    torch.save({"\x1b]0;owned\x07\nsecond line": torch.zeros(1), "x" * 100_000: torch.zeros(1)}, path)
    with pytest.raises(BadWeights) as caught:
        match_state(torch.nn.Linear(1, 1), load_state(path), "w.pth")
    text = str(caught.value)
    assert text.isprintable()
    assert "?]0;owned" in text
    assert len(text) < 600


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1), torch.nn.BatchNorm2d(3))


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "module.",
        "_orig_mod.",
        "model.",
        "net.",
        "network.",
        "netG.",
        "module._orig_mod.",
        "model.module.",
        "net.model.",
    ],
)
def test_what_wrappers_put_before_names_is_taken_off(tmp_path, prefix):
    source, target = Small(), Small()
    state = source.state_dict()
    torch.save({f"{prefix}{name}": value for name, value in state.items()}, tmp_path / "w.pth")
    match_state(target, load_state(tmp_path / "w.pth"), "w")
    assert all(torch.equal(value, state[name]) for name, value in target.state_dict().items())


def test_a_name_of_the_network_is_no_prefix(tmp_path):
    class Wrapped(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = Small()

    torch.save(Wrapped().state_dict(), tmp_path / "w.pth")
    match_state(Wrapped(), load_state(tmp_path / "w.pth"), "w")
    with pytest.raises(BadWeights, match="another architecture"):
        match_state(torch.nn.Conv2d(3, 3, 1), load_state(tmp_path / "w.pth"), "w")


@pytest.mark.parametrize(
    ("averaged", "last"),
    [("state_dict_ema", "state_dict"), ("params_ema", "params"), ("model_ema", "model")],
)
def test_averaged_weights_go_first(tmp_path, averaged, last):
    states = {last: {"a": torch.zeros(1)}, averaged: {"a": torch.ones(1)}}
    torch.save(states, tmp_path / "w.pth")
    assert load_state(tmp_path / "w.pth")["a"] == 1


def test_options_paths_and_dates_beside_weights_do_no_harm(tmp_path):
    import argparse
    import datetime

    beside = {
        "args": argparse.Namespace(lr=1e-4),
        "opt": types.SimpleNamespace(a=1),
        "path": pathlib.Path("a/b"),
        "date": datetime.datetime(2020, 1, 2),
        "spent": datetime.timedelta(1),
    }
    for key, value in beside.items():
        torch.save({"state_dict": {"a": torch.ones(1)}, key: value}, tmp_path / "w.pth")
        assert load_state(tmp_path / "w.pth")["a"] == 1, key


def test_mappings_of_libraries_beside_weights_are_read_as_plain_ones(tmp_path, monkeypatch):
    name = "lightning_fabric.utilities.data"
    kind = type("AttributeDict", (dict,), {"__module__": name})
    for part in ("lightning_fabric", "lightning_fabric.utilities", name):
        monkeypatch.setitem(sys.modules, part, types.ModuleType(part))
    sys.modules[name].AttributeDict = kind
    options = kind(lr=1e-3)
    options.extra = 1  # as EasyDict keeps its attributes
    lists = defaultdict(list, {"loss": [1.0]})
    beside = {"hyper_parameters": options, "log": lists, "file": pathlib.PurePosixPath("x")}
    torch.save({"state_dict": net().state_dict(), **beside}, tmp_path / "w.pth")
    match_state(net(), load_state(tmp_path / "w.pth"), "w.pth")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: {"net_g": s, "net_d": {"0.weight": torch.zeros(2)}},
        lambda s: {"network_g": {"params": s}, "iter": 3},
        lambda s: {"model": {key: value * 0 for key, value in s.items()}, "ema": {"decay": 0.9, "shadow": s}},
        lambda s: {**s, "total_ops": torch.zeros(1), "0.total_params": torch.zeros(1)},
    ],
)
def test_what_training_scripts_put_around_weights_is_taken_off(tmp_path, wrap):
    source, target = net(), net()
    torch.save(wrap(source.state_dict()), tmp_path / "w.pth")
    match_state(target, load_state(tmp_path / "w.pth"), "w.pth")
    assert torch.equal(source[0].weight, target[0].weight)


def test_one_network_of_several_in_a_file_is_taken(tmp_path):
    source, target = torch.nn.Conv2d(3, 3, 1), torch.nn.Conv2d(3, 3, 1)
    state = {f"generator.{name}": value for name, value in source.state_dict().items()}
    (remark,) = match_state(target, {**state, "critic.weight": torch.ones(1)}, "w")
    assert remark == "weights taken from the file's generator.*, 1 others left aside"
    assert torch.equal(target.weight, source.weight)
    (remark,) = match_state(target, state, "w")
    assert remark == "weights taken from the file's generator.*"
    assert match_state(target, source.state_dict(), "w") == ()
    averaged = {name.replace("generator", "generator_ema"): value + 1 for name, value in state.items()}
    match_state(target, {**state, **averaged}, "w")
    assert torch.equal(target.weight, source.weight + 1)
    other = {name.replace("generator", "second"): value for name, value in state.items()}
    words = r"it holds generator\.\*, second\.\*, which all fit: save one of them as a file$"
    with pytest.raises(BadWeights, match=words):
        match_state(target, {**state, **other}, "w")


@pytest.mark.parametrize(
    ("before", "taken"),
    [
        (("discriminator.", "generator."), "generator."),
        (("model.netD.", "model.netG."), "model.netG."),
        (("generator.", "discriminator.", "generator_ema.", "discriminator_ema."), "generator_ema."),
    ],
)
def test_a_generator_is_taken_before_its_critic_of_the_same_kind(before, taken):
    nets = [torch.nn.Conv2d(3, 3, 1) for _ in before]
    state = {
        f"{prefix}{name}": value
        for prefix, net in zip(before, nets, strict=True)
        for name, value in net.state_dict().items()
    }
    target = torch.nn.Conv2d(3, 3, 1)
    (remark,) = match_state(target, state, "w")
    assert remark == f"weights taken from the file's {taken}*, {2 * len(before) - 2} others left aside"
    assert torch.equal(target.weight, nets[before.index(taken)].weight)
