"""The Spark session: its settings, its groups of jobs, its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from pyspark.errors import PySparkException

from mlsql.spark.errors import spark_errors
from mlsql.spark.launch import _on_command_line
from mlsql.spark.sessions import cancel_jobs, job_group, own_session
from mlsql.stop import Stop

pytestmark = pytest.mark.spark

ROOT = Path(__file__).parents[2]
ENDLESS = "select count(*) from range(1000000000000000) where id % 7 = 8"


def test_a_session_has_our_defaults(spark):
    """UTC, ANSI, Arrow, no substitution of Spark's own, this Python in the workers."""
    settings = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.variable.substitute": "false",
        "spark.ui.enabled": "false",
    }
    assert {name: spark.conf.get(name) for name in settings} == settings
    assert spark.sparkContext.pythonExec == sys.executable
    assert spark.sparkContext.appName == "mlsql tests"


def test_workers_find_this_package(spark):
    """Functions that close over our modules can be unpickled there."""
    found = spark.sparkContext.parallelize([0], 1).map(lambda _: __import__("mlsql").__file__).collect()
    assert Path(found[0]) == ROOT / "mlsql" / "__init__.py"


def test_an_owners_session_has_views_and_settings_of_its_own(spark):
    """Nothing that one owner names or sets reaches another."""
    ann, bob = own_session(spark), own_session(spark)
    ann.range(1).createOrReplaceTempView("only_anns")
    ann.conf.set("spark.sql.shuffle.partitions", "3")
    assert not bob.catalog.tableExists("only_anns")
    assert bob.conf.get("spark.sql.shuffle.partitions") == "4"
    assert bob.conf.get("spark.sql.variable.substitute") == "false"


def test_a_group_ends_with_its_block(spark):
    """Also the group around it is as before."""
    context = spark.sparkContext
    before = context.getLocalProperty("spark.jobGroup.id")
    with job_group(spark, "outer", "o"):
        with job_group(spark, "inner", "i"):
            assert context.getLocalProperty("spark.jobGroup.id") == "inner"
        assert context.getLocalProperty("spark.jobGroup.id") == "outer"
    assert context.getLocalProperty("spark.jobGroup.id") == before


@pytest.mark.parametrize("delay", [0.0, 2.0])
def test_a_cancelled_group_ends_its_job_and_each_that_it_would_start_later(spark, delay):
    """Also when the cancel comes before the job; another group runs on."""
    group, stop = f"doomed {delay}", Stop()
    timer = threading.Timer(delay, stop.cancel)
    begun = time.monotonic()
    with stop.ending(partial(cancel_jobs, spark, group), again=0.5), job_group(spark, group, "counts"):
        timer.start()
        for _ in range(2):
            with pytest.raises(spark_errors()):
                spark.sql(ENDLESS).collect()
    assert time.monotonic() - begun < 30
    timer.join(10)
    with job_group(spark, "other", "counts"):
        assert spark.range(3).count() == 3


def test_an_error_of_a_query_is_not_printed(spark, capfd):
    """PySpark would print a JSON stack of it."""
    with pytest.raises(PySparkException):
        spark.sql("select nothing from range(1)")
    assert capfd.readouterr() == ("", "")


def test_secrets_are_set_without_being_seen_on_a_command_line():
    """Anybody on the machine can list the arguments of a process."""
    settings = {
        "spark.hadoop.fs.s3a.secret.key": "s",
        "spark.ssl.keyPassword": "p",
        "spark.driver.memory": "1g",
    }
    assert _on_command_line(settings, "mine") == {
        "spark.driver.memory": "1g",
        "spark.app.name": "mine",
        "spark.ui.showConsoleProgress": "false",
    }


def run_python(code, *, timeout=180, **environment):
    """What a fresh Python prints that runs *code* with a Spark of its own."""
    variables = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=variables,
        check=False,
    )


LIFE = """
import os, signal, subprocess
from mlsql.config.loading import load_settings
from mlsql.spark.sessions import start_spark, stop_spark
settings = load_settings(None, {}, {"spark.master": "local[1]"})
handler = signal.getsignal(signal.SIGINT)
before = dict(os.environ)
spark = start_spark(settings)
assert signal.getsignal(signal.SIGINT) is handler
assert start_spark(settings) is spark
java = spark.sparkContext._gateway.proc
scratch = spark.sparkContext._temp_dir
spark.sql("create table kept as select 1 as one")
print(spark.table("kept").count(), spark.conf.get("spark.sql.warehouse.dir").startswith("file:" + scratch))
stop_spark(spark)
print(java.poll(), os.path.exists(scratch))
print(sorted(name for name in os.environ if name not in before and not name.startswith("SPARK_")))
"""


@pytest.mark.slow
def test_a_start_and_a_stop_leave_nothing(tmp_path):
    """No process, no folder, no variable, no signal handler; and nothing on the terminal."""
    run = run_python(
        f"import os; os.chdir({str(tmp_path)!r})\n{LIFE}", XDG_CACHE_HOME=str(tmp_path / "cache")
    )
    assert run.stderr == ""
    assert run.stdout.splitlines() == ["1 True", "0 False", "[]"]
    assert [each.name for each in tmp_path.iterdir()] == ["cache"]


@pytest.mark.slow
def test_spark_ends_with_a_process_that_is_killed():
    """Java watches the process that started it."""
    code = (
        LIFE.partition("spark.sql")[0] + "print(java.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    run = run_python(code)
    assert run.returncode == -signal.SIGKILL
    java = Path(f"/proc/{int(run.stdout)}")
    deadline = time.monotonic() + 30
    while java.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not java.exists()


@pytest.mark.slow
def test_a_java_that_died_is_no_obstacle_to_the_end_and_to_a_new_start():
    """Whoever killed it; the next session is a whole one."""
    code = LIFE.partition("spark.sql")[0] + (
        "import os, signal\n"
        "os.kill(java.pid, signal.SIGKILL)\n"
        "java.wait(30)\n"
        "stop_spark(spark)\n"
        "again = start_spark(settings)\n"
        "print(again.range(3).count())\n"
        "stop_spark(again)"
    )
    run = run_python(code)
    assert (run.returncode, run.stdout) == (0, "3\n"), run.stderr


@pytest.mark.slow
def test_a_master_that_does_not_exist_is_one_sentence():
    """Not a Java stack."""
    code = (
        "from mlsql.config.loading import Settings; from mlsql.spark.sessions import start_spark\n"
        "try: start_spark(Settings(spark={'spark.master': 'nonsense'}))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    assert run_python(code).stdout.startswith(
        "ConfigError the Java process of Spark did not start: Master must"
    )
