"""What can go wrong between a table and a model, as facts.

The bridge knows no script: a fault names the option that is to blame by its key, and the
stage that called places it at that option's span.
"""

from __future__ import annotations

from mlsql.errors import DataError, RunError, ScriptError


class OptionFault(ScriptError):
    """An option of the train statement that cannot be: *option* is its whole key."""

    def __init__(self, message: str, *, option: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.option = option


class DataFault(DataError):
    """What the training data shows; *option* is the key that named the data, when one did."""

    def __init__(self, message: str, *, option: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.option = option


class TransportError(RunError):
    """The transport failed: a broker that does not answer, a full disk."""


class InexactData(RunError):
    """What arrived is not what was published: says which partition, what was expected and found."""


class WorkerError(RunError):
    """A worker died, hung or could not be started."""
