"""Which transport carries the data of a training, and where it keeps what it needs."""

from __future__ import annotations

from collections.abc import Mapping

from mlsql.bridge.transport import Transport
from mlsql.bridge.transports import open_transport
from mlsql.config.loading import cache_folder
from mlsql.config.settings import BridgeSettings
from mlsql.errors import ConfigError
from mlsql.events import Log, Sink
from mlsql.options import OptionText
from mlsql.session import Run

SERVERS = "bootstrap.servers"
TOPIC = "topic"
OUTDATED = ("group_id", "reuse", "userName", "debug")
"""What old scripts say to Kafka and what has no effect any more."""


def open_carrier(settings: BridgeSettings, kafka: Mapping[str, OptionText], emit: Sink) -> Transport:
    """The transport that the settings ask for; *kafka* is what the statement says, without ``kafkaParam.``.

    ``auto`` is Kafka when the statement or the settings name its servers, else the spool. What
    killed drivers have left in it is removed.
    """
    transport = _open(settings, kafka, emit)
    transport.sweep()
    return transport


def carrier_for(run: Run, kafka: Mapping[str, OptionText]) -> Transport:
    """The same for a statement of *run*, as far as the policy lets it say how Kafka is reached."""
    for key, given in kafka.items():
        if key not in (TOPIC, *OUTDATED):
            run.policy.brokers(span=given.key_span)
    return open_carrier(run.settings.bridge, kafka, run.emit)


def _open(settings: BridgeSettings, kafka: Mapping[str, OptionText], emit: Sink) -> Transport:
    named = kafka[SERVERS].text if SERVERS in kafka else None
    servers = named or settings.kafka.bootstrap_servers
    scheme = settings.transport
    if scheme == "auto":
        scheme = "kafka" if servers else "spool"
    if scheme != "kafka" and kafka:
        emit(Log(f"the data goes by {scheme}, so the options kafkaParam.* have no effect"))
    if scheme == "spool":
        return open_transport("spool", folder=str(settings.spool or cache_folder() / "spool"))
    return _open_kafka(settings, servers, kafka, emit) if scheme == "kafka" else open_transport(scheme)


def _open_kafka(
    settings: BridgeSettings, servers: str | None, given: Mapping[str, OptionText], emit: Sink
) -> Transport:
    if not servers:
        raise ConfigError(
            "the data is to go through Kafka, but no servers are named",
            hint="set bridge.kafka.bootstrap_servers, or bridge.transport to auto",
        )
    for key in set(given).intersection(OUTDATED):
        emit(Log(f"the option 'kafkaParam.{key}' has no effect any more"))
    ours = {SERVERS, TOPIC, *OUTDATED}
    prefix = {"prefix": given[TOPIC].text} if TOPIC in given else {}
    return open_transport(
        "kafka",
        bootstrap_servers=servers,
        records=str(cache_folder() / "topics"),
        partitions=settings.kafka.partitions,
        timeout=settings.kafka.timeout,
        message_bytes=settings.message_bytes,
        client={key: value.text for key, value in given.items() if key not in ours},
        **prefix,
    )
