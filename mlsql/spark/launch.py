"""The Java process that Spark runs in: how it is started, where it logs, how it ends."""

from __future__ import annotations

import logging
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from mlsql.config.loading import cache_folder, is_secret, writing_to_cache
from mlsql.config.settings import Settings
from mlsql.errors import ConfigError
from mlsql.spark.java import find_java

if TYPE_CHECKING:
    from py4j.java_gateway import JavaGateway

_logger = logging.getLogger(__name__)

# A short script spends more on compiling Java than on running it: only what is really hot is
# compiled again by the optimizing compiler, and the launcher, which lives for a second, never is.
_COMPILE_LATER = (
    "-XX:Tier4InvocationThreshold=50000",
    "-XX:Tier4MinInvocationThreshold=6000",
    "-XX:Tier4CompileThreshold=150000",
    "-XX:Tier4BackEdgeThreshold=400000",
)
_COMPILE_NEVER = "-XX:TieredStopAtLevel=1"
_EXCEPTION = re.compile(r"^(?:Exception in .+?Exception|Error): (?P<message>.+)$", re.MULTILINE)
_KEPT_LOGS = 20
_END_SECONDS = 20


def launch_java(settings: Settings, app_name: str) -> JavaGateway:
    """The Java process of Spark, with its output in a log file; under spark-submit the one that is there."""
    from pyspark import SparkConf
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    if "PYSPARK_GATEWAY_PORT" in os.environ:
        return launch_gateway()  # type: ignore[no-untyped-call]
    conf = SparkConf(loadDefaults=False).setAll(list(_on_command_line(settings.spark, app_name).items()))
    log = _new_log_file()
    with log.open("ab") as output, _environment(_java_environment(log)):
        try:
            # In a session of its own no signal reaches it that is meant for us; it ends when we do.
            how = {"stdout": output, "stderr": output, "start_new_session": True}
            gateway = launch_gateway(conf, how)  # type: ignore[no-untyped-call]
        except PySparkRuntimeError as error:
            raise ConfigError(
                f"the Java process of Spark did not start{_reason_in(log)}", hint=f"its log: {log}"
            ) from error
    _logger.info("Spark writes its log to %s", log)
    return gateway


def _on_command_line(settings: Mapping[str, str], app_name: str) -> dict[str, str]:
    """What the launcher is told; secrets are not, since anybody can list the arguments of a process."""
    # spark-submit takes this process for a shell, which it names so and draws bars in.
    unlike_a_shell = {"spark.app.name": app_name, "spark.ui.showConsoleProgress": "false"}
    return unlike_a_shell | {name: value for name, value in settings.items() if not is_secret(name)}


@contextmanager
def worker_python(settings: Settings) -> Iterator[None]:
    """A block in which workers are made to run this Python unless another is configured.

    Without it Spark takes the system's.
    """
    configured = settings.spark.get("spark.pyspark.python") or os.environ.get("PYSPARK_PYTHON")
    with _environment({"PYSPARK_PYTHON": configured or sys.executable}):
        yield


def _java_environment(log: Path) -> dict[str, str]:
    """What Spark's launcher reads: where Java is, how to log, and where workers find this package."""
    logging_options = [f"-Dlog4j2.configurationFile={_log_configuration().as_uri()}", f"-Dmlsql.log={log}"]
    options = [*_COMPILE_LATER, *map(shlex.quote, logging_options), os.environ.get("SPARK_SUBMIT_OPTS", "")]
    python_path = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return {
        "JAVA_HOME": str(find_java()),
        "SPARK_LAUNCHER_OPTS": os.environ.get("SPARK_LAUNCHER_OPTS") or _COMPILE_NEVER,
        "SPARK_SUBMIT_OPTS": " ".join(filter(None, options)),
        "PYTHONPATH": os.pathsep.join(filter(None, python_path)),
    }


def _log_configuration() -> Path:
    """``log4j2.properties``: in the installed package, or in the checkout."""
    installed = Path(str(files("mlsql"))) / "spark-conf" / "log4j2.properties"
    return (
        installed if installed.is_file() else Path(__file__).parents[2] / "spark-conf" / "log4j2.properties"
    )


def _new_log_file() -> Path:
    """A file for the log of one Spark; only the newest few are kept."""
    folder = cache_folder() / "logs"
    log = folder / f"spark-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    with writing_to_cache(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(folder.glob("spark-*.log"))[: -_KEPT_LOGS + 1]:
            old.unlink(missing_ok=True)
        log.touch()
    return log


def _reason_in(log: Path) -> str:
    """What the first exception in a log says, to end a sentence with; empty when there is none."""
    exception = _EXCEPTION.search(log.read_text(encoding="utf-8", errors="replace"))
    return f": {exception['message']}" if exception else ""


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """A block with other environment variables: Spark's launcher takes them from nowhere else."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def end_java(process: subprocess.Popen[bytes]) -> None:
    """Spark's Java ends when its standard input does; killed when that takes too long."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_END_SECONDS)
