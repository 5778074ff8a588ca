from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.keep.parquet_footer import most_values


def written(lists: list[list[int]], groups: int = 1) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    table = pa.table(
        {"name": [str(n) for n in range(len(lists))], "values": pa.array(lists, pa.list_(pa.int64()))}
    )
    pq.write_table(table, sink, compression="zstd", row_group_size=max(1, len(lists) // groups))
    return sink.getvalue()


@settings(max_examples=10, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), max_size=20), max_size=8), st.integers(1, 3))
def test_it_is_what_arrow_reads(lists: list[list[int]], groups: int) -> None:
    import pyarrow.parquet as pq

    data = written(lists, groups)
    metadata = pq.ParquetFile(io.BytesIO(data)).metadata
    expected = [
        metadata.row_group(group).column(column).num_values
        for group in range(metadata.num_row_groups)
        for column in range(metadata.num_columns)
    ]
    assert most_values(data) == max(expected, default=0)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 10**6), st.integers(0, 255))
def test_what_is_no_footer_is_a_value_error(noise: bytes, place: int, value: int) -> None:
    data = bytearray(written([[1, 2], [3]]))
    data[place % len(data)] = value
    for content in (bytes(data), noise, noise + len(noise).to_bytes(4, "little") + b"PAR1", bytes(data[:-9])):
        with contextlib.suppress(ValueError):
            assert isinstance(most_values(content), int)


def test_nested_maps_and_lists_without_end() -> None:
    for content in (
        b"\x1b" + b"\x01\xbb" * 3000,
        b"\x19" + b"\x19" * 3000,
        b"\x19\xfc" + b"\xff" * 9 + b"\x01",
    ):
        with pytest.raises(ValueError, match="nest|early|end|kind"):
            most_values(b"PAR1" * 3 + content + len(content).to_bytes(4, "little") + b"PAR1")
