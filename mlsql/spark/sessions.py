"""The only place that builds a Spark session, groups its jobs and ends it.

Importing this module costs no Spark: ``pyspark`` is imported when a session is started.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlsql.config.loading import data_folder
from mlsql.config.settings import Settings
from mlsql.errors import RunError
from mlsql.spark.connectors import Connectors
from mlsql.spark.launch import end_java, launch_java, worker_python

if TYPE_CHECKING:
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

_logger = logging.getLogger(__name__)

SUBSTITUTE = "spark.sql.variable.substitute"
"""Whether Spark replaces ``${…}`` itself: it would swallow ours, and tell environment variables."""

RUN_ON_FILES = "spark.sql.runSQLOnFiles"
"""Whether a query may read a file by its path, which goes past the path jail."""

_DEFAULTS = {
    "spark.master": "local[*]",
    "spark.sql.session.timeZone": "UTC",
    "spark.executorEnv.TZ": "UTC",  # what the clock of Python on executors goes by
    SUBSTITUTE: "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
_LOCAL_DEFAULTS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    # Each task of a shuffle opens a file per partition; Spark's 200 are meant for clusters.
    "spark.sql.shuffle.partitions": "32",
}
_METASTORE_SERVICE = "spark.hadoop.hive.metastore.uris"
_GROUP, _DESCRIPTION, _INTERRUPTS = (
    "spark.jobGroup.id",
    "spark.job.description",
    "spark.job.interruptOnCancel",
)
_QUERY_LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
CANCEL_AGAIN_SECONDS = 0.5
"""How often :func:`cancel_jobs` is called as long as somebody goes on in the group."""


def start_spark(settings: Settings, *, app_name: str = "mlsql") -> SparkSession:
    """A Spark session as *settings* want it; the one that is there already, if there is one.

    Started by spark-submit, the submitted driver is used. Otherwise Spark runs in a Java process
    of our own (``local[*]`` unless ``spark.master`` says otherwise), which :func:`stop_spark`
    ends, and which ends with this process in any case.
    """
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    if SparkContext._active_spark_context is None:
        _silence_query_loggers()
        with _same_interrupt_handler():
            _start_context(_with_connectors(settings), app_name)
            return _first_session(SparkContext.getOrCreate())
    return SparkSession.builder.getOrCreate()


def own_session(spark: SparkSession) -> SparkSession:
    """A session for one owner: its temporary views, settings and functions are apart from others'."""
    session = spark.newSession()
    session.conf.set(SUBSTITUTE, "false")
    return session


def let_go(spark: SparkSession) -> None:
    """Drop the temporary views of a session that nobody uses any more, and what they keep in memory.

    The rest of it goes with its last reference; what is kept in memory belongs to all sessions.
    """
    from py4j.protocol import Py4JError, Py4JNetworkError
    from pyspark.errors import PySparkException

    try:
        catalog = spark._jsparkSession.sessionState().catalog()
        names = [each.table() for each in _each(catalog.listLocalTempViews("*"))]
        for name in names:
            spark.table("`" + name.replace("`", "``") + "`").unpersist()
            spark.catalog.dropTempView(name)
    except (ConnectionError, Py4JNetworkError):
        _logger.debug("a session ended with Spark")
    except (Py4JError, PySparkException) as error:
        _logger.warning("a session is left with its views: %s", type(error).__name__)


def _each(sequence: Any) -> Iterator[Any]:
    """The elements of a sequence of Scala."""
    yield from (sequence.apply(number) for number in range(sequence.length()))


def stop_spark(spark: SparkSession) -> None:
    """End Spark and the Java process that was started for it; a new one may be started then."""
    from py4j.protocol import Py4JError
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    try:
        spark.stop()
    except (Py4JError, ConnectionError) as error:
        _logger.warning("the Java process of Spark had ended before it was asked to: %s", error)
        SparkContext._active_spark_context = SparkSession._instantiatedSession = None
    gateway = SparkContext._gateway
    if gateway is not None and gateway.proc is not None:
        SparkContext._gateway = SparkContext._jvm = None
        gateway.shutdown()
        end_java(gateway.proc)


def is_local(spark: SparkSession) -> bool:
    """Whether Spark runs in this machine's processes alone."""
    return _is_local(spark.sparkContext.getConf())


def slots(spark: SparkSession) -> int:
    """How many tasks can run at once on the executors that there are now."""
    context = spark.sparkContext._jsc.sc()
    return int(context.maxNumConcurrentTasks(context.resourceProfileManager().defaultResourceProfile()))


def resources(spark: SparkSession) -> dict[str, int]:
    """The cores and running tasks of all executors, and their memory for tables in bytes."""
    executors = list(spark.sparkContext._jsc.sc().statusTracker().getExecutorInfos())
    return {
        "totalCores": slots(spark),
        "totalTasks": sum(each.numRunningTasks() for each in executors),
        "totalUsedMemory": sum(
            each.usedOnHeapStorageMemory() + each.usedOffHeapStorageMemory() for each in executors
        ),
        "totalMemory": sum(
            each.totalOnHeapStorageMemory() + each.totalOffHeapStorageMemory() for each in executors
        ),
    }


