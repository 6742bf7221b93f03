"""Rows as JSON, CSV and cells of a table: one form for the command line and for REST.

Doubles stand in their shortest form; NaN and infinities, which JSON cannot say, are null;
decimals and integers beyond 2⁵³, which JSON readers round, are text. Timestamps are ISO 8601
in UTC, binary is base64, vectors are arrays, keys of maps are text, intervals are Spark's text.
"""

from __future__ import annotations

import base64
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, types
from pyspark.sql import functions as sf

from mlsql.errors import ScriptError
from mlsql.results.cells import cell, csv_line, json_text

Convert = Callable[[Any], Any]
Take = Callable[[DataFrame, int], list[types.Row]]
"""How so many of the first rows of a frame are fetched."""

_EXACT = 2**53
"""Integers up to here are the same in every reader of JSON."""

_SECONDS = types.DecimalType(20, 6)

_READ_AS: Mapping[type[types.DataType], types.DataType] = {
    types.TimestampType: _SECONDS,  # PySpark gives naive datetimes, of the years 1 to 9999 at best
    types.TimestampNTZType: types.StringType(),
    types.DateType: types.StringType(),
    types.DayTimeIntervalType: types.StringType(),
    types.YearMonthIntervalType: types.StringType(),  # PySpark cannot read these two at all
    types.CalendarIntervalType: types.StringType(),
}
"""What Spark casts before PySpark reads."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a frame as plain values, read once, in the order of *columns*."""

    columns: tuple[str, ...]
    values: Iterator[tuple[Any, ...]]

    def take(self, count: int) -> list[tuple[Any, ...]]:
        """The next *count* rows, or as many as there are."""
        return list(islice(self.values, count))


def read_rows(frame: DataFrame, limit: int | None = None, take: Take = DataFrame.take) -> Rows:
    """The rows of *frame*, at most *limit* of them; without a limit one partition at a time.

    With a limit they are fetched at once, and Spark reads no more partitions than it needs.
    """
    converters = [_plain(each.dataType) for each in frame.schema]
    raw = raw_rows(frame, limit, take)
    values = (tuple(convert(value) for convert, value in zip(converters, row, strict=True)) for row in raw)
    return Rows(tuple(frame.schema.names), values)


def raw_rows(frame: DataFrame, limit: int | None = None, take: Take = DataFrame.take) -> Iterator[Any]:
    """The rows of *frame* as PySpark reads them, once Spark has cast what PySpark reads badly.

    With a limit they are what *take* gives. Instants are seconds of the epoch as a decimal; dates,
    local times and intervals are Spark's text.
    """
    readable = _readable(frame)
    if limit is not None:
        return iter(take(readable, limit))
    rows: Iterator[Any] = readable.toLocalIterator(prefetchPartitions=True)
    return rows


def json_lines(rows: Rows, *, nulls: bool = True) -> Iterator[str]:
    """The lines of one JSON array, an object a row; two columns of one name are an error.

    Without *nulls*, a column that is null is left out of its row.
    """
    names = distinct_names(rows.columns)
    opening = "["
    for row in rows.values:
        values = zip(names, row, strict=True)
        yield opening + json_text({name: value for name, value in values if nulls or value is not None})
        opening = ","
    yield "[]" if opening == "[" else "]"


def csv_lines(rows: Rows) -> Iterator[str]:
    """A header and a line a row (RFC 4180); null is an empty field, an empty text is ``""``."""
    yield csv_line(rows.columns)
    for row in rows.values:
        yield csv_line(row)


def distinct_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """*names*, when each stands once; else a ScriptError."""
    for name, count in Counter(names).items():
        if count > 1:
            raise ScriptError(
                f"the result has {count} columns called '{name}', and a JSON object can hold one",
                hint=f"name them apart in the select: … as {name}_2",
            )
    return names


