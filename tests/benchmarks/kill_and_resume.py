"""Kills a run with SIGKILL at random moments, resumes it, and compares its records with an undisturbed run's.

The moments lie anywhere between the start of the process and a while after the first evidence is written, a while
short enough that work is left for every kill. Prints one line per kill and a verdict; exit code 1 where a kill came
after the run's end, a record differs, or ``bench store gc`` leaves a temporary file.

Run ``python tests/benchmarks/kill_and_resume.py`` (``--kills 10``).
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_PLUGIN = """
import time
def slow(image):
    time.sleep(0.2)
    return image[:, ::-1].copy()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    rng = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "slow.py").write_text(_PLUGIN)
        whole, first = undisturbed(folder, chosen.images)
        print(f"undisturbed: {whole:.1f} s, first evidence after {first:.1f} s")
        late = 0
        for kill in range(chosen.kills):
            process = start(folder, "killed", chosen.images)
            delay = rng.uniform(0.2 * first, first + 2 * (whole - first) / chosen.kills)
            try:
                process.wait(delay)
                late += 1
                print(f"kill {kill + 1}: the run was finished before {delay:.1f} s")
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                left = len(list((folder / "killed").rglob(".tmp-*")))
                print(
                    f"kill {kill + 1}: after {delay:.1f} s; {shards(folder / 'killed')} shard files, {left} temporary"
                )
        assert start(folder, "killed", chosen.images).wait() == 0
        print(f"{chosen.kills - late} of {chosen.kills} kills came before the end")
        sys.exit(max(verdict(folder), int(late > 0)))


def start(folder: Path, out: str, images: int) -> subprocess.Popen[bytes]:
    """Start a run of two derainers on two rains in two workers, in a process group of its own."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "bench",
        "run",
        "--derainer",
        f"{folder}/slow.py:slow,median",
    ]
    command += ["--task", "restoration", "--rain", "streaks:light,streaks:heavy", "--limit", str(images)]
    command += ["--workers", "2", "--out", str(folder / out)]
    return subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def undisturbed(folder: Path, images: int) -> tuple[float, float]:
    """Run to the end; return seconds of the whole and until the first evidence."""
    started = time.perf_counter()
    process = start(folder, "undisturbed", images)
    first = 0.0
    while process.poll() is None:
        if not first and shards(folder / "undisturbed"):
            first = time.perf_counter() - started
        time.sleep(0.05)
    assert process.returncode == 0
    return time.perf_counter() - started, first


def shards(out: Path) -> int:
    return len(list(out.glob("evidence/*/*.parquet")))


def verdict(folder: Path) -> int:
    from bench.keep.records import identity, read_records
    from bench.keep.store import Store

    Store(folder / "killed").collect_garbage(grace=0)
    left = list((folder / "killed").rglob(".tmp-*"))
    ours, theirs = (
        {record.filename(): identity(record) for record in read_records(folder / out)}
        for out in ("killed", "undisturbed")
    )
    differ = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
    print(f"{len(ours)} records, {len(differ)} differ; {len(left)} temporary files left after gc")
    return 1 if differ or left else 0


if __name__ == "__main__":
    main()
