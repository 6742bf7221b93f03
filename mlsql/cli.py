"""The command line: ``mlsql run``, ``fmt`` and ``serve``; the one module that prints and exits.

Standard output holds the result and nothing else; progress, log and errors go to standard
error. The class of an error decides the exit code::

    0 ok · 1 script or data · 2 usage or settings · 3 cluster, broker, worker · 4 timeout
    5 cancelled · 70 our bug
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mlsql.errors import Cancelled, ConfigError, MlsqlError, RunError, ScriptError, TimedOut
from mlsql.names import nearest
from mlsql.spans import mask_secrets

if TYPE_CHECKING:
    from types import FrameType

    from pyspark.sql import DataFrame

    from mlsql.config import Settings
    from mlsql.engine import Result
    from mlsql.stop import Stop

T = TypeVar("T")

EXIT_CODES: Mapping[type[MlsqlError], int] = {
    ScriptError: 1,
    ConfigError: 2,
    RunError: 3,
    TimedOut: 4,
    Cancelled: 5,
}
OUR_BUG = 70
STANDARD_INPUT = "<stdin>"
TABLE_ROWS = 50
"""What ``--result table`` shows of a table."""


def _pairs(_context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """``k=v``, given several times, as a mapping."""
    for value in values:
        if not value.partition("=")[0].strip() or "=" not in value:
            raise click.BadParameter(f"'{value}' is not NAME=VALUE", param=option)
    return {name.strip(): value for name, _, value in (each.partition("=") for each in values)}


_SETTINGS_OPTIONS = (
    click.option(
        "--conf",
        multiple=True,
        metavar="KEY=VALUE",
        callback=_pairs,
        help="A setting, such as bridge.transport=kafka or spark.sql.shuffle.partitions=8; repeatable.",
    ),
    click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The settings file; by default mlsql.toml of the working folder, when there is one.",
    ),
)


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_SETTINGS_OPTIONS):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="mlsql", message="%(prog)s %(version)s")
def main() -> None:
    """Run MLSQL scripts on Spark: load, select, train, register, predict."""


@main.command()
@click.argument("file", metavar="FILE|-")
@click.option(
    "--set",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_pairs,
    help="A variable of the script, used there as ${NAME}; repeatable.",
)
@click.option(
    "--result",
    "form",
    type=click.Choice(["table", "json", "csv", "none"]),
    help="How the last table is written to standard output: table (the first 50 rows; the default on a"
    " terminal), json (one array of all rows; the default elsewhere), csv, none.",
)
@click.option("--owner", help="Whose session the script runs in; by default the login name.")
@click.option("--timeout", metavar="DURATION", help="How long the script may run: seconds, or 90s, 10m, 2h.")
@_with_settings
def run(
    file: str,
    parameters: dict[str, str],
    form: str | None,
    owner: str | None,
    timeout: str | None,
    **given: Any,
) -> None:
    """Run the script FILE, or the one on standard input (-)."""
    text, name = _read_script(file)
    overrides = {"jobs.timeout": timeout} if timeout else {}
    with _exit_codes():
        from mlsql.grammar import parse
        from mlsql.spans import Script
        from mlsql.stop import Stop

        settings = _load_settings(overrides, **given)
        parse(Script(name, text))  # what is wrong with the text is told before Spark starts
        stop = Stop(settings.jobs.timeout)
        work = partial(
            _run, settings, stop, form or _default_form(), text, name=name, owner=owner, parameters=parameters
        )
        _until_stopped(work, stop)


@main.command()
@click.option("--host", help="The address to listen on: a loopback one, for nobody is asked who he is.")
@click.option("--port", help="The port to listen on; 0 takes a free one.")
@_with_settings
def serve(host: str | None, port: str | None, **given: Any) -> None:
    """Answer POST /run/script on this machine until interrupted."""
    overrides = {key: value for key, value in (("server.host", host), ("server.port", port)) if value}
    with _exit_codes():
        settings = _load_settings(overrides, **given)
        from mlsql.rest.server import listen
        from mlsql.stop import Stop

        stop = Stop()
        with listen(settings.server.host, settings.server.port) as listener:
            _until_stopped(partial(_serve, settings, listener, stop), stop)


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…|-")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a script would change.")
def fmt(files: tuple[str, ...], *, check: bool) -> None:
    """Write each script FILE in canonical form, in place; from standard input (-) to standard output."""
    scripts = [_read_script(file) for file in files]
    with _exit_codes():
        outcomes = [_format(text, name, check=check) for text, name in scripts]
    if None in outcomes or (check and any(outcomes)):
        sys.exit(EXIT_CODES[ScriptError])


def _format(text: str, name: str, *, check: bool) -> bool | None:
    """Whether the script was to be changed; None when it has errors, which are told."""
    from mlsql.grammar.formatter import format_script
    from mlsql.spans import Script

    try:
        formatted = format_script(Script(name, text))
    except ScriptError as error:
        _tell(str(error))
        return None
    if name == STANDARD_INPUT and not check:
        click.echo(formatted.encode(), nl=False)
    elif formatted != text:
        if not check:
            _write_script(name, formatted)
        _tell(f"would change {name}" if check else f"changed {name}")
    return formatted != text


def _run(settings: Settings, stop: Stop, form: str, text: str, **request: Any) -> None:
    from mlsql.engine import Engine
    from mlsql.progress import progress

    with Engine.local(settings) as engine:
        with progress(sys.stderr, settings.logging.level) as sink:
            result = engine.run(text, sink=sink, stop=stop, **request)
        _write_result(result, form)


def _serve(settings: Settings, listener: Any, stop: Stop) -> None:
    from mlsql.engine import Engine
    from mlsql.rest.server import serve_until

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")  # on standard error
    logging.getLogger("mlsql").setLevel(settings.logging.level.upper())
    with Engine.local(settings) as engine:
        host, port = listener.getsockname()[:2]
        _tell(f"mlsql answers on http://{f'[{host}]' if ':' in host else host}:{port}; Ctrl-C ends it")
        serve_until(stop, engine, listener)


def _load_settings(overrides: Mapping[str, str], *, conf: dict[str, str], config: Path | None) -> Settings:
    from mlsql.config import load_settings

    return load_settings(config, overrides={**conf, **overrides})


def _read_script(file: str) -> tuple[str, str]:
    """The text of the script and the name that messages call it by."""
    name = STANDARD_INPUT if file == "-" else file
    if file == "-" and "PYSPARK_GATEWAY_PORT" in os.environ:
        raise click.UsageError("spark-submit hands over no standard input: name a file")
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return raw.decode("utf-8-sig"), name
    except OSError as error:
        near = nearest(Path(file).name, _siblings(Path(file)))
        hint = f"; did you mean '{Path(file).with_name(near)}'?" if near and not Path(file).exists() else ""
        raise click.UsageError(f"the script '{file}' cannot be read: {error.strerror}{hint}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise click.UsageError(f"the script '{name}' is not UTF-8: line {line} holds other bytes") from error


def _write_script(file: str, text: str) -> None:
    try:
        Path(file).write_bytes(text.encode())
    except OSError as error:
        raise ConfigError(f"the script '{file}' cannot be written: {error.strerror}") from error


def _siblings(path: Path) -> list[str]:
    return [each.name for each in path.parent.glob("*.*")] if path.parent.is_dir() else []


def _default_form() -> str:
    return "table" if sys.stdout.isatty() else "json"


def _write_result(result: Result, form: str) -> None:
    """The last table on standard output; none is an empty array in JSON and nothing else elsewhere."""
    if form == "none":
        return
    with result.reading() as frame:
        if frame is not None:
            write_lines(_result_lines(frame, form))
        elif form == "json":
            write_lines(iter(["[]"]))


def _result_lines(frame: DataFrame, form: str) -> Iterator[str]:
    from mlsql.results import csv_lines, json_lines, read_rows

    if form == "table":
        return table_output(frame)
    return (json_lines if form == "json" else csv_lines)(read_rows(frame))


def table_output(frame: DataFrame) -> Iterator[str]:
    """The first rows as a table, and under it how many there are."""
    from mlsql.results import read_rows
    from mlsql.terminal import table_lines, terminal_width

    rows = read_rows(frame, TABLE_ROWS + 1)
    shown = rows.take(TABLE_ROWS)
    total = frame.count() if rows.take(1) else len(shown)
    yield from table_lines(rows.columns, shown, terminal_width(sys.stdout))
    count = f"{total} row" + "s" * (total != 1)
    yield (
        f"({count})" if total == len(shown) else f"({len(shown)} of {count}; --result csv or json gives all)"
    )


def write_lines(lines: Iterator[str]) -> None:
    """Each line to standard output; a reader that has seen enough (``| head``) ends it quietly."""
    try:
        for line in lines:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit


def _until_stopped(work: Callable[[], T], stop: Stop) -> T:
    """What *work* gives; SIGINT, SIGTERM and SIGHUP cancel *stop*, a second one ends the process.

    The work has a thread of its own: the main one stays free to take signals while the work waits
    for the JVM, and PySpark, which takes SIGINT for itself when started in the main one, does not.
    """

    def on_signal(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        _tell("stopping …")
        stop.cancel()

    with ThreadPoolExecutor(1) as thread, _signals(on_signal):
        return thread.submit(work).result()


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    taken = {each: signal.signal(each, handler) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, before in taken.items():
            signal.signal(each, before)


@contextmanager
def _exit_codes() -> Iterator[None]:
    """A block whose errors are told on standard error and end the process with their code."""
    try:
        yield
    except MlsqlError as error:
        _tell(str(error))
        sys.exit(exit_code(error))
    except Exception as error:  # noqa: BLE001 -- whatever else escapes is our bug, and is told as one
        _tell(_report_of_bug(error))
        sys.exit(OUR_BUG)


def exit_code(error: MlsqlError) -> int:
    """The code of the nearest class that has one."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), OUR_BUG)


def _report_of_bug(error: Exception) -> str:
    """Two lines for the terminal; the traceback is kept in a file, secrets masked."""
    trace = mask_secrets("".join(traceback.format_exception(error)))
    with tempfile.NamedTemporaryFile("w", prefix="mlsql-bug-", suffix=".txt", delete=False) as file:
        file.write(trace)
    bug = Path(file.name).stem.removeprefix("mlsql-bug-")
    return (
        f"internal error {bug}: {type(error).__name__}\n  the traceback is in {file.name}; please report it"
    )


def _tell(text: str) -> None:
    click.echo(text, err=True)
