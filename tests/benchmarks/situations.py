"""Puts a run through what happens to runs, and prints what was told, what was kept, and whether it could go on.

Killed, stopped, out of memory, a full disk, another run on the same store, one bit flipped in each kind of file, a
reader that has seen enough. After each, the same command is given again, and its records are compared with those of a
run that nothing happened to. docs/running.md shows rows of the table; exit code 1 where a record differs in the end.

Memory that runs out is played by a derainer that the kernel kills, a full disk by an fsync that fails as on one.

Run ``python tests/benchmarks/situations.py`` (``--only disk,flip``).
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_SCENES = 16
#: The derainer: slow enough to be disturbed, and killed on one scene while a file says so.
_DERAINER = """
import os, pathlib, signal, time
def slow(image):
    time.sleep(0.15)
    if image[0, 0, 0] == 7 and pathlib.Path(os.environ["FLAGS"], "memory.flag").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return image[:, ::-1].copy()
"""
#: Every Python process of a run imports it: while a file says so, nothing more fits on the disk.
_DISK = """
import errno, os, pathlib
_real = os.fsync
def fsync(handle):
    if pathlib.Path({flag!r}).exists():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return _real(handle)
os.fsync = fsync
"""


@dataclass(frozen=True)
class Row:
    """What a situation came to; ``differ`` counts records that are others than the undisturbed run's in the end."""

    what: str
    told: str
    code: str
    kept: str
    again: str
    differ: int


class Place:
    """A folder with data, derainers and the undisturbed run."""

    def __init__(self, folder: Path) -> None:
        from bench.images import write_image

        self.folder = folder
        rng = np.random.default_rng(0)
        for name in ("rain", "norain"):
            (folder / "data" / name).mkdir(parents=True)
            for scene in range(_SCENES):
                image = rng.integers(0, 256, (32, 40, 3), np.uint8)
                image[0, 0, 0] = 7 if scene == 5 else 0
                write_image(folder / "data" / name / f"{scene}.png", image)
        (folder / "flags").mkdir()
        (folder / "slow.py").write_text(_DERAINER)
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(_DISK.format(flag=str(folder / "disk.flag")))
        done = self.start("undisturbed")
        assert done.wait() == 0, done.stderr

    def start(self, out: str) -> subprocess.Popen[str]:
        """Start the run, in a process group of its own."""
        arguments = ["run", "--derainer", f"{self.folder}/slow.py:slow,median", "--task", "restoration"]
        arguments += [
            "--data",
            f"pairs:{self.folder}/data",
            "--workers",
            "2",
            "--out",
            str(self.folder / out),
        ]
        return self.call(*arguments)

    def call(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a verb."""
        inherited = os.environ.get("PYTHONPATH", "")
        # Away from the derainer: a file beside it that its text names is part of its key.
        flags = {"FLAGS": str(self.folder / "flags")}
        environment = {**os.environ, **flags, "PYTHONPATH": f"{self.folder / 'site'}{os.pathsep}{inherited}"}
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "bench", *arguments],
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def shards(self, out: str) -> int:
        """How many files of evidence a store has."""
        return len(list((self.folder / out).glob("evidence/*/*.parquet")))

    def until_evidence(self, process: subprocess.Popen[str], out: str) -> None:
        """Wait for the first evidence."""
        while process.poll() is None and not self.shards(out):
            time.sleep(0.02)

    def differ(self, out: str) -> int:
        """How many records are not those of the undisturbed run."""
        from bench.keep.records import identity, read_records

        ours, theirs = (
            {record.filename(): identity(record) for record in read_records(self.folder / name)}
            for name in (out, "undisturbed")
        )
        return sum(ours.get(name) != theirs.get(name) for name in {*ours, *theirs})

    def finish(self, what: str, out: str, process: subprocess.Popen[str]) -> Row:
        """Wait for a disturbed run, give the command again, and compare."""
        shown, told = process.communicate(timeout=600)
        kept = f"{self.shards(out)} files of evidence"
        again = self.start(out)
        _, second = again.communicate(timeout=600)
        differ = self.differ(out) if again.returncode == 0 else 0  # what is refused claims nothing
        ended = "completes" if again.returncode == 0 else f"exit code {again.returncode}: {_last(second)}"
        return Row(what, _last(told or shown), _code(process.returncode), kept, ended, differ)


def killed(place: Place) -> Iterator[Row]:
    for name, number in (("SIGKILL", signal.SIGKILL), ("SIGTERM", signal.SIGTERM), ("Ctrl-C", signal.SIGINT)):
        process = place.start(name)
        place.until_evidence(process, name)
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        yield place.finish(name, name, process)


def memory(place: Place) -> Iterator[Row]:
    flag = place.folder / "flags" / "memory.flag"
    flag.touch()
    process = place.start("memory")
    process.wait()
    flag.unlink()
    yield place.finish("memory runs out on one scene", "memory", process)


def disk(place: Place) -> Iterator[Row]:
    process = place.start("disk")
    place.until_evidence(process, "disk")
    flag = place.folder / "disk.flag"
    flag.touch()
    process.wait()
    flag.unlink()
    yield place.finish("the disk is full", "disk", process)


def together(place: Place) -> Iterator[Row]:
    first, second = place.start("together"), place.start("together")
    _, told = second.communicate(timeout=600)
    row = place.finish("two runs on one store", "together", first)
    again = f"{row.again}; the other: {_code(second.returncode)}"
    yield Row(row.what, row.told or _last(told), row.code, row.kept, again, row.differ)


def flipped(place: Place) -> Iterator[Row]:
    kinds = {"evidence": "evidence/*/*.parquet", "a key": "evidence/*/*.json", "a record": "records/*.json"}
    kinds |= {"a manifest": "manifests/*.json", "a memo": "memos/*"}
    for kind, pattern in kinds.items():
        out = f"flipped {kind}"
        shutil.copytree(place.folder / "undisturbed", place.folder / out)
        found = sorted((place.folder / out).glob(pattern))
        if not found:
            continue
        data = bytearray(found[0].read_bytes())
        data[len(data) // 2] ^= 1
        found[0].write_bytes(data)
        yield place.finish(
            f"a bit of {kind} is flipped", out, place.call("store", "verify", str(place.folder / out))
        )


def pipe(place: Place) -> Iterator[Row]:
    process = place.call("report", str(place.folder / "undisturbed"))
    assert process.stdout is not None
    process.stdout.close()  # as `| head -0` would
    assert process.stderr is not None
    told = process.stderr.read()
    yield Row("a closed pipe", _last(told), _code(process.wait()), "all", "completes", 0)


SITUATIONS: dict[str, Callable[[Place], Iterator[Row]]] = {
    "kill": killed,
    "memory": memory,
    "disk": disk,
    "together": together,
    "flip": flipped,
    "pipe": pipe,
}


def _last(text: str) -> str:
    """The last line that a command told, without the folder's name."""
    lines = [line for line in text.splitlines() if line.strip()]
    words = lines[-1].split() if lines else []
    return " ".join(Path(word).name if "/tmp" in word else word for word in words)[:160]


def _code(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else str(code)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default=",".join(SITUATIONS))
    chosen = parser.parse_args().only.split(",")
    print(
        "| what happens | what is told last | exit code | what is kept | the same command again | records that differ |"
    )
    print("|---|---|---|---|---|---|")
    differ = 0
    with tempfile.TemporaryDirectory() as name:
        place = Place(Path(name))
        for situation in chosen:
            for row in SITUATIONS[situation](place):
                differ += row.differ
                cells = (row.what, row.told or "nothing", row.code, row.kept, row.again, str(row.differ))
                print("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |", flush=True)
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
