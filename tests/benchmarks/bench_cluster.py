"""Prints how a run on Ray scales from one single-threaded worker to two.

Each side is a process with a Ray cluster of its own on this machine. Workers are warm (a first run has made them load
the networks); the time is that of a run's shards.

Run ``python tests/benchmarks/bench_cluster.py`` (``--images 24 --derainer rdmc``). Needs Ray, extra ``ray``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--derainer", default="rdmc")
    chosen = parser.parse_args()
    seconds = []
    for workers in (1, 2):
        command = [
            sys.executable,
            "-W",
            "ignore",
            __file__,
            "run",
            chosen.derainer,
            str(chosen.images),
            str(workers),
        ]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        seconds.append(float(done.stdout.split()[-1]))
        print(
            f"{workers} worker(s): {seconds[-1]:.1f} s for {chosen.images} images by {chosen.derainer}",
            flush=True,
        )
    print(f"two workers are {seconds[0] / seconds[1]:.2f} times as fast as one (asked: 1.8)")


def run(derainer: str, images: str, workers: str) -> None:
    """Run on a cluster of so many CPUs; print the seconds of the shards."""
    import ray

    from bench.api import run_suite
    from bench.engine import session
    from bench.engine.cluster import RayCluster
    from bench.engine.suite import suite_of

    ray.init(num_cpus=int(workers), include_dashboard=False, log_to_driver=False)
    spent = [0.0]

    execute = session.execute

    def timed(*arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        execution = execute(*arguments, **options)
        spent[0] = time.perf_counter() - started
        return execution

    session.execute = timed

    for count in (2 * int(workers), int(images)):
        suite = suite_of({"derainer": derainer, "task": "restoration", "limit": count})
        with tempfile.TemporaryDirectory() as out:
            run_suite(suite, out, device="cpu", place=RayCluster())
    print(spent[0])


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run(*sys.argv[2:])
    else:
        main()
