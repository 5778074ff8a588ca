"""Prints which families of the two model indexes run without mmcv's compiled operations.

One config of each family of MMDetection's and MMSegmentation's indexes, at random weights, looks at one small image by
the road of ``bench run``: built, saved as a checkpoint, loaded again and asked. Each has a process of its own, with a
limit of time and of memory. What is finished is kept in a JSON file, so that a run that was stopped goes on.

Run ``python tests/benchmarks/model_families.py families.json`` (``--task detection --limit 180 --family yolox,detr``).
It takes about an hour on one core and prints the table of docs/models.md, in Markdown.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

TASKS = ("detection", "segmentation")

#: What a config's name has where it is among the smaller of its family; the first that fits is taken.
SMALL = ("nano", "tiny", "r18", "mobilenet", "r50", "_s_", "-s_", "_b0_", "-b0_")

#: Width and height that images are resized to where a config resizes them: what is asked is whether it runs.
SIZE = (320, 240)


@dataclass(frozen=True)
class Found:
    """What came of one family.

    Attributes:
        config: The config that was taken.
        verdict: ``runs``, ``masks`` (runs, and finds masks), ``op`` (an operation is missing) or ``other``.
        said: The operation, or the reason in one line; empty where it runs.
        seconds: How long it took.
    """

    config: str
    verdict: str
    said: str
    seconds: float


def choose(task: str) -> dict[str, Path]:
    """One config of each family of the index, a small one where there is one."""
    from downstream.models.index import read_index

    families: dict[str, list[Path]] = {}
    for entry in read_index(task).values():
        if entry.config.is_file():
            parts = entry.config.parts
            families.setdefault(parts[parts.index("configs") + 1], []).append(entry.config)
    return {family: min(paths, key=_rank) for family, paths in sorted(families.items())}


def _rank(path: Path) -> int:
    return next((place for place, part in enumerate(SMALL) if part in path.name), len(SMALL))


def shrink(part: Any) -> None:
    """Have a config's pipelines resize to :data:`SIZE`."""
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple) else ()
    for each in parts:
        shrink(each)
    if isinstance(part, dict) and "Resize" in str(part.get("type")) and "scale" in part:
        part["scale"] = SIZE


def look(task: str, config: Path) -> bool:
    """Build a config's network, save its random weights, load it as `bench run` does, and show it an image.

    Returns:
        Whether it finds masks.
    """
    import numpy as np
    import torch
    from mmengine.model import revert_sync_batchnorm

    from downstream.models import load_model
    from downstream.models.index import PACKAGES
    from downstream.models.mmcommon import quiet, read_config
    from downstream.models.mmops import on_behalf_of

    scope = PACKAGES[task]
    with quiet(), on_behalf_of(config.stem), tempfile.TemporaryDirectory() as folder:
        importlib.import_module(f"{scope}.utils").register_all_modules()
        whole = read_config(config)
        described = whole["model"].copy()
        described.pop("pretrained", None)
        registry = importlib.import_module(f"{scope}.registry")
        network = revert_sync_batchnorm(registry.MODELS.build(described))
        weights = Path(folder) / "random.pth"
        torch.save({"state_dict": network.state_dict()}, weights)
        del network
        shrink(whole)
        small = Path(folder) / config.name
        whole.dump(small)
        model = load_model(task, str(small), weights, "cpu")
        found = model.predict(np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8))
    return getattr(found, "masks", None) is not None


def _child(task: str, config: Path, memory: int, said: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    silent = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silent, stream)
    try:
        said.send(("masks" if look(task, config) else "runs", ""))
    except MemoryError:
        said.send(("other", f"wants more than {memory >> 30} GiB"))
    except BaseException as error:  # whatever it is, it is this family's line
        text = " ".join(str(error).split())
        missing = re.search(r"needs the operation '(\w+)'", text)
        if missing:
            said.send(("op", missing[1]))
        elif "allocate memory" in text or "bad_alloc" in text:
            said.send(("other", f"wants more than {memory >> 30} GiB"))
        else:
            said.send(("other", f"{type(error).__name__}: {text}".replace(str(config), config.name)[:200]))


