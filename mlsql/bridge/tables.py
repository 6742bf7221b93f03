"""The tables of a worker: local files, or what its machine's depot has fetched and found acceptable."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlsql.bridge.control import Channel
from mlsql.bridge.errors import DataFault
from mlsql.bridge.reports import Arrived, Progressed, Refused, Shipment
from mlsql.bridge.request import Columns

if TYPE_CHECKING:
    from mlsql.bridge.dataset import Dataset

_STEPS = 20


class Refusal(Exception):
    """Nothing can be learnt from a table, which ends the training: *told* says why to the driver."""

    def __init__(self, told: Refused) -> None:
        super().__init__(told.message)
        self.told = told


@dataclass(frozen=True, slots=True)
class Tables:
    """Opens the tables that work names; shipments are brought to *depot* and told to the driver."""

    columns: Columns
    channel: Channel
    depot: Path | None = None
    _files: dict[str, Path] = field(default_factory=dict)

    def bring(self, *tables: str | Shipment | None) -> None:
        """Have the shipments among *tables* here; Refusal when nothing can be learnt from one."""
        for table in tables:
            if isinstance(table, Shipment) and table.ledger["stream"] not in self._files:
                self._fetch(table)

    def open(self, table: str | Shipment | None) -> Dataset:
        """The rows of a table that is here."""
        from mlsql.bridge.dataset import Dataset

        assert table is not None
        file = Path(table) if isinstance(table, str) else self._files[table.ledger["stream"]]
        return Dataset.open(file, self.columns)

    def _fetch(self, shipment: Shipment) -> None:
        from mlsql.bridge.acceptance import check_rows
        from mlsql.bridge.depot import Depot

        assert self.depot is not None
        table = str(shipment.ledger["stream"])
        total = sum(part["rows"] for part in shipment.ledger["parts"])
        fetched = Depot(self.depot, self.columns).bring(shipment, progress_of(total, self._tell))
        self.channel.send(Arrived(socket.gethostname(), table, fetched.to_dict()))
        try:
            check_rows(fetched, self.columns, table)
        except DataFault as fault:
            raise Refusal(Refused(fault.message, fault.option, fault.hint)) from fault
        self._files[table] = fetched.file

    def _tell(self, doing: str, share: float) -> None:
        self.channel.send(Progressed(f"fetching, {doing}", share))


def progress_of(total: int, tell: Callable[[str, float], None]) -> Callable[[int], None]:
    """What tells how many of *total* rows have come, 20 times at most."""
    shown = 0

    def report(rows: int) -> None:
        nonlocal shown
        if rows - shown > total / _STEPS:
            shown = rows
            tell(f"{rows:,} of {total:,} rows", rows / total)

    return report
