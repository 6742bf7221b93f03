"""``mlsql config``: every setting in effect with its origin, and no secret."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mlsql.cli import main
from mlsql.config.loading import declared_settings


@pytest.fixture
def config(tmp_path, monkeypatch):
    """``mlsql config`` in a folder with a settings file, and with a variable."""
    (tmp_path / "mlsql.toml").write_text(
        '[server]\nport = 1\n[jobs]\nqueue = 5\n[spark]\n"spark.x.secret" = "abc"\nmaster = "local[2]"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLSQL_JOBS__TIMEOUT", "90")
    return lambda *arguments: CliRunner().invoke(main, ["config", *arguments])


def values(ended):
    """What was written as JSON, by setting."""
    return {each["setting"]: (each["value"], each["origin"]) for each in json.loads(ended.stdout)}


def test_every_setting_is_shown_with_its_origin(config):
    """The weightiest source counts."""
    shown = values(config("--json", "--conf", "server.port=3"))
    assert shown["server.port"] == (3, "the command line")
    assert shown["jobs.queue"] == (5, "mlsql.toml")
    assert shown["jobs.timeout"] == (90.0, "MLSQL_JOBS__TIMEOUT")
    assert shown["bridge.transport"] == ("auto", "default")
    assert shown["spark.master"] == ("local[2]", "mlsql.toml")
    assert shown.keys() > {key for key, _ in declared_settings()}


def test_secrets_are_not_shown(config):
    """Those that are not set are none."""
    shown = values(config("--json", "--conf", "jobs.database=postgresql://ann:pass@host/db"))
    assert shown["jobs.database"][0] == shown["spark.x.secret"][0] == "***"
    assert shown["callbacks.secret"][0] is None


def test_a_name_shows_a_setting_or_a_section(config):
    """As a table, in the order of declaration."""
    lines = config("jobs.timeout", "bridge.kafka").stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == [
        *("jobs.timeout", "bridge.kafka.bootstrap_servers", "bridge.kafka.partitions", "bridge.kafka.timeout")
    ]
    assert lines[2].split() == ["jobs.timeout", "90", "MLSQL_JOBS__TIMEOUT"]
    assert config("jobs.history").stdout.splitlines()[2].split()[1] == "7776000"


def test_a_name_that_nothing_has_is_told(config):
    """As a wrong command line."""
    ended = config("jbos")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "no setting or section is called 'jbos'" in ended.stderr
