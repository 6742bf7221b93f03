from __future__ import annotations

import ssl
import struct
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlsql.cli import main
from mlsql.config.settings import ConnectorSettings, Settings
from mlsql.errors import ConfigError, RunError, UnknownName
from mlsql.spark.connectors import EXTENSIONS, Connectors
from mlsql.spark.maven import CENTRAL, _key_store, artifacts_of_spark, default_repositories, fetch_jars

NOBODY = "http://127.0.0.1:1/maven/"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of this test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "mlsql" / "connectors"


def connectors(folder, *packages, spark="4.0.5"):
    """Those for a version of Spark, in a folder."""
    settings = Settings(connectors=ConnectorSettings(packages=packages, repositories=(NOBODY,)))
    return Connectors.from_settings(settings, spark, folder)


def pretend(known, name, *jars):
    """Have the connector *name* look as if it was fetched."""
    package = known.get(name).package.replace(":", "_")
    folder = known.folder / name / package
    folder.mkdir(parents=True)
    for jar in jars:
        (folder / jar).touch()


def test_versions_are_those_made_for_the_minor_line_of_spark(tmp_path):
    """With patch 0, which all connectors have; a setting names others, and further ones."""
    assert connectors(tmp_path).get("kafka").package == "org.apache.spark:spark-sql-kafka-0-10_2.13:4.0.0"
    assert connectors(tmp_path, spark="4.1.2-preview").get("avro").version == "4.1.0"
    known = connectors(tmp_path, "delta=io.delta:delta-spark_2.13:4.0.1", "other=com.example:other:1")
    assert (known.get("delta").version, known.get("other").package) == ("4.0.1", "com.example:other:1")
    assert known.get("delta").at_start


@pytest.mark.parametrize("entry", ["kafka", "kafka=1.0", "a:b:c", "x y=a:b:c", "../x=a:b:c"])
def test_an_entry_that_names_no_package_is_an_error(tmp_path, entry):
    """Of the operator."""
    with pytest.raises(ConfigError, match=r"connectors\.packages cannot hold"):
        connectors(tmp_path, entry)


def test_what_was_not_fetched_names_the_command(tmp_path):
    """And what is not known the nearest; a store without a release says where to name one."""
    known = connectors(tmp_path)
    with pytest.raises(ConfigError, match="the connector 'kafka' is not there") as caught:
        known.needed("kafka")
    assert "`mlsql connectors add kafka`" in caught.value.hint
    with pytest.raises(ConfigError, match="no release of the connector 'mongo'") as caught:
        known.fetch(known.get("mongo"))
    assert "org.mongodb.spark:mongo-spark-connector" in caught.value.hint
    with pytest.raises(UnknownName, match="no connector is called 'kafa'") as caught:
        known.get("kafa")
    assert "did you mean 'kafka'" in caught.value.hint


def test_only_what_has_to_be_there_at_the_start_changes_it(tmp_path):
    """Beside what the settings say; other connectors come later."""
    known = connectors(tmp_path)
    pretend(known, "kafka", "kafka.jar")
    assert known.spark_settings({"spark.master": "local"}) == {"spark.master": "local"}
    pretend(known, "delta", "a.jar", "b.jar")
    given = known.spark_settings({"spark.jars": "mine.jar", EXTENSIONS: "com.example.Mine"})
    assert [Path(each).name for each in given["spark.jars"].split(",")] == ["mine.jar", "a.jar", "b.jar"]
    assert given[EXTENSIONS] == "com.example.Mine,io.delta.sql.DeltaSparkSessionExtension"
    assert known.spark_settings(given) == given
    assert known.remove(known.get("delta"))
    assert not known.remove(known.get("delta"))
    assert known.spark_settings({}) == {}


def test_repositories_are_the_standard_ones_unless_named(monkeypatch):
    """By the variable that Spark reads, too."""
    monkeypatch.delenv("DEFAULT_ARTIFACT_REPOSITORY", raising=False)
    assert default_repositories() == (CENTRAL,)
    monkeypatch.setenv("DEFAULT_ARTIFACT_REPOSITORY", NOBODY)
    assert Connectors.from_settings(Settings(), "4.0.5").repositories == (NOBODY,)


def test_what_spark_has_is_left_out():
    """Its Scala, and the libraries that connectors share with it."""
    assert {"scala-library", "spark-core_2.13", "slf4j-api", "hadoop-client-api"} <= artifacts_of_spark()


def test_without_a_network_the_reason_is_told(tmp_path):
    """In one line, without credentials; nothing is left behind."""
    with pytest.raises(RunError, match="could not be fetched") as caught:
        fetch_jars(["com.example:none:1"], tmp_path / "x" / "jars", ["http://ann:hidden@127.0.0.1:1/maven"])
    assert "Connection refused" in caught.value.message
    assert "hidden" not in str(caught.value)
    assert list((tmp_path / "x").iterdir()) == []


def test_authorities_are_written_as_java_reads_them():
    """The file begins with Java's mark, tells how many there are, and ends with a digest."""
    certificates = ssl.create_default_context().get_ca_certs(binary_form=True)[:2]
    store = _key_store(certificates)
    assert struct.unpack(">III", store[:12]) == (0xFEEDFEED, 2, len(certificates))
    assert all(each in store for each in certificates)
    assert len(store[12:]) >= 20


class TestTheCommand:
    """``mlsql connectors``."""

    def test_the_list_says_what_is_fetched(self, cache):
        """As a table, or as JSON."""
        pretend(connectors(cache), "kafka", "kafka.jar")
        lines = CliRunner().invoke(main, ["connectors", "list"]).stdout.splitlines()
        rows = {line.split()[0]: line.split()[1:4] for line in lines[2:]}
        assert rows["kafka"] == ["4.0.0", "yes", "Apache-2.0"]
        assert rows["mysql"][1:] == ["no", "GPL-2.0"]
        assert '"fetched": true' in CliRunner().invoke(main, ["connectors", "list", "--json"]).stdout

    def test_what_is_there_is_not_fetched_again(self, cache):
        """And goes when it is removed."""
        pretend(connectors(cache), "kafka", "kafka.jar")
        added = CliRunner().invoke(main, ["connectors", "add", "kafka"])
        assert (added.exit_code, added.stderr) == (0, "kafka 4.0.0 is there already\n")
        assert CliRunner().invoke(main, ["connectors", "remove", "kafka"]).exit_code == 0
        assert not (cache / "kafka").exists()

    @pytest.mark.parametrize(
        ("arguments", "code", "told"),
        [
            (["add", "kafak"], 2, "did you mean 'kafka'?"),
            (["add", "solr"], 2, "no release of the connector 'solr'"),
            (["add", "kafka", "--conf", f"connectors.repositories={NOBODY}"], 3, "Connection refused"),
            (["list", "--conf", "connectors.packages=x"], 2, "connectors.packages cannot hold 'x'"),
        ],
    )
    def test_what_goes_wrong_has_its_code(self, cache, arguments, code, told):
        """A wrong name is a wrong command line, a silent repository a failed machine."""
        result = CliRunner().invoke(main, ["connectors", *arguments])
        assert (result.exit_code, told in result.stderr) == (code, True), result.stderr
