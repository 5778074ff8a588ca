"""Evidence on disk: a shard is a Parquet file of rows of one task.

Scores are computed from rows, later and again if wanted, without the networks that made them. What a row holds is the
task's; each task's columns have a version of their own, so that a new measure leaves old detections readable.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BadRecord
from bench.files import write_atomic
from bench.keep.parquet_footer import most_values

if TYPE_CHECKING:
    import pyarrow as pa

    from downstream.tasks.base import Row, Task

#: Columns that rows of every task have.
_COMMON = {"scene": "string", "digest": "string", "seconds": "double"}

#: Values that one column of a shard may hold: a compressed column can state any number. A shard has 64 scenes at most.
_MOST_VALUES = 1 << 26


def write_shard(path: Path, task: Task, rows: Sequence[Row]) -> None:
    """Write rows of one task as a Parquet file, atomically.

    Raises:
        OutputError: If the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = [{name: getattr(row, name) for name in _COMMON} | dict(task.encode(row)) for row in rows]
    schema = _schema(task)
    table = pa.table({name: [value[name] for value in values] for name in schema.names}, schema=schema)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    write_atomic(path, sink.getvalue().to_pybytes())


def read_shard(path: Path, task: Task) -> list[Row] | None:
    """Read a shard.

    Returns:
        Its rows; None where the file is damaged (truncated, checksum wrong), so that it can be made again.

    Raises:
        BadRecord: If it was written by another version of the schema, holds another task's rows, or rows that are none.
    """
    import pyarrow as pa

    table = _read(path, None)
    if table is None:
        return None
    _check_metadata(path, table, task)
    schema = _schema(task)
    rows = []
    try:
        if table.column_names != schema.names:
            raise ValueError("other columns")
        for values in table.cast(schema).to_pylist():
            common = {name: values.pop(name) for name in _COMMON}
            rows.append(task.decode(common, values))
    except (
        TypeError,
        ValueError,
        LookupError,
        pa.ArrowException,
    ):  # a box of three numbers, a matrix not square
        raise BadRecord(
            f"evidence {path} holds rows that are none of {task.about.name}: remove the file and run again"
        ) from None
    return rows


def is_whole(path: Path) -> bool:
    """Return whether a shard, of any task and version, is neither truncated nor damaged."""
    return _read(path, None) is not None


def read_index(path: Path, task: Task | None = None) -> list[tuple[str, str]] | None:
    """Read only (scene, digest) of each row of a shard, which all tasks have; as :func:`read_shard` otherwise.

    Args:
        path: The shard.
        task: Whose rows they must be; None takes any, of any version.
    """
    table = _read(path, ["scene", "digest"])
    if table is None:
        return None
    if task is not None:
        _check_metadata(path, table, task)
    if table.column_names != ["scene", "digest"]:
        return None
    return list(zip(table["scene"].to_pylist(), table["digest"].to_pylist(), strict=True))


def _read(path: Path, columns: list[str] | None) -> pa.Table | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        data = path.read_bytes()
    except FileNotFoundError:  # removed since it was listed
        return None
    except OSError as error:
        # Not damage: the file may be whole, and must be neither made again nor removed as garbage.
        raise BadRecord(f"evidence {path} cannot be read: {error.strerror or error}") from None
    try:
        # One ParquetFile, not read_table: the latter goes through the data set layer, which costs 10 ms a file.
        if most_values(data) > _MOST_VALUES:
            raise BadRecord(f"evidence {path} states more values than a shard has: remove it and run again")
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as table:
            return table.read(columns=columns, use_threads=False)
    except (pa.ArrowException, OSError, ValueError, LookupError):
        return None


def _check_metadata(path: Path, table: pa.Table, task: Task) -> None:
    metadata = table.schema.metadata or {}
    held = metadata.get(b"derain_bench.task", b"?").decode(errors="replace")
    if held != task.about.name:
        raise BadRecord(
            f"evidence {path} holds {held} where {task.about.name} belongs: remove the file and run again"
        )
    version = metadata.get(b"derain_bench.schema", b"?").decode(errors="replace")
    if version != str(task.version):
        raise BadRecord(
            f"evidence {path} has schema version {version}, this program reads {task.version}: "
            f"use another folder, or the version of derain-bench that wrote it"
        )


def _schema(task: Task) -> pa.Schema:
    import pyarrow as pa

    metadata = {"derain_bench.schema": str(task.version), "derain_bench.task": task.about.name}
    return pa.schema(
        [(n, _type(text)) for n, text in (_COMMON | dict(task.columns)).items()], metadata=metadata
    )


def _type(text: str) -> pa.DataType:
    import pyarrow as pa

    if text.startswith("list<"):
        return pa.list_(_type(text[len("list<") : -1]))
    return pa.type_for_alias(text)
