"""Mutates files of every kind that may come from a stranger, and hands them to their readers.

What a reader may do is return something or raise a BenchError. Anything else is a crash: it is shrunk, printed once,
and the input is kept in ``--keep``. Inputs that were crashes lie in ``tests/security/corpus``; ``test_fuzz.py`` runs
them and a few fresh ones.

Run ``python tests/security/fuzz.py --minutes 60`` (``--only coco,weights``).
"""

from __future__ import annotations

import argparse
import io
import json
import re
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from bench.errors import BenchError

#: Seconds after which an input counts as one that hangs.
LIMIT = 20
REPOSITORY = Path(__file__).parents[2]

#: What takes the place of a word of a text: numbers at the ends of their types, wrong types, names that lead elsewhere.
WORDS = (
    *("0", "-1", "1", "1e308", "-1e999", "NaN", "1.5", "9" * 400, "9007199254740993", "18446744073709551616"),
    *("null", "true", "[]", "{}", "[[]]", '""', '"0"', '"\\u0000"', '"\\ud800"', '"../../x"', '"/dev/zero"'),
    *(
        '"a\\nb"',
        "[" * 200,
        "{" * 50,
        "&a",
        "*a",
        "!!python/name:os.system",
        "${HOME}",
        "x.py:run",
        "\x1b[2J",
        "\ufeff",
    ),
)
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[-+.\w]+|[^\w\s]')


@dataclass(frozen=True)
class Reader:
    """One kind of file.

    Attributes:
        seeds: Whole files to begin from.
        read: Reads a file; may write beside it.
        text: Whether words are replaced, and not bytes alone.
        mend: Makes a mutated file fit again where a check would hide what lies behind it.
    """

    seeds: Callable[[], list[bytes]]
    read: Callable[[bytes, Path], Any]
    text: bool = True
    mend: Callable[[bytes], bytes] = bytes


class Crash(AssertionError):
    """A reader raised something that is no BenchError, or did not come to an end."""


def _digits(number: int) -> bytes:
    return str(number).encode()


# Mutation: a list of steps, each a kind, two places between 0 and 1, and what is put there.
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["word", "bytes", "cut", "copy", "flip"]),
        st.floats(0, 1, exclude_max=True),
        st.floats(0, 1, exclude_max=True),
        st.one_of(
            st.sampled_from(WORDS).map(str.encode),
            st.binary(max_size=8),
            st.integers().map(_digits),
        ),
    ),
    min_size=1,
    max_size=6,
)


def mutated(data: bytes, steps: list[tuple[str, float, float, bytes]], text: bool) -> bytes:
    """Apply a mutation to a file's content."""
    for kind, first, second, piece in steps:
        if kind == "word" and text:
            content = data.decode("utf-8", "surrogateescape")
            if words := list(_WORD.finditer(content)):
                place = words[int(first * len(words))]
                put = piece.decode("utf-8", "surrogateescape")
                content = content[: place.start()] + put + content[place.end() :]
                data = content.encode("utf-8", "surrogateescape")
            continue
        start, end = sorted((int(first * (len(data) + 1)), int(second * (len(data) + 1))))
        if kind == "cut":
            data = data[:start] + data[end:] if second > 0.5 else data[:end]
        elif kind == "copy":
            data = data[:end] + data[start:end][:4096] + data[end:]
        elif kind == "flip" and data:
            at = min(start, len(data) - 1)
            data = data[:at] + bytes([data[at] ^ (1 << int(second * 8))]) + data[at + 1 :]
        else:
            data = data[:start] + piece + data[start + len(piece) :]
    return data


# The readers.
def _coco(data: bytes, folder: Path) -> None:
    from bench.data.coco import open_coco
    from bench.data.preflight import check_scenes
    from bench.keep.manifest import make_manifest

    for name in ("annotations", "val"):
        (folder / name).mkdir()
    _picture(folder / "val" / "a.png")
    (folder / "annotations" / "instances_val.json").write_bytes(data)
    opened = open_coco(folder, "val")
    digests, _ = check_scenes(opened, boxes=True)
    json.dumps(make_manifest(opened, digests), allow_nan=False)


def _coco_seeds() -> list[bytes]:
    boxes = [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 2, 3.5, 4], "area": 14, "iscrowd": 0}]
    content: dict[str, Any] = {
        "info": {},
        "images": [{"id": 7, "file_name": "a.png", "height": 24, "width": 32}],
        "annotations": boxes,
        "categories": [{"id": 3, "name": "car", "supercategory": "vehicle"}],
    }
    return [json.dumps(content).encode(), json.dumps({**content, "annotations": []}).encode()]


def _suite(data: bytes, folder: Path) -> None:
    from bench.engine.suite import code_in, read_suite

    (folder / "s.yaml").write_bytes(data)
    suite = read_suite(str(folder / "s.yaml"))
    code_in(suite)


