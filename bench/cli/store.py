"""``bench store``: looks after the folder of evidence and records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.table import align
from bench.vocabulary import CLEAN, NONE

_FOLDER = Annotated[Path, typer.Argument(help="The --out folder of a run.")]


def add(app: typer.Typer) -> None:
    """Add the verb."""
    verbs = typer.Typer(help="List, clean or check a store of evidence and records.", no_args_is_help=True)
    verbs.command("ls")(ls)
    verbs.command("gc")(gc)
    verbs.command("verify")(verify)
    app.add_typer(verbs, name="store")


def ls(folder: _FOLDER = Path("runs")) -> None:
    """List the cells that have evidence."""
    store = _open(folder)
    records = store.read_records() if store.records.is_dir() else []
    models = {record.evidence: record.model.name for record in records if record.model}
    derainers: dict[str, dict[str, None]] = {}
    data: dict[str, dict[str, None]] = {}
    for record in records:
        derainers.setdefault(record.evidence, {})[record.derainer.label] = None
        data.setdefault(record.evidence, {})[record.data.name] = None
    rows = []
    for key, what in store.cells():
        scenes = len(store.done(key))
        unnamed = CLEAN if not what["rain"] else NONE  # what evidence without a record can say of its row
        rows.append(
            [
                key[:12],
                what["task"],
                models.get(key, "-"),
                ", ".join(derainers.get(key, ())) or str((what["derainer"] or {}).get("name", unnamed)),
                str((what["rain"] or {}).get("rain", "dry")),
                ", ".join(data.get(key, ())) or "no record yet",
                f"{scenes} scene{'s' * (scenes != 1)}",
                f"{sum(path.stat().st_size for path in store.shards(key)) / 1e3:.0f} kB",
            ]
        )
    for line in align(rows):
        typer.echo(line)
    typer.echo(f"{len(rows)} cells with evidence, {len(records)} records")


def gc(
    folder: _FOLDER = Path("runs"),
    now: Annotated[
        bool, typer.Option("--now", help="Also files younger than ten minutes: no run is going on.")
    ] = False,
) -> None:
    """Remove what killed runs left: temporary files, damaged shards, locks."""
    removed = _open(folder).collect_garbage(**({"grace": 0.0} if now else {}))
    typer.echo(f"{len(removed)} files removed")


def verify(folder: _FOLDER = Path("runs")) -> None:
    """Check every evidence file, and every record against its evidence; exit code 1 where something is wrong."""
    from bench.engine.verify import check_scores
    from bench.errors import BadRecord
    from bench.files import list_files
    from bench.keep.records import read_record
    from downstream.tasks import is_known

    store = _open(folder)
    problems = [f"{path}: {reason}" for path, reason in store.damaged()]
    records = list_files(store.records, (".json",))
    for path in records:
        try:
            record = read_record(path)
            store.read_manifest(record.data.fingerprint)
            # Records of tasks from files need their code, which nothing here has named.
            problem = check_scores(path) if is_known(record.task) and record.status != "failed" else None
            problems += [f"{path}: {problem}: `bench rescore {folder}` makes it again"] if problem else []
        except BadRecord as error:
            problems.append(str(error))
    shards = sum(len(store.shards(key)) for key, _ in store.cells())
    for problem in problems:
        typer.echo(problem)
    plural = "" if len(problems) == 1 else "s"
    typer.echo(f"{shards} shards, {len(records)} records, {len(problems)} problem{plural}")
    if problems:
        raise typer.Exit(1)


def _open(folder: Path):  # type: ignore[no-untyped-def]
    from bench.errors import BadData
    from bench.keep.store import Store

    if not (folder / "evidence").is_dir():
        raise BadData(f"{folder} is not a store: give the --out folder of a run")
    return Store(folder)
