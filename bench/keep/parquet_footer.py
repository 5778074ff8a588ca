"""What a Parquet file's footer states, read without Arrow.

Arrow ends the process where a column's statistics contradict themselves, as a single flipped bit can make them, as soon
as one asks for the column's description; reading the table raises as it should. So what has to be known before is read
here. The format is Thrift's compact protocol (https://github.com/apache/thrift/blob/master/doc/specs), the fields are
those of parquet.thrift (https://github.com/apache/parquet-format).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_MAGIC = b"PAR1"
#: Structures lie in each other no deeper than this in a footer.
_DEEPEST = 16
_ROW_GROUPS, _COLUMNS, _DESCRIPTION, _VALUES = 4, 1, 3, 5


def most_values(data: bytes) -> int:
    """Return how many values the column chunk with the most has, as a Parquet file's footer states it.

    Args:
        data: The whole file.

    Raises:
        ValueError: If it has no footer that can be read.
    """
    length = int.from_bytes(data[-8:-4], "little")
    if data[-4:] != _MAGIC or not 0 < length <= len(data) - 12:
        raise ValueError("no Parquet footer")
    groups = _Compact(data[len(data) - 8 - length : -8]).struct().get(_ROW_GROUPS, [])
    try:
        columns = [column for group in groups for column in group[_COLUMNS]]
        found = [column[_DESCRIPTION][_VALUES] + 0 for column in columns]
    except (TypeError, KeyError, IndexError, AttributeError):
        raise ValueError("a footer of another form") from None
    return max(found, default=0)


class _Compact:
    """Reads values of Thrift's compact protocol; every element takes a byte at least, so that data bounds the work."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._depth = data, 0, 0
        self._kinds: dict[int, Callable[[], Any]] = {
            1: self._byte,
            2: self._byte,
            3: self._byte,
            4: self._integer,
            5: self._integer,
            6: self._integer,
            7: lambda: self._bytes(8),
            8: lambda: self._bytes(self._varint()),
            9: self._list,
            10: self._list,
            11: self._map,
            12: self.struct,
        }

    def struct(self) -> dict[int, Any]:
        """Read a structure: its fields by their numbers."""
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) & 15:
            step, kind = head >> 4, head & 15
            number = number + step if step else self._integer()
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind)
        return fields

    def _value(self, kind: int) -> Any:
        if kind not in self._kinds:
            raise ValueError(f"a value of the kind {kind}")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError("values that nest too deep")
        value = self._kinds[kind]()
        self._depth -= 1
        return value

    def _list(self) -> list[Any]:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._varint()
        return [self._value(head & 15) for _ in range(count)]

    def _map(self) -> list[Any]:
        count = self._varint()
        kinds = self._byte() if count else 0
        return [(self._value(kinds >> 4), self._value(kinds & 15)) for _ in range(count)]

    def _integer(self) -> int:
        number = self._varint()
        return number >> 1 ^ -(number & 1)

    def _varint(self) -> int:
        number = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
        raise ValueError("a number without end")

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _bytes(self, count: int) -> bytes:
        if self._at + count > len(self._data):
            raise ValueError("a footer that ends too early")
        self._at += count
        return self._data[self._at - count : self._at]
