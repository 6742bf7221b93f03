"""The functions that every session has, as expressions over Spark's own.

``array<double>`` as a parameter takes a vector too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlsql.udf.builtin import FUNCTIONS, SqlFunction
from mlsql.udf.catalyst import Functions
from mlsql.udf.parse import PARSE
from mlsql.udf.plugins import PythonFunction, define

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CONVERSIONS = ("vector_to_array", "array_to_vector")
"""What Spark has for PySpark alone; vectors of our functions come out of the second."""


class BuiltinFunctions:
    """The functions that come with this package, made once for a Spark and put into each of its sessions.

    Those of *plugins*, which other packages declare, come after them.
    """

    def __init__(self, spark: SparkSession, plugins: Sequence[SqlFunction | PythonFunction] = ()) -> None:
        self._in_python = (PARSE, *plugins)
        self._declared = Functions(spark).declared("\n".join([*CONVERSIONS, *map(_line, FUNCTIONS)]))

    def register(self, spark: SparkSession) -> None:
        """Put them into the session *spark*; doing it again changes nothing."""
        functions = Functions(spark)
        functions.define_all(self._declared)
        for each in self._in_python:
            define(each, functions)


def _line(declared: SqlFunction) -> str:
    """A declaration as ``TypedFunction.Declared`` reads it."""
    signature = declared.signature
    names = ";".join(each.name for each in signature.parameters)
    types = ";".join(each.type for each in signature.parameters)
    return "\t".join([signature.name, str(signature), names, types, declared.text])
