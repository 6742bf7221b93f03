"""The command line: ``mlsql run``, ``check``, ``fmt`` and ``serve``; the one module that prints and exits.

Standard output holds the result and nothing else; progress, log and errors go to standard
error. The class of an error decides the exit code::

    0 ok · 1 script or data · 2 usage or settings · 3 cluster, broker, worker · 4 timeout
    5 cancelled · 70 our bug
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlsql.errors import Cancelled, ConfigError, MlsqlError, RunError, ScriptError, TimedOut
from mlsql.script_files import STANDARD_INPUT, read_script, write_script
from mlsql.spans import mask_secrets

if TYPE_CHECKING:
    from mlsql.diagnostics import Diagnostic
    from mlsql.engine import Result
    from mlsql.settings import Settings
    from mlsql.spans import Script
    from mlsql.stop import Stop

EXIT_CODES: Mapping[type[MlsqlError], int] = {
    ScriptError: 1,
    ConfigError: 2,
    RunError: 3,
    TimedOut: 4,
    Cancelled: 5,
}
OUR_BUG = 70


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


_PARAMETERS = click.option(
    "--set",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_pairs,
    help="A variable of the script, used there as ${NAME}; repeatable.",
)
_DIALECT = click.option(
    "--dialect",
    metavar="NAME",
    help="The language of the script: mlsql, or byzer for old ones; by default what the settings say.",
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
@_PARAMETERS
@click.option(
    "--result",
    "form",
    type=click.Choice(["table", "json", "csv", "none"]),
    help="How the last table is written to standard output: table (the first 50 rows; the default on a"
    " terminal), json (one array of all rows; the default elsewhere), csv, none.",
)
@click.option("--owner", help="Whose session the script runs in; by default the login name.")
@click.option("--timeout", metavar="DURATION", help="How long the script may run: seconds, or 90s, 10m, 2h.")
@_DIALECT
@_with_settings
def run(
    file: str,
    form: str | None,
    timeout: str | None,
    conf: dict[str, str],
    config: Path | None,
    **request: Any,
) -> None:
    """Run the script FILE, or the one on standard input (-)."""
    script = read_script(file)
    overrides = {"jobs.timeout": timeout} if timeout else {}
    with _exit_codes():
        from mlsql.engine import refuse_unsound
        from mlsql.signals import until_stopped
        from mlsql.stop import Stop

        settings = _load_settings(overrides, conf=conf, config=config)
        # What is wrong with the text is told before Spark starts.
        refuse_unsound(script, settings, request["parameters"], request["dialect"])
        stop = Stop(settings.jobs.timeout)
        until_stopped(partial(_run, settings, stop, form or _default_form(), script, request), stop, _tell)


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…|-")
@click.option("--json", "as_json", is_flag=True, help="Write the findings to standard output, as JSON.")
@_PARAMETERS
@_DIALECT
@click.option("--spark", "with_spark", is_flag=True, help="Have Spark's own parser read the queries, too.")
@_with_settings
def check(
    files: tuple[str, ...],
    parameters: dict[str, str],
    dialect: str | None,
    conf: dict[str, str],
    config: Path | None,
    *,
    as_json: bool,
    with_spark: bool,
) -> None:
    """Tell what is wrong or odd in each script FILE, or on standard input (-), and run nothing.

    Exits with 1 when a script has errors; warnings alone are no failure. Needs no Spark.
    """
    scripts = [read_script(file) for file in files]
    with _exit_codes():
        settings = _load_settings({}, conf=conf, config=config)
        find = _findings_with_spark if with_spark else _findings
        _tell_findings(find(settings, scripts, parameters=parameters, dialect=dialect), as_json=as_json)


def _findings(settings: Settings, scripts: Sequence[Script], **request: Any) -> list[Diagnostic]:
    from mlsql.engine import check_script

    return [each for one in scripts for each in check_script(one, settings, **request)]


def _findings_with_spark(settings: Settings, scripts: Sequence[Script], **request: Any) -> list[Diagnostic]:
    from mlsql.engine import Engine
    from mlsql.signals import until_stopped
    from mlsql.stop import Stop

    def work() -> list[Diagnostic]:
        with Engine.local(settings) as engine:
            checks = (engine.check(one.text, name=one.name, complete=False, **request) for one in scripts)
            return [each for found in checks for each in found]

    return until_stopped(work, Stop(), _tell)


def _tell_findings(found: Sequence[Diagnostic], *, as_json: bool) -> None:
    """Write them, and end the process with 1 when one is an error."""
    if as_json:
        write_lines(iter([json.dumps([each.as_json() for each in found], ensure_ascii=False, indent=2)]))
    else:
        for each in found:
            _tell(str(each))
    if any(each.severity == "error" for each in found):
        sys.exit(EXIT_CODES[ScriptError])


@main.command()
@click.option("--host", help="The address to listen on: a loopback one, for nobody is asked who he is.")
@click.option("--port", help="The port to listen on; 0 takes a free one.")
@_with_settings
def serve(host: str | None, port: str | None, **given: Any) -> None:
    """Run the scripts and jobs that arrive over HTTP on this machine, until interrupted."""
    overrides = {key: value for key, value in (("server.host", host), ("server.port", port)) if value}
    with _exit_codes():
        settings = _load_settings(overrides, **given)
        from mlsql.rest.server import listen
        from mlsql.signals import until_stopped
        from mlsql.stop import Stop

        stop = Stop()
        with listen(settings.server.host, settings.server.port) as listener:
            until_stopped(partial(_serve, settings, listener, stop), stop, _tell)


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…|-")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a script would change.")
def fmt(files: tuple[str, ...], *, check: bool) -> None:
    """Write each script FILE in canonical form, in place; from standard input (-) to standard output."""
    scripts = [read_script(file) for file in files]
    with _exit_codes():
        outcomes = [_format(script, check=check) for script in scripts]
    if None in outcomes or (check and any(outcomes)):
        sys.exit(EXIT_CODES[ScriptError])


def _format(script: Script, *, check: bool) -> bool | None:
    """Whether the script was to be changed; None when it has errors, which are told."""
    from mlsql.grammar.formatter import format_script

    try:
        formatted = format_script(script)
    except ScriptError as error:
        _tell(str(error))
        return None
    if script.name == STANDARD_INPUT and not check:
        click.echo(formatted.encode(), nl=False)
    elif formatted != script.text:
        if not check:
            write_script(script, formatted)
        _tell(f"would change {script.name}" if check else f"changed {script.name}")
    return formatted != script.text


def _run(settings: Settings, stop: Stop, form: str, script: Script, request: Mapping[str, Any]) -> None:
    from mlsql.engine import Engine
    from mlsql.progress import progress

    with Engine.local(settings) as engine:
        with progress(sys.stderr, settings.logging.level) as sink:
            result = engine.run(script.text, name=script.name, sink=sink, stop=stop, **request)
        _write_result(result, form)


def _serve(settings: Settings, listener: Any, stop: Stop) -> None:
    from mlsql.engine import Engine
    from mlsql.rest.server import serve_until
    from mlsql.rest.service import engine_service

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")  # on standard error
    logging.getLogger("mlsql").setLevel(settings.logging.level.upper())
    with Engine.local(settings) as engine, engine_service(engine) as service:
        host, port = listener.getsockname()[:2]
        _tell(f"mlsql answers on http://{f'[{host}]' if ':' in host else host}:{port}; Ctrl-C ends it")
        serve_until(stop, service, listener)


def _load_settings(overrides: Mapping[str, str], *, conf: dict[str, str], config: Path | None) -> Settings:
    from mlsql.config import load_settings

    return load_settings(config, overrides={**conf, **overrides})


def _default_form() -> str:
    return "table" if sys.stdout.isatty() else "json"


def _write_result(result: Result, form: str) -> None:
    """The last table on standard output."""
    if form == "none":
        return
    from mlsql.result_lines import result_lines

    with result.reading() as frame:
        write_lines(result_lines(frame, form))


def write_lines(lines: Iterator[str]) -> None:
    """Each line to standard output; a reader that has seen enough (``| head``) ends it quietly."""
    try:
        for line in lines:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit


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
