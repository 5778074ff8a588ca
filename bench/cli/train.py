"""``bench train``: train a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli import options

if TYPE_CHECKING:
    from bench.train.config import TrainConfig

_EXAMPLES = """Examples:

  bench train --clean photos/ --out runs/mine     (rdmc, on from the weights that ship)

  bench train --derainer my.py:Net --pairs RainTrainH/ --validation pairs:Rain100H/ --out runs/net

  bench train --derainer prenet --init prenet.pth --clean photos/ --clean 'more/*.jpg' --validation held/ --out runs/p

  bench train --out runs/net --export net.safetensors

The same command again goes on from the last checkpoint in --out. On several GPUs:

  torchrun --nproc-per-node 4 --no-python bench train --launcher pytorch --config rdmc --out runs/rdmc"""

#: What marks a held-out folder as pairs, as in ``bench run --data``.
_PAIRS = "pairs:"


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("train", epilog=_EXAMPLES)(command)


def command(
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, the log and its picture, curve.png.")],
    config: Annotated[
        str | None,
        typer.Option(
            help="A YAML file, or the name of a shipped one (rdmc, rdmc_s, ...). [default: the network's own, else "
            "a general one]"
        ),
    ] = None,
    derainer: Annotated[
        str | None,
        typer.Option(
            help="The network: a registered name or my.py:Net. [default: the configuration's, or rdmc]"
        ),
    ] = None,
    search_path: options.SearchPath = None,
    init: Annotated[
        str | None,
        typer.Option(
            help="Weights to begin from: a file, a derainer whose weights ship, or none for fresh ones."
        ),
    ] = None,
    clean: Annotated[
        list[str] | None,
        typer.Option(help="Clean images instead of the configuration's: folder, pattern or street:N."),
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option(
            help="Pairs instead of the configuration's: a folder in any layout that --data pairs: reads."
        ),
    ] = None,
    validation: Annotated[
        list[str] | None,
        typer.Option(
            help="Held-out images to score on, not the configuration's: clean ones (folder or pattern), or pairs:DIR."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="[default: the configuration's]")] = None,
    launcher: Annotated[str, typer.Option(help="none, or pytorch under torchrun.")] = "none",
    trust_checkpoint: options.Trust = None,
    timeout: options.LoadTimeout = None,
    prune: Annotated[
        float, typer.Option(help="With --export: leave out recruitment links with smaller static gates.")
    ] = 0.0,
    export: Annotated[
        Path | None, typer.Option(help="Write the last checkpoint's averaged weights to a .safetensors file.")
    ] = None,
) -> None:
    """Train a network on clean photos with rain drawn on the fly, or on pairs; or export what was trained."""
    from bench.errors import BadConfig

    options.limit(timeout)
    if config is not None or clean or pairs:
        from bench.train.runner import train
        from reports.figures.training import draw_training

        chosen = _chosen(config, derainer, init, clean or [], pairs or [], validation or [], seed)
        trust = ",".join(trust_checkpoint or ()) or None
        train(chosen, out, launcher, typer.echo, draw_training, trust)
        if picture := draw_training(out):
            typer.echo(f"{picture}: the course of the training")
    elif export is None:
        raise BadConfig("give --clean, --pairs or --config to train, or --export to write what was trained")
    if export is not None:
        from bench.train.export import export as write

        card = write(out, export, prune)
        typer.echo(f"{export}: {card['parameters']:,} parameters after {card['steps']} steps")


def _chosen(
    config: str | None,
    derainer: str | None,
    init: str | None,
    clean: list[str],
    pairs: list[str],
    validation: list[str],
    seed: int | None,
) -> TrainConfig:
    from bench.train.config import config_for, load_config, shipped_config

    changes: dict[str, Any] = {}
    if derainer is not None:
        changes["network"] = derainer
    if init is not None:
        changes["start"] = None if init == "none" else init
    if seed is not None:
        changes["seed"] = seed
    if clean or pairs:
        changes["data"] = {"clean": [{"images": pattern} for pattern in clean], "pairs": pairs}
    if clean or pairs or validation:
        # Whoever brings images need not have those that the configuration validates on.
        changes["validation"] = {
            "images": [place for place in validation if not place.startswith(_PAIRS)],
            "pairs": [place.removeprefix(_PAIRS) for place in validation if place.startswith(_PAIRS)],
        }
    path = shipped_config(config) if config is not None else config_for(derainer or "rdmc")
    return load_config(path, changes)
