"""Functions that installed packages add to SQL, under the entry point group ``mlsql.functions``.

An entry point leads to a declaration, of SQL (:class:`~mlsql.udf.builtin.SqlFunction`) or of Python, or
to a sequence of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mlsql.errors import ConfigError, ScriptError
from mlsql.registry import Registry
from mlsql.session import FunctionSignature
from mlsql.udf.builtin import SqlFunction
from mlsql.udf.builtin.declaration import read_signature
from mlsql.udf.catalyst import Functions
from mlsql.udf.column_types import ColumnType, read_type
from mlsql.udf.script_answers import exact

GROUP = "mlsql.functions"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PythonFunction:
    """A function in Python that workers can import: of the values of a row, or of pandas series."""

    signature: FunctionSignature
    function: Callable[..., Any]
    doc: str
    example: str
    """A call, as it stands in a query."""
    vectorized: bool = False


def python_function(
    signature: str, function: Callable[..., Any], doc: str, *, example: str, vectorized: bool = False
) -> PythonFunction:
    """A declaration whose *signature* is written ``name(a double, b string) -> array<string>``."""
    return PythonFunction(read_signature(signature), function, doc, example, vectorized)


def plugin_functions() -> tuple[SqlFunction | PythonFunction, ...]:
    """What installed packages declare; one that cannot be imported is told in the log, and left out."""
    registry: Registry[Any] = Registry("function")
    registry.add_plugins(GROUP)
    return tuple(each for name in registry for each in _declared(registry, name))


def define(declared: SqlFunction | PythonFunction, functions: Functions) -> None:
    """Make a declared function callable; one of Spark's is never replaced."""
    signature = declared.signature
    try:
        functions.define(signature, _body(declared, functions))
    except ScriptError as error:
        raise ConfigError(f"a package adds a function that cannot be: {error.message}") from error


@dataclass(frozen=True, slots=True)
class _Exact:
    """A function whose answers are of the declared type."""

    function: Callable[..., Any]
    output: ColumnType

    def __call__(self, *values: Any) -> Any:
        return exact(self.function(*values), self.output)


def _declared(registry: Registry[Any], name: str) -> Iterator[SqlFunction | PythonFunction]:
    try:
        found = registry.get(name)
    except ConfigError as error:
        _logger.warning("%s", error)
        return
    yield from found if isinstance(found, Sequence) else (found,)


def _body(declared: SqlFunction | PythonFunction, functions: Functions) -> Any:
    if isinstance(declared, SqlFunction):
        return declared.text
    name, output = declared.signature.name, declared.signature.output
    arguments = functions.parameters(declared.signature)
    if declared.vectorized:
        return functions.vectorised(name, declared.function, output, arguments)
    return functions.by_row(name, _Exact(declared.function, read_type(output)), output, arguments)
