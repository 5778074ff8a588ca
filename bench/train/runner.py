"""``bench train``: a training as an MMEngine Runner."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.allocator import keep_freed_memory
from bench.deadline import unit
from bench.errors import BadConfig, BadData, BadWeights, MissingDependency
from bench.files import ensure_folder
from bench.mmengine_import import import_mmengine
from bench.train.config import TrainConfig

if TYPE_CHECKING:
    from torch import nn

    from bench.plugins import PlugIn

#: What torchrun tells the processes that it starts.
_LAUNCHED = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def build_network(name: str, options: dict[str, Any]) -> nn.Module:
    """Make a network with fresh weights.

    Args:
        name: Of a registered network, or ``FILE.py:OBJECT`` for a user's own class, function or ``nn.Module``.
        options: Its constructor's arguments.

    Raises:
        UnknownName: Nothing is registered under the name.
        BadConfig: It is no network that can be trained, or its constructor refuses the options.
        BenchError: The user's file cannot be imported.
    """
    import derainers
    from bench import plugins

    plug_in = plugins.parse(name)
    if plug_in is not None:
        return _own_network(plug_in, options)
    plugins.refuse_bare(name)
    name, query, _ = plugins.cut(name)
    entry = derainers.registry.get(name)
    if not (isinstance(entry, derainers.Entry) and entry.network):
        raise BadConfig(f"derainer {name!r} is no network of this package: nothing to train")
    module, _, attribute = entry.build.partition(":")
    make = getattr(importlib.import_module(module), attribute)
    try:
        return make(**{**entry.config, **plugins.read_options(query).arguments, **options})
    except (TypeError, ValueError) as error:
        raise BadConfig(f"options of {name}: {error}") from None


def _own_network(plug_in: PlugIn, options: dict[str, Any]) -> nn.Module:
    from torch import nn

    from bench import plugins

    name, wanted = str(plug_in), plug_in.options
    wanted = plugins.Options({**wanted.arguments, **options}, wanted.attributes)
    found = plugins.build(plugins.load(plug_in), f"network {name!r}", wanted)
    if not isinstance(found, nn.Module):
        raise BadConfig(f"network {name!r} is a {type(found).__name__}, not a torch.nn.Module")
    if not any(parameter.requires_grad for parameter in found.parameters()):
        raise BadConfig(f"network {name!r} has no parameters: nothing to train")
    return found


def _groups(
    network: nn.Module, apart: Sequence[nn.Parameter], factors: Mapping[str, float]
) -> list[dict[str, Any]]:
    """The parameters that are trained, in groups of one learning rate each."""
    left = {name: p for name, p in network.named_parameters() if not any(p is other for other in apart)}
    words = {name.partition(".")[0] for name in left}
    if unknown := [word for word in factors if word not in words]:
        known = ", ".join(sorted(words))
        raise BadConfig(
            f"optimiser.factors: the network has no part {unknown[0]!r} to train; its parts: {known}"
        )
    groups = [{"params": [p for n, p in left.items() if n.partition(".")[0] not in factors], "factor": 1.0}]
    for word, factor in factors.items():
        part = [p for n, p in left.items() if n.partition(".")[0] == word]
        if factor:
            groups.append({"params": part, "factor": factor})
        else:
            for parameter in part:
                parameter.requires_grad_(False)
    return [group for group in groups if group["params"]]


def _refuse_held(network: nn.Module, dropped: Sequence[str]) -> None:
    """A part that the network has would be loaded after all."""
    names = list(network.state_dict())
    for part in dropped:
        if any(name.startswith(f"{part}.") for name in names):
            raise BadConfig(
                f"dropped: the network has a part {part!r}: name what it does without, or change its options"
            )


def check_launcher(launcher: str) -> None:
    """Check that a launcher is known and has started this process.

    Raises:
        BadConfig: If not.
    """
    if launcher == "none":
        return
    if launcher != "pytorch":
        raise BadConfig(f"--launcher {launcher}: choose none or pytorch")
    absent = [name for name in _LAUNCHED if name not in os.environ]
    if absent:
        raise BadConfig(
            f"--launcher pytorch: {', '.join(absent)} is not set: start it with torchrun --no-python bench train ..."
        )


def starting_weights(name: str) -> Path:
    """The weights file that a training begins from: that file, or what ships under a derainer's name."""
    from derainers.harness.load import WEIGHTS_FOLDER

    shipped = WEIGHTS_FOLDER / f"{name}.safetensors"
    return shipped if shipped.is_file() else Path(name)


