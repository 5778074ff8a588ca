"""The commands that make a derainer's records again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.keep.records import Record, slug
from reports.results import rain_order

#: What stands for the folders that only the reader knows.
DATA, WEIGHTS = "DATA", "WEIGHTS"
_PATH = re.compile(r"(?P<label>[^/=]*=)?.*/(?P<last>[^/]*)")


@dataclass
class _Run:
    """What the records of one command have asked for, each thing once and in order."""

    suite: str | None
    data: list[str]
    rains: dict[str, None] = field(default_factory=dict)
    tasks: dict[str, None] = field(default_factory=dict)
    models: dict[str, None] = field(default_factory=dict)
    checkpoints: dict[str, None] = field(default_factory=dict)


def commands(records: Iterable[Record]) -> list[str]:
    """One command for each data set and each form of the derainer, as the records say that they were made.

    Folders of the machine that made them are left out: `DATA` and `WEIGHTS` stand for the reader's own.

    Args:
        records: Of one derainer.
    """
    runs: dict[tuple[str, ...], _Run] = {}
    for record in sorted(records, key=lambda r: (r.data.name, r.task, rain_order(r.rain.name))):
        choices = _mapping(record.run.get("choices"))
        variant = _mapping(_first(choices.get("variants")))
        derainer = _placed(str(_first(choices.get("derainers")) or record.derainer.label), WEIGHTS)
        if "=" not in derainer and derainer.partition(":")[0] != record.derainer.label:
            derainer = f"{record.derainer.label}={derainer}"
        suite = choices.get("name") if "data" not in variant else None
        data = [] if suite else ["--data", _placed(str(variant.get("data", record.data.name)), DATA)]
        for option in () if suite else ("split", "limit"):
            if variant.get(option) is not None:
                data += [f"--{option}", str(variant[option])]
        run = runs.setdefault((derainer, str(suite), *data), _Run(str(suite) if suite else None, data))
        # A rain that is brought from a folder is called after it, and found by what was asked for.
        rain = str(_first(variant.get("rain")) or record.rain.name)
        run.rains[_placed(rain, DATA)] = None
        run.tasks[record.task] = None
        model = _mapping(_first(choices.get("models")))
        if record.model is not None and model.get("name"):
            label = model.get("label")
            named = f"{record.task}={label}" if label else record.task
            run.models[f"{named}={_placed(str(model['name']), WEIGHTS)}"] = None
            if model.get("checkpoint"):
                belongs = label or record.task
                run.checkpoints[f"{belongs}={_placed(str(model['checkpoint']), WEIGHTS)}"] = None
    return [_command(derainer, run) for (derainer, *_), run in runs.items()]


def _command(derainer: str, run: _Run) -> str:
    words = ["bench", "run", *([run.suite] if run.suite else []), "--derainer", derainer, *run.data]
    if not run.suite:
        words += ["--rain", ",".join(run.rains), "--task", ",".join(run.tasks)]
        for model in run.models:
            words += ["--model", model]
        for checkpoint in run.checkpoints:
            words += ["--checkpoint", checkpoint]
    words += ["--out", f"runs/{slug(derainer.partition('=')[0].partition(':')[0])}"]
    return shlex.join(words)


def _placed(text: str, folder: str) -> str:
    """What is written with colons, and with only the last part kept of each path in it; a label stays before it."""
    return ":".join(_PATH.sub(rf"\g<label>{folder}/\g<last>", part) for part in text.split(":"))


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
