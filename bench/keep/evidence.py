"""Evidence: what one image contributes to a cell, and its form on disk.

A shard is a Parquet file of rows of one task. Scores are computed from rows, later and again if wanted, without the
networks that made them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.errors import BadRecord
from bench.files import write_atomic

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Row:
    """What every row has.

    Attributes:
        scene: The scene's id.
        digest: SHA-256 of the scene's files, so that evidence of a changed file is not taken for that of the new one.
        seconds: Wall time that the network of this row took on the image: the model's, for restoration the
            derainer's. Not part of any score.
    """

    scene: str
    digest: str
    seconds: float


@dataclass(frozen=True)
class DetectionRow(Row):
    """Detections on one image.

    Attributes:
        boxes: float32 (n, 4), x1 y1 x2 y2 in pixels.
        scores: float32 (n,), confidence in [0, 1].
        categories: int32 (n,), category ids of the data set.
    """

    boxes: np.ndarray
    scores: np.ndarray
    categories: np.ndarray


@dataclass(frozen=True)
class SegmentationRow(Row):
    """Confusion matrix of one image: int64 (K, K), true class by predicted class."""

    matrix: np.ndarray


@dataclass(frozen=True)
class RestorationRow(Row):
    """PSNR (dB, infinite for identical images) and SSIM of one image under both protocols."""

    psnr_y: float
    ssim_y: float
    psnr_rgb: float
    ssim_rgb: float

    METRICS: ClassVar[tuple[str, ...]] = ("psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb")


def write_shard(path: Path, task: str, rows: Sequence[Row]) -> None:
    """Write rows of one task as a Parquet file, atomically.

    Raises:
        OutputError: If the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [getter(row) for row in rows] for name, getter in _getters(task).items()}
    metadata = {"derain_bench.schema": str(SCHEMA_VERSION), "derain_bench.task": task}
    table = pa.table(columns, schema=_schema(task).with_metadata(metadata))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    write_atomic(path, sink.getvalue().to_pybytes())


def read_shard(path: Path, task: str) -> list[Row] | None:
    """Read a shard.

    Returns:
        Its rows; None where the file is damaged (truncated, checksum wrong), so that it can be made again.

    Raises:
        BadRecord: If it was written by another version of the schema or holds another task's rows.
    """
    table = _read(path, None)
    if table is None:
        return None
    _check_metadata(path, table, task)
    return [_row(task, values) for values in table.to_pylist()]


def read_index(path: Path, task: str) -> list[tuple[str, str]] | None:
    """Read only (scene, digest) of each row of a shard; as :func:`read_shard` otherwise."""
    table = _read(path, ["scene", "digest"])
    if table is None:
        return None
    _check_metadata(path, table, task)
    return list(zip(table["scene"].to_pylist(), table["digest"].to_pylist(), strict=True))


def _read(path: Path, columns: list[str] | None) -> pa.Table | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = open(path, "rb")  # noqa: SIM115
    except FileNotFoundError:  # removed since it was listed
        return None
    except OSError as error:
        # Not damage: the file may be whole, and must be neither made again nor removed as garbage.
        raise BadRecord(f"evidence {path} cannot be read: {error.strerror or error}") from None
    try:
        # One ParquetFile, not read_table: the latter goes through the data set layer, which costs 10 ms a file.
        with file, pq.ParquetFile(file, page_checksum_verification=True) as table:
            return table.read(columns=columns, use_threads=False)
    except (pa.ArrowException, OSError, ValueError):
        return None


def _check_metadata(path: Path, table: pa.Table, task: str) -> None:
    metadata = table.schema.metadata or {}
    version = metadata.get(b"derain_bench.schema", b"?").decode()
    if version != str(SCHEMA_VERSION):
        raise BadRecord(
            f"evidence {path} has schema version {version}, this program reads {SCHEMA_VERSION}: "
            f"use another --out folder, or the version of derain-bench that wrote it"
        )
    held = metadata.get(b"derain_bench.task", b"?").decode()
    if held != task:
        raise BadRecord(f"evidence {path} holds {held} where {task} belongs: remove the file and run again")


def _schema(task: str) -> pa.Schema:
    import pyarrow as pa

    fields: list[Any] = [("scene", pa.string()), ("digest", pa.string()), ("seconds", pa.float64())]
    if task == "detection":
        fields += [
            ("boxes", pa.list_(pa.float32())),
            ("scores", pa.list_(pa.float32())),
            ("categories", pa.list_(pa.int32())),
        ]
    elif task == "segmentation":
        fields += [("matrix", pa.list_(pa.int64()))]
    else:
        fields += [(metric, pa.float64()) for metric in RestorationRow.METRICS]
    return pa.schema(fields)


def _getters(task: str) -> dict[str, Any]:
    common: dict[str, Any] = {
        "scene": lambda row: row.scene,
        "digest": lambda row: row.digest,
        "seconds": lambda row: row.seconds,
    }
    if task == "detection":
        return common | {
            "boxes": lambda row: row.boxes.ravel(),
            "scores": lambda row: row.scores,
            "categories": lambda row: row.categories,
        }
    if task == "segmentation":
        return common | {"matrix": lambda row: row.matrix.ravel()}
    return common | {metric: (lambda row, m=metric: getattr(row, m)) for metric in RestorationRow.METRICS}


def _row(task: str, values: dict[str, Any]) -> Row:
    import numpy as np

    if task == "detection":
        return DetectionRow(
            values["scene"],
            values["digest"],
            values["seconds"],
            np.array(values["boxes"], np.float32).reshape(-1, 4),
            np.array(values["scores"], np.float32),
            np.array(values["categories"], np.int32),
        )
    if task == "segmentation":
        matrix = np.array(values["matrix"], np.int64)
        side = round(len(matrix) ** 0.5)
        return SegmentationRow(
            values["scene"], values["digest"], values["seconds"], matrix.reshape(side, side)
        )
    return RestorationRow(**values)
