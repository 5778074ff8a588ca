"""``bench plan``: what would run, what is there already, about how long it takes."""

from __future__ import annotations

from pathlib import Path

import typer

from bench.cli import options


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("plan", epilog="Example:\n\n  bench plan street --out runs/street")(command)


def command(
    suite: options.Suite = None,
    derainer: options.Derainer = None,
    task: options.Task = None,
    data: options.Data = None,
    split: options.Split = None,
    rain: options.Rain = None,
    model: options.Model = None,
    checkpoint: options.Checkpoint = None,
    out: options.Out = Path("runs"),
    limit: options.Limit = None,
    device: options.Device = "auto",
    seed: options.Seed = None,
    precision: options.Precision = None,
    tile: options.Tile = None,
    trust_checkpoint: options.Trust = None,
    workers: options.Workers = None,
) -> None:
    """Print the cells of a run, what the store has of them, and an estimate of the time from a short calibration."""
    from bench.api import preparing
    from bench.cli.watch import TerminalWatcher
    from bench.engine import free_memory
    from bench.plan import make_plan
    from bench.worker import make_jobs

    chosen = options.choose_suite(
        suite,
        derainer=derainer,
        task=task,
        data=data,
        split=split,
        rain=rain,
        model=model,
        checkpoint=checkpoint,
        limit=limit,
        seed=seed,
        precision=precision,
        tile=tile,
        trust_checkpoint=trust_checkpoint,
    )
    watcher = TerminalWatcher()
    with preparing(
        chosen, out, device=device, workers=workers, fail_fast=False, watcher=watcher, engine=None
    ) as (found, components, store, settings, engine):
        plan = make_plan(found, components, store)
        for cell in plan.cells:
            scenes = len(cell.variant.data.scenes)
            name = "-" if cell.model is None else components.models[cell.model].name
            there = scenes - len(cell.missing)
            typer.echo(f"{cell.variant.name}  {cell.label}  {cell.task}  {name}  {there} of {scenes} cached")
        typer.echo(f"{len(plan.cells)} cells, {len(plan.shards)} shards, {plan.images} images to look at")
        if plan.shards:
            watcher.stage("calibrating on one scene")
            forecast = engine().forecast(plan, make_jobs(plan, store, settings))
            free = free_memory()
            of = "" if free is None else f" of {free / 1e9:.1f} GB free"
            held = forecast.workers * forecast.memory / 1e9
            typer.echo(f"about {_span(forecast.seconds)} on {forecast.workers} workers, {held:.1f} GB{of}")
            if free is not None and held > free / 1e9:
                typer.echo("memory will not do: fewer --workers, or --tile 512", err=True)


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
