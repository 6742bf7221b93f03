"""Who may use which table: the hook that is asked before a step, and what holds without a policy file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from mlsql.errors import Refused
from mlsql.roles import Role

Operation = Literal["load", "save", "select", "connect", "register", "train", "run", "predict"]
OPERATIONS: tuple[str, ...] = get_args(Operation)
TABLE = "table"
"""The source of what a query names: a table or view of the catalog or the session."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a step is about to do, and to what."""

    owner: str
    role: Role
    operation: Operation
    source: str
    """A format, an algorithm, or :data:`TABLE`."""
    table: str
    """The path as the step writes it; of a table its name, behind its database if that is not the owner's."""
    database: str | None = None
    """The database of a table when it is not the owner's own."""
    columns: tuple[str, ...] | None = None
    """The columns that are used; None is all of them."""


class TablePermissions(Protocol):
    """Is asked for every load, save, select, connect, register, train, run and predict, before it begins."""

    def check(self, access: Access, /) -> None:
        """Raise Refused unless the owner may do it."""
        ...

    def judges_columns(self, access: Access, /) -> bool:
        """Whether the answer depends on the columns, which it takes Spark's analysis to know."""
        ...


@dataclass(frozen=True, slots=True)
class OwnTables:
    """An owner may do what he likes with his own tables, and nothing with others'."""

    def check(self, access: Access, /) -> None:
        """Refuse what lies in a database that is not the owner's own."""
        if access.database is not None:
            raise closed_database(access)

    def judges_columns(self, access: Access, /) -> bool:  # noqa: ARG002
        """Never."""
        return False


def closed_database(access: Access) -> Refused:
    """The error of a database that is not shared with the owner; whether there is one is not told."""
    return Refused(
        f"'{access.owner}' may not {access.operation} '{access.table}': the database is not open to him",
        hint="load csv.`path` as t reads files; security.policy names a file that opens databases",
    )
