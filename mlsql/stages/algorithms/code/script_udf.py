"""ScriptUDF: a function of SQL written in Python, in the script itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mlsql.bridge.errors import OptionFault
from mlsql.options import BOOLEAN, TEXT, Options, is_filled, one_of, option
from mlsql.session import FunctionSignature, Run
from mlsql.stages.algorithms.base import RegisterCall
from mlsql.stages.algorithms.code.given import given_code, read_types
from mlsql.stages.algorithms.code.text import CLASS, CODE, METHOD, WrittenCode, doc_of, parameters
from mlsql.udf.catalyst import Functions
from mlsql.udf.column_types import ColumnType, read_type
from mlsql.udf.companions import forget_functions
from mlsql.udf.scripts import STATE_METHODS, GroupFunction, RowFunction, SeriesFunction, StateFunction

_APPLY, _INITIALIZE, _UPDATE, _FRAME = "apply", "initialize", "update", "frame"
TYPE, LANGUAGE = "dataType", "lang"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptUdfOptions:
    """What a function of the user's own is."""

    output: str = option(TYPE, TEXT, "What it answers: `double`, `array(string)`, `st(field(a,long))` …")
    code: str | None = option(
        CODE, TEXT, "The Python; without it, the path names the variable or table of it.", default=None
    )
    language: str = option(LANGUAGE, TEXT, "`python`, the only one.", default="python")
    method: str = option(METHOD, TEXT, "The function in the code that is called.", default=_APPLY)
    class_name: str | None = option(CLASS, TEXT, "The class whose method it is.", default=None)
    kind: str = option(
        "udfType",
        one_of("udf", "udaf"),
        "udaf: an aggregate; the code has initialize, update, evaluate, or one function of a group.",
        default="udf",
    )
    vectorized: bool = option(
        "vectorized", BOOLEAN, "Whether it takes and gives pandas series, not single values.", default=False
    )


@dataclass(frozen=True, slots=True)
class ScriptUdf:
    """Makes a function of Python in the script; its answers are exactly of the type that it declares."""

    define_options: ClassVar[type[ScriptUdfOptions]] = ScriptUdfOptions
    doc: ClassVar[str] = "Makes Python in the script a function of SQL: of a row, of many rows, of a group."
    example: ClassVar[str] = """\
register ScriptUDF.`` as initials where dataType="array(string)" and code='''
def apply(name):
    return [part[0] for part in name.split()] if name else []
''';
register ScriptUDF.`` as spread where dataType="double" and udfType="udaf" and code='''
def apply(values):
    return values.max() - values.min()
''';
select id, initials(if(id % 2 = 0, "Ada Lovelace", null)) as letters from range(4) as people;
select id % 2 as half, spread(id) as range from range(10) group by id % 2 as spreads;
"""

    def check(self, given: Options, /) -> None:
        """Raise what is wrong with language, type and code, as far as the statement itself holds them."""
        if LANGUAGE in given and is_filled(given[LANGUAGE].text):
            _expect_python(given[LANGUAGE].text)
        if TYPE in given and is_filled(given[TYPE].text):
            read_types(read_type, given[TYPE].text, TYPE)
        if CODE in given and is_filled(given[CODE].text):
            WrittenCode.of_option(given[CODE]).tree()

    def define(self, call: RegisterCall[ScriptUdfOptions], run: Run, /) -> FunctionSignature:
        """Make the function callable in the SQL of the session, in place of one of that name."""
        options, session = call.options, run.session
        _expect_python(options.language)
        output = read_types(read_type, options.output, TYPE)
        written = given_code(call, options.code, run)
        name, functions = call.function.text, Functions(session.spark)
        signature, body = _made(name, written, options, output, functions)
        functions.define(signature, body)
        forget_functions(session, name, kept={name})
        session.functions[name] = signature
        return signature


def _expect_python(language: str) -> None:
    if language.casefold() != "python":
        hint = "a class of Java or Scala in a jar: register JavaUDF.`com.example.Function` as f"
        raise OptionFault(f"ScriptUDF compiles Python, not '{language}'", option=LANGUAGE, hint=hint)


def _made(
    name: str, written: WrittenCode, options: ScriptUdfOptions, output: ColumnType, functions: Functions
) -> tuple[FunctionSignature, Any]:
    """How the function is called, and the expression of a call."""
    if options.kind == "udaf":
        return _aggregate(name, written, options, output, functions)
    target, syntax = written.target(options.method, options.class_name)
    signature = FunctionSignature(name, parameters(syntax, target), str(output), doc=doc_of(syntax))
    arguments = functions.parameters(signature)
    if not options.vectorized:
        return signature, functions.by_row(
            name, RowFunction(name, target, output), signature.output, arguments
        )
    if not arguments:
        raise OptionFault(f"{target.method}() takes nothing to make series of", option=METHOD)
    return signature, functions.vectorised(name, SeriesFunction(name, target), signature.output, arguments)


def _aggregate(
    name: str, written: WrittenCode, options: ScriptUdfOptions, output: ColumnType, functions: Functions
) -> tuple[FunctionSignature, Any]:
    """The same of an aggregate: a call is one of a function of the rows, which Spark collects.

    Spark's own aggregates in Python would refuse to stand beside any other aggregate.
    """
    defined = written.functions(options.class_name)
    builds_state = _INITIALIZE in defined
    for each in STATE_METHODS if builds_state else ():
        if each not in defined:
            raise written.missing("function", each, CODE, [*defined])
    target, syntax = written.target(_UPDATE if builds_state else options.method, options.class_name)
    given = parameters(syntax, target)[1 if builds_state else 0 :]
    frames = tuple(each.name == _FRAME for each in given)
    function = (
        StateFunction(name, target, output) if builds_state else GroupFunction(name, target, frames, output)
    )
    signature = FunctionSignature(name, given, str(output), doc=doc_of(syntax))
    return signature, functions.by_row(name, function, signature.output, [functions.rows(signature)])
