"""``!assert``: a condition that must hold of every row of a table, tried in one pass over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from mlsql.errors import DataError, MissingColumn
from mlsql.grammar.condition_nodes import Variable
from mlsql.grammar.condition_values import Kind, filled
from mlsql.grammar.conditions import Condition, compile_assertion, parse_condition, variables
from mlsql.grammar.literals import write_literal
from mlsql.grammar.nodes import Word
from mlsql.session import UNCHANGED, Outcome, Run, quoted
from mlsql.spans import Span
from mlsql.stages.commands.base import Command
from mlsql.stages.commands.calls import FormCommand
from mlsql.stages.commands.forms import Given, call_error
from mlsql.templates import Rendered

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_STRINGS, _BLOCKS = ('"', "'"), ("'''", '"""')
_MOST_SHOWN = 3
_SET_FORM = "NAME in __set__ [MESSAGE]"
_ROWS_OF_PARTITION = 2**33
"""Spark's numbers of rows (``monotonically_increasing_id``) count below this within a partition."""


@dataclass(frozen=True, slots=True)
class _Assertion:
    """What must hold of every row of a table, and what is said when it does not."""

    table: Word
    condition: Condition
    message: str


@dataclass(frozen=True, slots=True)
class _IsSet:
    """Which variable must be there, and what is said when it is not."""

    name: Word
    message: str


def _read_assertion(given: Given) -> _Assertion | _IsSet:
    """The condition stands in one string or bare; the message is the string behind it."""
    if given.form == _SET_FORM:
        name, message = given["NAME"], given.get("MESSAGE")
        return _IsSet(name, message.text.strip() if message else f"nothing sets '{name.text}'")
    first, *others = given.every("CONDITION")
    if first.quote in _BLOCKS or (first.quote in _STRINGS and len(others) < 2):  # noqa: PLR2004 - with a message
        condition, rest = first, others
    elif others and others[-1].quote in (*_STRINGS, *_BLOCKS):
        condition, rest = _joined([first, *others[:-1]]), others[-1:]
    else:
        condition, rest = _joined([first, *others]), []
    if len(rest) > 1:
        arguments = [given["TABLE"], first, *others]
        raise call_error(given.command, arguments, arguments.index(rest[1]), [given.form])
    said = rest[0].text if rest else f"not every row fulfils {' '.join(condition.text.split())}"
    return _Assertion(given["TABLE"], parse_condition(condition), said)


def _joined(words: Sequence[Word]) -> Word:
    """The words of a bare condition as one, with what stands between them."""
    span = words[0].span.to(words[-1].span)
    text, end = "", span.start
    for word in words:
        text += span.script.text[end : word.span.start] + _written(word)
        end = word.span.end
    return Word(text, span)


def _written(word: Word) -> str:
    """A word as a script writes it; variables are filled in already."""
    if not word.quote or word.span.text == f"{word.quote}{word.text}{word.quote}":
        return f"{word.quote}{word.text}{word.quote}"
    return write_literal(word.text, word.quote)


def _assert(assertion: _Assertion | _IsSet, run: Run) -> Outcome:
    """Nothing; a row of which the condition is false or null is an error that shows up to three."""
    if isinstance(assertion, _IsSet):
        if assertion.name.text not in run.scope:
            raise DataError(assertion.message, span=assertion.name.span)
        return UNCHANGED
    frame = run.table(assertion.table)
    condition = _with_variables(assertion.condition, frame, run)
    holds = compile_assertion(condition, frame.columns)
    count, examples = _failures(judged(assertion.table, holds, condition.span, run))
    if count:
        rows = "1 row fails" if count == 1 else f"{count:,} rows fail"
        raise DataError(
            f"{assertion.message}: {rows}",
            span=condition.span,
            hint=f"{'the row is' if count == 1 else 'among them'} {', '.join(examples)}",
        )
    return UNCHANGED


def _with_variables(condition: Condition, frame: DataFrame, run: Run) -> Condition:
    """*condition* with the values of those variables of the script that no column is called like."""
    values: dict[str, str] = {}
    columns: dict[str, Kind] = {}
    for each in variables(condition):
        if each.name in run.scope and not _is_column(each, frame.columns):
            values[each.name] = run.scope.value(each.name, span=each.span)
        else:
            columns[each.name] = _kind(each.name, frame)
    return filled(condition, values, columns)


def _kind(name: str, frame: DataFrame) -> Kind:
    """What a variable beside this column is read as."""
    from pyspark.sql import types

    kinds = (each.dataType for each in frame.schema if each.name.casefold() == name.casefold())
    match next(kinds, None):
        case types.NumericType():
            return "number"
        case types.BooleanType():
            return "truth"
        case types.StringType():
            return "text"
        case _:
            return "unknown"


def _is_column(variable: Variable, columns: list[str]) -> bool:
    try:
        compile_assertion(Condition((), variable, variable.span), columns)
    except MissingColumn:
        return False
    return True


def judged(table: Word, holds: str, span: Span, run: Run) -> DataFrame:
    """The table with one more column, the last: whether the SQL expression *holds* is true of a row."""
    query = f"select *, if(({holds}\n), true, false) from {quoted(table.text)}"  # noqa: S608 - names are quoted
    return run.sql(Rendered(query, span))


def _failures(frame: DataFrame) -> tuple[int, list[str]]:
    """How many rows fail, and the first ones as JSON."""
    from pyspark.sql import functions as sf

    *names, _ = frame.columns
    numbered = frame.toDF(*map(str, range(len(names) + 1)))  # names may stand twice
    row = sf.struct(*(numbered[str(number)].alias(name) for number, name in enumerate(names)))
    failing = numbered.where(~numbered[str(len(names))]).select(
        sf.to_json(row, {"ignoreNullFields": "false"}).alias("row"),
        (sf.monotonically_increasing_id() % _ROWS_OF_PARTITION).alias("number"),
    )
    first = sf.when(failing["number"] < _MOST_SHOWN, failing["row"])
    (found,) = failing.agg(sf.count(sf.lit(1)), sf.collect_list(first)).collect()
    return found[0], found[1][:_MOST_SHOWN]


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "assert": FormCommand(
            "Ends the script unless a condition holds of every row of a table, or a variable is set.",
            (_SET_FORM, "TABLE CONDITION… [MESSAGE]"),
            _assert,
            _read_assertion,
        ),
    }
)
"""By the name behind the ``!``."""
