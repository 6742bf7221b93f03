"""``!assertNotNull``, ``!assertUnique``, ``!assertCondition``: how many rows fail, or an error if any do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mlsql.errors import DataError, ScriptError
from mlsql.grammar.nodes import Word
from mlsql.options import NAMES
from mlsql.session import UNCHANGED, Outcome, Run, Table, quoted
from mlsql.spans import Span
from mlsql.stages.commands.assertions import judged
from mlsql.stages.commands.base import Command
from mlsql.stages.commands.calls import FormCommand, as_given
from mlsql.stages.commands.forms import Given
from mlsql.stages.commands.tables import column_of
from mlsql.stages.rows import local_table

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_SUMMARY = "column string, rows bigint, failing bigint, ok boolean"


@dataclass(frozen=True, slots=True)
class _Check:
    """One line of a summary: how it is called, how its failing rows are counted, and what they do."""

    name: str
    failing: Column
    fault: str


@dataclass(frozen=True, slots=True)
class _Checks:
    """The rows to be looked at, and what must hold of them."""

    frame: DataFrame
    checks: tuple[_Check, ...]
    span: Span

    def results(self) -> Iterator[tuple[str, int, int, bool]]:
        """(column, rows, failing, ok) of each check, by one pass over the rows."""
        from pyspark.sql import functions as sf

        counts = (check.failing for check in self.checks)
        (row,) = self.frame.agg(sf.count(sf.lit(1)), *counts).collect()
        rows, *failing = row
        for check, count in zip(self.checks, failing, strict=True):
            yield check.name, rows, count, count == 0


Prepare = Callable[[Any, Run], _Checks]


def _summary(prepare: Prepare) -> Callable[[Any, Run], Outcome]:
    """A row a check: column, rows, failing, ok."""

    def act(call: Any, run: Run) -> Outcome:
        return Table(None, local_table(run.spark, [*prepare(call, run).results()], _SUMMARY))

    return act


def _throwing(prepare: Prepare) -> Callable[[Any, Run], Outcome]:
    """Nothing; what fails is an error."""

    def act(call: Any, run: Run) -> Outcome:
        checks = prepare(call, run)
        faults = [
            f"{failing:,} of {rows:,} rows {check.fault}"
            for check, (_, rows, failing, ok) in zip(checks.checks, checks.results(), strict=True)
            if not ok
        ]
        if faults:
            raise DataError("; ".join(faults), span=checks.span)
        return UNCHANGED

    return act


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which columns of which table are checked, each by itself."""

    table: Word
    written: Word
    names: tuple[str, ...]


def _read_columns(given: Given) -> _Columns:
    written = given["COLUMNS"]
    try:
        return _Columns(given["TABLE"], written, NAMES.read(written.text))
    except ValueError as error:
        raise ScriptError(f"columns are {NAMES.expected}, not '{written.text}'", span=written.span) from error


def _of_each_column(failing: Callable[[str], Column], fault: str) -> Prepare:
    """One check a column; *failing* counts its rows that fail, and *fault* says what they do."""

    def prepare(call: _Columns, run: Run) -> _Checks:
        frame, span = run.table(call.table), call.written.span
        names = [column_of(Word(name, span), frame) for name in call.names]
        checks = (_Check(name, failing(quoted(name)), f"{fault} '{name}'") for name in names)
        return _Checks(frame, tuple(checks), span)

    return prepare


def _nulls(column: str) -> Column:
    from pyspark.sql import functions as sf

    return sf.count_if(sf.col(column).isNull())


def _repetitions(column: str) -> Column:
    """Nulls repeat nothing, as in SQL."""
    from pyspark.sql import functions as sf

    return sf.count(column) - sf.count_distinct(column)


def _together(call: _Columns, run: Run) -> _Checks:
    """One check of all columns: rows that have the same values in each of them repeat a key."""
    from pyspark.sql import functions as sf

    frame, span = run.table(call.table), call.written.span
    columns = [sf.col(quoted(column_of(Word(name, span), frame))) for name in call.names]
    key = sf.when(reduce(and_, (each.isNotNull() for each in columns)), sf.struct(*columns))
    name = ", ".join(call.names)
    check = _Check(name, sf.count(key) - sf.count_distinct(key), f"repeat a key of '{name}'")
    return _Checks(frame, (check,), span)


def _condition(given: Given, run: Run) -> _Checks:
    from pyspark.sql import functions as sf

    run.table(given["TABLE"])
    written = given["SQL"]
    frame = judged(given["TABLE"], written.text, written.span, run)
    holds = frame.toDF(*map(str, range(len(frame.columns)))).select(sf.col(str(len(frame.columns) - 1)))
    line = " ".join(written.text.split())
    check = _Check(line, sf.count_if(~sf.col(holds.columns[0])), f"do not fulfil {line}")
    return _Checks(holds, (check,), written.span)


def _pair(
    name: str, doc: str, form: str, prepare: Prepare, understand: Callable[[Given], Any] = as_given
) -> Mapping[str, Command]:
    """The check that gives a summary, and the one that throws."""
    return {
        name: FormCommand(f"{doc}; a row a check.", (form,), _summary(prepare), understand),
        f"{name}Throw": FormCommand(f"{doc}, or the script ends.", (form,), _throwing(prepare), understand),
    }


_FORM = "TABLE COLUMNS"
_NOT_NULL = _of_each_column(_nulls, "have no")
_UNIQUE = _of_each_column(_repetitions, "repeat a")

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        **_pair("assertNotNull", "No column holds a null", _FORM, _NOT_NULL, _read_columns),
        **_pair("assertUnique", "No value of a column stands twice", _FORM, _UNIQUE, _read_columns),
        **_pair("assertUniqueKey", "The same as !assertUnique", _FORM, _UNIQUE, _read_columns),
        **_pair(
            "assertUniqueKeys", "No key of several columns stands twice", _FORM, _together, _read_columns
        ),
        **_pair("assertCondition", "A condition of SQL holds of every row", "TABLE SQL", _condition),
    }
)
"""By the name behind the ``!``."""
