"""What the parts of RDMC are worth: short trainings of equal length that differ in one thing.

    python -m bench.tools.rdmc.ablation ideas --out runs/ablation

A file in ``ablations/`` has a base and what each variant changes in it. Every variant is trained under each seed, one
after the other; a killed run goes on where it was. The last validation of each is read from its log, and the table
shows each variant's mean difference to the base with a 95 % interval over the seeds (Student's t on paired
differences; a dash where there is one seed only). Every variant's weights are exported beside its log. What
``--derainer`` has to say for ``bench run`` to measure them all is printed at the end, and ``--run`` makes the same
table of what that found. ``--scores`` keeps both in a file, from which a long ablation goes on elsewhere without the
trainings that it has already.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BadData
from bench.files import write_atomic
from bench.yaml_file import read_yaml

if TYPE_CHECKING:
    from bench.keep.records import Record

#: PSNR, AP, ... by rain or set, of one training.
Scores = dict[str, float]

#: By variant and seed.
Results = dict[str, dict[int, Scores]]

BASE = "base"

#: 97.5 % quantiles of Student's t by degrees of freedom.
_T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}


def shipped() -> dict[str, Path]:
    """The ablations that come with the package, by name."""
    return {path.stem: path for path in sorted((Path(__file__).parent / "ablations").glob("*.yaml"))}


def changed(base: dict[str, Any], change: dict[str, Any], seed: int) -> dict[str, Any]:
    """The configuration of a variant: sections of ``change`` are laid over those of ``base``; lists and names take
    their place. Another network has none of the base's options."""
    merged = {**base, "seed": seed}
    if "network" in change:
        merged.pop("options", None)
    for section, values in change.items():
        before = merged.get(section)
        merged[section] = {**before, **values} if isinstance(before, dict) else values
    return merged


def label(name: str, seed: int) -> str:
    """What the folder of a training is called, and its derainer in a run."""
    word = re.sub(r"[^\w-]+", "_", name).strip("_")
    return f"{word}_{seed}"


def last_scores(folder: Path) -> Scores:
    """PSNR on Y by rain at the last validation of a training."""
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    scored = [row["validation"] for row in rows if "validation" in row]
    return {rain: scores["psnr_y"] for rain, scores in scored[-1].items()} if scored else {}


def run_scores(records: Iterable[Record], variants: Iterable[str], seeds: int) -> Results:
    """What a run found of each variant and seed: every task's headline metric, as it is shown, by data and rain."""
    whose = {label(name, seed): (name, seed) for name in variants for seed in range(seeds)}
    results: Results = {name: {} for name in variants}
    for record in records:
        metric = record.description.headline
        score = record.score(metric.name)
        if record.derainer.label in whose and score is not None and score.value is not None:
            name, seed = whose[record.derainer.label]
            column = f"{metric.header}, {record.variant}"
            results[name].setdefault(seed, {})[column] = score.value * metric.scale
    return results


def read_scores(path: Path) -> tuple[Results, Results]:
    """What a file keeps: scores on held-out images, and those of a run; empty where there is no file yet.

    Raises:
        BadData: If it holds anything else.
    """
    if not path.is_file():
        return {}, {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        held_out, run = (
            {
                name: {int(seed): {**scores} for seed, scores in seeds.items()}
                for name, seeds in content[kind].items()
            }
            for kind in ("held_out", "run")
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadData(f"{path} holds no scores of an ablation: name another file after --scores") from None
    return held_out, run


def write_scores(path: Path, held_out: Results, run: Results) -> None:
    """Keep scores for :func:`read_scores`."""
    write_atomic(path, f"{json.dumps({'held_out': held_out, 'run': run}, indent=1)}\n".encode())


def interval(differences: list[float]) -> tuple[float, float | None]:
    """Mean and half width of its 95 % interval; `None` where one value says nothing of the spread."""
    mean = sum(differences) / len(differences)
    degrees = len(differences) - 1
    if degrees < 1:
        return mean, None
    variance = sum((d - mean) ** 2 for d in differences) / degrees
    return mean, _T[degrees] * math.sqrt(variance / len(differences))


def table(results: Results) -> str:
    """Markdown: the base's scores, then each variant's difference to it; columns as they come."""
    base = results.get(BASE, {})
    every = (scores for runs in results.values() for scores in runs.values())
    columns = list(dict.fromkeys(column for scores in every for column in scores))
    lines = ["| variant | seeds | " + " | ".join(columns) + " |", "|---" * (len(columns) + 2) + "|"]
    for name, runs in results.items():
        cells = []
        seeds = sorted(seed for seed in runs if name == BASE or seed in base)
        for column in columns:
            values = [
                runs[s][column] - (0 if name == BASE else base[s][column]) for s in seeds if column in runs[s]
            ]
            if not values:
                cells.append("—")
                continue
            mean, half = interval(values)
            sign = "" if name == BASE else "+"
            cells.append(f"{mean:{sign}.2f} ± {'—' if half is None else format(half, '.2f')}")
        lines.append(f"| {name} | {len(seeds)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Train what is missing and print the table."""
    from bench.train import checkpoints
    from bench.train.config import TrainConfig
    from bench.train.export import export
    from bench.train.runner import train

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ablation", help=f"a YAML file, or one of {', '.join(shipped())}")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3, choices=range(1, len(_T) + 2), metavar="N")
    parser.add_argument("--table", action="store_true", help="train nothing; take what is there")
    parser.add_argument(
        "--run", type=Path, help="the store of a bench run over the variants, for a table of its scores"
    )
    parser.add_argument(
        "--scores", type=Path, help="a JSON file that keeps what was found, with --table as well"
    )
    arguments = parser.parse_args()
    path = shipped().get(arguments.ablation, Path(arguments.ablation))
    content = read_yaml(path, f"ablation {path}")
    base, variants = content["base"], {BASE: {}, **content["variants"]}
    held_out, seen = read_scores(arguments.scores) if arguments.scores else ({}, {})
    entries = []
    for seed in range(arguments.seeds):
        for name, change in variants.items():
            folder = arguments.out / label(name, seed)
            config = TrainConfig.model_validate(changed(base, change, seed))
            done = [p.stem for p in checkpoints.checkpoints(folder)][-1:] == [f"step_{config.steps:07d}"]
            if not done and not arguments.table and seed not in held_out.get(name, {}):
                print(f"== {name}, seed {seed}", flush=True)
                export(train(config, folder), folder / "weights.safetensors")
                done = True
            if done:
                held_out.setdefault(name, {})[seed] = last_scores(folder)
                entries.append(f"{label(name, seed)}={config.network}:{folder / 'weights.safetensors'}")
    if arguments.run is not None:
        from bench.keep.records import read_records

        for name, seeds in run_scores(read_records(arguments.run), variants, arguments.seeds).items():
            seen.setdefault(name, {}).update(seeds)
    if arguments.scores:
        write_scores(arguments.scores, held_out, seen)
    for results in (held_out, seen):
        if results:
            print(f"{table(results)}\n")
    if entries:
        print(f"--derainer {','.join(entries)}")


if __name__ == "__main__":
    from bench.cli import mistakes_said

    with mistakes_said():
        main()
