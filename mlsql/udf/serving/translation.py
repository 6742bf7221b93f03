"""A select of Spark as one of DuckDB that gives the same, or the reason why it is not carried over.

What is carried over is listed, and nothing else is: each node of sqlglot's tree has a rule here that
knows Spark's types, each function stands in :mod:`~mlsql.udf.serving.lane_functions`. Where Spark would
raise for some values (a division by zero), DuckDB raises too, and the query is asked of Spark.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from mlsql.errors import ConfigError
from mlsql.udf.serving.lane_calls import Call, ModelFunction
from mlsql.udf.serving.lane_translator import Translator
from mlsql.udf.serving.lane_types import Ask, Carried, Direct, NotCarriedOver, is_told

__all__ = ["Call", "ModelFunction", "NotCarriedOver", "Translation", "translate"]
_ELSEWHERE = ("\\", "\0", "${", "/*+")
"""Escapes, variables and hints, which something else reads before Spark's SQL is read, or otherwise."""


@dataclass(frozen=True, slots=True)
class Translation:
    """Expressions of DuckDB over the columns that it reads, with the names and types of what they give."""

    reads: Mapping[str, str]
    """What the expressions call a column, by its name."""
    expressions: tuple[str, ...]
    names: tuple[str, ...]
    types: tuple[str, ...]
    calls: tuple[Call, ...]
    directs: tuple[Direct, ...] | None
    """What gives the same of one row without DuckDB, when all of them have it."""


def translate(
    sql: str,
    columns: Mapping[str, str],
    models: Mapping[str, ModelFunction],
    caller: str,
    own: Iterable[str] = (),
) -> Translation:
    """The select *sql*, which has no from, over *columns* with their types; *models* of *caller* by name.

    *own* are the names of all functions of the caller, also of those that Spark alone answers. Raises
    NotCarriedOver when any part of the query is not known to give the same.
    """
    names_of_own = frozenset(each.casefold() for each in own)
    translator = Translator(_known_columns(columns), models, caller, names_of_own)
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
    directs = tuple(carried.direct for _, carried in told if carried.direct is not None)
    return Translation(
        reads=translator.used,
        expressions=expressions,
        names=tuple(names),
        types=types,
        calls=tuple(translator.calls.values()),
        directs=directs if len(directs) == len(told) else None,
    )


def _known_columns(columns: Mapping[str, str]) -> dict[str, Carried]:
    if len({each.casefold() for each in columns}) < len(columns):
        raise NotCarriedOver("two columns differ in upper and lower case alone")
    return {
        name: Carried(f"c{place}", kind, partial(_value_of, place))
        for place, (name, kind) in enumerate(columns.items())
    }


def _value_of(place: int, _ask: Ask, row: Sequence[Any]) -> Any:
    return row[place]


def _select(sql: str) -> Sequence[Any]:
    """The items of the one select that *sql* is."""
    for each in _ELSEWHERE:
        if each in sql:
            raise NotCarriedOver(f"{each!r} in the query")
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
