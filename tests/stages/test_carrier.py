from __future__ import annotations

import pytest

from mlsql.bridge.transports.kafka import KafkaTransport
from mlsql.bridge.transports.memory import MemoryTransport
from mlsql.bridge.transports.spool import SpoolTransport
from mlsql.config.settings import BridgeSettings, KafkaSettings
from mlsql.errors import ConfigError
from mlsql.events import ignore
from mlsql.options import OptionText
from mlsql.stages.algorithms.carrier import open_carrier

SERVERS = {"bootstrap.servers": OptionText("there:9092")}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nothing is kept in the user's folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_without_servers_data_goes_by_files(tmp_path):
    """In the folder of the setting, or one of ours."""
    transport = open_carrier(BridgeSettings(spool=tmp_path / "spool"), {}, ignore)
    assert isinstance(transport, SpoolTransport)
    assert transport.folder == str(tmp_path / "spool")
    assert open_carrier(BridgeSettings(), {}, ignore).folder == str(tmp_path / "mlsql" / "spool")


@pytest.mark.parametrize(
    ("settings", "given"),
    [
        (BridgeSettings(), SERVERS),
        (BridgeSettings(kafka=KafkaSettings(bootstrap_servers="there:9092")), {}),
        (BridgeSettings(transport="kafka", kafka=KafkaSettings(bootstrap_servers="here:9092")), SERVERS),
    ],
)
def test_named_servers_mean_kafka(settings, given):
    """What the statement says outweighs the setting."""
    transport = open_carrier(settings, given, ignore)
    assert isinstance(transport, KafkaTransport)
    assert transport.bootstrap_servers == "there:9092"


def test_what_a_statement_says_reaches_the_client():
    """The topic's prefix and client settings do; what old scripts say besides is only logged."""
    events = []
    given = SERVERS | {
        "topic": OptionText("ours"),
        "security.protocol": OptionText("SSL"),
        "userName": OptionText("ann"),
    }
    transport = open_carrier(BridgeSettings(), given, events.append)
    assert transport.prefix == "ours"
    assert transport.client == {"security.protocol": "SSL"}
    assert ["userName" in event.message for event in events] == [True]


def test_a_transport_that_is_asked_for_is_taken():
    """And options for another are told to have no effect."""
    events = []
    transport = open_carrier(BridgeSettings(transport="memory"), SERVERS, events.append)
    assert isinstance(transport, MemoryTransport)
    assert "no effect" in events[0].message


def test_kafka_without_servers_is_the_operators_error():
    """It is not in the script that they are missing."""
    with pytest.raises(ConfigError, match="no servers"):
        open_carrier(BridgeSettings(transport="kafka"), {}, ignore)
