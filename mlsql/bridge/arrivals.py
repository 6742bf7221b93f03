"""What is known of the tables of a training once they have come to where the workers are."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mlsql.bridge.errors import InexactData
from mlsql.bridge.feeder import Fetched
from mlsql.bridge.messages import Ledger


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The facts of each table; machines to which the same one has come must agree on them."""

    _announced: dict[str, Ledger] = field(default_factory=dict)
    _told: dict[str, tuple[str, Fetched]] = field(default_factory=dict)
    _faults: list[InexactData] = field(default_factory=list)

    def announce(self, ledger: Ledger) -> None:
        """Note a table that workers will fetch."""
        self._announced[ledger.stream] = ledger

    def add(self, table: str, fetched: Fetched, machine: str = "the driver's machine") -> None:
        """Note what has come to *machine*; InexactData when other rows have come to another."""
        first, known = self._told.setdefault(table, (machine, fetched))
        if (known.rows, known.checksum) != (fetched.rows, fetched.checksum):
            fault = InexactData(
                f"of the stream '{table}' there came {known.rows:,} rows with the checksum {known.checksum} "
                f"to {first}, but {fetched.rows:,} with {fetched.checksum} to {machine}"
            )
            self._faults.append(fault)
            raise fault

    def check(self) -> None:
        """Raise InexactData when machines have disagreed."""
        if self._faults:
            raise self._faults[0]

    def of(self, table: str) -> Fetched | None:
        """What is known of *table*: no more than what was sent when no worker lived to fetch it."""
        if table in self._told:
            return self._told[table][1]
        sent = self._announced.get(table)
        if sent is None:
            return None
        return Fetched(file=Path(), rows=sent.rows, bytes=sent.bytes, seconds=0.0, checksum="", nulls={})


def feed(fetched: Fetched) -> str:
    """How fast the rows came, and how many of them are not used, for the records."""
    left_out = f" ({fetched.left_out:,} rows with a null left out)" if fetched.left_out else ""
    return f"{rate(fetched):,.0f} rows/s{left_out}"


def rate(fetched: Fetched) -> float:
    """Rows per second on their way here."""
    return fetched.rows / max(fetched.seconds, 1e-6)
