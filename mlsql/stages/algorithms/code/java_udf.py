"""JavaUDF: a function of SQL in a class on Spark's class path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlsql.errors import ScriptError
from mlsql.models.manifest import Column
from mlsql.options import TEXT, Options, is_filled, option
from mlsql.session import FunctionSignature, Run, Session, quoted
from mlsql.stages.algorithms.base import RegisterCall
from mlsql.stages.algorithms.code.given import read_types
from mlsql.udf.catalyst import Functions
from mlsql.udf.column_types import read_type
from mlsql.udf.companions import forget_functions

_TYPE = "dataType"


@dataclass(frozen=True, slots=True, kw_only=True)
class JavaUdfOptions:
    """What a function in a class answers."""

    output: str | None = option(
        _TYPE, TEXT, "What it answers; without it, what the class declares.", default=None
    )


@dataclass(frozen=True, slots=True)
class JavaUdf:
    """Makes a class of Java or Scala, one of Spark's interfaces UDF0 to UDF22, a function."""

    define_options: ClassVar[type[JavaUdfOptions]] = JavaUdfOptions
    doc: ClassVar[str] = "Makes a class on Spark's class path, a UDF of Java or Scala, a function of SQL."

    def check(self, given: Options, /) -> None:
        """Raise what is wrong with the type."""
        if _TYPE in given and is_filled(given[_TYPE].text):
            read_types(read_type, given[_TYPE].text, _TYPE)

    def define(self, call: RegisterCall[JavaUdfOptions], run: Run, /) -> FunctionSignature:
        """Make the class that the path names callable in the SQL of the session."""
        run.policy.python(span=call.path.span, what="classes")
        if not call.path.text:
            hint = "register JavaUDF.`com.example.Function` as f"
            raise ScriptError("no class is named", span=call.algorithm.span, hint=hint)
        output = call.options.output
        kind = None if output is None else str(read_types(read_type, output, _TYPE))
        name, session, class_name = call.function.text, run.session, call.path.text
        functions = Functions(session.spark)
        functions.free_name(name)
        session.spark.udf.registerJavaFunction(name, class_name, kind)
        forget_functions(session, name, kept={name})
        signature = _signature(name, functions.java_arguments(class_name), session)
        session.functions[name] = signature
        return signature


def _signature(name: str, count: int, session: Session) -> FunctionSignature:
    """How it is called; what it answers is asked of Spark."""
    call = f"{quoted(name)}({', '.join(['null'] * count)}) as answer"
    ((_, answered),) = session.spark.range(0).selectExpr(call).dtypes
    return FunctionSignature(
        name, tuple(Column(f"a{number}", "any") for number in range(1, count + 1)), answered
    )
