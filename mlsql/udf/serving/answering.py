"""From the question of a caller to the answers of a model: rows by position, or a table by names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsql.errors import DataError, MlsqlError, ScriptError, UnknownName
from mlsql.udf.predictors.rows import WrongRow
from mlsql.udf.serving.functions import Companion, ReadyModel
from mlsql.udf.serving.lane_types import arrow_type
from mlsql.udf.serving.shelf import Loaded

if TYPE_CHECKING:
    import pyarrow as pa

_NUMBERS = ("tinyint", "smallint", "int", "long", "bigint", "float", "double")
ANSWER = "prediction"
"""The column of the answers to a table."""


@dataclass(frozen=True, slots=True)
class Answering:
    """Answers for a function; *sibling* loads another candidate of the model's version."""

    function: str
    loaded: Loaded
    sibling: Callable[[int], Loaded]

    def one(self, values: Sequence[object], companion: Companion = "") -> object:
        """The answer for one row."""
        with self._told_apart():
            if companion == "all":
                return _together([(index, model.answer(values)) for index, model in self._all()])
            return self._told().probabilities(values) if companion else self.loaded.model.answer(values)

    def many(self, rows: Sequence[Sequence[object]], companion: Companion = "") -> list[object]:
        """The answer for each of several rows."""
        names = self.loaded.names
        wrong = next((number for number, each in enumerate(rows) if len(each) != len(names)), None)
        if wrong is not None:
            raise self._wrong_count(rows[wrong], wrong)
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
        return self._of_columns(columns, companion) if rows else []

    def table(self, stream: bytes, companion: Companion = "") -> bytes:
        """The answers for an Arrow stream of the inputs, as a stream of the column ``prediction``."""
        import pyarrow as pa

        try:
            with pa.ipc.open_stream(stream) as reader:
                given = reader.read_all()
        except (pa.ArrowInvalid, OSError) as error:
            raise ScriptError(f"what came is no Arrow stream: {error}") from error
        self._expect_inputs(given.schema)
        columns = {name: _values(given[name]) for name in given.column_names}
        answers = self._of_columns(columns, companion) if given.num_rows else []
        return _written(pa.array(answers, self._type(companion)))

    def _of_columns(self, columns: Mapping[str, Sequence[object]], companion: Companion) -> list[object]:
        with self._told_apart():
            if companion == "all":
                every = [(index, model.answers(columns)) for index, model in self._all()]
                indexes = [index for index, _ in every]
                rows = zip(*(answers for _, answers in every), strict=True)
                return [_together([*zip(indexes, each, strict=True)]) for each in rows]
            if companion:
                return [*self._told().many_probabilities(columns)]
            return self.loaded.model.answers(columns)

    def _all(self) -> list[tuple[int, ReadyModel]]:
        return [(index, self.sibling(index).model) for index in self.loaded.candidates]

    def _told(self) -> ReadyModel:
        """The model, which can tell probabilities."""
        if not self.loaded.model.has_probabilities:
            raise ScriptError(f"'{self.function}' tells no probabilities", hint="its model has answers alone")
        return self.loaded.model

    def _type(self, companion: Companion) -> Any:
        import pyarrow as pa

        output = arrow_type(self.loaded.model.output)
        if companion == "all":
            return pa.list_(pa.struct([("algIndex", pa.int32()), ("answer", output)]))
        return pa.list_(pa.float64()) if companion else output

    @contextmanager
    def _told_apart(self) -> Iterator[None]:
        """A block whose failure, where it is none of ours, is told as the model's."""
        try:
            yield
        except MlsqlError:
            raise
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise DataError(f"the model of '{self.function}' cannot answer: {what}") from error

    def _expect_inputs(self, given: pa.Schema) -> None:
        """Refuse a table that is none of the inputs, and say why."""
        for each in given.names:
            if each not in self.loaded.names:
                raise UnknownName(f"input of {self.function}", each, self.loaded.names)
        for column in self.loaded.model.inputs:
            if column.name not in given.names:
                raise ScriptError(f"the table has no '{column.name}', which {self.function} takes")
            if not _takes(column.type, given.field(column.name).type):
                told = f"'{column.name}' is of the type {given.field(column.name).type}"
                raise ScriptError(f"{told}, and {self.function} takes {column.type}")

    def _wrong_count(self, values: Sequence[object], number: int) -> WrongRow:
        inputs = ", ".join(f"{each.name} {each.type}" for each in self.loaded.model.inputs)
        told = f"'{self.function}' takes {len(self.loaded.names)} values a row"
        return WrongRow(f"{told}, and row {number + 1} has {len(values)}", hint=f"in order: {inputs}")


def _together(answers: Sequence[tuple[int, object]]) -> object:
    """What ``f_all`` gives; null where a null among the inputs keeps every model from answering."""
    if all(each is None for _, each in answers):
        return None
    return [{"algIndex": index, "answer": each} for index, each in answers]


def _takes(kind: str, given: pa.DataType) -> bool:
    """Whether a column of that type of Arrow may hold values of one of Spark."""
    from pyarrow import types

    if kind.startswith("array<"):
        known = [types.is_list, types.is_large_list, types.is_fixed_size_list]
    elif kind == "string":
        known = [types.is_string, types.is_large_string, types.is_dictionary]
    elif kind == "boolean":
        known = [types.is_boolean]
    else:
        known = [types.is_integer, types.is_floating, types.is_decimal, lambda _: kind not in _NUMBERS]
    return any(holds(given) for holds in (types.is_null, *known))


def _values(column: pa.ChunkedArray) -> Any:
    import pyarrow as pa

    is_number = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    return column.to_numpy() if is_number and not column.null_count else column.to_pylist()


def _written(answers: pa.Array) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    batch = pa.record_batch([answers], [ANSWER])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    written: bytes = sink.getvalue().to_pybytes()
    return written
