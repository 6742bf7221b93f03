"""Fitted feature steps as functions of SQL: each function of a step is one pandas UDF over its plain form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from mlsql.models.cache import local_folder
from mlsql.models.manifest import CandidateRecord, StoredModel
from mlsql.session import FunctionSignature, quoted
from mlsql.udf.catalyst import Functions
from mlsql.udf.matrices import matrices, row_bytes
from mlsql.udf.predictors.folder import ModelFolder
from mlsql.udf.predictors.plain import read_plain
from mlsql.udf.predictors.plain.sparse import SparseRows
from mlsql.udf.predictors.plain.stepping import ANY, NUMBERS, VECTOR, FittedStep, StepFunction
from mlsql.udf.predictors.stored import loaded

if TYPE_CHECKING:
    import pandas as pd

_VECTOR = "struct<type: tinyint, size: int, indices: binary, values: binary>"
"""What a vector is stored as, with the bytes of its numbers: these come back faster than lists."""
_PARTS = ("type", "size", "indices", "values")
_SPARSE, _DENSE = 0, 1
_HAS_NULL = "holds_null({0})"


@dataclass(frozen=True, slots=True)
class StoredStep:
    """The folder of a fitted step, as it travels to executors."""

    folder: ModelFolder

    @classmethod
    def in_folder(cls, folder: Path, flavor: Mapping[str, Any] = MappingProxyType({})) -> StoredStep:  # noqa: ARG003
        """The step of the MLflow model in *folder*."""
        return cls(ModelFolder.of(folder))

    def load(self) -> FittedStep:
        """The step; its files are checked first."""
        return cast("FittedStep", read_plain(self.folder.checked()))


@dataclass(frozen=True, slots=True)
class StepFunctions:
    """The functions of a stored step under a name, in the SQL of one session."""

    functions: Functions
    name: str
    stored: StoredStep

    @classmethod
    def of(
        cls, functions: Functions, name: str, stored: StoredModel, candidate: CandidateRecord
    ) -> StepFunctions:
        """Those of *candidate*."""
        return cls(functions, name, StoredStep.in_folder(local_folder(stored.directory(candidate.index))))

    def define(self) -> Sequence[FunctionSignature]:
        """Make them callable; how each is called, the main one first."""
        return [self._defined(each) for each in cast("FittedStep", loaded(self.stored)).functions]

    def _defined(self, function: StepFunction) -> FunctionSignature:
        signature = FunctionSignature(
            self.name + function.suffix,
            function.parameters,
            function.output,
            self.name if function.suffix else None,
        )
        takes_vector = [each.type for each in function.parameters] == [NUMBERS]
        bodies = [
            self._body(signature, function, is_vector=which) for which in (False, True)[: 1 + takes_vector]
        ]
        self.functions.define(signature, *bodies)
        return signature

    def _body(self, signature: FunctionSignature, function: StepFunction, *, is_vector: bool) -> Any:
        """The call as an expression over the parameters; the only one *is_vector*, or an array."""
        columns = [quoted(each.name) for each in function.parameters]
        missing = " or ".join(_missing(function, is_vector=is_vector)) or "false"
        arguments = [self.functions.sql(each) for each in (missing, *columns)]
        answers = StepAnswers(signature.name, self.stored, function)
        call = self.functions.vectorised(signature.name, answers, _given(function), arguments)
        is_missing, null = self.functions.sql(missing), self.functions.sql("null")
        answer = self._read(function, call)
        body = answer if missing == "false" else self.functions.call("if", is_missing, null, answer)
        return self.functions.vector(body) if function.output == VECTOR else body

    def _read(self, function: StepFunction, call: Any) -> Any:
        """What the workers of Python give, as it is wanted."""
        if function.output != VECTOR:
            return self.functions.unpacked(call) if _is_packed(function) else call
        kind, size, indices, values = (self.functions.part(call, place) for place in range(len(_PARTS)))
        parts = (kind, size, self.functions.unpacked(indices, of="int"), self.functions.unpacked(values))
        names = (self.functions.sql(f"'{name}'") for name in _PARTS)
        return self.functions.call("named_struct", *chain.from_iterable(zip(names, parts, strict=True)))


def _given(function: StepFunction) -> str:
    """The type of what Python gives."""
    if function.output == VECTOR:
        return _VECTOR
    return "binary" if _is_packed(function) else function.output


def _is_packed(function: StepFunction) -> bool:
    """Whether it gives a matrix: then each row comes as the bytes of its numbers."""
    return function.output == NUMBERS and function.gives is not None


def _missing(function: StepFunction, *, is_vector: bool) -> Iterator[str]:
    """Conditions under which the answer is null."""
    for each in function.parameters:
        if function.keeps_nulls and each.type == "double":
            continue
        yield f"{quoted(each.name)} is null"
        if each.type == NUMBERS and not is_vector and not function.keeps_nulls:
            yield _HAS_NULL.format(quoted(each.name))


@dataclass(frozen=True, slots=True)
class StepAnswers:
    """The pandas UDF behind one function of a step."""

    name: str
    stored: StoredStep
    function: StepFunction

    def __call__(self, is_missing: pd.Series, *columns: pd.Series | pd.DataFrame) -> pd.Series | pd.DataFrame:
        """An answer a row; any one where *is_missing*, since Spark puts null there."""
        import pandas as pd

        present = ~is_missing.to_numpy(dtype=bool)
        if not present.any():
            return self._nothing(len(present))
        if present.all():
            return self._answers(columns)
        answers = self._answers([each[present] for each in columns])
        if isinstance(answers, pd.DataFrame):
            return pd.DataFrame({name: _spread(answers[name], present) for name in answers.columns})
        return _spread(answers, present)

    def _nothing(self, rows: int) -> pd.Series | pd.DataFrame:
        """The answers where none is asked for."""
        import numpy as np
        import pandas as pd

        none = pd.Series(np.full(rows, None))
        return pd.DataFrame(dict.fromkeys(_PARTS, none)) if self.function.output == VECTOR else none

    def _answers(self, columns: Sequence[pd.Series | pd.DataFrame]) -> pd.Series | pd.DataFrame:
        import pandas as pd

        step = cast("FittedStep", loaded(self.stored))
        pieces = [_as_pandas(step.ask(self.function, each), self.function) for each in self._pieces(columns)]
        return pieces[0] if len(pieces) == 1 else pd.concat(pieces, ignore_index=True)

    def _pieces(self, columns: Sequence[pd.Series | pd.DataFrame]) -> Iterator[list[Any]]:
        """The columns as a step takes them; one of wide sparse vectors in several pieces."""
        kinds = [each.type for each in self.function.parameters]
        if kinds == [NUMBERS]:
            (rows,) = columns
            width = self.function.width or _width(rows)
            yield from ([each] for each in _matrices(rows, width, self.name))
            return
        yield [self._column(kind, each) for kind, each in zip(kinds, columns, strict=True)]

    def _column(self, kind: str, column: Any) -> Any:
        if kind == ANY and hasattr(column, "columns"):
            return _rows_of_vectors(column, self.name)
        if kind in (NUMBERS, ANY):
            (matrix,) = _matrices(column, _width(column), self.name)
            return matrix
        return column.to_numpy() if kind in ("double", "int") else column.tolist()


def _matrices(rows: pd.Series | pd.DataFrame, width: int, function: str) -> Iterator[Any]:
    """*rows* in matrices of doubles, which are *width* wide."""
    return matrices(rows, width, function, sparse=False)


def _rows_of_vectors(rows: pd.DataFrame, function: str) -> Any:
    """Vectors, which pandas has as their parts, as a matrix, or sparse where one is."""
    size, values = rows["size"].iloc[0], rows["values"].iloc[0]
    width = len(values) if rows["type"].iloc[0] == _DENSE else int(size)
    (matrix,) = matrices(rows, width, function, sparse=True)
    if not hasattr(matrix, "indptr"):
        return matrix
    return SparseRows(width, matrix.indptr, matrix.indices, matrix.data)


def _width(rows: pd.Series) -> int:
    return len(rows.iloc[0])


def _spread(answers: pd.Series, present: Any) -> pd.Series:
    """*answers* in the rows that are *present*."""
    import numpy as np
    import pandas as pd

    rows = np.full(len(present), None)
    rows[present] = answers.to_numpy(dtype=object)
    return pd.Series(rows)


def _as_pandas(answers: Any, function: StepFunction) -> pd.Series | pd.DataFrame:
    """*answers* as Spark takes them: of arrays it wants lists."""
    import numpy as np
    import pandas as pd

    if function.output == VECTOR:
        return _vectors(answers)
    if _is_packed(function):
        return _objects(row_bytes(answers))
    if isinstance(answers, np.ndarray):
        return pd.Series(answers) if answers.ndim == 1 else _objects(answers.tolist())
    return _objects(answers)


def _vectors(rows: Any) -> pd.DataFrame:
    """What a vector is stored as, a row a vector."""
    import numpy as np
    import pandas as pd

    is_sparse = isinstance(rows, SparseRows)
    none = [None] * len(rows)
    kinds = np.full(len(rows), _SPARSE if is_sparse else _DENSE, dtype=np.int8)
    sizes = _objects([rows.size] * len(rows) if is_sparse else none)
    indices = _pieces_of(rows.indices.astype(np.int32), rows.starts) if is_sparse else none
    values = _pieces_of(rows.values.astype(np.float64), rows.starts) if is_sparse else row_bytes(rows)
    return pd.DataFrame(
        {"type": kinds, "size": sizes, "indices": _objects(indices), "values": _objects(values)}
    )


def _pieces_of(numbers: Any, starts: Any) -> list[bytes]:
    """The bytes of what lies from each start to the next."""
    content = numbers.tobytes()
    return [content[start:end] for start, end in pairwise((starts * numbers.itemsize).tolist())]


def _objects(values: Sequence[Any]) -> pd.Series:
    import pandas as pd

    return pd.Series(values, dtype=object)
