"""``mlsql doctor``: what its checks find, how long they may take, and how it ends."""

from __future__ import annotations

import json
import socket
import threading

import pytest
from click.testing import CliRunner

from mlsql.cli import main
from mlsql.config.settings import (
    BridgeSettings,
    JobSettings,
    KafkaSettings,
    ModelSettings,
    ServerSettings,
    Settings,
)
from mlsql.doctor import MACHINE_CHECKS, SERVICE_CHECKS, Check, Outcome, examine
from mlsql.doctor.examination import ok
from mlsql.doctor.spark import _executor
from mlsql.doctor.spark_probe import PACKAGES, told_by
from mlsql.errors import ConfigError


def found(check, settings=None):
    """What one of our checks finds."""
    (chosen,) = [each for each in (*MACHINE_CHECKS, *SERVICE_CHECKS) if each.subject == check]
    return [*examine(settings or Settings(), [chosen])]


def doctor(*arguments):
    """``mlsql doctor`` without Spark, on a port that is free."""
    command = ["doctor", "--without-spark", "--conf", "server.port=0", *map(str, arguments)]
    return CliRunner().invoke(main, command)


def test_a_machine_that_runs_these_tests_has_what_is_needed(tmp_path):
    """Each line says how it stands; nothing failed, so the exit code is 0."""
    ended = doctor("--conf", f"server.state={tmp_path / 'state'}")
    assert ended.exit_code == 0, ended.stdout
    assert {line.split()[1].rstrip(":") for line in ended.stdout.splitlines() if line[0] != " "} == {
        each.subject for each in (*MACHINE_CHECKS, *SERVICE_CHECKS)
    }
    assert not (tmp_path / "state").exists()


def test_what_failed_is_told_with_what_to_do(tmp_path):
    """And decides the exit code."""
    (tmp_path / "file").touch()
    arguments = ("--conf", f"server.state={tmp_path / 'file' / 'state'}")
    ended = doctor(*arguments)
    assert ended.exit_code == 3
    lines = ended.stdout.splitlines()
    (line,) = [each for each in lines if each.startswith("failed")]
    advice = lines[lines.index(line) + 1]
    assert "(server.state) cannot be written to" in line
    assert advice.strip().startswith("→ server.state names another")
    told = json.loads(doctor(*arguments, "--json").stdout)
    assert [each["subject"] for each in told if each["outcome"] == "failed"] == ["folders"]


def test_a_check_that_hangs_or_raises_is_a_finding_and_the_others_go_on():
    """Each has its time."""
    end = threading.Event()

    def hang(_settings):
        yield ok("first", "came")
        end.wait(60)

    def refuse(_settings):
        yield ok("third", "came")
        raise ConfigError("password='abc' is wrong", hint="mend it")

    def crash(_settings):
        raise ValueError("line one\nline two")

    checks = [Check("hang", hang, 0.1), Check("refuse", refuse), Check("crash", crash)]
    told = [
        (each.subject, each.outcome.value, each.told, each.advice) for each in examine(Settings(), checks)
    ]
    end.set()
    assert told == [
        ("hang", "failed", "there was no answer within 0.1 s", None),
        ("third", "ok", "came", None),
        ("refuse", "failed", "password='***' is wrong", "mend it"),
        ("crash", "failed", "ValueError: line one", None),
    ]


def test_a_port_that_is_taken_is_a_warning():
    """A server may run there already."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(server=ServerSettings(port=taken.getsockname()[1]))
        (port,) = found("port", settings)
    assert port.outcome is Outcome.WARNING
    assert "server.port names another" in port.advice


@pytest.mark.parametrize(
    ("check", "settings"),
    [
        ("database", Settings(jobs=JobSettings(database="postgresql+psycopg://ann:pass@127.0.0.1:1/x"))),
        ("mlflow", Settings(models=ModelSettings(tracking_uri="http://127.0.0.1:1"))),
    ],
)
def test_what_does_not_answer_has_failed(check, settings):
    """Without its password."""
    (finding,) = found(check, settings)
    assert finding.outcome is Outcome.FAILED
    assert "pass" not in finding.told.replace("password", "")


@pytest.mark.kafka
def test_a_broker_is_asked_for_a_topic(kafka):
    """As a training does; none is left."""
    settings = Settings(bridge=BridgeSettings(kafka=KafkaSettings(bootstrap_servers=kafka)))
    (finding,) = found("kafka", settings)
    assert finding == ok("kafka", f"{kafka}: a topic was made and deleted")


@pytest.mark.spark
def test_executors_say_what_they_have(spark):
    """Those of this machine have what the driver has."""
    told = json.loads(json.dumps(told_by(spark)))
    (executor,) = told["executors"]
    assert _executor(executor, told["driver"]).outcome is Outcome.OK
    assert told["slots"] >= 1
    assert executor["packages"].keys() == set(PACKAGES)


def test_an_executor_that_lacks_packages_has_failed_and_other_versions_are_a_warning():
    """Each with its name."""
    driver = {"python": "3.11.1", "packages": {"numpy": "2.0", "pandas": "2.2"}}
    other = {"host": "h", "python": "3.11.1", "packages": {"numpy": "1.9", "pandas": "2.2"}}
    lacking = {**other, "packages": {"numpy": None, "pandas": "2.2"}}
    assert _executor(lacking, driver).told == "the executor on h runs Python 3.11.1 without numpy"
    assert _executor(lacking, driver).outcome is Outcome.FAILED
    warned = _executor(other, driver)
    assert (warned.outcome, warned.told) == (
        Outcome.WARNING,
        "the executor on h runs Python 3.11.1 with numpy 1.9 (here 2.0)",
    )
