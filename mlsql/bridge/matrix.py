"""Arrow columns as numbers and labels of numpy, written into memory that is already there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsql.bridge.errors import DataFault
from mlsql.bridge.vectors import Vectors, is_vector

Matrix = np.ndarray[Any, np.dtype[Any]]


def is_list(kind: pa.DataType) -> bool:
    """Whether a column of this type holds an array a row."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def fill(target: Matrix, batch: pa.RecordBatch, widths: Sequence[tuple[str, int]], first_row: int) -> None:
    """Write columns side by side into *target*, each with its width; nulls become NaN.

    *first_row* is the number of the batch's first row, for messages.
    """
    start = 0
    for name, width in widths:
        column = batch.column(name)
        if _is_number(column.type):
            target[:, start] = column.to_numpy(zero_copy_only=False)
        elif is_list(column.type):
            _fill_arrays(target[:, start : start + width], column, name, first_row)
        elif is_vector(column.type):
            vectors = Vectors.of(column)
            vectors.check_width(width, name, first_row)
            vectors.fill(target)
        else:
            target[:, start] = numbers(column, name)
        start += width


def numbers(array: pa.Array, name: str) -> Matrix:
    """The numbers of a plain column: booleans 0 and 1, decimals as doubles, nulls NaN."""
    kind = array.type
    if pa.types.is_boolean(kind):
        array = array.cast(pa.uint8())
    elif pa.types.is_decimal(kind):
        array = array.cast(pa.float64())
    elif not (_is_number(kind) or pa.types.is_null(kind)):
        raise DataFault(f"the column '{name}' holds values of the type {kind}, which are no numbers")
    return np.asarray(array.to_numpy(zero_copy_only=False))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def texts(array: pa.ChunkedArray) -> Matrix:
    """The texts of a plain column; nulls are None."""
    return np.asarray(array.to_pandas(), dtype=object)


def missing(array: pa.Array) -> Matrix:
    """Which rows have a null, be it within their array."""
    nulls = np.array(array.is_null())
    if is_list(array.type):
        lengths = pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
        rows = np.repeat(np.arange(len(array)), lengths)
        nulls[rows[np.array(array.flatten().is_null(), dtype=bool)]] = True
    return nulls


def labels(array: pa.Array, name: str) -> Matrix:
    """The labels in their own type: texts as an object array of str, decimals as doubles."""
    if array.null_count:
        raise DataFault(f"the label column '{name}' has nulls")
    kind = array.type
    if pa.types.is_decimal(kind):
        array = array.cast(pa.float64())
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        coded = array.dictionary_encode()
        distinct = np.array(coded.dictionary.to_pylist(), dtype=object)
        return np.asarray(distinct[coded.indices.to_numpy()])
    return np.asarray(array.to_numpy(zero_copy_only=False))


def label_dtype(kind: pa.DataType) -> Any:
    """The numpy type that :func:`labels` gives for a column of this type."""
    return labels(pa.array([], kind), "").dtype


def _fill_arrays(target: Matrix, array: pa.Array, name: str, first_row: int) -> None:
    width = target.shape[1]
    lengths = pc.list_value_length(array).fill_null(width).to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero(lengths != width)
    if len(wrong):
        row = int(wrong[0])
        raise DataFault(
            f"the arrays of the column '{name}' differ in length: {width} in the first row, "
            f"{int(lengths[row])} in row {first_row + row + 1:,}"
        )
    values = numbers(array.flatten(), name).reshape(-1, width)
    if array.null_count:
        target[:] = np.nan
        target[array.is_valid().to_numpy(zero_copy_only=False)] = values
    else:
        target[:] = values
