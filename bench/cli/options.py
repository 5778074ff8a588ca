"""The options that several verbs share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Suite = Annotated[
    str | None, typer.Argument(help="A suite: a YAML file or a shipped name; see `bench list suites`.")
]
Derainer = Annotated[
    list[str] | None,
    typer.Option(
        help="[LABEL=]NAME[?OPTIONS][:ARG], separated by commas, such as rdmc, prenet:FILE, 'my.py:Net?width=8'."
    ),
]
Task = Annotated[
    list[str] | None,
    typer.Option(
        help="detection, segmentation, restoration, quality, flicker, warped; separated by commas. [default: detection]"
    ),
]
Measure = Annotated[
    list[str] | None,
    typer.Option(help="psnr, ms_ssim, ... (see `bench list measures`) or FILE.py:NAME; separated by commas."),
]
Data = Annotated[
    str | None,
    typer.Option(help="street, KIND:DIR (see `bench list data`) or FILE.py:READER[:DIR]. [default: street]"),
]
Split = Annotated[str | None, typer.Option(help="The data set's split, e.g. val2017.")]
Rain = Annotated[
    list[str] | None,
    typer.Option(
        help="streaks:light|medium|heavy, rainfall:MM_PER_HOUR, another of `bench list rains`, any of these with "
        "+night, none, own (the photos are of real rain), rendered:DIR[:CHOICE] or FILE.py:FUNCTION[:ARG]; "
        "separated by commas. "
        "[default: streaks:medium]"
    ),
]
Model = Annotated[
    list[str] | None,
    typer.Option(
        help="[TASK=][LABEL=]MODEL, again for each: a name of the model index, embedded, CONFIG.py, my.py:NAME or "
        "SOURCE:... (see `bench list models`)."
    ),
]
Checkpoint = Annotated[
    list[str] | None,
    typer.Option(help="A model's checkpoint; LABEL=FILE or TASK=FILE where there are several."),
]


def _search(folders: list[Path] | None) -> list[Path] | None:
    from bench.plugins import search_in

    for folder in folders or ():
        search_in(folder)
    return folders


#: Acts by itself: whoever takes it need not look at it.
SearchPath = Annotated[
    list[Path] | None,
    typer.Option(
        "--path",
        callback=_search,
        help="Folder in which myrepo.net:Net is looked for, before the working directory.",
    ),
]
Classes = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[LABEL=]FILE.yaml",
        help="What the data calls a model's classes, one a line: vehicle.car: car.",
    ),
]
Layout = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[LABEL=|TASK=]LAYOUT",
        help="What the outputs of onnx:FILE or torchscript:FILE are: yolo, ssd, end2end or labelmap.",
    ),
]
Out = Annotated[
    Path, typer.Option(help="Where evidence and records are kept; a run goes on from what is there.")
]
Where = Annotated[
    str | None,
    typer.Option(help="Only scenes with these tags, KEY=VALUE separated by commas, e.g. weather=rainy."),
]
Limit = Annotated[int | None, typer.Option(help="Only the first so many scenes.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Seed = Annotated[int | None, typer.Option(help="Seeds the rain. [default: 0]")]
Precision = Annotated[
    str | None, typer.Option(help="auto, fp32 or bf16: what derainers compute in. [default: auto]")
]
Tile = Annotated[
    str | None, typer.Option(help="auto, off or SIZE[+OVERLAP]: how large images are cut. [default: auto]")
]
Trust = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SHA256", help="A checkpoint that may be unpickled although it is not plain weights."
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="What loading a network or looking at one image may take before it is given up; 0: no limit. "
        "[default: 1800]",
    ),
]
LoadTimeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="What importing a network's file may take before it is given up; 0: no limit. [default: 1800]",
    ),
]
Workers = Annotated[int | None, typer.Option(help="Worker processes. [default: one per core or GPU]")]
EngineName = Annotated[
    str, typer.Option("--engine", help="local: this machine's processes; ray: a Ray cluster.")
]
Address = Annotated[
    str | None,
    typer.Option(
        help="With --engine ray: the cluster's address. [default: RAY_ADDRESS, else this machine's, else a new one]"
    ),
]

#: How reports are written.
Label = Annotated[
    list[str] | None,
    typer.Option(
        metavar="RUN:LABEL=OTHER",
        help="What a derainer of one of the runs is called instead; again for more.",
    ),
]
Rename = Annotated[
    list[str] | None, typer.Option(metavar="OLD=NEW", help="Call a derainer otherwise; again for more.")
]
Only = Annotated[str, typer.Option(help="Only these derainers, separated by commas.")]
Drop = Annotated[str, typer.Option(help="Leave these rows out, separated by commas.")]
Order = Annotated[str, typer.Option(help="Rows in this order, separated by commas; the others follow.")]
Reference = Annotated[
    list[str] | None,
    typer.Option(metavar="TEXT=none", help="What the row none, or clean, is called; again for the other."),
]
Grouped = Annotated[
    str,
    typer.Option("--group", metavar="'TITLE: A,B; TITLE: C'", help="Groups of rows, with a rule between."),
]
Cite = Annotated[
    list[str] | None,
    typer.Option(metavar="LABEL=KEY", help="A key of the bibliography, for LaTeX; again for more."),
]
Name = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=SHORT", help="A short name of a data set, rain, variant or model; again for more."
    ),
]
BestBy = Annotated[
    str,
    typer.Option("--best", help="value: best and second by value; ties: all within noise of the best alike."),
]
Quote = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE[:BLOCK,...]",
        help="Numbers of others, in rows of their own; published:BLOCK for those that are shipped. Again for more.",
    ),
]


def choose_suite(name: str | None, **choices: Any) -> Any:
    """Make a suite from a name and the command line's choices, which override the suite's."""
    from bench.deadline import arm
    from bench.engine.suite import override_suite, read_suite, suite_of

    given = {key: as_written(value) for key, value in choices.items() if value is not None}
    suite = override_suite(read_suite(name), given) if name else suite_of(given)
    arm(suite.timeout)
    return suite


def limit(timeout: float | None) -> None:
    """Limit what this process itself loads and runs of anyone's.

    Raises:
        BadConfig: If the limit is none.
    """
    from bench.deadline import arm
    from bench.engine.suite import suite_of

    arm(suite_of({} if timeout is None else {"timeout": timeout}).timeout)


def as_written(value: Any) -> Any:
    """Return an option's value: what is given once may be a list with commas, what is given several times is one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def choose_place(name: str, address: str | None, workers: int | None) -> Any:
    """Return where the work is done: this machine's processes, or a Ray cluster."""
    from bench.errors import BadConfig, unknown

    if name == "local":
        if address:
            raise BadConfig(f"--address {address} goes with --engine ray")
        from bench.engine.local import ThisMachine

        return ThisMachine(workers)
    if name != "ray":
        raise unknown("engine", name, ("local", "ray"))
    if workers is not None:
        raise BadConfig(
            f"--workers {workers} goes with --engine local: on a cluster, Ray gives each shard a core or a GPU"
        )

    from bench.engine.cluster import RayCluster

    return RayCluster(address)