def ask(task: str, config: Path, limit: float, memory: int) -> Found:
    """Show an image to one family, in a process of its own."""
    begun = time.perf_counter()
    here, there = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_child, args=(task, config, memory, there))
    child.start()
    there.close()
    try:
        verdict, said = here.recv() if here.poll(limit) else ("other", f"not done in {limit:.0f} s")
    except EOFError:
        child.join()
        verdict, said = "other", f"its process ended with {child.exitcode}"
    child.kill()
    child.join()
    return Found(config.stem, verdict, said, round(time.perf_counter() - begun, 1))


#: What an error's text has, and what is missing then; the first that fits is taken.
REASONS = (
    (r"(\w+) is not installed", "the package `{}`"),
    (
        r"mim install (\w+)|imports': \[?'(\w+)|No module named '(\w+)|[Pp]lease install (\w+)",
        "the package `{}`",
    ),
    (r"couldn't connect|urlopen error", "a file that is downloaded when it is built"),
    (r"No such file or directory: '(\S+)'", "`{}`, named from a checkout's folder"),
    (r"`proposals` should be", "proposals made beforehand"),
    (r"(its predictions have no \w+)", "{}"),
    (r"cannot be built from \S+ \((.*?)\)?$", "it cannot be built: {}"),
)


def reason(text: str) -> str:
    """What an error says is missing, in a few words; its own where it is none of the common ones."""
    for pattern, said in REASONS:
        if hit := re.search(pattern, text):
            return said.format(next((each for each in hit.groups() if each), "")).rstrip(": ")
    return text.replace("|", "/")


def table(found: Mapping[str, Found]) -> str:
    """What was found, ``task/family`` by name, as Markdown: the counts, who runs, and a line for each that does not."""
    lines = []
    for task in TASKS:
        of = {key.partition("/")[2]: one for key, one in found.items() if key.startswith(f"{task}/")}
        if not of:
            continue
        runs = [
            name + (" (masks)" if one.verdict == "masks" else "") for name, one in of.items() if not one.said
        ]
        lines += [f"**{task}**: {len(runs)} of {len(of)} families run: {', '.join(sorted(runs))}.", ""]
        rest = {name: one for name, one in sorted(of.items()) if one.said}
        if rest:
            lines += ["| family | config | what is missing |", "| --- | --- | --- |"]
            for name, one in rest.items():
                said = f"the operation `{one.said}`" if one.verdict == "op" else reason(one.said)
                lines.append(f"| {name} | `{one.config}` | {said} |")
            lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Ask every family that the file does not hold yet, keep what came of it, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "kept", type=Path, help="JSON of the families that are finished; made where it is not there"
    )
    parser.add_argument("--task", choices=TASKS, action="append", help="one of the two (default: both)")
    parser.add_argument(
        "--limit", type=float, default=180.0, help="seconds a family has (default %(default)s)"
    )
    parser.add_argument("--memory", type=float, default=6.0, help="GiB a family has (default %(default)s)")
    parser.add_argument("--family", help="only these, separated by commas; asked again")
    chosen = parser.parse_args()
    known = json.loads(chosen.kept.read_text()) if chosen.kept.is_file() else {}
    found = {key: Found(**one) for key, one in known.items()}

    # Imported once, before the processes part: most of a family's time would go into it.
    import torch

    from downstream.models.mmops import install_fallback_ops

    install_fallback_ops()
    torch.set_num_threads(1)
    for name in ("mmdet.apis", "mmseg.apis", "downstream.models"):
        importlib.import_module(name)
    again = set(chosen.family.split(",")) if chosen.family else set()
    families = {task: choose(task) for task in chosen.task or TASKS}
    for task, configs in families.items():
        for family, config in configs.items():
            key = f"{task}/{family}"
            if family not in again if again else key in found:
                continue
            one = ask(task, config, chosen.limit, int(chosen.memory * 2**30))
            found[key] = one
            chosen.kept.write_text(
                json.dumps({key: asdict(one) for key, one in found.items()}, indent=1) + "\n"
            )
            print(f"{key}: {one.verdict} {one.said} ({one.seconds:.0f} s)", file=sys.stderr, flush=True)
    asked = [f"{task}/{family}" for task, configs in families.items() for family in configs]
    print(table({key: found[key] for key in asked if key in found}))


if __name__ == "__main__":
    main()