@contextmanager
def job_group(spark: SparkSession, group: str, description: str) -> Iterator[None]:
    """A block whose Spark jobs belong to *group*, which :func:`cancel_jobs` ends.

    Threads made in the block belong to it only as ``pyspark.InheritableThread``.
    """
    context = spark.sparkContext
    before = {name: context.getLocalProperty(name) for name in (_GROUP, _DESCRIPTION)}
    if before[_GROUP] is not None:  # each is a call of Java, and a run is seldom inside another group
        before[_INTERRUPTS] = context.getLocalProperty(_INTERRUPTS)
    context.setJobGroup(group, description)
    try:
        yield
    finally:
        context._jsc.clearJobGroup()
        for name, value in before.items():
            if value is not None:
                context.setLocalProperty(name, value)


def cancel_jobs(spark: SparkSession, group: str) -> None:
    """End the Spark jobs of *group*, and any that it starts later; may be called from any thread.

    PySpark's own ``cancelJobGroup`` lets the next job run, so that an iterative fit goes on. Spark
    4.0 lets the next map stage of an adaptive query run in either case, so as long as somebody may
    go on in the group it is called every :data:`CANCEL_AGAIN_SECONDS`, as by ``Stop.ending``.
    """
    from py4j.protocol import Py4JNetworkError

    try:
        spark.sparkContext._jsc.sc().cancelJobGroupAndFutureJobs(group)
    except (ConnectionError, Py4JNetworkError):
        _logger.debug("the Spark jobs of %s ended with Spark", group)


def _with_connectors(settings: Settings) -> Settings:
    """With the fetched connectors that cannot come later; under spark-submit Java runs already."""
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        return settings
    return replace(settings, spark=Connectors.from_settings(settings).spark_settings(settings.spark))


def _start_context(settings: Settings, app_name: str) -> None:
    from py4j.protocol import Py4JJavaError
    from pyspark import SparkConf, SparkContext

    with worker_python(settings):
        gateway = SparkContext._gateway or launch_java(settings, app_name)
        _log_derby_with_spark(gateway.jvm)
        conf = _completed(SparkConf(_jvm=gateway.jvm), settings.spark, app_name)
        try:
            SparkContext(conf=conf, gateway=gateway)
        except Py4JJavaError as error:
            reason = error.java_exception.getMessage()
            raise RunError(f"Spark does not start on '{conf.get('spark.master')}': {reason}") from error


def _completed(conf: SparkConf, given: Mapping[str, str], app_name: str) -> SparkConf:
    """What spark-submit and spark-defaults.conf say, with our settings over and defaults under it."""
    conf.setAll(list(given.items())).setIfMissing("spark.app.name", app_name)
    for name, value in _DEFAULTS.items():
        conf.setIfMissing(name, value)
    if _is_local(conf):
        for name, value in _LOCAL_DEFAULTS.items():
            conf.setIfMissing(name, value)
    if conf.get("spark.sql.catalogImplementation") == "hive" and not conf.contains(_METASTORE_SERVICE):
        for name, value in _embedded_metastore().items():
            conf.setIfMissing(name, value)
    return conf


def _embedded_metastore() -> dict[str, str]:
    """Where tables stay when no metastore service is named: in a folder that outlives this process."""
    folder = data_folder() / "hive"
    folder.mkdir(parents=True, exist_ok=True)
    database = f"jdbc:derby:;databaseName={folder / 'metastore'};create=true"
    return {
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": database,
    }


def _log_derby_with_spark(jvm: Any) -> None:
    """Derby, which the metastore and JDBC may use, else starts a derby.log in the working folder."""
    system = jvm.java.lang.System
    if not any(system.getProperty(f"derby.stream.error.{each}") for each in ("file", "field", "method")):
        system.setProperty("derby.stream.error.field", "java.lang.System.err")


def _first_session(context: SparkContext) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    if _is_local(context.getConf()) and not context.getConf().contains("spark.sql.warehouse.dir"):
        # Spark's own temporary folder, not the working one; its Java process removes it at its end.
        builder = builder.config("spark.sql.warehouse.dir", f"{context._temp_dir}/warehouse")
    return builder.getOrCreate()


def _is_local(conf: SparkConf) -> bool:
    return (conf.get("spark.master") or "").startswith("local")


@contextmanager
def _same_interrupt_handler() -> Iterator[None]:
    """A block that leaves Ctrl-C as it was: SparkContext takes it over to cancel everybody's jobs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def _silence_query_loggers() -> None:
    """PySpark prints a JSON stack for each error of a query, which we tell ourselves.

    Py4J, when all is logged, logs each call of Java with its arguments, passwords among them.
    """
    from pyspark.logger import PySparkLogger

    for name in _QUERY_LOGGERS:
        PySparkLogger.getLogger(name).setLevel(logging.CRITICAL + 1)
    logging.getLogger("py4j").setLevel(logging.WARNING)
