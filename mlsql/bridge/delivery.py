"""A Spark frame as a local file that workers read: published, fetched, counted, checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlsql.bridge.errors import DataFault
from mlsql.bridge.feeder import Fetched, fetch
from mlsql.bridge.publisher import publish
from mlsql.bridge.request import Columns, TrainingRequest
from mlsql.bridge.transport import Transport, opened
from mlsql.events import Progress, Sink
from mlsql.stop import Stop

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_TITLES = {"train": "publish", "evaluate": "publish evaluation"}
_STEPS = 20
SILENCE_SECONDS = 60.0
"""How long the transport may say nothing while a stream is read."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Brings frames into local files and checks them; their streams are deleted at once."""

    request: TrainingRequest
    transport: Transport
    message_bytes: int
    folder: Path
    emit: Sink
    stop: Stop

    def bring(self, frame: DataFrame, name: str) -> Fetched:
        """The rows of *frame* in a file of the folder: at least one, and none with a null that may not be."""
        self.stop.check()
        self.emit(Progress(_TITLES[name], "publishing"))
        tasks = frame.sparkSession.sparkContext.defaultParallelism
        with opened(self.transport, self.request.job, name, partitions=tasks) as stream:
            ledger = publish(frame, stream, message_bytes=self.message_bytes, ordered=self.request.ordered)
            self.stop.check()
            fetched = fetch(
                stream,
                ledger,
                self.folder,
                timeout=SILENCE_SECONDS,
                stop=self.stop.check,
                report=self._report_on(_TITLES[name], ledger.rows),
            )
        self.emit(Progress(_TITLES[name], _size(fetched), 1.0))
        fetched = replace(fetched, left_out=_left_out(fetched, self.request.columns))
        check_rows(fetched, self.request.columns, None if name == "train" else "evaluateTable")
        return fetched

    def _report_on(self, title: str, total: int) -> Callable[[int], None]:
        """What tells how many of *total* rows have come, 20 times at most."""
        shown = 0

        def report(rows: int) -> None:
            nonlocal shown
            if rows - shown > total / _STEPS:
                shown = rows
                self.emit(Progress(title, f"{rows:,} of {total:,} rows", rows / total))

        return report


def check_rows(fetched: Fetched, columns: Columns, option: str | None) -> None:
    """Raise DataFault for a table that nothing can be learnt from; *option* named the table."""
    table = "table to train on" if option is None else "table to evaluate on"
    if fetched.rows == 0:
        raise DataFault(f"the {table} has no rows", option=option)
    if fetched.left_out == fetched.rows:
        hint = 'handleInvalid="skip" leaves them out; choose other columns or fill them (coalesce) before'
        raise DataFault(f"every row of the {table} has a null", option=option, hint=hint)
    if fetched.left_out:
        return
    bad = [
        (name, role, count)
        for name, role in _roles(columns)
        if (count := fetched.nulls.get(name, 0) + fetched.nulls.get(f"{name}[]", 0))
    ]
    if bad:
        name, role, _ = bad[0]
        told = ", ".join(f"'{name}' ({count:,} in {fetched.rows:,} rows)" for name, _, count in bad)
        raise DataFault(
            f"the {table} has nulls in {told}",
            option=option or role,
            hint=f"leave them out (where {name} is not null) or fill them (coalesce) in a select before",
        )


def _left_out(fetched: Fetched, columns: Columns) -> int:
    """How many of the rows that came are not used."""
    from mlsql.bridge.dataset import Dataset

    if columns.invalid != "skip" or not any(fetched.nulls.values()):
        return 0
    return fetched.rows - Dataset.open(fetched.file, columns).rows


def _roles(columns: Columns) -> Iterator[tuple[str, str]]:
    """Every column in which no null may be, and the option that gave it."""
    if columns.invalid != "keep":
        features = "inputCols" if columns.form == "columns" else "featuresCol"
        yield from ((column.name, features) for column in columns.features)
    if columns.label:
        yield columns.label.name, "labelCol"
    if columns.weight:
        yield columns.weight.name, "weightCol"


def _size(fetched: Fetched) -> str:
    return f"{fetched.rows:,} rows, {fetched.bytes / 1e6:.1f} MB, {rate(fetched):,.0f} rows/s"


def rate(fetched: Fetched) -> float:
    """Rows per second on their way here."""
    return fetched.rows / max(fetched.seconds, 1e-6)
