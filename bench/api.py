"""The main job as a function: what ``bench run`` does, for scripts and notebooks."""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.deadline import DEFAULT
from bench.engine.finish import check_labels, make_heads, write_manifests, write_records
from bench.engine.here import ThisProcess
from bench.engine.local import ThisMachine
from bench.engine.pool import Place
from bench.engine.scheduler import Execution
from bench.engine.session import Watcher, open_session
from bench.engine.suite import Suite, suite_of
from bench.errors import BadConfig, BadData
from bench.keep.records import Record
from bench.listing import labelled
from bench.plugins import listed

if TYPE_CHECKING:
    import pandas as pd

    from reports.notebook import Tables

#: What is done about evidence that a store has already: make what is missing; make everything again; refuse to touch
#: a store that has any of it; make nothing and score what there is.
Strategy = Literal["only-missing", "always", "never", "only-cache"]
STRATEGIES: tuple[Strategy, ...] = ("only-missing", "always", "never", "only-cache")


@dataclass(frozen=True)
class Run:
    """What came of a run.

    Attributes:
        records: The records of its cells, in the order of the table.
        out: The store; of several runs together, the first one's.
    """

    records: tuple[Record, ...]
    out: Path

    @property
    def problems(self) -> list[str]:
        """One line per cell that is not complete; cells that one derainer lacks for one reason share theirs."""
        cells: dict[tuple[str, str | None], list[str]] = {}
        for record in self.records:
            if record.status != "ok":
                where = cells.setdefault((record.derainer.label, record.reason), [])
                where.append(f"{record.variant}, {record.task}")
        return [
            f"{label} on {where[0]}{f' and {len(where) - 1} further cells' if where[1:] else ''}: {reason}"
            for (label, reason), where in cells.items()
        ]

    def rows(self) -> list[dict[str, Any]]:
        """Return the report's rows; see ``bench report --format json``."""
        from reports import rows

        return rows(self.records)

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def table(
        self,
        preset: str = "summary",
        *,
        columns: str | Sequence[str] = (),
        sort: str | None = None,
        intervals: bool | None = None,
        quote: str | Sequence[str] = (),
        **arrangement: Any,
    ) -> Tables:
        """Return the tables of a preset, which a notebook shows.

        Args:
            preset: As ``bench report --table``: ``survey``, ``paper``, a task's name, ...
            columns: Column keys in order, as a sequence or separated by commas; none for all.
            sort: A column key, or ``name``.
            intervals: Whether intervals are shown; None leaves it to the preset.
            quote: ``FILE[:BLOCK,...]``, or several; ``published:BLOCK`` for numbers that are shipped.
            **arrangement: As the options of ``bench report``: ``rename``, ``name``, ``reference`` and ``cite`` as
                mappings from old to new, ``only``, ``drop`` and ``order`` as ``columns``, ``group`` as a mapping from
                title to derainers, ``best``.

        Raises:
            BenchError: On a wrong choice.

        Example:
            >>> load("runs/a", "runs/b").table("survey", rename={"rdmc": "RDMC (ours)"})  # doctest: +SKIP
        """
        from bench.quoting import quoted
        from reports import make_tables
        from reports.arrangement import arranged
        from reports.arrangement import listed as names
        from reports.notebook import Tables
        from reports.tables.table import Choice

        choice = Choice(names(columns) or None, sort, intervals)
        arranged_so = arranged(quotes=quoted(quote), **arrangement)
        return Tables(tuple(make_tables(self.records, preset, choice, arranged_so)))

    def __add__(self, other: Run) -> Run:
        """Return both as one run; what they share stands in it once.

        Raises:
            BadRecord: If they hold different evidence of one cell.
        """
        from reports.combine import combine

        both = combine([(str(self.out), self.records), (str(other.out), other.records)])
        return Run(tuple(both), self.out)

    def _repr_html_(self) -> str:
        from reports import render

        return render(self.records, "html")

    def __repr__(self) -> str:
        from reports import render

        return render(self.records, "md")


def load(*folders: str | Path) -> Run:
    """Read finished runs as one.

    Args:
        folders: Their --out folders, or folders of records.

    Raises:
        BenchError: If one has no records, or two hold different evidence of one cell.
    """
    from reports.combine import read_runs

    if not folders:
        raise BadConfig("load() needs the --out folder of a run, or several")
    paths = [Path(folder) for folder in folders]
    return Run(tuple(read_runs(paths)), paths[0])


