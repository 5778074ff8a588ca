"""``bench profile``: what derainers cost, and what they gain for it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "profile", epilog="Example:\n\n  bench profile --derainer all --sizes 256x256 --plot cost.png"
    )(command)


def command(
    derainer: Annotated[
        str, typer.Option(help="[LABEL=]NAME[?OPTIONS][:ARG], separated by commas; or all.")
    ] = "all",
    search_path: options.SearchPath = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    timeout: options.Timeout = None,
    trust_checkpoint: options.Trust = None,
    scenes: Annotated[int, typer.Option(min=0, help="Embedded scenes that the gain is measured on.")] = 2,
    sizes: Annotated[
        str, typer.Option(help="WIDTHxHEIGHT of the images that are timed, separated by commas.")
    ] = "256x256,480x320,1024x512",
    plot: Annotated[
        Path | None, typer.Option(help="Plot time against multiply-adds, and gain against time.")
    ] = None,
) -> None:
    """Measure parameters, multiply-adds, time, peak memory, and PSNR gained on embedded scenes.

    A network whose weights nobody gave runs with random ones: its cost is the same, its gain is not measured.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from bench.engine.cost import Fault, Row, all_specs, check_plot, draw, parse_sizes, profile_derainers
    from bench.errors import BenchError
    from derainers import parse_derainers

    options.limit(timeout)
    timed = parse_sizes(sizes)
    if plot is not None:
        check_plot(plot)
    specs = all_specs() if derainer == "all" else parse_derainers(derainer)
    results = profile_derainers(
        specs,
        device,
        precision,
        scenes,
        timed,
        lambda label: typer.echo(f"measuring {label}", err=True),
        ",".join(trust_checkpoint or ()) or None,
    )
    rows = [result for result in results if isinstance(result, Row)]
    faults = [result.reason for result in results if isinstance(result, Fault)]
    if not rows:
        raise BenchError("; ".join(faults))
    table = Table("derainer", "weights", box=box.SIMPLE_HEAD, pad_edge=False)
    for header in (
        "parameters",
        "GMACs at 256x256",
        *(f"ms at {w}x{h}" for h, w in timed),
        f"MiB at {timed[0][1]}x{timed[0][0]}",
        "gain, dB",
    ):
        table.add_column(header, justify="right")
    for row in rows:
        cost = row.cost
        table.add_row(
            row.label,
            "random" if row.random else "its own" if cost.params else "—",
            "—" if cost.params is None else f"{cost.params:,}",
            "—" if cost.macs is None else f"{cost.macs / 1e9:.1f}",
            *("—" if seconds is None else f"{1000 * seconds:.0f}" for seconds in cost.seconds),
            "—" if cost.memory is None else f"{cost.memory / 2**20:.0f}",
            "—" if row.gain is None else f"{row.gain:+.2f}",
        )
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)
    if plot is not None:
        draw(rows, timed[0], plot)
        typer.echo(f"plot: {plot}")
    for fault in faults:
        typer.echo(f"not measured: {fault}", err=True)
    if faults:
        raise typer.Exit(1)
