from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.errors import BadConfig, BadData, BadWeights, Interrupted, OutputError
from bench.train import checkpoints
from bench.train.config import Optimiser
from bench.train.export import export
from bench.train.hooks import rate_at
from bench.train.interrupt import noted
from bench.train.runner import build_network, train
from bench.weights import load_state

pytest.importorskip("mmengine")


def losses(folder: Path) -> dict[int, float]:
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))
    return {row["step"]: row["loss"] for row in rows}


def quiet(_: str) -> None:
    pass


def killed_at(step: int) -> Any:
    """Takes the log's lines and dies at one of them."""

    def say(line: str) -> None:
        if line.startswith(f"step {step}/"):
            raise KeyboardInterrupt

    return say


@pytest.mark.parametrize("gates", ["joint", "held_out"])
def test_a_killed_training_resumed_equals_an_uninterrupted_one(tiny: Any, tmp_path: Path, gates: str) -> None:
    config = tiny(gates={"learn": gates, "every": 2}, loss={"contrastive": 0.1})
    train(config, tmp_path / "whole", say=quiet)
    for step in (3, 6):
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "parts", say=killed_at(step))
    last = train(config, tmp_path / "parts", say=quiet)
    assert losses(tmp_path / "parts") == pytest.approx(losses(tmp_path / "whole"), abs=1e-6)
    assert len(losses(tmp_path / "parts")) == 6
    one, two = (checkpoints.load(p) for p in (last, tmp_path / "whole" / last.name))
    for kind in ("network", "average"):
        assert all(torch.equal(one[kind][k], two[kind][k]) for k in one[kind])


