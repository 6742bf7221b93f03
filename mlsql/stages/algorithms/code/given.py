"""What the statements that bring code have in common: where the code comes from, and what types they name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from mlsql.bridge.errors import OptionFault
from mlsql.errors import ScriptError, UnknownName
from mlsql.grammar.nodes import Word
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.base import Call, RegisterCall
from mlsql.stages.algorithms.code.text import CODE, WrittenCode
from mlsql.stages.faults import span_of
from mlsql.udf.column_types import EXPECTED
from mlsql.udf.scripts import Code

T = TypeVar("T")


def given_code(call: Call[Any] | RegisterCall[Any], code: str | None, run: Run) -> WrittenCode:
    """The Python of the option, or of the variable or table that the path names; the policy is asked."""
    run.policy.python(span=span_of(call.given, CODE) or call.path.span)
    if code is not None:
        if call.path.text:
            raise OptionFault("the code stands in the path's variable or here, not in both", option=CODE)
        return WrittenCode.of_option(call.given[CODE])
    if not call.path.text:
        hint = "code='''def apply(a): …''', or as the path the variable that holds it"
        raise ScriptError("there is no code", span=call.algorithm.span, hint=hint)
    return WrittenCode(Code(_named_text(call.path, run), call.path.text))


def read_types(read: Callable[[str], T], text: str, option: str) -> T:
    """What *read* makes of the types in *text*, the value of an option."""
    try:
        return read(text)
    except UnknownName as error:
        raise OptionFault(error.message, option=option, hint=error.hint) from error
    except ValueError as error:
        raise OptionFault(f"option '{option}' takes {EXPECTED}, not '{text}'", option=option) from error


def _named_text(name: Word, run: Run) -> str:
    """The text of a variable, or the one text in a table such as ``load script.`` makes."""
    if name.text in run.scope or not run.spark.catalog.tableExists(quoted(name.text)):
        return run.scope.value(name.text, span=name.span)
    rows = run.table(name).take(2)
    if len(rows) != 1 or len(rows[0]) != 1 or not isinstance(rows[0][0], str):
        raise ScriptError(f"the table '{name.text}' is not one text", span=name.span)
    return rows[0][0]
