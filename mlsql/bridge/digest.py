"""What is known of rows that passed by: how many, their nulls, and a checksum of their content.

The checksum depends on the rows and their order alone, not on how they were cut into batches.
For every column, and for what its arrays and structs hold below it, three CRC-32Cs run over

- the numbers (int64) of the rows that are null,
- the lengths (int64) of the texts, binaries and arrays that are not null,
- the values that are not null: numbers in little-endian order, booleans one byte, bytes of texts,

and the checksum is the CRC-32C of all of them (4 bytes each, little-endian), depth first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from crc32c import crc32c


@dataclass(slots=True)
class _Line:
    """The running figures of one column, or of what lies below one."""

    is_plain: bool
    """Whether the values lie side by side in one buffer, as most do: these take the short way."""
    count: int = 0
    nulls: int = 0
    null_crc: int = 0
    length_crc: int = 0
    value_crc: int = 0


class Digest:
    """The digest of record batches with *schema*, given one after the other."""

    def __init__(self, schema: pa.Schema) -> None:
        self.rows = 0
        self._lines: dict[str, _Line] = {}
        self.add(pa.RecordBatch.from_pylist([], schema=schema))

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next rows into account."""
        self.rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            self._walk(name, column)

    @property
    def nulls(self) -> Mapping[str, int]:
        """How many nulls each column has; ``a[]`` is for those inside the arrays of a, ``a.b`` for fields."""
        return {path: line.nulls for path, line in self._lines.items()}

    @property
    def checksum(self) -> str:
        """8 hexadecimal digits."""
        crc = 0
        for line in self._lines.values():
            for each in (line.null_crc, line.length_crc, line.value_crc):
                crc = crc32c(each.to_bytes(4, "little"), crc)
        return f"{crc:08x}"

    def _walk(self, path: str, array: pa.Array) -> None:
        line = self._lines.get(path)
        if line is None:
            line = self._lines[path] = _Line(is_plain=_is_plain(array.type))
        valid = array
        if array.null_count:
            numbers = np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)) + line.count
            line.null_crc = crc32c(numbers.astype("<i8").tobytes(), line.null_crc)
            line.nulls += array.null_count
            valid = array.drop_null()
        line.count += len(array)
        if line.is_plain:
            line.value_crc = crc32c(_fixed(valid), line.value_crc)
        else:
            self._values(path, line, valid)

    def _values(self, path: str, line: _Line, array: pa.Array) -> None:
        kind = array.type
        if pa.types.is_struct(kind):
            for field, child in zip(kind, array.flatten(), strict=True):
                self._walk(f"{path}.{field.name}", child)
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
            line.length_crc = crc32c(_lengths(array), line.length_crc)
            self._walk(f"{path}[]", _items(array))
        elif not pa.types.is_null(kind):
            if _has_offsets(kind):
                line.length_crc = crc32c(_lengths(array), line.length_crc)
            line.value_crc = crc32c(_bytes(array), line.value_crc)


def _is_plain(kind: pa.DataType) -> bool:
    return bool(pa.types.is_primitive(kind)) and not pa.types.is_boolean(kind)


def _has_offsets(kind: pa.DataType) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(kind) for test in tests)


def _offsets(array: pa.Array) -> Any:
    tests = (pa.types.is_large_list, pa.types.is_large_string, pa.types.is_large_binary)
    width = "<i8" if any(test(array.type) for test in tests) else "<i4"
    every = np.frombuffer(array.buffers()[1] or bytes(8), dtype=width)
    return every[array.offset : array.offset + len(array) + 1]


def _items(array: pa.Array) -> pa.Array:
    """What lies in the arrays of an array without nulls (``flatten`` takes no maps)."""
    offsets = _offsets(array)
    return array.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))


def _lengths(array: pa.Array) -> bytes:
    return bytes(np.diff(_offsets(array)).astype("<i8").tobytes())


def _bytes(array: pa.Array) -> Any:
    """The values of an array without nulls, as they lie in memory."""
    if pa.types.is_boolean(array.type):
        array = pc.cast(array, pa.uint8())
    if _has_offsets(array.type):
        offsets = _offsets(array)
        return memoryview(array.buffers()[2] or b"")[int(offsets[0]) : int(offsets[-1])]
    return _fixed(array)


def _fixed(array: pa.Array) -> Any:
    """The values of an array of one width."""
    width = array.type.bit_width // 8
    return memoryview(array.buffers()[1] or b"")[array.offset * width : (array.offset + len(array)) * width]