@pytest.fixture
def heard() -> Iterator[None]:
    """SIGINT as a terminal's programs have it, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_saves_the_running_step(tiny: Any, tmp_path: Path) -> None:
    def press(line: str) -> None:
        if line.startswith("step 3/"):
            os.kill(os.getpid(), signal.SIGINT)

    config = tiny(checkpoint_every=100)
    train(config, tmp_path / "whole", say=quiet)
    with pytest.raises(Interrupted, match="interrupted after step 3; the same command goes on"):
        train(config, tmp_path / "parts", say=press)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert [p.name for p in checkpoints.checkpoints(tmp_path / "parts")] == ["step_0000003.pth"]
    train(config, tmp_path / "parts", say=quiet)
    assert losses(tmp_path / "parts") == pytest.approx(losses(tmp_path / "whole"), abs=1e-6)


@pytest.mark.usefixtures("heard")
def test_the_second_ctrl_c_ends_at_once() -> None:
    with noted() as asked:
        assert not asked()
        os.kill(os.getpid(), signal.SIGINT)
        assert asked()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_job_in_the_background_ignores_ctrl_c() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with noted() as asked:
            os.kill(os.getpid(), signal.SIGINT)
            assert not asked()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_only_the_last_checkpoints_are_kept(tiny: Any, tmp_path: Path) -> None:
    train(tiny(keep=2), tmp_path / "out", say=quiet)
    assert [p.name for p in checkpoints.checkpoints(tmp_path / "out")] == [
        "step_0000004.pth",
        "step_0000006.pth",
    ]


def test_a_failed_write_leaves_the_last_checkpoint(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.replace

    def full(source: str, target: Any) -> None:
        if Path(target).name == "step_0000004.pth":
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="step_0000004.pth: No space left"):
        train(tiny(), tmp_path / "out", say=quiet)
    assert [p.name for p in (tmp_path / "out").glob("*step*")] == ["step_0000002.pth"]
    monkeypatch.undo()
    assert train(tiny(), tmp_path / "out", say=quiet).name == "step_0000006.pth"


def test_another_network_does_not_go_on_from_a_checkpoint(tiny: Any, tmp_path: Path) -> None:
    train(tiny(), tmp_path / "out", say=quiet)
    with pytest.raises(BadWeights, match="another options"):
        train(tiny(options={"width": 3, "norm": "none"}), tmp_path / "out", say=quiet)
    path = checkpoints.checkpoints(tmp_path / "out")[-1]
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadWeights, match="not a readable checkpoint"):
        train(tiny(), tmp_path / "out", say=quiet)


def test_gates_learn_from_the_held_out_half_only(tiny: Any, tmp_path: Path) -> None:
    one_step = [{"until": 1, "patch": 16, "batch": 2}]

    def trained(**gates: Any) -> dict[str, torch.Tensor]:
        config = tiny(gates=gates, stages=one_step)
        return checkpoints.load(train(config, tmp_path / str(gates), say=quiet))["network"]

    fixed = trained(learn="fixed")
    still = trained(learn="held_out", every=1, lr=1e-30)
    moved = trained(learn="held_out", every=1, lr=1e-3)
    assert torch.equal(still["gates.up2"], fixed["gates.up2"])
    assert not torch.equal(moved["gates.up2"], fixed["gates.up2"])
    assert not torch.equal(moved["upsample_mix"], fixed["upsample_mix"])


def test_the_step_of_the_gates_leaves_no_gradient_in_the_weights(tiny: Any) -> None:
    from bench.train.losses import RestorationLoss
    from bench.train.model import Restorer, _step_gates

    config = tiny(gates={"learn": "held_out"})
    model = Restorer(build_network("rdmc", config.options), RestorationLoss(config.loss), config)
    before = {k: v.clone() for k, v in model.network.state_dict().items()}
    _step_gates(model, *torch.randint(0, 256, (2, 2, 3, 16, 16), dtype=torch.uint8))
    after = model.network.state_dict()
    changed = {k for k in after if not torch.equal(after[k], before[k])}
    assert changed == {k for k in after if k.startswith("gates.") or k == "upsample_mix"}
    assert all(p.grad is None for p in model.network.parameters())


def test_validation_is_logged(tiny: Any, tmp_path: Path, photos: Path) -> None:
    lines: list[str] = []
    config = tiny(
        validation={"images": [str(photos)], "rain": ["streaks:medium", "none"], "limit": 2, "every": 3}
    )
    train(config, tmp_path / "out", say=lines.append)
    rows = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    scored = {row["step"]: row["validation"] for row in rows if "validation" in row}
    assert scored.keys() == {3, 6}
    assert 5 < scored[6]["streaks:medium"]["psnr_y"] < 60
    assert any("left" in line for line in lines)


def test_stages_set_what_the_network_has(tiny: Any, tmp_path: Path) -> None:
    stages = [{"until": 2, "patch": 16, "batch": 1, "set": {"recursions": 1, "recruiting": False}}]
    last = train(tiny(stages=stages), tmp_path / "out", say=quiet)
    card = export(last, tmp_path / "w.safetensors")
    bare = card["parameters"]
    whole = train(tiny(), tmp_path / "pruned", say=quiet)
    assert export(whole, tmp_path / "w3.safetensors", prune=10.0)["parameters"] == bare
    assert (
        bare < export(train(tiny(), tmp_path / "all", say=quiet), tmp_path / "w2.safetensors")["parameters"]
    )
    stages[0]["set"] = {"depth": 3}
    with pytest.raises(BadConfig, match="no setting 'depth'"):
        train(tiny(stages=stages), tmp_path / "bad", say=quiet)


def test_exported_weights_make_the_derainer_and_carry_their_card(tiny: Any, tmp_path: Path) -> None:
    import numpy as np
    import safetensors

    from derainers import load_derainer

    train(tiny(), tmp_path / "out", say=quiet)
    card = export(tmp_path / "out", tmp_path / "mine.safetensors")
    with safetensors.safe_open(tmp_path / "mine.safetensors", "pt") as file:
        metadata = file.metadata()
        assert all(file.get_tensor(k).dtype == torch.float16 for k in file.keys())  # noqa: SIM118
    assert json.loads(metadata["card"]) == card
    assert {"data", "steps", "hours", "hardware", "seed", "command"} <= card.keys()
    assert card["data"][0].endswith("/photos")
    assert not card["data"][0].startswith("/")
    derainer = load_derainer(f"rdmc:{tmp_path / 'mine.safetensors'}")
    image = np.full((33, 20, 3), 90, np.uint8)
    assert derainer(image).shape == image.shape


def test_the_card_tells_of_a_change_on_the_way(tiny: Any, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tiny(), tmp_path / "out", say=killed_at(3))
    last = train(tiny(loss={"contrastive": 0, "l1": 1}), tmp_path / "out", say=quiet)
    history = export(last, tmp_path / "w.safetensors")["history"]
    assert [h["until"] for h in history] == [2]
    assert history[0]["loss"]["l1"] == 0


def test_a_baseline_trains_too(tiny: Any, tmp_path: Path) -> None:
    config = tiny(network="prn_r", options={}, stages=[{"until": 2, "patch": 16, "batch": 2}])
    assert train(config, tmp_path / "out", say=quiet).name == "step_0000002.pth"


def test_what_cannot_be_trained_is_refused(tiny: Any, tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="no network"):
        train(tiny(network="median"), tmp_path / "a", say=quiet)
    with pytest.raises(BadConfig, match="options of rdmc.*depth"):
        train(tiny(options={"depth": 3}), tmp_path / "b", say=quiet)
    with pytest.raises(BadData, match="no clean images found"):
        train(tiny(data={"clean": [{"images": str(tmp_path / "nothing")}]}), tmp_path / "c", say=quiet)
    stage = {"until": 2, "patch": 16, "batch": 1, "set": {"depth": 3}}
    with pytest.raises(BadConfig, match="no setting 'depth'"):
        train(tiny(stages=[stage]), tmp_path / "d", say=quiet)
    assert not [path for name in "abcd" for path in tmp_path.glob(name)]


def test_a_training_leaves_its_log_and_checkpoints_alone(tiny: Any, tmp_path: Path) -> None:
    last = train(tiny(stages=[{"until": 2, "patch": 16, "batch": 1}]), tmp_path / "out", say=quiet)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["log.jsonl", last.name]


def test_bf16_trains_close_to_fp32(tiny: Any, tmp_path: Path) -> None:
    config = tiny(stages=[{"until": 2, "patch": 16, "batch": 2}])
    train(config, tmp_path / "fp32", say=quiet)
    train(config.model_copy(update={"precision": "bf16"}), tmp_path / "bf16", say=quiet)
    assert losses(tmp_path / "bf16") != losses(tmp_path / "fp32")
    assert losses(tmp_path / "bf16")[2] == pytest.approx(losses(tmp_path / "fp32")[2], rel=0.05)


def test_the_rate_warms_up_and_decays() -> None:
    optimiser = Optimiser(lr=1e-3, floor=1e-5, warmup=10)
    rates = [rate_at(step, 110, optimiser) for step in range(110)]
    assert rates[9] == pytest.approx(1e-3)
    assert rates[0] == pytest.approx(1e-4)
    assert rates[60] == pytest.approx((1e-3 + 1e-5) / 2, rel=1e-3)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 2e-5


def test_a_rate_that_stays_up_does_not_depend_on_the_length() -> None:
    optimiser = Optimiser(lr=1e-3, floor=1e-5, warmup=10, decay=0.2)
    short, long = ([rate_at(step, steps, optimiser) for step in range(steps)] for steps in (110, 210))
    assert short[:90] == long[:90]
    assert short[10:90] == [1e-3] * 80
    assert short[89:] == sorted(short[89:], reverse=True)
    assert short[-1] < 2e-5


def test_parts_have_rates_of_their_own(tiny: Any, tmp_path: Path) -> None:
    stages = [{"until": 1, "patch": 16, "batch": 2}]

    def moved(factor: float) -> tuple[float, float]:
        config = tiny(optimiser={"factors": {"gates": factor}}, stages=stages)
        state = checkpoints.load(train(config, tmp_path / str(factor), say=quiet))["network"]
        torch.manual_seed(config.seed)
        before = build_network("rdmc", config.options).state_dict()
        one, two = (float((state[k] - before[k]).abs().max()) for k in ("gates.up2", "last.bias"))
        return one, two

    (slow, bias), (fast, same) = moved(1), moved(10)
    assert fast == pytest.approx(10 * slow, rel=1e-3)
    assert bias == same
    for change in ({"gates": {"learn": "fixed"}}, {"options": {"width": 2, "recruitment": "none"}}):
        with pytest.raises(BadConfig, match="no part 'gates' to train; its parts: .*last"):
            train(tiny(optimiser={"factors": {"gates": 2}}, **change), tmp_path / "bad", say=quiet)


def test_a_part_with_a_rate_of_0_stays_as_it_is(tiny: Any, tmp_path: Path) -> None:
    config = tiny(optimiser={"factors": {"encoders": 0, "decoders": 0}}, average=0)
    state = checkpoints.load(train(config, tmp_path / "out", say=quiet))["network"]
    torch.manual_seed(config.seed)
    before = build_network("rdmc", config.options).state_dict()
    moved = {k.partition(".")[0] for k in state if not torch.equal(state[k], before[k])}
    assert moved == {"links", "gates", "last", "upsample_mix"}


def test_a_training_begins_from_weights_that_lack_named_parts(tiny: Any, tmp_path: Path) -> None:
    options = {"width": 2, "recursions": 2, "norm": "none"}
    bare = tiny(options={**options, "recruitment": "none"})
    export(train(bare, tmp_path / "bare", say=quiet), tmp_path / "bare.safetensors")
    whole = tiny(start=str(tmp_path / "bare.safetensors"), optimiser={"lr": 1e-12})
    with pytest.raises(BadWeights, match="lacks"):
        train(whole, tmp_path / "refused", say=quiet)
    whole = whole.model_copy(update={"fresh": ("links", "gates")})
    found = checkpoints.load(train(whole, tmp_path / "whole", say=quiet))["network"]
    card = export(tmp_path / "whole", tmp_path / "whole.safetensors")
    assert card["start"]["weights"] == "bare.safetensors"
    assert card["start"]["steps"] == 6
    for name, value in load_state(tmp_path / "bare.safetensors").items():
        torch.testing.assert_close(found[name], value.float(), atol=1e-6, rtol=0)
    assert any(name.startswith("links.") for name in found)


def test_a_training_begins_from_weights_of_which_named_parts_are_dropped(tiny: Any, tmp_path: Path) -> None:
    options = {"width": 2, "recursions": 2, "norm": "none", "gates": "dynamic"}
    whole = tiny(options={**options, "recruitment": ["down1", "up2", "up3"]})
    export(train(whole, tmp_path / "whole", say=quiet), tmp_path / "whole.safetensors")
    fewer = tiny(
        options={**options, "recruitment": ["down1"]},
        start=str(tmp_path / "whole.safetensors"),
        optimiser={"lr": 1e-12},
        dropped=["links.up2", "gates.heads.up2"],
    )
    with pytest.raises(BadWeights, match="does not know"):
        train(fewer, tmp_path / "refused", say=quiet)
    with pytest.raises(BadConfig, match=r"the network has a part 'links\.down1'"):
        train(fewer.model_copy(update={"dropped": ("links.down1",)}), tmp_path / "refused", say=quiet)
    fewer = fewer.model_copy(
        update={"dropped": ("links.up2", "links.up3", "gates.heads.up2", "gates.heads.up3")}
    )
    found = checkpoints.load(train(fewer, tmp_path / "fewer", say=quiet))["network"]
    before = load_state(tmp_path / "whole.safetensors")
    for name, value in found.items():
        torch.testing.assert_close(value, before[name].float(), atol=1e-6, rtol=0)


def test_a_training_begins_from_the_weights_that_ship(tiny: Any, tmp_path: Path) -> None:
    with pytest.raises(BadWeights, match=r"rdmc-s\.safetensors .*another architecture"):
        train(tiny(start="rdmc-s"), tmp_path / "out", say=quiet)
    with pytest.raises(BadWeights, match="nothing.pth: no such weights file"):
        train(tiny(start="nothing.pth"), tmp_path / "out", say=quiet)


def in_two_processes(config: Any, folder: Path) -> None:
    path = folder.parent / "config.yaml"
    path.write_text(config.model_dump_json())  # JSON is YAML
    arguments = ["train", "--config", str(path), "--out", str(folder), "--launcher", "pytorch"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--no-python"]
    subprocess.run(
        [*torchrun, sys.executable, "-m", "bench", *arguments], check=True, capture_output=True, timeout=300
    )


@pytest.mark.slow
def test_two_processes_train_as_one_with_twice_the_batch(tiny: Any, tmp_path: Path) -> None:
    """Gradients averaged over processes are those of the whole batch, even where links join half way."""
    stages = [{"until": u, "patch": 16, "batch": 1, "set": {"recruiting": u > 2}} for u in (2, 4)]
    in_two_processes(tiny(stages=stages), tmp_path / "two")
    one = train(tiny(stages=[{**s, "batch": 2} for s in stages]), tmp_path / "one", say=quiet)
    first, second = (checkpoints.load(p)["network"] for p in (one, tmp_path / "two" / one.name))
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=1e-6, rtol=0)


@pytest.mark.slow
def test_no_process_ends_before_the_first_has_saved(tiny: Any, photos: Path, tmp_path: Path) -> None:
    """The others have nothing to do while the first scores: without a checkpoint yet they have nothing to return."""
    held_out = {"images": [str(photos)], "every": 2}
    in_two_processes(
        tiny(stages=[{"until": 1, "patch": 16, "batch": 1}], validation=held_out), tmp_path / "two"
    )
    assert checkpoints.checkpoints(tmp_path / "two")
