"""Spark frames on their way to the workers: published, and fetched for those beside the driver."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mlsql.bridge.acceptance import check_rows, check_some, count_left_out
from mlsql.bridge.arrivals import Arrivals, rate
from mlsql.bridge.feeder import SILENCE_SECONDS, Fetched, fetch
from mlsql.bridge.launcher import Site
from mlsql.bridge.messages import Ledger
from mlsql.bridge.publisher import publish
from mlsql.bridge.reports import Shipment
from mlsql.bridge.request import TrainingRequest
from mlsql.bridge.tables import progress_of
from mlsql.bridge.transport import Stream, Transport, opened
from mlsql.events import Carried, Progress, Sink
from mlsql.stop import Stop

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_TITLES = {"train": "publish", "evaluate": "publish evaluation"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """Brings frames to the workers at *site*; as a context manager it deletes their streams at its end.

    Workers beside the driver get a file of *folder*, and its stream is deleted at once. Elsewhere
    each machine fetches for itself, perhaps late, so that the streams stay until the end.
    """

    request: TrainingRequest
    transport: Transport
    message_bytes: int
    folder: Path
    site: Site
    emit: Sink
    stop: Stop
    arrivals: Arrivals = field(default_factory=Arrivals)
    _streams: ExitStack = field(default_factory=ExitStack)

    def bring(self, frame: DataFrame, name: str) -> str | Shipment:
        """The rows of *frame* as work names them: at least one, and none with a null that may not be.

        Of a shipment it is the workers who look for nulls.
        """
        self.stop.check()
        self.emit(Progress(_TITLES[name], "publishing"))
        tasks = frame.sparkSession.sparkContext.defaultParallelism
        with ExitStack() as streams:
            stream = streams.enter_context(opened(self.transport, self.request.job, name, partitions=tasks))
            ledger = publish(frame, stream, message_bytes=self.message_bytes, ordered=self.request.ordered)
            self.emit(Carried(ledger.rows, ledger.bytes))
            self.stop.check()
            if self.site.is_local:
                return self._fetch(stream, ledger)
            check_some(ledger.rows, name)
            self._streams.push(streams.pop_all())
        self.arrivals.announce(ledger)
        self.emit(Progress(_TITLES[name], _size(ledger), 1.0))
        return Shipment(stream.to_dict(), ledger.to_dict())

    def _fetch(self, stream: Stream, ledger: Ledger) -> str:
        title = _TITLES[ledger.stream]
        fetched = fetch(
            stream,
            ledger,
            self.folder,
            timeout=SILENCE_SECONDS,
            stop=self.stop.check,
            report=progress_of(ledger.rows, lambda doing, share: self.emit(Progress(title, doing, share))),
            label=self.request.columns.label,
        )
        self.emit(Progress(title, f"{_size(fetched)}, {rate(fetched):,.0f} rows/s", 1.0))
        fetched = replace(fetched, left_out=count_left_out(fetched, self.request.columns))
        check_rows(fetched, self.request.columns, ledger.stream)
        self.arrivals.add(ledger.stream, fetched)
        return str(fetched.file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._streams.__exit__(kind, error, trace)


def _size(data: Fetched | Ledger) -> str:
    return f"{data.rows:,} rows, {data.bytes / 1e6:.1f} MB"
