"""``bench train``: train a registered network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_EXAMPLES = """Examples:

  bench train --derainer rdmc --config rdmc --clean photos/ --clean 'more/*.jpg' --validation held_out/ --out runs/rdmc

  bench train --out runs/rdmc --export mine.safetensors

The same command again goes on from the last checkpoint in --out. On several GPUs:

  torchrun --nproc-per-node 4 --no-python bench train --launcher pytorch --config rdmc --out runs/rdmc"""


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("train", epilog=_EXAMPLES)(command)


def command(
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and the log.")],
    config: Annotated[
        str | None, typer.Option(help="A YAML file, or the name of a shipped one (rdmc, rdmc_s, ...).")
    ] = None,
    derainer: Annotated[str | None, typer.Option(help="The network. [default: the configuration's]")] = None,
    clean: Annotated[
        list[str] | None,
        typer.Option(help="Clean images instead of the configuration's: folder, pattern or street:N."),
    ] = None,
    pairs: Annotated[
        list[str] | None, typer.Option(help="Folders with rain/ and norain/ instead of the configuration's.")
    ] = None,
    validation: Annotated[
        list[str] | None,
        typer.Option(help="Held-out clean images to score on, not the configuration's: folder or pattern."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="[default: the configuration's]")] = None,
    launcher: Annotated[str, typer.Option(help="none, or pytorch under torchrun.")] = "none",
    prune: Annotated[
        float, typer.Option(help="With --export: leave out recruitment links with smaller gates.")
    ] = 0.0,
    export: Annotated[
        Path | None, typer.Option(help="Write the last checkpoint's averaged weights to a .safetensors file.")
    ] = None,
) -> None:
    """Train a network on clean photos with rain drawn on the fly, or on pairs; or export what was trained."""
    from bench.errors import BadConfig

    if config is not None:
        from bench.train.config import load_config, shipped_config
        from bench.train.runner import train

        changes: dict[str, object] = {}
        if derainer is not None:
            changes["network"] = derainer
        if seed is not None:
            changes["seed"] = seed
        if clean or pairs:
            sources = [{"images": pattern} for pattern in clean or ()]
            changes["data"] = {"clean": sources, "pairs": list(pairs or ())}
        if clean or pairs or validation:
            # Whoever brings images need not have those that the configuration validates on.
            changes["validation"] = {"images": list(validation or ())}
        train(load_config(shipped_config(config), changes), out, launcher, typer.echo)
    elif export is None:
        raise BadConfig("give --config to train, or --export to write the weights of a training")
    if export is not None:
        from bench.train.export import export as write

        card = write(out, export, prune)
        typer.echo(f"{export}: {card['parameters']:,} parameters after {card['steps']} steps")
