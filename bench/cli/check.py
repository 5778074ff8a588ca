"""``bench check``: conformance of a derainer or a rain."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import options

if TYPE_CHECKING:
    from rich.table import Table

    from bench.verdicts import Verdict

_EXAMPLES = """Examples:

  bench check rdmc

  bench check my_derainer.py:MyNet --fix

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
    timeout: options.Timeout = None,
    trust_checkpoint: options.Trust = None,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Print the class around a network that would pass, where there is one."),
    ] = False,
) -> None:
    """Check that a derainer or a rain keeps to what the bench relies on; exit code 1 where it does not."""
    from bench.errors import BadConfig

    if not derainer and not rain:
        raise BadConfig("nothing to check: name a derainer, or a rain with --rain")
    options.limit(timeout)
    checks = [
        *(_derainers(derainer, device, precision, fix, trust_checkpoint) if derainer else []),
        *(_rains(rain) if rain else []),
    ]
    _report(checks)


@dataclass(frozen=True)
class _Check:
    """What is checked.

    Attributes:
        label: What it is called.
        run: Gives the verdicts and what is to be mended first, if anything.
        blame: How its faults begin.
    """

    label: str
    run: Callable[[], tuple[list[Verdict], str]]
    blame: Callable[[BaseException], str]


def _derainers(
    text: str, device: str, precision: str, fix: bool, trusted: Sequence[str] | None
) -> list[_Check]:
    from functools import partial

    from bench.errors import BadConfig, blame
    from derainers import DerainerSpec, check_derainer, parse_derainers
    from derainers.harness.remedy import adapter, diagnose, load_with, mend

    def run(spec: DerainerSpec) -> tuple[list[Verdict], str]:
        load = partial(load_with, spec, device, precision, trust=",".join(trusted or ()) or None)
        lacking, verdicts = diagnose(load)
        first = mend(spec, lacking, verdicts)
        if fix and lacking:
            first += f"\n\n{adapter(spec, lacking, getattr(load({}, 'off'), 'module', None))}\n"
        return verdicts, first

    checks: list[_Check] = []
    for spec in parse_derainers(text):
        if spec.name == "folder":
            raise BadConfig(
                f"derainer {spec} is a folder of images: there is nothing to run that could be checked"
            )
        check_derainer(spec)
        checks.append(_Check(spec.label, partial(run, spec), partial(blame, spec.label)))
    return checks


def _rains(text: str) -> list[_Check]:
    from functools import partial

    from bench.errors import said
    from bench.plugins import listed
    from bench.rain import Rain, parse_rain
    from bench.rain.check import run_checks

    def run(rain: Rain) -> tuple[list[Verdict], str]:
        return run_checks(rain), ""

    return [_Check(rain.name, partial(run, rain), said) for rain in map(parse_rain, listed(text))]


def _report(checks: list[_Check]) -> None:
    from rich.console import Console

    from bench.errors import ANYTHING, BenchError
    from bench.verdicts import Outcome

    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    failed, faults = [], []
    for check in checks:
        try:
            verdicts, first = check.run()
        except ANYTHING as error:  # anyone's code and files: the others are checked all the same
            faults.append(check.blame(error))
            continue
        if first:
            console.print(f"mend this first: {first}", markup=False, soft_wrap=True)
        console.print(_table(check.label, verdicts))
        failed += [f"{check.label}: {v.name}" for v in verdicts if v.outcome is Outcome.FAIL]
    if len(faults) == len(checks):
        raise BenchError("; ".join(faults))
    console.print(f"failed: {', '.join(failed)}" if failed else "all properties hold")
    for fault in faults:
        typer.echo(f"not checked: {fault}", err=True)
    if failed or faults:
        raise typer.Exit(1)


def _table(label: str, verdicts: list[Verdict]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from bench.verdicts import Outcome

    styles = {Outcome.PASS: "green", Outcome.NOTE: "yellow", Outcome.FAIL: "bold red", Outcome.SKIP: "dim"}
    table = Table("property", "verdict", "what was seen", box=box.SIMPLE_HEAD, pad_edge=False, title=label)
    for verdict in verdicts:
        outcome = Text(verdict.outcome.value, style=styles[verdict.outcome])
        table.add_row(verdict.name, outcome, Text(verdict.detail))
    return table
