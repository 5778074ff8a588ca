"""``bench list``: what there is to choose from."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bench.keep.records import Record
    from derainers import Card, Published

KINDS = ("derainers", "models", "rains", "data", "measures", "suites")


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("list", epilog="Examples:\n\n  bench list derainers\n\n  bench list models --match rtmdet")(
        command
    )


def command(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
    match: Annotated[str, typer.Option(help="Only names that contain this.")] = "",
    bibtex: Annotated[bool, typer.Option("--bibtex", help="With derainers: their BibTeX entries.")] = False,
    published: Annotated[
        bool,
        typer.Option("--published", help="With derainers: what papers say beside what was measured here."),
    ] = False,
    records: Annotated[Path, typer.Option(help="With --published: the records of what was measured.")] = Path(
        "reports/board/records"
    ),
) -> None:
    """List derainers, models, rains, data sets, measures or suites."""
    from bench.errors import unknown

    if kind not in KINDS:
        raise unknown("list", kind, KINDS)
    if bibtex and kind == "derainers":
        from derainers import cards

        for card in cards():
            if card.bibtex and match in card.name:
                typer.echo(card.bibtex.strip() + "\n")
        return
    headers, lines = _published(records) if published and kind == "derainers" else _table(kind)
    lines = [line for line in lines if match.lower() in line[0].lower()]
    if not lines:
        typer.echo(f"no {kind} match {match!r}")
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headers, box=box.SIMPLE_HEAD, pad_edge=False)
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    # A pipe has no width; a table cut to 80 columns would lose what a script wants to read.
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _table(kind: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    if kind == "derainers":
        return _derainers()
    if kind == "models":
        from downstream.models import list_models

        tasks: dict[tuple[str, str], list[str]] = {}
        for entry in list_models():
            tasks.setdefault((entry.name, entry.weights), []).append(entry.task)
        return ("model", "task", "weights"), [
            (name, ", ".join(served), weights) for (name, weights), served in tasks.items()
        ]
    if kind == "rains":
        from bench.rain import rain_entries

        return ("rain", "what it is"), [(entry.name, entry.title) for entry in rain_entries()]
    if kind == "measures":
        return ("measure", "task", "protocols", "needs"), _measures()
    if kind == "data":
        return ("data", "tasks", "default split", "what it is"), _data()
    from bench.engine.suite import read_suite, shipped_suites

    suites = [(name, read_suite(name)) for name in shipped_suites()]
    return ("suite", "data", "derainers", "tasks"), [
        (
            name,
            "; ".join(f"{v.data} under {', '.join(v.rain)}" for v in suite.variants),
            ", ".join(suite.derainers),
            ", ".join(suite.tasks),
        )
        for name, suite in suites
    ]


def _data() -> list[tuple[str, ...]]:
    from bench.data import find_reader, readers
    from bench.errors import BenchError

    lines: list[tuple[str, ...]] = []
    for name in readers:
        try:
            reader = find_reader(name)
        except BenchError as error:  # a plug-in's fault must not hide the others
            lines.append((name, "", "", str(error)))
            continue
        tasks = ", ".join(tasks_served(reader.serves)) or "none: to look at"
        lines.append((reader.spec, tasks, reader.split, reader.description))
    return lines


def _measures() -> list[tuple[str, ...]]:
    from downstream.measures import measure_names, task_of
    from downstream.tasks import find_task

    lines: list[tuple[str, ...]] = []
    for name in measure_names():
        task = find_task(task_of(name, is_file=False))
        own = [metric for metric in task.about.metrics if metric.name.partition("_")[0] == name]
        protocols = dict.fromkeys(metric.protocol for metric in own or task.about.metrics)
        lines.append((name, task.about.name, ", ".join(protocols), ", ".join(task.needs)))
    return lines


def tasks_served(serves: Collection[str]) -> tuple[str, ...]:
    """Return the tasks that can be scored on a data set which has this much."""
    from downstream.tasks import all_tasks

    return tuple(task.about.name for task in all_tasks() if set(task.needs) <= set(serves))


def _derainers() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    from derainers import cards

    headers = ("derainer", "year", "parameters", "GMACs at 256x256", "input", "licence", "weights")
    lines: list[tuple[str, ...]] = [
        (
            card.name,
            str(card.year or "—"),
            f"{card.params:,}" if card.params else "—",
            f"{card.macs_256 / 1e9:.1f}" if card.macs_256 else "—",
            _input(card),
            card.licence,
            card.weights_note,
        )
        for card in cards()
    ]
    return headers, lines


def _input(card: Card) -> str:
    """The sizes that a derainer takes; the harness brings images to them."""
    if card.fixed is not None:
        return f"{card.fixed.side}x{card.fixed.side}, tiles"
    if card.square:
        return f"squares, x{card.multiple}"
    return "any" if card.multiple == 1 else f"x{card.multiple}"


def _published(folder: Path) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    from bench.keep.entry import read_folder
    from derainers import cards

    records = read_folder(folder) if folder.is_dir() else []
    headers = ("derainer", "test set", "protocol", "published", "measured", "trained on", "read in")
    return headers, [
        (
            card.name,
            value.set,
            f"psnr@{value.protocol}",
            f"{value.psnr:.2f}" + ("" if value.ssim is None else f" / {value.ssim:.4f}"),
            _measured(card.name, value, records),
            value.trained,
            value.source,
        )
        for card in cards()
        for value in card.published
    ]


def _measured(name: str, value: Published, records: Iterable[Record]) -> str:
    """What records say of a derainer on the data set that a published number is of; a dash where they do not."""
    from derainers.published import plain

    found = []
    for record in records:
        if record.derainer.name != name or record.rain.version != "own":
            continue
        if plain(value.set) not in map(plain, record.data.name.split("/")):
            continue
        scores = {score.metric: score.value for score in record.scores}
        psnr, ssim = (scores.get(f"{metric}_{value.protocol}") for metric in ("psnr", "ssim"))
        if psnr is not None and ssim is not None:
            label = record.derainer.label
            whose = f"{label}, " if label != name else ""
            found.append(f"{psnr:.2f} / {ssim:.4f} ({whose}{record.images} images)")
    return "; ".join(found) or "—"
