"""The verbs, put together."""

from __future__ import annotations

import importlib
import importlib.util

import typer

app = typer.Typer(
    name="bench",
    help="Measures whether deraining helps the detectors and segmenters that look at the image afterwards.",
    epilog="Try: bench run --derainer rdmc --task detection",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

#: Verb to the module that holds its command, in the order of the help.
VERBS = (
    "run",
    "plan",
    "report",
    "compare",
    "worst",
    "leaderboard",
    "submit",
    "list",
    "restore",
    "panel",
    "rain",
    "train",
    "new",
    "check",
    "profile",
    "rescore",
    "verify",
    "store",
    "doctor",
)


def _show_version(value: bool) -> None:
    if value:
        from bench.environment import described

        typer.echo(described())
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False,
        "--version",
        callback=_show_version,
        is_eager=True,
        help="Show the version and the environment.",
    ),
) -> None:
    """Options before the verb."""


for _verb in VERBS:
    if importlib.util.find_spec(f"bench.cli.{_verb}"):
        importlib.import_module(f"bench.cli.{_verb}").add(app)
