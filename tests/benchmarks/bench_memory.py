"""Prints the largest memory of a worker over few and over many street scenes: it must not grow with their number.

The scenes are the embedded ones, hard-linked under further ids into a folder in COCO's layout. Restored by ``guided``
and scored for restoration, in streaks, by one worker.

Run ``python tests/benchmarks/bench_memory.py`` (``--few 200 --many 2000``).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--few", type=int, default=200)
    parser.add_argument("--many", type=int, default=2000)
    chosen = parser.parse_args()
    peaks = []
    for count in (chosen.few, chosen.many):
        with tempfile.TemporaryDirectory() as folder:
            write_scenes(Path(folder) / "data", count)
            command = [sys.executable, __file__, "run", f"{folder}/data", f"{folder}/out"]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        worker, driver = (int(word) / 1024 for word in done.stdout.split())
        peaks.append(worker)
        print(f"{count:5} scenes: worker {worker:7.1f} MiB, the process that started it {driver:7.1f} MiB")
    print(f"worker, many over few: {peaks[1] / peaks[0]:.3f} (asked: 1.1 at most)")


def write_scenes(folder: Path, count: int) -> None:
    """Link the embedded scenes ``count`` times into a folder in COCO's layout, without boxes."""
    from bench.data import open_data

    scenes = open_data("street").scenes
    (folder / "val2017").mkdir(parents=True)
    (folder / "annotations").mkdir()
    images = []
    for index in range(count):
        scene = scenes[index % len(scenes)]
        assert scene.image is not None
        assert scene.size is not None
        name = f"{index:06}.png"
        try:
            os.link(scene.image, folder / "val2017" / name)
        except OSError:  # another file system
            shutil.copy(scene.image, folder / "val2017" / name)
        images.append({"id": index + 1, "file_name": name, "height": scene.size[0], "width": scene.size[1]})
    coco = {"images": images, "annotations": [], "categories": [{"id": 1, "name": "car"}]}
    (folder / "annotations" / "instances_val2017.json").write_text(json.dumps(coco))


def run(data: str, out: str) -> None:
    """Run in this process; print the peaks of the worker and of this process in KiB."""
    from bench.api import run as bench_run

    bench_run(derainer="guided", task="restoration", data=f"coco:{data}", out=out, workers=1)
    kinds = (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)
    print(*(resource.getrusage(kind).ru_maxrss for kind in kinds))


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run(*sys.argv[2:])
    else:
        main()
