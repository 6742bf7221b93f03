"""A select of Spark as one of DuckDB that gives the same, or the reason why it is not carried over.

What is carried over is listed, and nothing else is: each node of sqlglot's tree has a rule here that
knows Spark's types, each function stands in :mod:`~mlsql.udf.serving.lane_functions`. Where Spark would
raise for some values (a division by zero), DuckDB raises too, and the query is asked of Spark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from mlsql.errors import ConfigError
from mlsql.udf.serving.lane_calls import Call, ModelFunction
from mlsql.udf.serving.lane_rules import Translator
from mlsql.udf.serving.lane_types import Carried, NotCarriedOver, is_told

__all__ = ["Call", "ModelFunction", "NotCarriedOver", "Translation", "translate"]


@dataclass(frozen=True, slots=True)
class Translation:
    """Expressions of DuckDB over the columns that it reads, with the names and types of what they give."""

    reads: Mapping[str, str]
    """What the expressions call a column, by its name."""
    expressions: tuple[str, ...]
    names: tuple[str, ...]
    types: tuple[str, ...]
    calls: tuple[Call, ...]


def translate(
    sql: str, columns: Mapping[str, str], models: Mapping[str, ModelFunction], caller: str
) -> Translation:
    """The select *sql*, which has no from, over *columns* with their types; *models* of *caller* by name.

    Raises NotCarriedOver when any part of it is not known to give the same.
    """
    translator = Translator(_known_columns(columns), models, caller)
    try:
        told = [each for item in _select(sql) for each in translator.named(item)]
    except RecursionError as error:
        raise NotCarriedOver("the query is nested too deep") from error
    names = [name for name, _ in told]
    if len({each.casefold() for each in names}) < len(names):
        raise NotCarriedOver("two columns have one name")
    types = tuple(carried.type for _, carried in told)
    for each in types:
        if not is_told(each):
            raise NotCarriedOver(f"a column of the type {each}")
    expressions = tuple(carried.sql for _, carried in told)
    return Translation(translator.used, expressions, tuple(names), types, tuple(translator.calls.values()))


def _known_columns(columns: Mapping[str, str]) -> dict[str, Carried]:
    if len({each.casefold() for each in columns}) < len(columns):
        raise NotCarriedOver("two columns differ in upper and lower case alone")
    return {name: Carried(f"c{number}", kind) for number, (name, kind) in enumerate(columns.items())}


def _select(sql: str) -> Sequence[Any]:
    """The items of the one select that *sql* is."""
    if "\\" in sql or "\0" in sql:
        raise NotCarriedOver("a backslash")
    try:
        from sqlglot import ErrorLevel, exp, parse
        from sqlglot.errors import SqlglotError
    except ImportError as error:
        raise ConfigError("sqlglot is missing", hint="pip install 'mlsql[serving]'") from error
    try:
        statements = parse(sql.rstrip().rstrip(";"), read=_dialect(), error_level=ErrorLevel.IMMEDIATE)
    except SqlglotError as error:
        raise NotCarriedOver("the query is not understood here") from error
    if len(statements) != 1 or type(statements[0]) is not exp.Select or not statements[0].expressions:
        raise NotCarriedOver("not one select")
    for name, part in statements[0].args.items():
        if part and name != "expressions":
            raise NotCarriedOver(f"the query has a {name.replace('_', ' ')}")
    return statements[0].expressions


@cache
def _dialect() -> Any:
    """Spark's dialect with every function left as it is written, but cast."""
    from sqlglot.dialects.spark import Spark

    given = Spark.Parser.FUNCTION_PARSERS
    only_cast = {"FUNCTIONS": {}, "FUNCTION_PARSERS": {"CAST": given["CAST"]}, "NO_PAREN_FUNCTIONS": {}}
    return type("PlainSpark", (Spark,), {"Parser": type("Parser", (Spark.Parser,), only_cast)})
