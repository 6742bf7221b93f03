"""PythonStep: a table made of a table by Python in the script, a partition or a group at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mlsql.bridge.errors import OptionFault
from mlsql.errors import MissingColumn
from mlsql.options import NAMES, TEXT, Options, is_filled, one_of, option
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.code.given import given_code, read_types
from mlsql.stages.algorithms.code.text import CODE, METHOD, WrittenCode, parameters
from mlsql.udf.column_types import Struct, read_schema
from mlsql.udf.scripts import TableFunction

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_SCHEMA, _GROUPS, _ARROW = "schema", "groupBy", "arrow"


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonStepOptions:
    """How Python makes a table of a table."""

    schema: str = option(_SCHEMA, TEXT, "The columns it makes: `st(field(a,long))`, or `a long, b string`.")
    code: str | None = option(
        CODE, TEXT, "The Python; without it, the path names the variable or table of it.", default=None
    )
    method: str = option(METHOD, TEXT, "The function in the code that is called.", default="apply")
    groups: tuple[str, ...] = option(
        _GROUPS, NAMES, "Columns whose equal rows it gets together; else the rows of a partition.", default=()
    )
    data: str = option(
        "dataFormat",
        one_of("pandas", _ARROW),
        "What rows come and go as: frames or tables.",
        default="pandas",
    )


@dataclass(frozen=True, slots=True)
class PythonStep:
    """Runs a function over the partitions or groups of a table; its tables together are the table."""

    options: ClassVar[type[PythonStepOptions]] = PythonStepOptions
    doc: ClassVar[str] = "Makes a table of a table by Python in the script, a partition or a group at a time."
    example: ClassVar[str] = """\
select id, id % 3 as kind from range(12) as numbers;
run numbers as PythonStep.`` where schema="kind long, total long" and groupBy="kind" and code='''
import pandas as pd

def apply(frame):
    return pd.DataFrame({"kind": [frame["kind"].iloc[0]], "total": [frame["id"].sum()]})
''' as totals;
"""

    def check(self, given: Options, /) -> None:
        """Raise what is wrong with schema and code, as far as the statement itself holds them."""
        if _SCHEMA in given and is_filled(given[_SCHEMA].text):
            read_types(read_schema, given[_SCHEMA].text, _SCHEMA)
        if CODE in given and is_filled(given[CODE].text):
            WrittenCode.of_option(given[CODE]).tree()

    def transform(self, call: Call[PythonStepOptions], run: Run, /) -> DataFrame:
        """What the function makes, lazily."""
        options = call.options
        schema = read_types(read_schema, options.schema, _SCHEMA)
        function = _function(call, given_code(call, options.code, run), schema)
        for each in options.groups:
            if each.casefold() not in map(str.casefold, call.frame.columns):
                raise MissingColumn(each, call.frame.columns, option=_GROUPS)
        if options.groups:
            return _of_groups(call.frame, options.groups, function, schema.schema)
        if function.is_arrow:
            return call.frame.mapInArrow(function.of_partition, schema.schema)
        return call.frame.mapInPandas(function.of_partition, schema.schema)


def _function(call: Call[PythonStepOptions], written: WrittenCode, schema: Struct) -> TableFunction:
    target, syntax = written.target(call.options.method, None)
    if len(parameters(syntax, target)) != 1:
        raise OptionFault(
            f"{target.method} is called with one table", option=CODE, hint="def apply(frame): …"
        )
    return TableFunction(call.algorithm.text, target, schema.columns, call.options.data == _ARROW)


def _of_groups(frame: DataFrame, groups: tuple[str, ...], function: TableFunction, schema: str) -> DataFrame:
    def apply(rows: Any) -> Any:  # Spark counts the parameters of a function; those of an object it miscounts
        return function(rows)

    grouped = frame.groupBy(*map(quoted, groups))
    return grouped.applyInArrow(apply, schema) if function.is_arrow else grouped.applyInPandas(apply, schema)
