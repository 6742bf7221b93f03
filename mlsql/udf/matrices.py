"""Rows of arrays, packed or not, or vectors, as pandas gets them from Spark, as matrices for a predictor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from mlsql.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_PIECE_BYTES = 64 * 1024 * 1024
"""Sparse rows are made dense in pieces of this size."""
_DOUBLE = 8
_SPARSE = 0
"""The ``type`` of a sparse vector; that of a dense one is 1."""


@runtime_checkable
class TakesSparse(Protocol):
    """A predictor that says whether its features may be a SciPy CSR."""

    @property
    def takes_sparse(self) -> bool:
        """Whether they may."""
        ...


def matrices(rows: pd.Series | pd.DataFrame, width: int, function: str, *, sparse: bool) -> Iterator[Any]:
    """*rows*, which are *width* wide, in one matrix, or sparse ones in a CSR or in several matrices.

    Arrays are a series, of arrays or of bytes as ``Functions.packed`` gives them, vectors a frame of
    type, size, indices and values. DataError names the *function* when a row has another width.
    """
    import numpy as np
    import pandas as pd

    if isinstance(rows, pd.DataFrame):
        yield from _of_vectors(rows, width, function, sparse=sparse)
        return
    values = rows.tolist()
    if isinstance(values[0], bytes):
        _check((size // _DOUBLE for size in set(map(len, values))), width, function)
        yield np.frombuffer(bytearray().join(values)).reshape(-1, width)
        return
    _check(map(len, values), width, function)
    yield np.concatenate(values).reshape(-1, width)


def row_bytes(matrix: Any) -> list[bytes]:
    """The doubles of each row as bytes, which :meth:`Functions.unpacked` reads."""
    import numpy as np

    rows = np.ascontiguousarray(matrix, dtype=np.float64)
    content, size = rows.tobytes(), rows.shape[1] * _DOUBLE
    return [content[start : start + size] for start in range(0, len(rows) * size, size)]


def _of_vectors(rows: pd.DataFrame, width: int, function: str, *, sparse: bool) -> Iterator[Any]:
    import numpy as np

    missing = np.full(width, np.nan)
    values = [missing if each is None else each for each in rows["values"]]
    given = (rows["type"] == _SPARSE).to_numpy()
    sizes = rows["size"].to_numpy()
    _check((sizes[row] if given[row] else len(each) for row, each in enumerate(values)), width, function)
    if not given.any():
        yield np.concatenate(values).reshape(-1, width)
        return
    csr = _csr(rows["indices"].tolist(), values, given, width)
    step = len(rows) if sparse else max(1, _PIECE_BYTES // (8 * width))
    for start in range(0, len(rows), step):
        yield csr if sparse else csr[start : start + step].toarray()


def _csr(indices: Sequence[Any], values: Sequence[Any], given: Any, width: int) -> Any:
    import numpy as np
    from scipy.sparse import csr_matrix

    every = np.arange(width, dtype="int32")
    columns = [each if is_given else every for each, is_given in zip(indices, given, strict=True)]
    starts = np.cumsum([0, *map(len, values)])
    return csr_matrix((np.concatenate(values), np.concatenate(columns), starts), shape=(len(values), width))


def _check(widths: Any, width: int, function: str) -> None:
    for other in set(widths) - {width}:
        raise DataError(f"{function} takes {width} features, not {int(other)} as in one of the rows")
