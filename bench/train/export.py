"""From a checkpoint to a weights file that a derainer is made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.errors import BadWeights
from bench.files import write_atomic
from bench.train.config import TrainConfig


def export(source: Path, target: Path, prune: float = 0.0) -> dict[str, Any]:
    """Write the averaged weights of a checkpoint in half precision, with their card in the metadata.

    Args:
        source: A checkpoint, or a training's folder for its latest one.
        target: A ``.safetensors`` file.
        prune: Links whose gate's magnitude is not above this are left out (networks with such links only).

    Returns:
        The card.

    Raises:
        BadWeights: There is no checkpoint, or ``target`` has another ending.
        OutputError: The file cannot be written.
    """
    import torch
    from safetensors.torch import save

    from bench.train import checkpoints
    from bench.train.hooks import apply_stage
    from bench.train.runner import build_network

    if target.suffix != ".safetensors":
        raise BadWeights(f"{target}: exported weights end in .safetensors")
    if source.is_dir():
        found = checkpoints.checkpoints(source)
        if not found:
            raise BadWeights(f"{source}: no checkpoint of bench train in this folder")
        source = found[-1]
    content = checkpoints.load(source)
    config = TrainConfig.model_validate(content["config"])
    network: Any = build_network(config.network, config.options)
    network.load_state_dict(content["average"] or content["network"])
    # The network is exported as it was trained last: an early stage may have used a part of it.
    apply_stage(network, config.stage_at(content["step"] - 1))
    if hasattr(network, "pruned"):
        network = network.pruned(prune)
    options = getattr(network, "options", config.options)
    state = {
        name: (value.half() if value.is_floating_point() else value).contiguous(
            memory_format=torch.contiguous_format
        )
        for name, value in network.state_dict().items()
    }
    card = make_card(config, content, sum(p.numel() for p in network.parameters()))
    metadata = {"config": json.dumps(options, sort_keys=True), "card": json.dumps(card, sort_keys=True)}
    write_atomic(target, save(state, metadata))
    return card


def make_card(config: TrainConfig, content: dict[str, Any], parameters: int) -> dict[str, Any]:
    """What one has to know of trained weights to believe and to repeat them."""
    spent = content["log"]["spent"]
    return {
        "network": _place(config.network),
        "parameters": parameters,
        "data": [_place(s.images) for s in config.data.clean] + [_place(p) for p in config.data.pairs],
        "rain": [c.model_dump(mode="json") for c in config.data.rain],
        "loss": config.loss.model_dump(mode="json"),
        "stages": [s.model_dump(mode="json") for s in config.stages],
        "optimiser": config.optimiser.model_dump(mode="json"),
        "steps": content["step"],
        "hours": round(spent / 3600, 2),
        "hardware": content["hardware"],
        "seed": config.seed,
        "command": content["command"],
        "start": content.get("start"),
        "history": content.get("history", []),
    }


def _place(path: str) -> str:
    """The end of an absolute path: a card names the data, not the machine."""
    return "/".join(Path(path).parts[-2:]) if Path(path).is_absolute() else path