def run(
    derainer: str | Sequence[str] | Mapping[str, Any] | Callable[..., Any] = (),
    task: str | Sequence[str] = (),
    data: str = "street",
    split: str | None = None,
    rain: str | Sequence[str] = "streaks:medium",
    model: str | Sequence[str] | Mapping[str, Any] | Callable[..., Any] = (),
    checkpoint: str | Sequence[str] = (),
    out: str | Path = "runs",
    limit: int | None = None,
    device: str = "auto",
    seed: int = 0,
    *,
    measure: str | Sequence[str] = (),
    where: str | None = None,
    classes: str | Sequence[str] = (),
    layout: str | Sequence[str] | None = None,
    precision: str = "auto",
    tile: str = "auto",
    trust_checkpoint: str | Sequence[str] = (),
    timeout: float = DEFAULT,
    workers: int | None = None,
    strategy: Strategy = "only-missing",
    save_images: bool = False,
    fail_fast: bool = False,
    watcher: Watcher | None = None,
) -> Run:
    """Restore a rainy data set with each derainer, show it to the models, and score what they see.

    Args:
        derainer: ``[LABEL=]NAME[?OPTIONS][:ARG]``, several separated by commas or as a sequence; or labels with such
            texts or with objects of one's own: networks, functions of a uint8 RGB image; or one such object, which is
            called by its own name or its class's. The rows ``clean`` and ``none`` are always there.
        task: ``detection``, ``segmentation``, ``restoration``, or several. Without one, and without a measure, it is
            ``detection``.
        data: ``street`` or ``KIND:DIR``.
        split: The data set's split; None takes the kind's default.
        rain: ``streaks:light|medium|heavy``, ``rainfall:R``, ``none``, or several.
        model: ``[TASK=][LABEL=]MODEL``, several as a sequence: a name of the model index, an embedded one, a config
            file, ``my.py:NAME`` or ``SOURCE:...``; or by ``[TASK=]LABEL`` such texts or objects of one's own, which are
            called with a uint8 RGB image and have ``classes``; or one such object.
        checkpoint: A model's checkpoint; ``LABEL=FILE`` or ``TASK=FILE`` where there are several models.
        out: The store; evidence that it has already is not made again.
        limit: Only the first so many scenes.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        seed: Seeds the rain.
        measure: Measures beside the tasks, such as ``ms_ssim``; see ``bench list measures``.
        where: Only scenes with these tags, e.g. ``weather=rainy,timeofday=night``.
        classes: A YAML file that says what the data calls a model's classes; ``LABEL=FILE`` or ``TASK=FILE`` where
            there are several models.
        layout: What the outputs of ``onnx:FILE`` or ``torchscript:FILE`` are: ``yolo``, ``ssd``, ``end2end`` or
            ``labelmap``.
        precision: ``auto``, ``fp32`` or ``bf16``: what derainers compute in.
        tile: ``auto``, ``off`` or ``SIZE[+OVERLAP]``: how derainers cut large images.
        trust_checkpoint: SHA-256 of checkpoints that may be unpickled although they are not plain weights.
        timeout: Seconds that loading a network or looking at one image may take in a worker; 0 for no limit.
        workers: Worker processes; None takes one per core or per GPU.
        strategy: What is done about evidence that the store has already.
        save_images: Keep the images that the run looks at, as ``OUT/images/VARIANT/DERAINER/SCENE.png``.
        fail_fast: Stop at the first failure instead of finishing the rest.
        watcher: Is told what goes on.

    Returns:
        The run, whose ``rows()`` are the report's rows.

    Raises:
        BenchError: On a wrong choice, before the first image.

    Example:
        >>> from bench import run
        >>> result = run(derainer="median", limit=2, out="runs/example")  # doctest: +SKIP
        >>> result.to_pandas()  # doctest: +SKIP
    """
    with (
        named("derainer", derainer, labelled, watcher) as (texts, place),
        named("model", model, _of_task, watcher) as (models, models_place),
    ):
        choices = {
            "derainer": texts,
            "data": data,
            "split": split,
            "rain": rain,
            "model": models,
            "checkpoint": checkpoint,
            "where": where,
            "limit": limit,
            "seed": seed,
            "precision": precision,
            "tile": tile,
            "trust_checkpoint": trust_checkpoint,
            "timeout": timeout,
        }
        optional = {"task": task, "measure": measure, "classes": classes, "layout": layout}
        choices |= {key: asked for key, asked in optional.items() if asked}
        return run_suite(
            suite_of(choices),
            out,
            device=device,
            workers=workers,
            strategy=strategy,
            save_images=save_images,
            fail_fast=fail_fast,
            watcher=watcher,
            place=place or models_place,
        )


