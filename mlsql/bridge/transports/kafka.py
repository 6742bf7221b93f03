"""Messages in a Kafka topic a stream, ``PREFIX.JOB.STREAM``, read by the offsets of the ledger.

The value of a record is a complete Arrow IPC stream, its record headers are the message's header.
A Spark partition goes to the topic partition *partition modulo number*, so its messages lie in one,
in order, perhaps between those of others. No consumer group is used: the ledger knows where
everything lies. What a killed driver leaves is known by a record a topic in a local folder.
"""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka import errors as kafka_errors
from kafka.net.sasl import SASL_MECHANISMS

from mlsql.bridge.codec import ENVELOPE
from mlsql.bridge.errors import OptionFault, TransportError
from mlsql.bridge.messages import Body, Header, Ledger, Message, Part
from mlsql.bridge.transport import Place, go_on
from mlsql.bridge.transports.kafka_network import open_network
from mlsql.bridge.transports.settings import read_settings
from mlsql.owners import Owner, read_record

_FLYING_BYTES = 8 * 1024 * 1024
"""How much a task sends ahead of the broker's answers: the client itself would hold everything."""
_SILENCE = (kafka_errors.KafkaTimeoutError, kafka_errors.KafkaConnectionError, kafka_errors.NodeNotReadyError)
_POLL_SECONDS = 0.2
_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
"""What ``security.protocol`` may be; the client takes anything else for PLAINTEXT."""
_OBJECTS = {"ssl_context", "sasl_oauth_token_provider"}
"""Settings of the client that no text can be."""
_FIRST_TRY, _FURTHER_TRY, _CLEANING = 0.5, 0.1, 0.2
"""Shares of the timeout: four tries of a task and the deletion after them end within it."""


