"""``mlsql token``: the tokens that callers of the service carry, in the database of the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from mlsql.cli.exits import exit_codes
from mlsql.cli.manual import Command, GroupCommand
from mlsql.cli.options import duration, settings_of, with_settings
from mlsql.cli.output import tell, write_lines
from mlsql.roles import Role

if TYPE_CHECKING:
    from mlsql.tokens import Token, TokenStore

_COLUMNS = "{:14}{:20}{:10}{:22}{:22}{:22}{}"
_HEADINGS = ("ID", "OWNER", "ROLE", "MADE", "EXPIRES", "USED", "STATE")


@click.group(cls=GroupCommand, exits=(0, 2, 70), examples=["mlsql token list"])
def token() -> None:
    """Make, list and revoke the tokens of the service.

    They are kept in its database (jobs.database, or a file in server.state), which the same
    settings name as for the server. What is changed counts at once, while the server runs.
    """


@token.command(
    cls=Command,
    exits=(0, 2, 70),
    examples=[
        "mlsql token create --owner ann > ann.token",
        "mlsql token create --owner ops --role operator --expires 30d --config /etc/mlsql.toml",
    ],
)
@click.option("--owner", required=True, help="Whose token it is: jobs, tables and files are this owner's.")
@click.option(
    "--role",
    type=click.Choice([each.value for each in Role]),
    default=Role.ANALYST.value,
    show_default=True,
    help="An analyst works for himself; an operator sees and cancels the jobs of all, and acts for others.",
)
@click.option(
    "--expires",
    metavar="DURATION",
    callback=duration,
    help="After how long it ends, such as 12h or 30d; else never.",
)
@with_settings
def create(owner: str, role: str, expires: float | None, **given: Any) -> None:
    """Make a token, and print it: it is kept as a digest only, and cannot be shown again."""
    with _tokens(given) as tokens:
        write_lines(iter([tokens.create(owner, Role(role), lasts=expires)]))


@token.command(name="list", cls=Command, exits=(0, 2, 70), examples=["mlsql token list"])
@with_settings
def list_tokens(**given: Any) -> None:
    """Show all tokens, without their secrets; times are UTC."""
    with _tokens(given) as tokens:
        now = tokens.clock()
        write_lines(_COLUMNS.format(*row).rstrip() for row in (_HEADINGS, *_rows(tokens, now)))


@token.command(cls=Command, exits=(0, 1, 2, 70), examples=["mlsql token revoke 3f2a9c1b7d"])
@click.argument("token_id", metavar="ID")
@with_settings
def revoke(token_id: str, **given: Any) -> None:
    """Let the token with this ID open nothing from now on; `mlsql token list` shows the IDs."""
    with _tokens(given) as tokens:
        revoked = tokens.revoke(token_id)
        tell(f"the token {revoked.id} of '{revoked.owner}' is revoked")


@contextmanager
def _tokens(given: dict[str, Any]) -> Iterator[TokenStore]:
    with exit_codes():
        settings = settings_of({}, **given)
        from mlsql.database import open_database, private_folder, state_folder
        from mlsql.tokens import TokenStore

        database = open_database(settings.jobs.database, private_folder(state_folder(settings)))
        try:
            yield TokenStore(database)
        finally:
            database.dispose()


def _rows(tokens: TokenStore, now: float) -> Iterator[tuple[str, ...]]:
    for each in tokens.listed():
        times = (each.made, each.expires, each.used)
        yield (each.id, each.owner, each.role.value, *map(_time, times), _state(each, now))


def _state(token: Token, now: float) -> str:
    if token.revoked is not None:
        return "revoked"
    return "good" if token.is_good(now) else "expired"


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