def train(
    config: TrainConfig,
    folder: Path,
    launcher: str = "none",
    say: Callable[[str], None] = print,
    picture: Callable[[Path], object] | None = None,
    trust: str | None = None,
) -> Path:
    """Train to the end, going on from the last checkpoint in ``folder`` where there is one.

    Args:
        config: The training.
        folder: For checkpoints and the log.
        launcher: ``none``, or ``pytorch`` under ``torchrun``, one process per device.
        say: Takes the lines of the log.
        picture: Called with the folder whenever held-out images were scored.
        trust: SHA-256 of a weights file to begin from that may run code when loaded; commas between several.

    Returns:
        The last checkpoint.

    Raises:
        BadConfig, BadData, BadWeights, OutputError: What a user can mend, said in one line.
        MissingDependency: MMEngine is not installed.
        Interrupted: Ctrl-C; the running step was finished and saved.
    """
    try:
        import_mmengine()
    except ImportError:
        raise MissingDependency("training needs MMEngine: pip install mmengine") from None
    import torch
    from mmengine.device import get_device

    from bench.train import checkpoints
    from bench.train.data import Batches, make_loader
    from bench.train.estimate import estimate, in_words
    from bench.train.features import load_features
    from bench.train.hooks import Average, Checkpoints, Log, Schedule, Validate
    from bench.train.interrupt import noted
    from bench.train.losses import RestorationLoss
    from bench.train.model import Restorer
    from bench.train.pools import read_pools
    from bench.train.validate import read_validation
    from derainers.harness.network import to_channels_last

    check_launcher(launcher)
    keep_freed_memory()
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    network = build_network(config.network, config.options)
    if config.channels_last:
        to_channels_last(network)
    if config.start:
        from bench.weights import load_state, match_state

        _refuse_held(network, config.dropped)
        fresh, dropped = ([rf"^{re.escape(part)}\." for part in c] for c in (config.fresh, config.dropped))
        path = starting_weights(config.start)
        with unit(f"weights {path}", "load"):
            state = load_state(path, trust)
        match_state(network, state, f"{path} ({config.network})", missing_ok=fresh, extra_ok=dropped)
    features = load_features(config.loss.features) if config.loss.contrastive else None
    resumed = _resume(config, folder)
    pools = read_pools(config.data, folder / "scenes")
    if config.gates.learn == "held_out" and any(len(pool.clean) < 2 for pool in pools):
        raise BadData("gates learnt on held-out images need two images or more from every source")
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if launcher == "none":
        rank, world = 0, 1
    batches = Batches(config, pools, rank, world)
    loader = make_loader(batches, config.workers)

    model = Restorer(network, RestorationLoss(config.loss, features), config)
    # The gates are out of the weights' optimiser unless they learn with them; `held_out` has one of its own.
    apart = [] if config.gates.learn == "joint" else model.gates
    trained = _groups(network, apart, config.optimiser.factors)
    average = Average(config.average) if config.average else None
    validate = None
    held_out = config.validation.images or config.validation.pairs
    if held_out and config.validation.every:
        validate = Validate(config, read_validation(config.validation, config.seed), average)
    elif not held_out and rank == 0:
        say("note: no held-out images, so nothing is scored meanwhile: see --validation")
    log = Log(config, folder, validate, say, picture)
    about = {
        "command": " ".join(map(shlex.quote, ["bench", *sys.argv[1:]])),
        "hardware": _hardware(config, world),
        "history": _history(config, resumed),
        "start": resumed.get("start") if resumed is not None else _origin(config),
    }
    # MMEngine's own log says nothing that log.jsonl does not.
    with noted() as asked, tempfile.TemporaryDirectory(prefix="bench-train-") as scratch:
        saver = Checkpoints(config, folder, average, log, about, asked)
        if resumed is not None:
            loader.sampler.start = resumed["step"]  # type: ignore[attr-defined]
            network.load_state_dict(resumed["network"])
            if average is not None and resumed["average"] is not None:
                average.values = resumed["average"]
            log.sums, log.count, log.spent = (resumed["log"][k] for k in ("sums", "count", "spent"))
            say(f"resuming at step {resumed['step']}")

        if launcher != "none" and torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        # Before the runner wraps the model: a backward pass beside a wrapper counts as one that it is to average.
        stretches = estimate(config, model.to(get_device()), batches, resumed["step"] if resumed else 0)
        if rank == 0 and stretches:
            say(f"{in_words(stretches)} ({about['hardware']})")
        ensure_folder(folder)  # whatever is refused above leaves nothing behind
        runner = _make_runner(
            config,
            Path(scratch),
            launcher,
            model,
            trained,
            loader,
            [Schedule(config), average, validate, log, saver],
        )
        if resumed is not None:
            runner.optim_wrapper.optimizer.load_state_dict(resumed["optimiser"])
            for group, now in zip(runner.optim_wrapper.optimizer.param_groups, trained, strict=True):
                group["factor"] = now["factor"]  # the configuration's, not the checkpoint's
            if model.gate_optimiser is not None and resumed["gate_optimiser"]:
                model.gate_optimiser.load_state_dict(resumed["gate_optimiser"])
            runner.train_loop._iter = resumed["step"]
        runner.train()
    if launcher != "none":
        torch.distributed.barrier()  # the first process may still be scoring and saving the last step
    return checkpoints.checkpoints(folder)[-1]


