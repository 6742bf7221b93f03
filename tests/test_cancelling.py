"""A run is ended wherever it is, by a cancel and by its deadline, and nothing of it goes on.

Queued jobs and Spark jobs are in ``test_jobs.py`` and ``test_engine.py``, Python workers in
``bridge/test_faults.py``, shell commands in ``stages/test_set.py``.
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from mlsql.config.settings import IncludeSettings, Settings
from mlsql.engine import Engine
from mlsql.errors import Cancelled, TimedOut
from mlsql.events import StatementStarted
from mlsql.stages import downloads
from mlsql.stop import Stop

SECONDS = 60
MUCH_LATER = 60
"""Seconds by which a busy machine has ended what would go on for hours."""
ENDS = pytest.mark.parametrize("error", [Cancelled, TimedOut], ids=["cancel", "timeout"])

pytestmark = pytest.mark.spark


@contextmanager
def ended_by(error, after=0.0):
    """A stop that comes *after* some seconds; what is run in the block ends by it, and soon."""
    stop = Stop(after if error is TimedOut else None)
    timer = threading.Timer(after, stop.cancel if error is Cancelled else lambda: None)
    timer.start()
    began = time.monotonic()
    try:
        with pytest.raises(error):
            yield stop
    finally:
        timer.cancel()
    assert time.monotonic() - began < after + MUCH_LATER


def until(is_so):
    """Wait until *is_so*."""
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def running_tasks(spark):
    """How many tasks the executors have."""
    executors = spark.sparkContext._jsc.sc().statusTracker().getExecutorInfos()
    return sum(each.numRunningTasks() for each in executors)


@ENDS
def test_a_run_ends_while_a_long_script_is_parsed(engine, error):
    """No statement of it runs."""
    seen = []
    script = "select 1 as a, 'x' as b, 2.5 as c as t;\n" * 3000
    with ended_by(error) as stop:
        engine.run(script, stop=stop, sink=seen.append)
    assert seen == []


@ENDS
def test_a_run_ends_between_two_statements(engine, error):
    """The one after the stop never begins."""
    seen = []

    def listen(event):
        if isinstance(event, StatementStarted):
            seen.append(event.number)
            if event.number == 2:
                stop.cancel() if error is Cancelled else time.sleep(1.5)

    stop = Stop(1.0 if error is TimedOut else None)
    with pytest.raises(error):
        engine.run("set a=1; set b=2; set c=3; set d=4;", stop=stop, sink=listen)
    assert max(seen) <= 2


@ENDS
def test_a_run_ends_in_a_wait_for_an_address_that_says_nothing(spark, launcher, monkeypatch, error):
    """The connection is closed with it."""
    monkeypatch.setattr(downloads, "_SECONDS", 3600.0)
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        listener.settimeout(SECONDS)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        settings = Settings(include=IncludeSettings(hosts=(address,)))
        stop = Stop(3.0 if error is TimedOut else None)
        accepted = pool.submit(listener.accept)
        if error is Cancelled:
            accepted.add_done_callback(lambda _: stop.cancel())
        with Engine(spark, settings, launcher=launcher) as engine, pytest.raises(error):
            engine.run(f"include http.`http://{address}/s.mlsql`;", stop=stop)
        connection, _ = accepted.result()
        with connection:
            connection.settimeout(SECONDS)
            while connection.recv(4096):  # the request, then the end
                pass


@pytest.fixture
def crm(engine):
    """A connection to a Derby database in memory, and a query of it that takes for ever."""
    engine.run(
        f"""connect jdbc where url="jdbc:derby:memory:{uuid.uuid4().hex};create=true"
        and driver="org.apache.derby.jdbc.EmbeddedDriver" as slow_crm;"""
    )
    product = ", ".join(f"sys.syscolumns c{number}" for number in range(6))
    return f"select count(*) as n from {product}"


@ENDS
def test_a_run_ends_in_a_jdbc_call_of_the_driver(engine, crm, error):
    """The database is asked to give up."""
    with ended_by(error, after=1.0) as stop:
        engine.run(f'load jdbc.`slow_crm` where directQuery="{crm}" as t;', stop=stop)


@ENDS
def test_a_run_ends_in_a_jdbc_call_of_a_task(engine, spark, crm, error):
    """While rows come: its Spark job is gone, and so is the task that asked the database."""
    query = crm.replace("select count(*) as n from", "select c0.columnname as n from")
    with ended_by(error, after=1.0) as stop:
        result = engine.run(f'load jdbc.`slow_crm` where query="{query}" as t;', stop=stop)
        with result.reading() as frame:
            frame.write.format("noop").mode("overwrite").save()
    assert not spark.sparkContext.statusTracker().getActiveJobsIds()
    until(lambda: running_tasks(spark) == 0)
