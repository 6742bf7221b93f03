"""Python of the user's own, as a worker runs it: no Spark is needed."""

from __future__ import annotations

import pickle

import pandas as pd
import pyarrow as pa
import pytest

from mlsql.errors import DataError
from mlsql.udf.column_types import read_type
from mlsql.udf.scripts import Code, GroupFunction, RowFunction, SeriesFunction, TableFunction, Target

CODE = Code(
    """
from __future__ import annotations
from dataclasses import dataclass

calls = []

@dataclass
class Rate:
    factor: float = 2.0

    def times(self, a):
        return a * self.factor

def apply(self, a):
    self.calls.append(a)
    return len(self.calls)

def stop(a):
    raise SystemExit("enough\\nof it")
""",
    "job.mlsql",
    line=10,
)


def test_a_function_goes_to_workers_as_data_and_is_loaded_once():
    """Its state lasts as long as the worker; a dataclass in the code is one."""
    count = pickle.loads(
        pickle.dumps(RowFunction("f", Target(CODE, "apply", takes_self=True), read_type("int")))
    )
    before = count(1)
    assert [count(2), count(None)] == [before + 1, before + 2]
    times = RowFunction("g", Target(CODE, "times", "Rate"), read_type("double"))
    assert times(3) == 6.0


def test_an_error_tells_the_line_that_the_script_has():
    """On one line, also one that would end the worker."""
    stop = RowFunction("f", Target(CODE, "stop"), read_type("int"))
    with pytest.raises(DataError) as told:
        stop(1)
    line = 10 + CODE.text.splitlines().index("def stop(a):") + 1
    place = f"f fails in stop, job.mlsql:{line}"
    assert told.value.message == f'{place}, at `raise SystemExit("enough\\nof it")`: SystemExit: enough of it'


def test_a_syntax_error_has_the_line_of_the_script():
    """So that it can be placed there."""
    with pytest.raises(SyntaxError) as told:
        Code("x = 1\ny = = 2", "job.mlsql", line=5).compile()
    assert (told.value.filename, told.value.lineno) == ("job.mlsql", 6)


def test_answers_of_many_rows_are_as_many():
    """What is no series is made one."""
    target = Target(
        Code("def apply(a): return [len(each) for each in a]\ndef first(a): return a[:1]", "c"), "apply"
    )
    assert SeriesFunction("f", target)(pd.Series(["a", "bb"])).tolist() == [1, 2]
    first = SeriesFunction("f", Target(target.code, "first"))
    with pytest.raises(DataError, match="it answers 1 values for 2 rows"):
        first(pd.Series(["a", "bb"]))


def test_a_group_comes_as_series():
    """In the order of the arguments."""
    target = Target(Code("def apply(a, b): return (a * b).sum()", "c"), "apply")
    group = GroupFunction("f", target, (False, False), read_type("long"))
    assert group([(1, 2), (3, 4)]) == 14


def test_a_step_gives_the_columns_that_were_declared():
    """In their order, of frames and of tables of Arrow; of no rows nothing."""
    target = Target(Code("def apply(rows): return rows", "c"), "apply")
    pandas = TableFunction("step", target, ("b", "a"))
    pieces = [pd.DataFrame({"a": [1], "c": [0], "b": [2]})] * 2
    (made,) = pandas.of_partition(pieces)
    assert made.to_dict("list") == {"b": [2, 2], "a": [1, 1]}
    assert list(pandas.of_partition([])) == []
    arrow = TableFunction("step", target, ("b",), is_arrow=True)
    batch = pa.RecordBatch.from_pydict({"a": [1], "b": [None]})
    assert pa.Table.from_batches(arrow.of_partition([batch, batch])).to_pydict() == {"b": [None, None]}
    with pytest.raises(DataError, match="it answers no column 'b' but a"):
        pandas(pd.DataFrame({"a": [1]}))
