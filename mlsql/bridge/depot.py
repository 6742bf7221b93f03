"""The tables of a training on a machine that does not see the driver's files: each fetched there once."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mlsql.bridge.acceptance import count_left_out
from mlsql.bridge.feeder import SILENCE_SECONDS, Fetched, fetch, no_report
from mlsql.bridge.messages import Ledger
from mlsql.bridge.reports import Shipment
from mlsql.bridge.request import Columns
from mlsql.bridge.transports import stream_from


@dataclass(frozen=True, slots=True)
class Depot:
    """Tables in a *folder* that the workers of one training share; whoever comes first fetches one."""

    folder: Path
    columns: Columns

    def bring(self, shipment: Shipment, report: Callable[[int], None] = no_report) -> Fetched:
        """The rows of *shipment* in a file; *report* hears of those that this very call fetches."""
        ledger = Ledger.from_dict(shipment.ledger)
        record = self.folder / f"{ledger.stream}.json"
        with _alone(self.folder / f"{ledger.stream}.lock"):
            if not record.exists():
                _write(record, self._fetch(shipment, ledger, report))
        return Fetched.from_dict(json.loads(record.read_text(encoding="utf-8")))

    def _fetch(self, shipment: Shipment, ledger: Ledger, report: Callable[[int], None]) -> Fetched:
        stream = stream_from(shipment.stream)
        label = self.columns.label
        fetched = fetch(stream, ledger, self.folder, timeout=SILENCE_SECONDS, report=report, label=label)
        return replace(fetched, left_out=count_left_out(fetched, self.columns))


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """A block that one process of this machine is in at a time.

    Others wait for as long as it reads, which the silence of the transport limits; the kernel lets
    them in when it dies.
    """
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(record: Path, fetched: Fetched) -> None:
    draft = record.with_suffix(".draft")
    draft.write_text(json.dumps(fetched.to_dict()), encoding="utf-8")
    draft.replace(record)
