"""``bench check``: conformance of a derainer."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("check", epilog="Examples:\n\n  bench check rdmc\n\n  bench check my_derainer.py:MyNet")(
        command
    )


def command(
    derainer: Annotated[str, typer.Argument(help="[LABEL=]NAME[:ARG]; several are separated by commas.")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
) -> None:
    """Check that a derainer keeps to what the bench relies on; exit code 1 where it does not."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from bench.errors import ANYTHING, BadConfig, BenchError, blame
    from derainers import check_derainer, load_derainer, parse_derainers
    from derainers.harness.conformance import Outcome, run_checks

    specs = parse_derainers(derainer)
    for spec in specs:
        if spec.name == "folder":
            raise BadConfig(
                f"derainer {spec} is a folder of images: there is nothing to run that could be checked"
            )
        check_derainer(spec)
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    styles = {Outcome.PASS: "green", Outcome.NOTE: "yellow", Outcome.FAIL: "bold red", Outcome.SKIP: "dim"}
    failed, faults = [], []
    for spec in specs:
        try:
            verdicts = run_checks(lambda tile, spec=spec: load_derainer(spec, device, precision, tile))  # type: ignore[misc]
        except ANYTHING as error:  # anyone's code and files: the others are checked all the same
            faults.append(blame(spec.label, error))
            continue
        table = Table(
            "property", "verdict", "what was seen", box=box.SIMPLE_HEAD, pad_edge=False, title=spec.label
        )
        for verdict in verdicts:
            outcome = Text(verdict.outcome.value, style=styles[verdict.outcome])
            table.add_row(verdict.name, outcome, Text(verdict.detail))
        console.print(table)
        failed += [f"{spec.label}: {v.name}" for v in verdicts if v.outcome is Outcome.FAIL]
    if len(faults) == len(specs):
        raise BenchError("; ".join(faults))
    console.print(f"failed: {', '.join(failed)}" if failed else "all properties hold")
    for fault in faults:
        typer.echo(f"not checked: {fault}", err=True)
    if failed or faults:
        raise typer.Exit(1)