def _readable(frame: DataFrame) -> DataFrame:
    """*frame* with the columns cast that PySpark cannot read, or not exactly."""
    kinds = [each.dataType for each in frame.schema]
    targets = [_read_as(kind) for kind in kinds]
    if targets == kinds:
        return frame
    names = [f"c{number}" for number in range(len(kinds))]  # those of the frame may stand twice
    return frame.toDF(*names).select(
        [
            sf.col(name) if target == kind else sf.col(name).cast(target)
            for name, kind, target in zip(names, kinds, targets, strict=True)
        ]
    )


def _read_as(kind: types.DataType) -> types.DataType:
    match kind:
        case types.ArrayType():
            return types.ArrayType(_read_as(kind.elementType), kind.containsNull)
        case types.MapType():
            return types.MapType(_read_as(kind.keyType), _read_as(kind.valueType), kind.valueContainsNull)
        case types.StructType():
            fields = [types.StructField(each.name, _read_as(each.dataType), each.nullable) for each in kind]
            return types.StructType(fields)
        case _:
            return _READ_AS.get(type(kind), kind)


def _plain(kind: types.DataType) -> Convert:
    """How a value of *kind* becomes one that JSON can say; null stays null."""
    convert = _converter(kind)
    return lambda value: None if value is None else convert(value)


def _converter(kind: types.DataType) -> Convert:
    match kind:
        case types.ArrayType():
            element = _plain(kind.elementType)
            return lambda value: [element(each) for each in value]
        case types.MapType():
            key, item = _plain(kind.keyType), _plain(kind.valueType)
            return lambda value: {cell(key(each)): item(value[each]) for each in value}
        case types.StructType():
            return _struct_converter(kind)
        case types.UserDefinedType():
            return _user_defined_converter(kind)
        case _:
            return _LEAVES.get(type(kind), _as_it_is)


def _struct_converter(kind: types.StructType) -> Convert:
    names = distinct_names(tuple(kind.names))
    fields = [_plain(each.dataType) for each in kind]
    return lambda value: {
        name: convert(each) for name, convert, each in zip(names, fields, value, strict=True)
    }


def _user_defined_converter(kind: Any) -> Convert:
    """Vectors and matrices as arrays, anything else as what it is stored as."""
    from pyspark.ml.linalg import MatrixUDT, VectorUDT

    if isinstance(kind, VectorUDT | MatrixUDT):
        return lambda value: finite(value.toArray().tolist())
    stored = _plain(kind.sqlType())
    return lambda value: stored(kind.serialize(value))


def _as_it_is(value: Any) -> Any:
    return value


def finite(value: Any) -> Any:
    """A double, or nested lists of them, with null in the place of what is not finite."""
    if isinstance(value, list):
        return [finite(each) for each in value]
    return value if math.isfinite(value) else None


def shortest_float(value: float) -> float | None:
    """The double that is written as this 32-bit float is: 0.1, not 0.10000000149011612."""
    return float(str(np.float32(value))) if math.isfinite(value) else None


def exact_integer(value: int) -> int | str:
    """The integer, or its text when readers of JSON would round it."""
    return value if -_EXACT <= value <= _EXACT else str(value)


def _instant(seconds: Decimal) -> str:
    """Seconds of the epoch in ISO 8601; numpy knows years that ``datetime`` does not."""
    return str(np.datetime64(int(seconds.scaleb(6)), "us")).removesuffix(".000000") + "Z"


def _iso_date_time(text: str) -> str:
    return text.replace(" ", "T")


def base64_text(value: bytes) -> str:
    """Bytes as text."""
    return base64.b64encode(value).decode("ascii")


def plain_json(text: str) -> Any:
    """The value that a JSON text says, with integers that stay what they are."""

    def exact(digits: str) -> int | str:
        return exact_integer(int(digits))

    return json.loads(text, parse_int=exact, parse_constant=lambda _: None)


def _variant(value: types.VariantVal) -> Any:
    return plain_json(value.toJson())


_LEAVES: Mapping[type[types.DataType], Convert] = {
    types.LongType: exact_integer,
    types.FloatType: shortest_float,
    types.DoubleType: finite,
    types.DecimalType: "{:f}".format,
    types.TimestampType: _instant,
    types.TimestampNTZType: _iso_date_time,
    types.BinaryType: base64_text,
    types.VariantType: _variant,
}