def _suite_seeds() -> list[bytes]:
    texts = [path.read_bytes() for path in (REPOSITORY / "bench" / "suites").glob("*.yaml")]
    return [
        *texts,
        b"derainers: [median, h=prenet:w.pth]\nvariants:\n  - {data: street, rain: [none], limit: 2}\nseed: 3\n",
    ]


def _classes(data: bytes, folder: Path) -> None:
    from bench.data.masks import open_masks
    from bench.data.preflight import check_scenes

    for name in ("val", "valannot"):
        (folder / name).mkdir()
    _picture(folder / "val" / "a.png")
    from bench.images import write_image

    write_image(folder / "valannot" / "a.png", np.zeros((24, 32), np.uint8))
    (folder / "classes.json").write_bytes(data)
    check_scenes(open_masks(folder), masks=True)


def _record(data: bytes, folder: Path) -> None:
    from pydantic import ValidationError

    from bench.keep.records import Record, read_record, read_records
    from reports import render

    try:
        name = Record.model_validate_json(data).filename()
    except ValidationError:
        name = "a.json"
    except ValueError:  # pydantic's own bounds on numbers
        name = "a.json"
    (folder / name).write_bytes(data)
    read_record(folder / name)
    records = read_records(folder)
    for form in ("md", "csv", "latex", "html", "json"):
        render(records, form)


def _record_seeds() -> list[bytes]:
    folder = REPOSITORY / "reports" / "board" / "records"
    chosen = [
        next(folder.glob(f"*--{task}--*median*")) for task in ("detection", "segmentation", "restoration")
    ]
    return [_without_replicates(path.read_text(encoding="utf-8")) for path in chosen]


def _without_replicates(text: str) -> bytes:
    """Shorten what fills a record, so that mutations find the rest."""
    content = json.loads(text)
    for key in ("replicates", "breakdown"):
        if key in content:
            content[key] = {}
    return json.dumps(content).encode()


def _evidence(data: bytes, folder: Path) -> None:
    from bench.keep.evidence import read_index, read_shard
    from downstream.tasks import load_task

    path = folder / "a.parquet"
    path.write_bytes(data)
    for name in ("detection", "segmentation", "restoration"):
        read_index(path, load_task(name))
        read_shard(path, load_task(name))


def _evidence_seeds() -> list[bytes]:
    from bench.keep.evidence import write_shard
    from downstream.tasks import load_task
    from downstream.tasks.detection import DetectionRow
    from downstream.tasks.segmentation import SegmentationRow

    boxes = np.array([[0, 0, 4, 5]], np.float32)
    rows: dict[str, Any] = {
        "detection": DetectionRow("a", "d", 0.1, boxes, np.ones(1, np.float32), np.ones(1, np.int32)),
        "segmentation": SegmentationRow("a", "d", 0.1, np.eye(3, dtype=np.int64)),
    }
    found = []
    with tempfile.TemporaryDirectory() as name:
        for task, row in rows.items():
            write_shard(Path(name) / "a.parquet", load_task(task), [row])
            found.append((Path(name) / "a.parquet").read_bytes())
    return found


def _image(data: bytes, folder: Path) -> None:
    from bench.data.fingerprint import file_digest
    from bench.data.layout import image_size
    from bench.image_metadata import oddities_of
    from bench.images import check_file, read_image, read_labels

    path = folder / "a.png"
    path.write_bytes(data)
    oddities_of(path)
    image_size(path)
    for function in (check_file, file_digest, read_image, read_labels):
        with suppress(BenchError):
            function(path)


def _image_seeds() -> list[bytes]:
    from PIL import Image

    found = []
    for mode, form in (
        ("RGB", "PNG"),
        ("P", "PNG"),
        ("1", "PNG"),
        ("I;16", "PNG"),
        ("RGB", "JPEG"),
        ("RGB", "TIFF"),
        ("RGB", "WEBP"),
    ):
        exif = Image.Exif()
        exif[0x112] = 6
        buffer = io.BytesIO()
        Image.new(mode, (9, 7)).save(buffer, form, **({} if form == "TIFF" else {"exif": exif}))
        found.append(buffer.getvalue())
    return found


