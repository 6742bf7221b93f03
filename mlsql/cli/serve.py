"""``mlsql serve``: the service on this machine."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from mlsql.cli.exits import exit_codes
from mlsql.cli.manual import EXITS, Command
from mlsql.cli.options import settings_of, with_settings
from mlsql.cli.output import tell

if TYPE_CHECKING:
    from mlsql.config.settings import Settings
    from mlsql.stop import Stop


@click.command(
    cls=Command,
    examples=[
        "mlsql serve",
        "mlsql serve --config /etc/mlsql.toml",
        "mlsql serve --host 0.0.0.0 --conf auth.mode=token --conf logging.format=json",
    ],
    exits={0: "A signal ended it.", 2: EXITS[2], 3: EXITS[3], 70: EXITS[70]},
)
@click.option("--host", help="The address to listen on; beyond loopback each request needs a token.")
@click.option("--port", help="The port to listen on; 0 takes a free one.")
@with_settings
def serve(host: str | None, port: str | None, **given: Any) -> None:
    """Run the scripts and jobs that arrive over HTTP, until interrupted.

    Ctrl-C, SIGTERM and SIGHUP end it: it takes no more requests, jobs that run are ended (and are
    lost, unless they may run again), jobs that wait stay in the database for the next start. A
    second SIGTERM changes nothing, a second Ctrl-C ends the process at once. When Spark's Java dies
    the server ends the same way, with exit code 3. The log goes to standard error.
    """
    overrides = {key: value for key, value in (("server.host", host), ("server.port", port)) if value}
    with exit_codes():
        settings = settings_of(overrides, **given)
        from mlsql.cli.signals import until_stopped
        from mlsql.rest.addresses import asks_for_tokens
        from mlsql.rest.server import listen
        from mlsql.stop import Stop

        stop, announce = Stop(), _announcer(settings)
        address = (settings.server.host, settings.server.port)
        with listen(*address, anywhere=asks_for_tokens(settings)) as listener:
            until_stopped(partial(_serve, settings, listener, announce, stop), stop, announce)


def _announcer(settings: Settings) -> Callable[[str], None]:
    """What says how the server stands: a line for people, or one of the log where programs read it."""
    if settings.logging.format == "text":
        return tell
    return logging.getLogger(__name__).info


def _serve(settings: Settings, listener: Any, announce: Callable[[str], None], stop: Stop) -> None:
    from mlsql.engine import Engine
    from mlsql.jobs.logs import logging_to
    from mlsql.rest.server import serve_until
    from mlsql.rest.service import engine_service, service_settings

    settings = service_settings(settings)
    log = settings.logging
    with (
        logging_to(sys.stderr, level=log.level, form=log.format),
        Engine.local(settings) as engine,
        engine_service(engine) as service,
    ):
        if service.tokens is not None and not service.tokens.has_good_ones():
            announce(
                "nobody has a token yet; 'mlsql token create --owner NAME' with the same settings makes one"
            )
        if settings.paths.root is not None:
            announce(f"paths of scripts begin in {settings.paths.root}, in a folder for each owner")
        host, port = listener.getsockname()[:2]
        announce(f"mlsql answers on http://{f'[{host}]' if ':' in host else host}:{port}; Ctrl-C ends it")
        _serve_while_spark_lives(partial(serve_until, stop, service, listener), stop)


def _serve_while_spark_lives(serve: Callable[[], None], stop: Stop) -> None:
    """Serve; when Java has gone, end with an error, so that whoever keeps the service up starts it again."""
    from mlsql.errors import RunError
    from mlsql.spark.watch import java_process, noticing_its_end

    ends: list[str] = []

    def end(how: str) -> None:
        ends.append(how)
        stop.cancel()

    with noticing_its_end(java_process(), end):
        serve()
    if ends:
        raise RunError(f"the Java process of Spark {ends[0]}, so the server has ended", hint="start it again")
