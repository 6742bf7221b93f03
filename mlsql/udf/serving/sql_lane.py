"""A query over the rows of a request, answered in this process by DuckDB instead of Spark.

What a query of few rows does is often no more than to call functions; then DuckDB, which takes half a
millisecond for the least, is not asked. Translations are kept by the text of the query and the types of
the columns, as DuckDB has parsed them.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlsql.registrations import Registration
from mlsql.udf.serving.functions import Companion, Functions
from mlsql.udf.serving.lane_answers import asking
from mlsql.udf.serving.lane_columns import Columns
from mlsql.udf.serving.lane_database import LaneDatabase
from mlsql.udf.serving.lane_types import Direct, duckdb_type
from mlsql.udf.serving.translation import ModelFunction, NotCarriedOver, Translation, translate

MOST_ROWS = 10_000
"""More rows than this are no request that others should wait for."""
_ALONE = 8
"""From so many rows on a model is asked about all at once; fewer take longer to prepare than to answer."""
_MOST_KEPT = 1_000
_PARAMETER = re.compile(r"(?P<name>`(?:[^`]|``)+`|\w+) (?P<type>(?:[^,<]|<[^>]*>+)+)(?:, )?")
_COMPANIONS: Mapping[str, Companion] = {"_proba": "proba", "_all": "all"}
"""By what their names end in."""


@dataclass(slots=True)
class _Kept:
    """A translation, the revision of the functions that it was made with, and DuckDB's statements by form."""

    translation: Translation
    revision: int
    statements: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class SqlLane:
    """Answers queries of the callers of *functions*; may be asked by several threads, one at a time."""

    functions: Functions
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _kept: dict[tuple[Any, ...], _Kept] = field(default_factory=dict)
    _few: LaneDatabase = field(init=False)
    _many: LaneDatabase = field(init=False)

    def __post_init__(self) -> None:
        self._few = LaneDatabase(self.functions, in_bulk=False)
        self._many = LaneDatabase(self.functions, in_bulk=True)

    def query(self, caller: str, sql: str, given: Columns) -> Columns:
        """The rows of *sql*, a select without a from, over those that are given.

        Raises NotCarriedOver, with the reason, when Spark has to be asked; also when a row is wrong,
        since Spark says that better.
        """
        if given.count > MOST_ROWS:
            raise NotCarriedOver(f"more than {MOST_ROWS:,} rows")
        with self._turn:
            return self._answered(caller, self._translated(caller, sql, given), given)

    def at_once(self, caller: str, sql: str, given: Columns) -> Columns | None:
        """The same where nobody has to wait for it; None when the query is new, or a model not loaded."""
        if not self._turn.acquire(blocking=False):
            return None
        try:
            kept = self._found(caller, sql, given)
            if kept is None or not all(self._is_loaded(caller, kept)):
                return None
            return self._answered(caller, kept, given)
        finally:
            self._turn.release()

    def close(self) -> None:
        """Forget everything."""
        with self._turn:
            self._kept.clear()
            self._few.close()
            self._many.close()

    def _found(self, caller: str, sql: str, given: Columns) -> _Kept | None:
        kept = self._kept.get((caller, sql, *given.types.items()))
        return kept if kept is not None and kept.revision == self.functions.revision else None

    def _is_loaded(self, caller: str, kept: _Kept) -> Iterator[bool]:
        return (
            self.functions.is_loaded(caller, each.function)
            for each in kept.translation.calls
            if each.is_model
        )

    def _translated(self, caller: str, sql: str, given: Columns) -> _Kept:
        kept = self._found(caller, sql, given)
        if kept is None:
            revision = self.functions.revision
            named = self.functions.names(caller)
            kept = _Kept(translate(sql, given.types, _models(named), caller, own=named), revision)
            if len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[caller, sql, *given.types.items()] = kept
        return kept

    def _answered(self, caller: str, kept: _Kept, given: Columns) -> Columns:
        translation = kept.translation
        types = dict(zip(translation.names, translation.types, strict=True))
        if translation.directs is not None and given.count < _ALONE:
            return Columns(types, self._directly(caller, translation.directs, given))
        return Columns(types, self._by_duckdb(caller, kept, given))

    def _directly(self, caller: str, directs: Sequence[Direct], given: Columns) -> list[tuple[Any, ...]]:
        """Calls of functions alone, which need no database."""
        ask = asking(self.functions, caller)
        try:
            return [tuple(each(ask, row) for row in zip(*given.values, strict=True)) for each in directs]
        except Exception as error:  # whatever it is, Spark meets it too, and says it
            raise NotCarriedOver(f"a row is not answered here: {error}") from error

    def _by_duckdb(self, caller: str, kept: _Kept, given: Columns) -> list[tuple[Any, ...]]:
        translation = kept.translation
        form = "one" if given.count == 1 else "few" if given.count < _ALONE else "many"
        database = self._many if form == "many" else self._few
        if form not in kept.statements:
            write = _query_of_one if form == "one" else _query
            query = write(translation, given.types)
            kept.statements[form] = database.parsed(query, caller, translation.calls)
        values = _values(translation, given)
        if form == "one":
            values = [each[0] for each in values]
        rows = database.rows(kept.statements[form], values if translation.reads or form != "one" else [])
        return [*zip(*rows, strict=True)]


def _models(names: Mapping[str, Registration]) -> dict[str, ModelFunction]:
    """The functions that SQL can call, with those that stand beside them."""
    answered = {
        name: each for name, each in names.items() if not ("." in name or each.trouble or each.runs_code)
    }
    models = {}
    for name, each in answered.items():
        parameters = _parameters(each.signature)
        outputs = {"": each.output, "_proba": "array<double>", "_all": _of_all(each.output)}
        for end, output in outputs.items():
            if not end or (name + end in each.companions and name + end not in answered):
                models[name + end] = ModelFunction(parameters, output, name, _COMPANIONS.get(end, ""))
    return models


def _of_all(output: str) -> str:
    return f"array<struct<algIndex:int,answer:{output}>>"


def _parameters(signature: str) -> dict[str, str]:
    """The types of the parameters in ``f(a double, b string) -> double`` by their names."""
    inside = signature[signature.index("(") + 1 : signature.rindex(") -> ")]
    found = _PARAMETER.finditer(inside)
    return {each["name"].strip("`").replace("``", "`"): each["type"] for each in found}


def _query(translation: Translation, columns: Mapping[str, str]) -> str:
    """The whole query, whose parameters are the columns that it reads; without any, one as long."""
    read = [(called, duckdb_type(columns[name])) for name, called in translation.reads.items()]
    given = (
        f"unnest(${number}::{kind}[]) as {called}"
        for number, (called, kind) in enumerate(read or [("row", "BOOLEAN")], start=1)
    )
    return f"select {_named(translation)} from (select {', '.join(given)})"  # noqa: S608 -- of translated parts


def _query_of_one(translation: Translation, columns: Mapping[str, str]) -> str:
    """The same for one row, in two thirds of the time."""
    read = [(called, duckdb_type(columns[name])) for name, called in translation.reads.items()]
    given = (f"${number}::{kind} as {called}" for number, (called, kind) in enumerate(read, start=1))
    of = f" from (select {', '.join(given)})" if read else ""
    return f"select {_named(translation)}{of}"


def _named(translation: Translation) -> str:
    return ", ".join(f"{each} as r{number}" for number, each in enumerate(translation.expressions))


def _values(translation: Translation, given: Columns) -> list[Sequence[Any]]:
    by_name = dict(zip(given.types, given.values, strict=True))
    read = [by_name[each] for each in translation.reads]
    return read or [[None] * given.count]
