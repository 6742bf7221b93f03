from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from mlsql.config.settings import BridgeSettings, ConnectorSettings, KafkaSettings, Settings
from mlsql.errors import ConfigError, DataError, Refused, ScriptError
from mlsql.policy.policy import Caller, Policy
from mlsql.roles import Role
from mlsql.spark.connectors import Connectors
from tests.conftest import IN_CI

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def connector():
    """Spark's connector for Kafka, which scripts/test fetches."""
    if not Connectors.from_settings(Settings()).jars(Connectors.from_settings(Settings()).get("kafka")):
        reason = "the connector is not fetched: mlsql connectors add kafka"
        pytest.fail(reason) if IN_CI else pytest.skip(reason)


@pytest.fixture
def topic(connector, kafka):
    """A topic with two partitions that this test alone uses."""
    from kafka import KafkaAdminClient

    name = f"orders.{uuid.uuid4().hex}"
    client = KafkaAdminClient(bootstrap_servers=kafka)
    client.create_topics({name: {"num_partitions": 2, "replication_factor": 1}})
    client.close()
    return name


@pytest.fixture
def brokers(scripts, kafka):
    """The brokers as the operator names them."""
    scripts.run.settings = Settings(bridge=BridgeSettings(kafka=KafkaSettings(bootstrap_servers=kafka)))


def test_what_is_saved_as_json_is_loaded_as_columns(scripts, brokers, topic):
    """With the whole record beside them; without a format the record is all there is."""
    saved = f"""
        select id as n, concat("user ", id) as name from range(5) as t;
        save append t as kafka.`{topic}` where valueFormat="json" and keyColumn="name";
    """
    (row,) = scripts.rows(saved)
    assert (row["path"], row["rows"]) == (topic, None)
    schema = 'valueFormat="json" and valueSchema="n long, name string"'
    loaded = scripts(f"load kafka.`{topic}` where {schema} as t;")
    assert loaded.columns == ["n", "name", "kafkaValue"]
    rows = sorted(loaded.collect())
    assert [(row.n, row.name, bytes(row.kafkaValue.key).decode()) for row in rows] == [
        (n, f"user {n}", f"user {n}") for n in range(5)
    ]
    assert {row.kafkaValue.topic for row in rows} == {topic}
    texts = scripts.rows(f"load kafka.`{topic}` where valueFormat='text' as t; select value from t as u;")
    assert {"value": '{"n":0,"name":"user 0"}'} in texts


def test_columns_of_records_are_sent_as_they_are(scripts, brokers, topic):
    """Also where in the topic they come to; offsets say what is read of it."""
    scripts(
        f"""
        select string(id) as value, 1 as partition from range(0, 4, 1, 1) as t;
        save append t as kafka.`{topic}`;
        """
    )
    offsets = f'{{"{topic}":{{"0":-2,"1":1}}}}'
    loaded = f"load kafka.`{topic}` where startingOffsets='''{offsets}''' as t;"
    assert scripts.rows(
        f"{loaded} select string(value) as v, partition as p from t order by offset as u;"
    ) == [{"v": str(each), "p": 1} for each in (1, 2, 3)]


def test_a_broken_value_is_null_or_fails(scripts, brokers, topic):
    """As the option mode says."""
    scripts(f"select 'x' as value as t; save append t as kafka.`{topic}`;")
    options = 'valueFormat="json" and valueSchema="st(field(a,long))"'
    assert scripts.rows(f"load kafka.`{topic}` where {options} as t; select a from t as u;") == [{"a": None}]
    failing = scripts(f"load kafka.`{topic}` where {options} and mode='failfast' as t; select a from t as u;")
    with pytest.raises(Exception, match="MALFORMED_RECORD_IN_PARSING"):
        failing.collect()


def test_an_unknown_topic_is_told(scripts, brokers, connector):
    """At the path, when it is loaded."""
    with pytest.raises(DataError, match="no topic is called 'nope'") as caught:
        scripts("load kafka.`nope` as t;")
    assert caught.value.span.text == "`nope`"


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        ("load kafka.`t` as u;", ScriptError, "no Kafka brokers are named"),
        ("load kafka.`a,,b` where `kafka.bootstrap.servers`='h:1' as u;", ScriptError, "names no topic"),
        ("load kafka.`t` where valueFormat='json' as u;", ScriptError, "needs the option 'valueSchema'"),
        ("load kafka.`t` where valueSchema='a int' as u;", ScriptError, "no use without valueFormat"),
        ("save overwrite command as kafka.`t`;", ScriptError, "a topic is only added to"),
        ("save append command as kafka.`t` partitionBy command;", ScriptError, "no folders"),
        (
            "save append command as kafka.`t` where `kafka.bootstrap.servers`='h:1';",
            DataError,
            "no column 'value'",
        ),
    ],
)
def test_a_mistake_is_told_where_it_stands(scripts, script, error, message):
    """Before Kafka is asked."""
    with pytest.raises(error, match=message) as caught:
        scripts(script)
    assert caught.value.span is not None


def test_without_the_connector_its_command_is_told(scripts, tmp_path, monkeypatch):
    """With the package that it would fetch."""
    monkeypatch.setattr("mlsql.stages.sources.connecting.has_class", lambda *_: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="the connector 'kafka' is not there") as caught:
        scripts("load kafka.`t` where `kafka.bootstrap.servers`='h:1' as u;")
    assert "mlsql connectors add kafka" in caught.value.hint
    assert "spark-sql-kafka-0-10_2.13:4.0.0" in caught.value.hint


class TestInTheService:
    """Owners are apart: the brokers are the operator's, and so are the topics that may be used."""

    @pytest.fixture(autouse=True)
    def service(self, scripts, tmp_path):
        """The policy of an analyst."""
        caller = Caller("ann", Role.ANALYST, topics=("sales.*", "shop", "mlsql*", "__*"))
        scripts.run.policy = Policy(tmp_path, caller=caller)
        bridge = BridgeSettings(kafka=KafkaSettings(bootstrap_servers="127.0.0.1:1"))
        scripts.run.settings = replace(Settings(), bridge=bridge, connectors=ConnectorSettings())

    @pytest.mark.parametrize("key", ["bootstrap.servers", "sasl.jaas.config", "ssl.truststore.location"])
    def test_a_script_does_not_say_how_brokers_are_reached(self, scripts, key):
        """Some settings of the client load classes or read files."""
        with pytest.raises(Refused, match="how Kafka is reached"):
            scripts(f"load kafka.`shop` where `kafka.{key}`='x' as t;")

    @pytest.mark.parametrize("topic", ["mlsql.job.t", "__consumer_offsets", "wages", "sales.a,wages"])
    @pytest.mark.parametrize("script", ["load kafka.`{}` as t;", "save append command as kafka.`{}`;"])
    def test_other_topics_are_closed(self, scripts, topic, script):
        """Those of the training data too, whatever the patterns are."""
        with pytest.raises(Refused, match="may not be used here"):
            scripts(script.format(topic))
