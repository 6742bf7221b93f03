"""Registrations in the database of the service, with those whom their owners let call them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, delete, insert, select

from mlsql.database import reading
from mlsql.jobs.tables import FUNCTION_GRANTS, FUNCTIONS
from mlsql.registrations import Registration

_COLUMNS = ("owner", "function", "created")


@dataclass(frozen=True, slots=True)
class DatabaseRegistrations:
    """The functions of one database."""

    engine: Engine

    def put(self, registration: Registration) -> None:
        """Keep it instead of what its owner had under that name."""
        key = {"owner": registration.owner, "function": registration.function}
        record = registration.record()
        grants = [{**key, "caller": each} for each in dict.fromkeys(record.pop("grants"))]
        columns = {name: record.pop(name) for name in _COLUMNS}
        with self.engine.begin() as connection:
            _delete(connection, **key)
            connection.execute(insert(FUNCTIONS).values(**columns, record=record))
            if grants:
                connection.execute(insert(FUNCTION_GRANTS), grants)

    def remove(self, owner: str, function: str) -> None:
        """Forget one; nothing happens where there is none."""
        with self.engine.begin() as connection:
            _delete(connection, owner=owner, function=function)

    def of(self, owner: str) -> Sequence[Registration]:
        """Those of *owner*, in the order in which they were registered."""
        return self._read(owner=owner)

    def find(self, owner: str, function: str) -> Registration | None:
        """The one that *owner* has under that name."""
        return next(iter(self._read(owner=owner, function=function)), None)

    def listed(self) -> Sequence[Registration]:
        """Those of all owners."""
        return self._read()

    def _read(self, **key: str) -> list[Registration]:
        functions = select(FUNCTIONS).where(*_same(FUNCTIONS, key))
        callers = select(FUNCTION_GRANTS).where(*_same(FUNCTION_GRANTS, key))
        grants: dict[tuple[str, str], list[str]] = {}
        with reading(self.engine) as connection:
            for each in connection.execute(callers.order_by(FUNCTION_GRANTS.c.caller)):
                grants.setdefault((each.owner, each.function), []).append(each.caller)
            rows = connection.execute(functions.order_by(FUNCTIONS.c.created, FUNCTIONS.c.function))
            return [_registration(row, grants.get((row.owner, row.function), [])) for row in rows]


def _delete(connection: Connection, **key: str) -> None:
    for table in (FUNCTION_GRANTS, FUNCTIONS):
        connection.execute(delete(table).where(*_same(table, key)))


def _same(table: Table, key: dict[str, str]) -> list[Any]:
    return [table.c[name] == value for name, value in key.items()]


def _registration(row: Row[Any], grants: Sequence[str]) -> Registration:
    columns = {name: getattr(row, name) for name in _COLUMNS}
    return Registration.from_record({**row.record, **columns, "grants": grants})
