"""``bench profile``: what derainers cost, and what they gain for it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("profile", epilog="Example:\n\n  bench profile --derainer all --plot cost.png")(command)


def command(
    derainer: Annotated[str, typer.Option(help="[LABEL=]NAME[:ARG], separated by commas; or all.")] = "all",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    scenes: Annotated[int, typer.Option(min=0, help="Embedded scenes that the gain is measured on.")] = 2,
    plot: Annotated[Path | None, typer.Option(help="Write gain against time to this image file.")] = None,
) -> None:
    """Measure parameters, multiply-adds, time at three sizes, peak memory, and PSNR gained on embedded scenes."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from bench.engine.cost import Fault, Row, all_specs, draw, profile_derainers
    from bench.errors import BenchError
    from derainers import parse_derainers
    from derainers.harness.timing import SIZES

    specs = all_specs() if derainer == "all" else parse_derainers(derainer)
    results = profile_derainers(
        specs, device, precision, scenes, lambda label: typer.echo(f"measuring {label}", err=True)
    )
    rows = [result for result in results if isinstance(result, Row)]
    faults = [result.reason for result in results if isinstance(result, Fault)]
    if not rows:
        raise BenchError("; ".join(faults))
    table = Table("derainer", box=box.SIMPLE_HEAD, pad_edge=False)
    for header in (
        "parameters",
        "GMACs at 256x256",
        *(f"ms at {w}x{h}" for h, w in SIZES),
        "MiB",
        "gain, dB",
    ):
        table.add_column(header, justify="right")
    for row in rows:
        cost = row.cost
        table.add_row(
            row.label,
            "—" if cost.params is None else f"{cost.params:,}",
            "—" if cost.macs is None else f"{cost.macs / 1e9:.1f}",
            *("—" if seconds is None else f"{1000 * seconds:.0f}" for seconds in cost.seconds),
            "—" if cost.memory is None else f"{cost.memory / 2**20:.0f}",
            "—" if row.gain is None else f"{row.gain:+.2f}",
        )
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)
    if plot is not None:
        draw(rows, plot)
        typer.echo(f"plot: {plot}")
    for fault in faults:
        typer.echo(f"not measured: {fault}", err=True)
    if faults:
        raise typer.Exit(1)