@dataclass(frozen=True, slots=True)
class KafkaStream:
    """A stream in *topic*, which has *channels* partitions; *client* are further client settings as text."""

    job: str
    name: str
    topic: str
    channels: int
    bootstrap_servers: str
    timeout: float
    message_bytes: int
    record: str
    client: Mapping[str, str] = field(default_factory=dict, repr=False)

    @contextmanager
    def writer(self, partition: int, attempt: int, *, again: bool = False) -> Iterator[_KafkaWriter]:  # noqa: ARG002
        """A writer to one partition of the topic; a message has arrived when all replicas have it."""
        seconds = self.timeout * (_FURTHER_TRY if again else _FIRST_TRY)
        milliseconds = int(seconds * 1000)
        limits = {
            "max_block_ms": milliseconds,
            "delivery_timeout_ms": milliseconds,
            "max_request_size": self.message_bytes + 2 * ENVELOPE,
        }
        with self._client(KafkaProducer, seconds, acks="all", **limits) as producer:
            try:
                yield _KafkaWriter(producer, self.topic, partition % self.channels, seconds)
            finally:
                _close(producer)

    def subscribe(
        self, ledger: Ledger, *, timeout: float, stop: Callable[[], None] = go_on
    ) -> Iterator[Message]:
        """The records between the offsets of each part, those of other tasks among them."""
        seconds = min(timeout, self.timeout * (1 - _CLEANING))
        fetching = {
            "enable_auto_commit": False,
            "auto_offset_reset": "none",
            "check_crcs": False,  # every message has a checksum of ours
            "max_partition_fetch_bytes": 4 * (self.message_bytes + 2 * ENVELOPE),
            "fetch_max_wait_ms": 100,
        }
        with self._client(KafkaConsumer, seconds, **fetching) as consumer:
            for part in ledger.parts:
                if part.first_offset is not None:
                    yield from self._part(consumer, part, seconds / 2, stop)

    def delete(self) -> None:
        """Delete the topic and wait until it is gone; what cannot be deleted is left to the next sweep."""
        seconds = self.timeout * _CLEANING
        try:
            with self._client(KafkaAdminClient, seconds) as admin:
                _delete_topic(admin, self.topic, seconds)
        except TransportError:
            with suppress(OSError):  # the retention deletes its records all the same
                self._note(Owner.nobody())
            raise
        Path(self.record).unlink(missing_ok=True)

    def to_dict(self) -> dict[str, Any]:
        """The stream in plain values, its client's passwords among them."""
        return {"scheme": KafkaTransport.scheme, **dataclasses.asdict(self)}

    def create(self, retention_hours: float) -> None:
        """Note the topic, create it and wait until it can be written to."""
        configs = {
            "max.message.bytes": str(self.message_bytes + 2 * ENVELOPE),
            "retention.ms": str(int(retention_hours * 3_600_000)),
        }
        with self._client(KafkaAdminClient, self.timeout) as admin:
            Path(self.record).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._note(Owner.this_process())
            topics = {self.topic: {"num_partitions": self.channels, "configs": configs}}
            admin.create_topics(topics, wait_for_metadata=True)

    def _note(self, owner: Owner) -> None:
        """Write down whose topic this is."""
        owner.write(Path(self.record), bootstrap_servers=self.bootstrap_servers, topic=self.topic)

    @contextmanager
    def _client(self, make: Callable[..., Any], seconds: float, **settings: Any) -> Iterator[Any]:
        """A client of Kafka; its errors become ours, and it is closed, even one that never came up.

        That one keeps its thread and sockets, so what it has opened is noted as it is made.
        """
        networks: list[Any] = []

        def network(**configs: Any) -> Any:
            networks.append(open_network(**configs))
            # A task that outlives its stream must not make it again; 3.0.12 drops the client's own setting.
            networks[-1].cluster.config["allow_auto_create_topics"] = False
            return networks[-1]

        ours = {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "bootstrap_timeout_ms": int(seconds * 1000),
            "request_timeout_ms": int(seconds * 1000),
            "reconnect_backoff_max_ms": 1000,
            "kafka_client": network,
        }
        with _named(self.bootstrap_servers, seconds, self._language):
            try:
                yield self._made(make, ours | settings)
            finally:
                for opened in networks:
                    opened.close()

    def _made(self, make: Callable[..., Any], settings: Mapping[str, Any]) -> Any:
        given = client_settings(self.client)
        try:
            return make(**{**settings, **given})
        except (ValueError, TypeError, OSError) as error:
            if not given:
                raise
            option = next((name for name in given if name in str(error)), next(iter(given)))
            told = f"the Kafka client refuses its settings: {error}"
            raise OptionFault(told, option=f"kafkaParam.{option.replace('_', '.')}") from error

    @property
    def _language(self) -> str:
        """How the client speaks to the servers, in words."""
        given = client_settings(self.client)
        mechanism = given.get("sasl_mechanism")
        protocol = given.get("security_protocol", "PLAINTEXT")
        return f"{protocol} with {mechanism}" if mechanism else str(protocol)

    def _part(
        self, consumer: KafkaConsumer, part: Part, timeout: float, stop: Callable[[], None]
    ) -> Iterator[Message]:
        assert part.first_offset is not None
        assert part.last_offset is not None
        place = TopicPartition(self.topic, part.channel)
        consumer.assign([place])
        consumer.seek(place, part.first_offset)
        deadline = time.monotonic() + timeout
        offset = part.first_offset
        while offset <= part.last_offset:
            stop()
            try:
                records = consumer.poll(timeout_ms=int(_POLL_SECONDS * 1000)).get(place, ())
            except (kafka_errors.OffsetOutOfRangeError, kafka_errors.NoOffsetForPartitionError):
                return  # the broker no longer has them: the reader says what is missing
            for record in records:
                if record.offset <= part.last_offset and (message := _message(record)):
                    yield message
            if records:
                offset, deadline = records[-1].offset + 1, time.monotonic() + timeout
            elif time.monotonic() > deadline:
                end = consumer.end_offsets([place], timeout_ms=int(timeout * 1000))[place]
                if end <= part.last_offset:
                    return
                raise TransportError(
                    f"Kafka at {self.bootstrap_servers} sent nothing for {timeout:g} s of partition "
                    f"{part.partition} (offsets {offset:,} to {part.last_offset:,} of '{self.topic}')",
                    retriable=True,
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaTransport:
    """Opens a topic a stream on the brokers at *bootstrap_servers* (host:port, separated by commas).

    *records* is a local folder in which the topics of living jobs are noted. *client* holds further
    settings of the client as text (``security.protocol``, ``sasl.mechanism``, …).
    """

    bootstrap_servers: str
    records: str
    prefix: str = "mlsql"
    partitions: int = 8
    timeout: float = 30.0
    message_bytes: int = 1024 * 1024
    retention_hours: float = 24.0
    client: Mapping[str, str] = field(default_factory=dict, repr=False)
    scheme: ClassVar[str] = "kafka"

    def open(self, job: str, name: str, *, partitions: int) -> KafkaStream:
        """A stream with a new topic of at most *partitions* partitions."""
        client_settings(self.client)
        topic = f"{self.prefix}.{job}.{name}"
        record = Path(self.records) / f"{topic}.json"
        stream = self._stream(job, name, max(1, min(partitions, self.partitions)), record)
        stream.create(self.retention_hours)
        return stream

    def sweep(self) -> None:
        """Delete the topics, on these servers, of jobs whose driver no longer lives."""
        for record in sorted(Path(self.records).glob("*.json")):
            found = read_record(record)
            if found and found[0].is_gone and found[1]["bootstrap_servers"] == self.bootstrap_servers:
                job, _, name = found[1]["topic"].removeprefix(self.prefix + ".").rpartition(".")
                self._stream(job, name, 1, record).delete()

    def _stream(self, job: str, name: str, channels: int, record: Path) -> KafkaStream:
        return KafkaStream(
            job=job,
            name=name,
            topic=record.name.removesuffix(".json"),
            channels=channels,
            bootstrap_servers=self.bootstrap_servers,
            timeout=self.timeout,
            message_bytes=self.message_bytes,
            record=str(record),
            client=dict(self.client),
        )


class _KafkaWriter:
    def __init__(self, producer: KafkaProducer, topic: str, channel: int, timeout: float) -> None:
        self._producer = producer
        self._topic = topic
        self._channel = channel
        self._timeout = timeout
        self._flying: deque[tuple[Any, int]] = deque()
        self._bytes = 0
        self._first: int | None = None
        self._last: int | None = None

    def send(self, header: Header, body: Body) -> None:
        while self._flying and self._bytes + len(body) > _FLYING_BYTES:
            self._land()
        headers = [(name, str(value).encode()) for name, value in header.to_dict().items()]
        future = self._producer.send(self._topic, value=body, headers=headers, partition=self._channel)
        self._flying.append((future, len(body)))
        self._bytes += len(body)

    def finish(self) -> Place:
        while self._flying:
            self._land()
        return self._channel, self._first, self._last

    def _land(self) -> None:
        """Wait for the broker's answer to the oldest message."""
        future, size = self._flying.popleft()
        self._last = future.get(timeout=self._timeout + 1).offset  # the client itself gives up before
        if self._first is None:
            self._first = self._last
        self._bytes -= size


def _close(producer: KafkaProducer) -> None:
    """Close a producer; what it has not sent yet is not wanted, for then its task has failed."""
    try:
        producer.close(timeout=1)
    except kafka_errors.KafkaTimeoutError:  # it still waits for answers, and its thread lives on
        producer._sender.force_close()  # noqa: SLF001


def client_settings(raw: Mapping[str, str]) -> dict[str, Any]:
    """Settings of the Kafka client from text, ``security.protocol`` as well as ``security_protocol``.

    Known are the plain ones that producer, consumer and admin client share; another one is an
    OptionFault of ``kafkaParam.…``.
    """
    shared = set(KafkaProducer.DEFAULT_CONFIG) & set(KafkaConsumer.DEFAULT_CONFIG) - {"bootstrap_servers"}
    known = {
        name: default
        for name, default in KafkaAdminClient.DEFAULT_CONFIG.items()
        if name in shared - _OBJECTS
    }
    return read_settings(
        raw, known, {"security_protocol": _PROTOCOLS, "sasl_mechanism": tuple(SASL_MECHANISMS)}
    )


def _message(record: Any) -> Message | None:
    """The message that a record holds; None when it is none of ours."""
    try:
        header = Header.from_dict({name: value.decode() for name, value in record.headers})
    except (KeyError, ValueError, AttributeError):  # a record may have headers without a value
        return None
    return None if record.value is None else Message(header, record.value)


def _delete_topic(admin: KafkaAdminClient, topic: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    try:
        admin.delete_topics([topic])
    except kafka_errors.UnknownTopicOrPartitionError:
        return
    while topic in admin.list_topics():
        if time.monotonic() > deadline:
            raise TransportError(f"Kafka still has the topic '{topic}' after {timeout:g} s", retriable=True)
        time.sleep(_POLL_SECONDS)


@contextmanager
def _named(servers: str, seconds: float, language: str) -> Iterator[None]:
    """Kafka's errors as ours, with the servers' names."""
    try:
        yield
    except (kafka_errors.MessageSizeTooLargeError, kafka_errors.RecordListTooLargeError) as error:
        raise TransportError(
            f"Kafka at {servers} takes no message so large: {error}",
            hint="lower the setting bridge.message_bytes",
        ) from error
    except _SILENCE as error:
        raise TransportError(
            f"Kafka at {servers} does not answer within {seconds:g} s: {error}",
            hint=f"is it running, can driver and executors reach it, and does it speak {language} there?",
            retriable=True,
        ) from error
    except kafka_errors.KafkaError as error:
        retriable = isinstance(error, kafka_errors.RetriableError)
        raise TransportError(f"Kafka at {servers} failed: {error}", retriable=retriable) from error
