"""``bench restore``: run a derainer over images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("restore", epilog="Example:\n\n  bench restore rainy/*.jpg --derainer rdmc --out restored")(
        command
    )


def command(
    images: Annotated[list[Path], typer.Argument(help="Image files, or folders of them.")],
    derainer: Annotated[str, typer.Option(help="[LABEL=]NAME[?OPTIONS][:ARG].")],
    out: Annotated[Path, typer.Option(help="Folder for the restored images (PNG, same names).")],
    search_path: options.SearchPath = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    tile: Annotated[str, typer.Option(help="auto, off or SIZE[+OVERLAP].")] = "auto",
) -> None:
    """Restore images and write them as PNG."""
    from bench.cli.watch import TerminalWatcher
    from bench.device import resolve_device
    from bench.engine.suite import suite_of
    from bench.errors import BadConfig
    from bench.files import ensure_folder
    from bench.images import check_file, read_image, write_image
    from derainers import load_derainer, parse_derainers

    suite_of({"precision": precision, "tile": tile})  # networks alone would look at them
    place = resolve_device(device)
    paths = _collect(images)
    names = [path.stem for path in paths]
    for name in names:
        if names.count(name) > 1:
            first, second = [path for path in paths if path.stem == name][:2]
            raise BadConfig(
                f"{first} and {second} would both be written as {name}.png: restore them into two folders"
            )
    specs = parse_derainers(derainer)
    if len(specs) != 1:
        raise BadConfig(f"--derainer {derainer} names {len(specs)}: bench restore takes one")
    for path in paths:
        if out.resolve() == path.parent.resolve() and path.suffix == ".png":
            raise BadConfig(
                f"--out {out} is where {path.name} lies, which would be overwritten: give another folder"
            )
    for path in paths:
        check_file(path)
    network = load_derainer(specs[0], device=place, precision=precision, tile=tile)
    ensure_folder(out)
    watcher = TerminalWatcher()
    watcher.begin(len(paths))
    try:
        for path in paths:
            write_image(out / f"{path.stem}.png", network(read_image(path)))
            watcher.advance(1)
    finally:
        watcher.end()


def _collect(images: list[Path]) -> list[Path]:
    from bench.errors import BadData
    from bench.files import list_files
    from bench.images import SUFFIXES

    paths: list[Path] = []
    for item in images:
        if item.is_dir():
            found = list_files(item, SUFFIXES)
            if not found:
                raise BadData(f"no images in {item}: known endings are {', '.join(SUFFIXES)}")
            paths += found
        elif item.is_file():
            paths.append(item)
        else:
            raise BadData(f"{item} does not exist: check the path")
    return list(dict.fromkeys(paths))
