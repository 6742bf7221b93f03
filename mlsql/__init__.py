"""An MLSQL engine on Spark: load … select … train … register … select model(x).

>>> import mlsql
>>> engine = mlsql.Engine.local()                          # doctest: +SKIP
>>> engine.run("select 1 as one as t").frame.show()             # doctest: +SKIP

The words, one meaning each: a *script* has *statements*; at its turn each becomes a *step*,
which a *stage* runs; stages produce *tables*. A *source* reads and writes; an *algorithm*
trains, transforms or predicts on the Spark side; a *trainer* fits in a worker process; a
*candidate* is one parameter group; a *model* is stored and has a manifest; a published stream
has a *ledger*; a *function* is callable from SQL. A *session* is an owner's and lives long, a
*run* is one script in it.

Importing this package imports no Spark: the names below are loaded at their first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlsql.client.client import Client
    from mlsql.config.loading import load_settings
    from mlsql.config.settings import Settings
    from mlsql.engine import Engine, Result
    from mlsql.errors import ConfigError, DataError, MlsqlError, RunError, ScriptError
    from mlsql.stop import Stop
    from mlsql.udf.predictors.embedded import load_predictor

__all__ = [
    "Client",
    "ConfigError",
    "DataError",
    "Engine",
    "MlsqlError",
    "Result",
    "RunError",
    "ScriptError",
    "Settings",
    "Stop",
    "load_predictor",
    "load_settings",
]

_MODULES = {
    "Client": "mlsql.client.client",
    "Engine": "mlsql.engine",
    "Result": "mlsql.engine",
    "Settings": "mlsql.config.settings",
    "Stop": "mlsql.stop",
    "load_predictor": "mlsql.udf.predictors.embedded",
    "load_settings": "mlsql.config.loading",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # it takes longer to import than all of this

        return version("mlsql")
    if name not in __all__:
        raise AttributeError(f"module 'mlsql' has no attribute '{name}'")
    return getattr(import_module(_MODULES.get(name, "mlsql.errors")), name)
