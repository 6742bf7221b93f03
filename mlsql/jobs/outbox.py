"""The deliveries that tell of the ends of jobs: which are due, and what became of each try.

They are written by the store in the transaction that ends the job; whoever sends them (the
callbacks) asks for those due and writes down what happened.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Row, func, select, update

from mlsql.commits import Commits
from mlsql.database import reading
from mlsql.jobs.errors import JobConflict
from mlsql.jobs.states import Callback, Delivery, DeliveryState
from mlsql.jobs.tables import DELIVERIES, JOBS

_IS_PENDING = DELIVERIES.c.state == DeliveryState.PENDING
_CALLBACK = JOBS.c.request["callback"]
_URL = _CALLBACK["url"].as_string()
_DELIVERIES = select(DELIVERIES, _CALLBACK.label("callback")).join(JOBS, JOBS.c.id == DELIVERIES.c.job)


class Outbox(Protocol):
    """What a sender of callbacks needs."""

    def due(self, now: float, limit: int = 100, but_not_to: Collection[str] = ()) -> Sequence[Delivery]:
        """Those that are to be tried now, the longest due first, without some receivers."""
        ...

    def next_try(self, now: float) -> float | None:
        """When the next is due of those that are not yet."""
        ...

    def delivered(self, delivery: Delivery) -> bool:
        """Note that a try went well."""
        ...

    def retried(self, delivery: Delivery, next_try: float, error: str) -> bool:
        """Note that a try failed, and when the next is."""
        ...

    def dead(self, delivery: Delivery, error: str) -> bool:
        """Note that a try failed, and that there will be no other."""
        ...

    def replay(self, job: str, number: int, now: float) -> Delivery:
        """Let a delivery that is done go out again."""
        ...

    def listed(self, job: str) -> Sequence[Delivery]:
        """Those of one job."""
        ...


@dataclass(slots=True)
class DatabaseOutbox:
    """The outbox in the service's database; False where another wrote first, as after a replay."""

    engine: Engine
    _commits: Commits = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._commits = Commits(self.engine)

    def due(self, now: float, limit: int = 100, but_not_to: Collection[str] = ()) -> Sequence[Delivery]:
        """Those that are to be tried now, the longest due first, without some receivers.

        A receiver is the beginning of a URL, up to the path.
        """
        others = (~_URL.startswith(f"{receiver}/", autoescape=True) for receiver in but_not_to)
        query = _DELIVERIES.where(_IS_PENDING, DELIVERIES.c.next_try <= now, *others)
        with reading(self.engine) as connection:
            rows = connection.execute(query.order_by(DELIVERIES.c.next_try).limit(limit))
            return [_delivery(row) for row in rows]

    def next_try(self, now: float) -> float | None:
        """When the next is due of those that are not yet."""
        query = select(func.min(DELIVERIES.c.next_try)).where(_IS_PENDING, DELIVERIES.c.next_try > now)
        with reading(self.engine) as connection:
            found: float | None = connection.execute(query).scalar_one()
        return found

    def delivered(self, delivery: Delivery) -> bool:
        """Note that a try went well."""
        return self._tried(delivery, state=DeliveryState.DELIVERED.value, last_error=None)

    def retried(self, delivery: Delivery, next_try: float, error: str) -> bool:
        """Note that a try failed, and when the next is."""
        return self._tried(delivery, next_try=next_try, last_error=error)

    def dead(self, delivery: Delivery, error: str) -> bool:
        """Note that a try failed, and that there will be no other."""
        return self._tried(delivery, state=DeliveryState.DEAD.value, last_error=error)

    def replay(self, job: str, number: int, now: float) -> Delivery:
        """Let a delivery that is done go out again, under its id; its tries count from the start."""
        which = (DELIVERIES.c.job == job, DELIVERIES.c.number == number)
        change = (
            update(DELIVERIES)
            .where(*which, DELIVERIES.c.state != DeliveryState.PENDING)
            .values(state=DeliveryState.PENDING.value, tries=0, next_try=now, last_error=None)
        )

        def write(connection: Connection) -> Delivery:
            if connection.execute(change).rowcount != 1:
                raise JobConflict(f"the job '{job}' has no callback {number} that is done")
            return _delivery(connection.execute(_DELIVERIES.where(*which)).one())

        return self._commits.write(write)

    def listed(self, job: str) -> Sequence[Delivery]:
        """Those of one job, by number."""
        query = _DELIVERIES.where(DELIVERIES.c.job == job).order_by(DELIVERIES.c.number)
        with reading(self.engine) as connection:
            return [_delivery(row) for row in connection.execute(query)]

    def _tried(self, delivery: Delivery, **changes: Any) -> bool:
        change = (
            update(DELIVERIES)
            .where(
                DELIVERIES.c.id == delivery.id,
                DELIVERIES.c.state == DeliveryState.PENDING,
                DELIVERIES.c.tries == delivery.tries,
            )
            .values(tries=delivery.tries + 1, **changes)
        )
        return self._commits.write(lambda connection: connection.execute(change).rowcount == 1)


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        job=row.job,
        number=row.number,
        state=DeliveryState(row.state),
        tries=row.tries,
        next_try=row.next_try,
        callback=Callback(**row.callback),
        last_error=row.last_error,
    )
