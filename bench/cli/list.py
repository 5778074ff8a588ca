"""``bench list``: what there is to choose from."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Annotated

import typer

KINDS = ("derainers", "models", "rains", "data", "suites")


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("list", epilog="Examples:\n\n  bench list derainers\n\n  bench list models --match rtmdet")(
        command
    )


def command(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
    match: Annotated[str, typer.Option(help="Only names that contain this.")] = "",
    bibtex: Annotated[bool, typer.Option("--bibtex", help="With derainers: their BibTeX entries.")] = False,
) -> None:
    """List derainers, models, rains, data sets or suites."""
    from bench.errors import unknown

    if kind not in KINDS:
        raise unknown("list", kind, KINDS)
    if bibtex and kind == "derainers":
        from derainers import cards

        for card in cards():
            if card.bibtex and match in card.name:
                typer.echo(card.bibtex.strip() + "\n")
        return
    headers, lines = _table(kind)
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
        from downstream.models.openmmlab import list_models

        return ("model", "task", "weights"), [
            (entry.name, entry.task, entry.weights) for entry in list_models()
        ]
    if kind == "rains":
        from bench.rain import rain_entries

        return ("rain", "what it is"), [(entry.name, entry.title) for entry in rain_entries()]
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


def tasks_served(serves: Collection[str]) -> tuple[str, ...]:
    """Return the tasks that can be scored on a data set which has this much."""
    from downstream.tasks import all_tasks

    return tuple(task.about.name for task in all_tasks() if set(task.needs) <= set(serves))


def _derainers() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    from derainers import cards

    headers = ("derainer", "year", "parameters", "GMACs at 256x256", "multiple", "licence", "weights")
    lines: list[tuple[str, ...]] = [
        (
            card.name,
            str(card.year or "—"),
            f"{card.params:,}" if card.params else "—",
            f"{card.macs_256 / 1e9:.1f}" if card.macs_256 else "—",
            str(card.multiple),
            card.licence,
            card.weights_note,
        )
        for card in cards()
    ]
    return headers, lines
