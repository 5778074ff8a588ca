"""``bench plan``: what would run, what is there already, about how long it takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bench.cli import options
from bench.cli.table import align

if TYPE_CHECKING:
    from bench.engine.plan import Cell, Plan
    from bench.engine.scheduler import Forecast

_SHARED = "shared"


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("plan", epilog="Example:\n\n  bench plan street --out runs/street")(command)


def command(
    suite: options.Suite = None,
    derainer: options.Derainer = None,
    search_path: options.SearchPath = None,
    task: options.Task = None,
    measure: options.Measure = None,
    data: options.Data = None,
    split: options.Split = None,
    rain: options.Rain = None,
    model: options.Model = None,
    checkpoint: options.Checkpoint = None,
    classes: options.Classes = None,
    layout: options.Layout = None,
    out: options.Out = Path("runs"),
    where: options.Where = None,
    limit: options.Limit = None,
    device: options.Device = "auto",
    seed: options.Seed = None,
    precision: options.Precision = None,
    tile: options.Tile = None,
    trust_checkpoint: options.Trust = None,
    timeout: options.Timeout = None,
    workers: options.Workers = None,
    engine: options.EngineName = "local",
    address: options.Address = None,
) -> None:
    """Print the cells of a run, what the store has of them, and an estimate of the time from a short calibration."""
    from bench.cli.watch import TerminalWatcher
    from bench.engine.session import open_session

    chosen = options.choose_suite(
        suite,
        derainer=derainer,
        task=task,
        measure=measure,
        data=data,
        split=split,
        rain=rain,
        model=model,
        checkpoint=checkpoint,
        classes=classes,
        layout=layout,
        where=where,
        limit=limit,
        seed=seed,
        precision=precision,
        tile=tile,
        trust_checkpoint=trust_checkpoint,
        timeout=timeout,
    )
    watcher = TerminalWatcher()
    place = options.choose_place(engine, address, workers)
    with open_session(chosen, out, place, device=device, watcher=watcher) as session:
        plan = session.plan()
        typer.echo(describe(plan))
        if plan.shards:
            watcher.stage("calibrating on one scene of each variant")
            typer.echo(_estimate(session.forecast(plan), on_this_machine=engine == "local"))


def describe(plan: Plan) -> str:
    """Return a table per variant, derainers by models, of what the store has; and the sum of it."""
    blocks = []
    for variant in plan.outline.variants:
        cells = [cell for cell in plan.cells if cell.variant is variant]
        looks = list(dict.fromkeys((cell.task.about.name, cell.model) for cell in cells))
        rows = [["", *(task if m is None else plan.components.models[m].name for task, m in looks)]]
        for label in dict.fromkeys(cell.label for cell in cells):
            states = {
                (cell.task.about.name, cell.model): _state(cell) for cell in cells if cell.label == label
            }
            rows.append([label, *(states[look] for look in looks)])
        count = len(variant.data.scenes)
        blocks += [f"{variant.name}, {count} scene{'s' * (count != 1)}", *align(rows, indent="  "), ""]
    cached = sum(not cell.missing for cell in plan.cells)
    shared = sum(_state(cell) == _SHARED for cell in plan.cells)
    broken = sum(cell.fault is not None for cell in plan.cells)
    lost = f"{broken} without a derainer, " if broken else ""
    blocks.append(
        f"{len(plan.cells)} cells: {cached} cached, {shared} shared (made with an earlier row), {lost}"
        f"{len(plan.cells) - cached - shared - broken} to do; "
        f"{len(plan.shards)} shards, {plan.images} images to look at"
    )
    return "\n".join(blocks)


def _state(cell: Cell) -> str:
    if cell.fault:
        return "cannot be loaded"
    if not cell.missing:
        return "cached"
    if not cell.todo:
        return _SHARED
    scenes = len(cell.variant.data.scenes)
    there = scenes - len(cell.missing)
    return f"{there} of {scenes} cached" if there else "missing"


def _estimate(forecast: Forecast, *, on_this_machine: bool) -> str:
    from bench.engine.local import free_memory

    held = forecast.workers * forecast.memory
    workers = f"{forecast.workers} worker{'s' * (forecast.workers != 1)}"
    said = (
        f"about {_span(forecast.seconds)} on {workers}, beside start and scoring; "
        f"{held / 1e9:.1f} GB of memory"
    )
    free = free_memory() if on_this_machine else None
    if free is None:
        return said
    said += f", {free / 1e9:.1f} GB are free"
    return said if held <= free else f"{said}: it will not do, use fewer --workers or --tile 512"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