def _with_checksums(data: bytes) -> bytes:
    """Correct the checksums of a PNG's chunks, which would hide everything else."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    found, at = data[:8], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + length > len(data):
            return found + data[at:]
        chunk = data[at + 4 : at + 8 + length]
        found += data[at : at + 4] + chunk + zlib.crc32(chunk).to_bytes(4, "big")
        at += 12 + length
    return found + data[at:]


def _weights(data: bytes, folder: Path) -> None:
    from bench.weights import load_state

    path = folder / ("w.safetensors" if data[8:9] == b"{" else "w.pth")
    path.write_bytes(data)
    load_state(path)


def _weights_seeds() -> list[bytes]:
    import torch
    from safetensors.torch import save

    state = {"a.weight": torch.zeros(2, 3), "a.bias": torch.ones(2, dtype=torch.float16)}
    buffer = io.BytesIO()
    torch.save({"state_dict": state, "meta": {"epoch": 3}}, buffer)
    return [save(state, {"card": '{"data": ["x"]}'}), buffer.getvalue()]


def _with_length(data: bytes) -> bytes:
    """Let the length before a safetensors header be that of the header."""
    end = data.find(b"}}", 8)
    return (end - 6).to_bytes(8, "little") + data[8:] if data[8:9] == b"{" and end > 0 else data


def _torchscript(data: bytes, folder: Path) -> None:
    from bench import torchscript

    (folder / "n.pt").write_bytes(data)
    torchscript.load(folder / "n.pt")


def _torchscript_seeds() -> list[bytes]:
    import torch

    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1), torch.nn.ReLU())), buffer)
    return [buffer.getvalue()]


def _training(data: bytes, folder: Path) -> None:
    from bench.train.config import load_config

    (folder / "t.yaml").write_bytes(data)
    load_config(folder / "t.yaml")


def _training_seeds() -> list[bytes]:
    return [path.read_bytes() for path in sorted((REPOSITORY / "bench" / "train").rglob("*.yaml"))[:3]]


def _classes_seeds() -> list[bytes]:
    return [
        b'{"classes": ["road", "car"], "ignore": 255}',
        b'{"classes": ["a", "b"], "values": ["#000000", "#ff0010"]}',
    ]


READERS = {
    "suite": Reader(_suite_seeds, _suite),
    "coco": Reader(_coco_seeds, _coco),
    "classes": Reader(_classes_seeds, _classes),
    "record": Reader(_record_seeds, _record),
    "evidence": Reader(_evidence_seeds, _evidence, text=False),
    "image": Reader(_image_seeds, _image, text=False, mend=_with_checksums),
    "weights": Reader(_weights_seeds, _weights, mend=_with_length),
    "torchscript": Reader(_torchscript_seeds, _torchscript, text=False),
    "training": Reader(_training_seeds, _training),
}


def hand_in(name: str, data: bytes) -> None:
    """Give a file to its reader.

    Raises:
        Crash: If it does what no reader may.
    """
    with tempfile.TemporaryDirectory() as folder, _in_time(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            READERS[name].read(data, Path(folder))
        except BenchError:
            pass
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            raise Crash(
                f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}: {str(error)[:200]}"
            ) from error


def rounds(name: str, examples: int, number: int, kept: Path | None = None) -> int:
    """Run one reader on so many mutations; return how many were tried.

    Raises:
        Crash: For the smallest input that crashes; it is written into ``kept``.
    """
    reader = READERS[name]
    seeds = reader.seeds()
    tried: list[bytes] = []

    @seed(number)
    @settings(max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck),
              report_multiple_bugs=False)  # fmt: skip
    @given(st.sampled_from(seeds), _STEPS)
    def run(start: bytes, steps: list[tuple[str, float, float, bytes]]) -> None:
        tried.append(reader.mend(mutated(start, steps, reader.text)))
        hand_in(name, tried[-1])

    try:
        run()
    except Crash:
        if kept is not None:
            kept.mkdir(parents=True, exist_ok=True)
            (kept / f"{name}-{zlib.crc32(tried[-1]):08x}").write_bytes(tried[-1])
        raise
    return len(tried)


def _picture(path: Path) -> None:
    from bench.images import write_image

    write_image(path, np.zeros((24, 32, 3), np.uint8))


@contextmanager
def _in_time() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise Crash(f"no answer within {LIMIT} s")

    before = signal.signal(signal.SIGALRM, stop)
    left = signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(left)
        signal.signal(signal.SIGALRM, before)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--only", default=",".join(READERS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("crashes"))
    chosen = parser.parse_args()
    started, number = time.monotonic(), chosen.seed
    tried = dict.fromkeys(chosen.only.split(","), 0)
    crashes: set[str] = set()
    while time.monotonic() - started < 60 * chosen.minutes:
        for name in tried:
            number += 1
            try:
                tried[name] += rounds(name, 100, number, chosen.keep)
            except Crash as crash:
                if f"{name}: {crash}"[:60] not in crashes:
                    crashes.add(f"{name}: {crash}"[:60])
                    print(f"{name}: {crash} (seed {number})", flush=True)
    minutes = (time.monotonic() - started) / 60
    print(f"{minutes:.0f} minutes: " + ", ".join(f"{name} {count:,}" for name, count in tried.items()))
    print(f"{len(crashes)} kinds of crash")
    sys.exit(1 if crashes else 0)


if __name__ == "__main__":
    main()
