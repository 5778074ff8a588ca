"""``bench profile``: what derainers cost, and what they gain for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bench.cli import options

if TYPE_CHECKING:
    from bench.engine.cost import Fault, Row

#: A row of either table.
_Measured = TypeVar("_Measured")


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "profile",
        epilog="Examples:\n\n  bench profile --derainer all --sizes 256x256 --plot cost.png\n\n"
        "  bench profile --derainer guided,rdmc --task detection --model street_yolox --size 1920x1080 --fps 30",
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
    task: Annotated[
        str, typer.Option(help="What the models of --model look for: detection, segmentation.")
    ] = "detection",
    model: options.Model = None,
    checkpoint: options.Checkpoint = None,
    size: Annotated[
        str, typer.Option(help="With --model: WIDTHxHEIGHT of the frame that derainer and model see.")
    ] = "1920x1080",
    fps: Annotated[
        float | None, typer.Option(min=0.01, help="With --model: frames a second that must be held.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads. [default: as PyTorch chooses]")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Plot time against multiply-adds, and gain against time.")
    ] = None,
) -> None:
    """Measure parameters, multiply-adds, time, peak memory, and PSNR gained on embedded scenes.

    A network whose weights nobody gave runs with random ones: its cost is the same, its gain is not measured.

    With --model: derainer and model one after the other, in milliseconds a frame, and whether they keep up.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from bench.engine.cost import all_specs, check_plot, draw, parse_sizes, profile_derainers
    from derainers import parse_derainers

    options.limit(timeout)
    timed = parse_sizes(sizes)
    if plot is not None:
        check_plot(plot)
    _prepare(threads)
    if model is not None:
        place = device, precision, ",".join(trust_checkpoint or ()) or None
        _end_to_end(derainer, place, (task, model, checkpoint or []), size, fps)
        return
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
    rows, faults = _gathered(results, lambda row: _said(row, timed))
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
            _mebibytes(cost.memory),
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


def _gathered(
    results: Iterable[_Measured | Fault], said: Callable[[_Measured], str]
) -> tuple[list[_Measured], list[str]]:
    """Part what was measured from what could not be, and say each when it is done: one that takes too long ends the
    program, and what was measured before it is not lost.

    Raises:
        BenchError: If nothing could be measured.
    """
    from bench.engine.cost import Fault
    from bench.errors import BenchError

    rows: list[_Measured] = []
    faults: list[str] = []
    for result in results:
        if isinstance(result, Fault):
            faults.append(result.reason)
        else:
            rows.append(result)
            typer.echo(f"measured {said(result)}", err=True)
    if not rows:
        raise BenchError("; ".join(faults))
    return rows, faults


def _said(row: Row, sizes: Sequence[tuple[int, int]]) -> str:
    """What was measured of a derainer, in a line."""
    times = (
        f"{1000 * seconds:.0f} ms at {width}x{height}"
        for (height, width), seconds in zip(sizes, row.cost.seconds, strict=True)
        if seconds is not None
    )
    return f"{row.label}: {', '.join(times)}, {_mebibytes(row.cost.memory)} MiB"


def _mebibytes(memory: int | None) -> str:
    """Write bytes as tables have them."""
    return "—" if memory is None else f"{memory / 2**20:.0f}"


def _prepare(threads: int | None) -> None:
    """Set the threads, and warn where others keep the machine busy."""
    from bench.engine.endtoend import busy

    if threads is not None:
        import cv2
        import torch

        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
    if warning := busy():
        typer.echo(f"warning: {warning}", err=True)


def _end_to_end(
    derainer: str,
    place: tuple[str, str, str | None],
    look: tuple[str, list[str], list[str]],
    size: str,
    fps: float | None,
) -> None:
    """Print what each derainer before each model costs a frame."""
    import torch
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from bench.engine.cost import all_specs, parse_sizes
    from bench.engine.endtoend import Timing, profile_frames
    from bench.engine.suite import suite_of
    from derainers import parse_derainers

    def shown(timing: Timing) -> str:
        return f"{1000 * timing.median:.1f} [{1000 * timing.low:.1f}, {1000 * timing.high:.1f}]"

    frame = parse_sizes(size)[0]
    task, model, checkpoint = look
    models = suite_of({"task": task, "model": model, "checkpoint": checkpoint}).models
    specs = all_specs() if derainer == "all" else parse_derainers(derainer)
    results = profile_frames(
        specs, models, frame, *place, lambda text: typer.echo(f"measuring {text}", err=True)
    )
    rows, faults = _gathered(
        results, lambda row: f"{row.label}, {row.model}: {shown(row.total)} ms end to end"
    )
    table = Table("derainer", "model", box=box.SIMPLE_HEAD, pad_edge=False)
    for header in ("derainer, ms", "model, ms", "end to end, ms", "frames/s", "peak MiB"):
        table.add_column(header, justify="right")
    if fps is not None:
        table.add_column(f"holds {fps:g}/s")
    for row in rows:
        table.add_row(
            row.label,
            row.model,
            shown(row.derainer),
            shown(row.look),
            shown(row.total),
            f"{1 / row.total.median:.2f}",
            _mebibytes(row.memory),
            *([] if fps is None else ["yes" if row.holds(fps) else "no"]),
        )
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)
    typer.echo(
        f"{frame[1]}x{frame[0]}, median [quartiles], CPU threads: {torch.get_num_threads()}; peak: the whole process's"
    )
    for fault in faults:
        typer.echo(f"not measured: {fault}", err=True)
    if faults:
        raise typer.Exit(1)
