"""Options of the commands that talk to a server: where it is, and with which token."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlsql.cli.options import settings_of, with_settings

if TYPE_CHECKING:
    from mlsql.client.client import Client

Connect = Callable[[], "Client"]
"""Gives a client of the server that the command line names."""

_OPTIONS = (
    click.option(
        "--server",
        metavar="URL",
        help="The server; by default what MLSQL_SERVER says, else where `mlsql serve` would listen here.",
    ),
    click.option(
        "--token",
        metavar="TOKEN",
        help="The token to show; by default what MLSQL_TOKEN says. Whoever can list the processes of this"
        " machine can read it on the command line.",
    ),
    click.option(
        "--token-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A file that holds the token.",
    ),
)
_NAMES = ("server", "token", "token_file", "conf", "config")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 -- nothing is bound here


def with_server(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives *command* these options, and in their place the argument *connect*.

    Those that stand behind the name of the group hold for the commands below it.
    """

    @wraps(command)
    def connected(**given: Any) -> Any:
        parent = click.get_current_context().parent
        above = parent.params if parent is not None else {}
        chosen = {name: given.pop(name) or above.get(name) for name in _NAMES}
        return command(connect=partial(_client, chosen), **given)

    decorated: Callable[..., Any] = with_settings(connected)
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _client(chosen: Mapping[str, Any]) -> Client:
    from mlsql.client.client import Client

    url = chosen["server"] or os.environ.get("MLSQL_SERVER") or _url(chosen)
    return Client(url, _token(chosen))


def _token(chosen: Mapping[str, Any]) -> str | None:
    if chosen["token"]:
        return str(chosen["token"])
    if chosen["token_file"]:
        text: str = chosen["token_file"].read_text(encoding="utf-8")
        return text.strip()
    return os.environ.get("MLSQL_TOKEN")


def _url(chosen: Mapping[str, Any]) -> str:
    """Where a server with the same settings listens, as far as this machine can tell."""
    server = settings_of({}, conf=chosen["conf"] or {}, config=chosen["config"]).server
    host = "127.0.0.1" if server.host in _EVERYWHERE else server.host.strip("[]")
    return f"http://{f'[{host}]' if ':' in host else host}:{server.port}"
