"""``bench check``: conformance of a derainer or a rain."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import options

if TYPE_CHECKING:
    from bench.verdicts import Verdict

_EXAMPLES = """Examples:

  bench check rdmc

  bench check my_derainer.py:MyNet

  bench check --rain my_rain.py:fog"""


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("check", epilog=_EXAMPLES)(command)


def command(
    derainer: Annotated[
        str, typer.Argument(help="[LABEL=]NAME[?OPTIONS][:ARG]; several are separated by commas.")
    ] = "",
    rain: Annotated[
        str, typer.Option(help="Rains to check, as in bench run: my.py:fn; several are separated by commas.")
    ] = "",
    search_path: options.SearchPath = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
) -> None:
    """Check that a derainer or a rain keeps to what the bench relies on; exit code 1 where it does not."""
    from bench.errors import BadConfig

    if not derainer and not rain:
        raise BadConfig("nothing to check: name a derainer, or a rain with --rain")
    checks = [*(_derainers(derainer, device, precision) if derainer else []), *(_rains(rain) if rain else [])]
    _report(checks)


#: What is checked: its label, what runs the checks, and how its faults begin.
_Check = tuple[str, "Callable[[], list[Verdict]]", "Callable[[BaseException], str]"]


def _derainers(text: str, device: str, precision: str) -> list[_Check]:
    from functools import partial

    from bench.errors import BadConfig, blame
    from derainers import check_derainer, load_derainer, parse_derainers
    from derainers.harness.conformance import run_checks

    checks: list[_Check] = []
    for spec in parse_derainers(text):
        if spec.name == "folder":
            raise BadConfig(
                f"derainer {spec} is a folder of images: there is nothing to run that could be checked"
            )
        check_derainer(spec)
        load = partial(load_derainer, spec, device, precision)
        checks.append((spec.label, partial(run_checks, load), partial(blame, spec.label)))
    return checks


def _rains(text: str) -> list[_Check]:
    from functools import partial

    from bench.errors import said
    from bench.plugins import listed
    from bench.rain import parse_rain
    from bench.rain.check import run_checks

    found = [parse_rain(part) for part in listed(text)]
    return [(rain.name, partial(run_checks, rain), said) for rain in found]


def _report(checks: list[_Check]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from bench.errors import ANYTHING, BenchError
    from bench.verdicts import Outcome

    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    styles = {Outcome.PASS: "green", Outcome.NOTE: "yellow", Outcome.FAIL: "bold red", Outcome.SKIP: "dim"}
    failed, faults = [], []
    for label, run, blame in checks:
        try:
            verdicts = run()
        except ANYTHING as error:  # anyone's code and files: the others are checked all the same
            faults.append(blame(error))
            continue
        table = Table(
            "property", "verdict", "what was seen", box=box.SIMPLE_HEAD, pad_edge=False, title=label
        )
        for verdict in verdicts:
            outcome = Text(verdict.outcome.value, style=styles[verdict.outcome])
            table.add_row(verdict.name, outcome, Text(verdict.detail))
        console.print(table)
        failed += [f"{label}: {v.name}" for v in verdicts if v.outcome is Outcome.FAIL]
    if len(faults) == len(checks):
        raise BenchError("; ".join(faults))
    console.print(f"failed: {', '.join(failed)}" if failed else "all properties hold")
    for fault in faults:
        typer.echo(f"not checked: {fault}", err=True)
    if failed or faults:
        raise typer.Exit(1)
