"""What the whole suite shares: hypothesis profiles, one Spark, one Kafka broker, and options."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from mlsql.config.settings import Settings
from mlsql.spark.sessions import start_spark, stop_spark
from mlsql.udf.functions import BuiltinFunctions

ROOT = Path(__file__).parents[1]
NEEDS = ("cluster", "kafka", "spark")
IN_CI = os.environ.get("CI", "").casefold() in ("1", "true")

_BASE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # two busy cores
settings.register_profile("quick", _BASE, max_examples=10)
settings.register_profile("fast", _BASE, max_examples=40)
settings.register_profile("ci", _BASE, max_examples=100, derandomize=True, print_blob=True)
settings.register_profile("slow", _BASE, max_examples=2000)


def pytest_addoption(parser):
    """Add ``--slow``."""
    parser.addoption("--slow", action="store_true", help="run what is slow, and more examples of each law")


def pytest_configure(config):
    """Choose how many examples a law is tried with."""
    if (
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ):  # in the background of a shell; what we start would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    usual = "slow" if config.getoption("--slow") else "ci" if IN_CI else "fast"
    settings.load_profile(config.getoption("--hypothesis-profile") or usual)


def pytest_collection_modifyitems(config, items):
    """Mark what uses Spark, Kafka or a cluster, put quick tests first, skip slow ones unless asked for."""
    skip = pytest.mark.skip(reason="takes long; --slow runs it")
    for item in items:
        for need in NEEDS:
            if need in item.fixturenames:
                item.add_marker(need)
        if item.get_closest_marker("slow") and not config.getoption("--slow"):
            item.add_marker(skip)
    items.sort(key=lambda item: [item.get_closest_marker(need) is not None for need in NEEDS])


def pytest_terminal_summary(terminalreporter):
    """Tell how long ``scripts/test`` took, with what it did before the tests."""
    began = os.environ.get("SCRIPTS_TEST_BEGAN")
    if began:
        terminalreporter.write_line(f"scripts/test took {time.time() - int(began):.0f} s in all")


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    """The one Spark of the suite: two cores, a failed task is tried three times."""
    chosen = {
        "spark.master": "local[2,3]",
        "spark.sql.shuffle.partitions": "4",
        "spark.driver.memory": "1g",
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
    }
    session = start_spark(Settings(spark=chosen), app_name="mlsql tests")
    yield session
    stop_spark(session)


@pytest.fixture(scope="session")
def builtin_functions(spark):
    """The functions that an engine puts into its sessions."""
    return BuiltinFunctions(spark)


@pytest.fixture(scope="session")
def launcher():
    """What starts the workers of the suite: those of scikit-learn are forked from one process."""
    from mlsql.bridge.launcher import LocalLauncher

    launcher = LocalLauncher()
    yield launcher
    launcher.close()


@pytest.fixture(scope="session")
def engine(spark, launcher):
    """An engine on that Spark; a module that leaves things in sessions makes its own."""
    from mlsql.engine import Engine

    with Engine(spark, launcher=launcher) as engine:
        yield engine


@pytest.fixture(scope="session")
def kafka(tmp_path_factory) -> Iterator[str]:
    """The bootstrap servers of a real broker, which runs for this suite alone and ends with it."""
    state = tmp_path_factory.mktemp("kafka")
    command = [sys.executable, str(ROOT / "scripts" / "kafka_broker.py"), "run", "--state", str(state)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (
        (state / "errors.log").open("w+") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        ) as broker,
    ):
        address = broker.stdout.readline().strip()
        if not address:
            errors.seek(0)
            reason = f"no Kafka broker can be had: {errors.read().strip()[-500:]}"
            pytest.fail(reason) if IN_CI else pytest.skip(reason)
        yield address
