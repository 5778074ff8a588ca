"""Prints which families of the two model indexes run without mmcv's compiled operations.

One config of each folder of MMDetection's and MMSegmentation's configs, at random weights, looks at one small image by
the road of ``bench run``: built, saved as a checkpoint, loaded again and asked. Each has a process and a time limit.

Run ``python tests/benchmarks/model_families.py`` (``--task detection --limit 180 --family yolox,detr``). It takes an
hour on one core and prints Markdown.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TASKS = ("detection", "segmentation")

#: What a config's name has where it is among the smaller of its family; the first that fits is taken.
SMALL = ("nano", "tiny", "r18", "mobilenet", "r50", "_s_", "-s_", "_b0_", "-b0_")


def choose(task: str) -> dict[str, Path]:
    """One config of each family: a small one of the index, else its first config that is whole."""
    from downstream.models.index import read_configs, read_index

    families: dict[str, list[Path]] = {}
    indexed = [entry.config for entry in read_index(task).values() if entry.config.is_file()]
    for path in [*indexed, *read_configs(task).values()]:
        families.setdefault(path.parent.name, []).append(path)
    return {family: min(paths, key=_rank) for family, paths in sorted(families.items()) if family != "_base_"}


def _rank(path: Path) -> int:
    return next((place for place, part in enumerate(SMALL) if part in path.name), len(SMALL))


def look(task: str, config: Path) -> None:
    """Build a config's network, save its random weights, load it as `bench run` does, and show it an image."""
    import importlib

    import numpy as np
    import torch

    from downstream.models import load_model
    from downstream.models.index import PACKAGES
    from downstream.models.mmcommon import quiet, read_config
    from downstream.models.mmops import install_fallback_ops, on_behalf_of

    install_fallback_ops()
    scope = PACKAGES[task]
    with quiet(), on_behalf_of(config.stem), tempfile.TemporaryDirectory() as folder:
        importlib.import_module(f"{scope}.utils").register_all_modules()
        described = read_config(config)["model"].copy()
        described.pop("pretrained", None)
        from mmengine.model import revert_sync_batchnorm

        registry = importlib.import_module(f"{scope}.registry")
        network = revert_sync_batchnorm(registry.MODELS.build(described))
        weights = Path(folder) / "random.pth"
        torch.save({"state_dict": network.state_dict()}, weights)
        del network
        model = load_model(task, str(config), weights, "cpu")
        image = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
        found = model.predict(image)
    print("runs, with masks" if getattr(found, "masks", None) is not None else "runs")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--task", choices=TASKS, action="append", help="one of the two (default: both)")
    parser.add_argument(
        "--limit", type=float, default=180.0, help="seconds a family has (default %(default)s)"
    )
    parser.add_argument("--family", help="only these, separated by commas")
    parser.add_argument("--one", nargs=2, metavar=("TASK", "CONFIG"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        look(chosen.one[0], Path(chosen.one[1]))
        return
    print("| task | family | config | without a compiler | s |\n|---|---|---|---|---|", flush=True)
    for task in chosen.task or TASKS:
        for family, config in choose(task).items():
            if chosen.family and family not in chosen.family.split(","):
                continue
            begun = time.perf_counter()
            said = _ask(task, config, chosen.limit)
            print(
                f"| {task} | {family} | {config.stem} | {said} | {time.perf_counter() - begun:.0f} |",
                flush=True,
            )


def _ask(task: str, config: Path, limit: float) -> str:
    command = [sys.executable, "-W", "ignore", __file__, "--one", task, str(config)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return f"not done in {limit:.0f} s"
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return (lines[-1] if lines else f"ended with {done.returncode}").replace("|", "/")[:160]


if __name__ == "__main__":
    main()
