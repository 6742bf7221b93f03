"""DuckDB as the SQL lane uses it: in memory, without files or network, and nobody changes that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from mlsql.errors import ConfigError
from mlsql.udf.serving.functions import Functions
from mlsql.udf.serving.lane_answers import of_model, of_rows
from mlsql.udf.serving.lane_calls import Call
from mlsql.udf.serving.lane_functions import BY_PYTHON
from mlsql.udf.serving.lane_types import NotCarriedOver, arrow_type, duckdb_type

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_CONFIGURED: Mapping[str, Any] = {
    "threads": 1,
    "memory_limit": "512MB",
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_SETTINGS = (
    "set python_enable_replacements = false",
    "pragma disable_optimizer",  # it takes longer than the query, and would compute what no row needs
    "set lock_configuration = true",
)


@dataclass(slots=True)
class LaneDatabase:
    """Computes queries over few rows or, *in_bulk*, over many, of which models are asked all at once.

    The functions that a query calls (the caller's models, ours that are Python) are put into it
    when they first occur; a model is looked up anew at each call.
    """

    functions: Functions
    in_bulk: bool
    _connection: duckdb.DuckDBPyConnection | None = None
    _made: set[str] = field(default_factory=set)

    def parsed(self, query: str, caller: str, calls: Sequence[Call]) -> Any:
        """The one statement that *query* is, whose functions can be called from now on."""
        import duckdb

        connection = self.opened()
        try:
            (statement,) = connection.extract_statements(query)
        except duckdb.Error as error:
            raise NotCarriedOver(f"DuckDB does not parse it: {error}") from error
        for each in calls:
            self._make(connection, caller, each)
        return statement

    def rows(self, statement: Any, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """What a statement gives for *values* of its parameters."""
        import duckdb

        try:
            return self.opened().execute(statement, values).fetchall()
        except duckdb.Error as error:
            raise NotCarriedOver(f"a row is not answered here: {error}") from error

    def opened(self) -> duckdb.DuckDBPyConnection:
        """The connection, of the thread whose turn it is."""
        if self._connection is None:
            try:
                import duckdb
            except ImportError as error:
                raise ConfigError("duckdb is missing", hint="pip install 'mlsql[serving]'") from error
            self._connection = duckdb.connect(":memory:", config=dict(_CONFIGURED))
            for each in _SETTINGS:
                self._connection.execute(each)
        return self._connection

    def close(self) -> None:
        """Forget everything."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._made.clear()

    def _make(self, connection: duckdb.DuckDBPyConnection, caller: str, call: Call) -> None:
        if call.name in self._made:
            return
        types: Any = [duckdb_type(each) for each in call.parameters]
        compute, options = (
            self._of_model(caller, call) if call.is_model else (of_rows(BY_PYTHON[call.function]), {})
        )
        function = _of_arity(compute, len(types))
        more: Any = {"null_handling": "special", **options}
        connection.create_function(call.name, function, types, duckdb_type(call.output), **more)
        self._made.add(call.name)

    def _of_model(self, caller: str, call: Call) -> tuple[Callable[..., Any], dict[str, Any]]:
        if self.in_bulk:
            return _in_bulk(self.functions, caller, call), {"type": "arrow", "side_effects": True}
        return of_model(self.functions, caller, call), {"side_effects": True}


def _in_bulk(functions: Functions, caller: str, call: Call) -> Callable[..., Any]:
    """What DuckDB calls for many rows: columns in, the answers of the model out."""
    import pyarrow as pa

    kind = arrow_type(call.output)

    def answers(*columns: pa.ChunkedArray) -> pa.Array:
        rows = [*zip(*(each.to_pylist() for each in columns), strict=True)]
        return pa.array(functions.served(caller, call.function).many(rows, call.companion), kind)

    return answers


def _of_arity(compute: Callable[..., Any], count: int) -> Callable[..., Any]:
    """*compute* as DuckDB takes it: with so many parameters, and no annotations, which it evaluates."""

    def called(*values: Any) -> Any:
        return compute(*values)

    parameters = [Parameter(f"a{number}", Parameter.POSITIONAL_ONLY) for number in range(count)]
    called.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return called