def _resume(config: TrainConfig, folder: Path) -> dict[str, Any] | None:
    from bench.train import checkpoints

    found = checkpoints.checkpoints(folder)
    if not found:
        return None
    content = checkpoints.load(found[-1])
    for key in ("network", "options", "seed"):
        if content["config"][key] != config.model_dump(mode="json")[key]:
            raise BadWeights(
                f"{found[-1]} has another {key} ({content['config'][key]!r}): give another output folder"
            )
    return content


def _hardware(config: TrainConfig, world: int) -> str:
    import torch

    from bench.environment import processor

    if torch.cuda.is_available():
        return f"{world} x {torch.cuda.get_device_name()}"
    threads = torch.get_num_threads() * world
    return f"{threads} thread{'s' * (threads > 1)} of {processor()}"


def _origin(config: TrainConfig) -> dict[str, Any] | None:
    """Which weights a training began from, and what their card says of the time they took; the card tells it."""
    if config.start is None:
        return None
    from bench.hashing import sha256_file
    from derainers.harness.load import metadata

    path = starting_weights(config.start)
    card = metadata(path, "card")
    told: dict[str, Any] = {key: card[key] for key in ("steps", "hours", "hardware", "start") if key in card}
    return {"weights": path.name, "sha256": sha256_file(path), **told}


def _history(config: TrainConfig, resumed: dict[str, Any] | None) -> list[dict[str, Any]]:
    """What earlier stretches of a training were configured otherwise; the card tells it."""
    if resumed is None:
        return []
    now, then = config.model_dump(mode="json"), resumed["config"]
    told = ("data", "stages", "optimiser", "loss", "gates", "average", "precision")
    changed = {key: then[key] for key in told if then[key] != now[key]}
    earlier: list[dict[str, Any]] = resumed.get("history", [])
    return [*earlier, {"until": resumed["step"], **changed}] if changed else earlier


def _make_runner(
    config: TrainConfig,
    scratch: Path,
    launcher: str,
    model: Any,
    trained: list[dict[str, Any]],
    loader: Any,
    hooks: list[Any],
) -> Any:
    import logging

    import torch
    from mmengine.optim import OptimWrapper
    from mmengine.runner import Runner

    wrapper: dict[str, Any] = {
        "type": "SpreadRestorer",
        "broadcast_buffers": False,
        "find_unused_parameters": any(stage.set for stage in config.stages),
    }
    if not torch.cuda.is_available():
        wrapper["device_ids"] = None  # MMEngine's default is the GPU of the local rank
        if launcher != "none" and not torch.distributed.is_initialized():
            torch.distributed.init_process_group("gloo")
    o = config.optimiser
    adam = torch.optim.Adam(trained, lr=o.lr, betas=o.betas, weight_decay=o.weight_decay)
    return Runner(
        model=model,
        work_dir=str(scratch),
        train_dataloader=loader,
        train_cfg={"type": _step_loop(), "max_iters": config.steps},
        optim_wrapper=OptimWrapper(adam, clip_grad={"max_norm": o.clip}),
        default_hooks={
            "logger": None,
            "checkpoint": None,
            "param_scheduler": None,
            "timer": None,
            "sampler_seed": None,
        },
        custom_hooks=[hook for hook in hooks if hook is not None],
        launcher=launcher,
        env_cfg={"dist_cfg": {"backend": "nccl"}},
        cfg={"model_wrapper_cfg": wrapper},
        log_level=logging.WARNING,
        randomness={"seed": config.seed},
        experiment_name=scratch.name,  # MMEngine keeps what it builds under this name for the process
    )


def _step_loop() -> type:
    """MMEngine's loop over steps, less its way of resuming: it would draw and drop every batch seen
    before."""
    from mmengine.runner import IterBasedTrainLoop

    class StepLoop(IterBasedTrainLoop):
        def run(self) -> Any:
            self.runner.call_hook("before_train")
            self.runner.call_hook("before_train_epoch")
            batches = iter(self.dataloader)
            self.runner.model.train()
            while self._iter < self._max_iters:
                self.run_iter(next(batches))
            self.runner.call_hook("after_train_epoch")
            self.runner.call_hook("after_train")
            return self.runner.model

    return StepLoop