@contextlib.contextmanager
def named(
    kind: str, given: Any, write: Callable[[str, str], str], watcher: Watcher | None
) -> Iterator[tuple[list[str], Place | None]]:
    """Give the objects among derainers or models names for as long as they are worked with.

    An object that stands alone is called by its own name or its class's.

    Args:
        kind: ``derainer`` or ``model``.
        given: As in :func:`run`.
        write: Writes a label before a text.
        watcher: Is told where objects cannot be sent to other processes; without one it is a warning.

    Yields:
        The names, and where the work has to be done; None where that is open.

    Raises:
        BadConfig: If it is an object without a label.
    """
    from bench.objects import handed_over

    if isinstance(given, str | Sequence):
        names = listed(given) if isinstance(given, str) else list(given)
        for name in names:
            if not isinstance(name, str):
                raise _unlabelled(kind, name)
        yield names, None
        return
    if not isinstance(given, Mapping):
        own = getattr(given, "__name__", type(given).__name__)
        if not callable(given) or not own.isidentifier():
            raise _unlabelled(kind, given)
        given = {own: given}
    for label in given:
        if not isinstance(label, str) or not label.strip() or '"' in label:
            raise BadConfig(f"{kind} label {label!r}: a label is a text, not empty and without double quotes")
    objects = {label: found for label, found in given.items() if not isinstance(found, str)}

    with tempfile.TemporaryDirectory() as folder, handed_over(objects, Path(folder)) as (texts, stuck):
        for label, reason in stuck.items():
            said = f"{label} cannot be sent to other processes ({reason}): the run stays in this one"
            if watcher is not None:
                watcher.note(said)
            else:
                warnings.warn(said, stacklevel=4)  # whoever called run
        written = [write(label, texts.get(label) or found) for label, found in given.items()]
        yield written, ThisProcess() if stuck else None


def _unlabelled(kind: str, given: object) -> BadConfig:
    return BadConfig(f'{kind} is a {type(given).__name__}: give it a label, as in {kind}={{"mine": ...}}')


def _of_task(label: str, text: str) -> str:
    """Write a text behind ``[TASK=]LABEL``."""
    task, mark, name = label.rpartition("=")
    return f"{task}{mark}{labelled(name, text)}"


def run_suite(
    suite: Suite,
    out: str | Path = "runs",
    *,
    device: str = "auto",
    workers: int | None = None,
    strategy: Strategy = "only-missing",
    save_images: bool = False,
    fail_fast: bool = False,
    watcher: Watcher | None = None,
    place: Place | None = None,
) -> Run:
    """Run a suite; see :func:`run` for the arguments.

    Args:
        place: Where the work is done; None takes this machine's processes.
    """
    if strategy not in STRATEGIES:
        raise BadConfig(f"strategy {strategy!r}: choose one of {', '.join(STRATEGIES)}")
    if workers is not None and workers < 1:
        raise BadConfig(f"--workers {workers}: there must be one at least")
    watcher = watcher or Watcher()
    folder = Path(out)
    with open_session(
        suite, folder, place or ThisMachine(workers), device=device, fail_fast=fail_fast, watcher=watcher
    ) as session:
        again, store = strategy == "always", session.store
        plan = session.plan(again=again)
        heads = make_heads(plan)
        check_labels(store, heads)
        if strategy == "never" and any(len(c.missing) < len(c.variant.data.scenes) for c in plan.cells):
            raise BadData(
                f"{out} already has evidence of this run: give another --out, or a strategy other than never"
            )
        store.prepare()
        session.remember()
        write_manifests(store, plan)
        execution = Execution()
        if plan.shards and strategy != "only-cache":
            watcher.begin(plan.images)
            try:
                works = session.works(plan, again=again, save_images=save_images)
                execution = session.execute(plan, works, watcher.advance, fail_fast=fail_fast)
            finally:
                watcher.end()
        watcher.stage("scoring")
        records = write_records(store, plan, heads, execution, session.settings, again=again)
        return Run(tuple(records), folder)


__all__ = ["STRATEGIES", "Run", "Strategy", "Watcher", "load", "run", "run_suite"]
