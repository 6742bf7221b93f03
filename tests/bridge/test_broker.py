"""A broker that dies, comes back, asks for passwords: exact data or an error that names it, no topic left."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from kafka import KafkaAdminClient, KafkaProducer

from mlsql.bridge.errors import OptionFault, TransportError
from mlsql.bridge.messages import Header, Ledger, Part
from mlsql.bridge.transport import opened
from mlsql.bridge.transports.kafka import KafkaTransport
from mlsql.errors import MlsqlError
from mlsql.processes import ChildProcess, start_process
from mlsql.spark.java import find_java
from scripts import kafka_broker

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.usefixtures("refused_sockets"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

HEADER = Header("job", "train", 0, 1, 0, 1, 7, "schema")
LOCKED = """\
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=\\
  org.apache.kafka.common.security.plain.PlainLoginModule required user_ann="hush";
ssl.keystore.type=PEM
ssl.keystore.location={keys}
inter.broker.listener.name=PLAINTEXT
"""
SIGNED_IN = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "PLAIN",
    "sasl.plain.username": "ann",
    "sasl.plain.password": "hush",
}


@dataclass
class Mortal:
    """A broker of this module: three doors, and it can die and come back with what it had."""

    folder: Path
    port: int
    with_password: str
    with_certificate: str
    authority: Path
    process: ChildProcess | None = None

    @property
    def servers(self):
        """The door that is open to all."""
        return f"127.0.0.1:{self.port}"

    @contextmanager
    def dead(self):
        """A block in which it has been killed; afterwards it runs again."""
        self.process.end(grace=0)
        try:
            yield
        finally:
            self.live()

    def live(self):
        """Start it, on the same ports with the same data."""
        command = [*java(), "kafka.Kafka", str(self.folder / "server.properties")]
        self.process = start_process(command, folder=self.folder, log=self.folder / "broker.log")
        assert kafka_broker._wait(lambda: kafka_broker._accepts(self.port), 200), self.process.last_lines()

    def topics(self):
        """What it has."""
        with closing(KafkaAdminClient(bootstrap_servers=self.servers)) as admin:
            return [name for name in admin.list_topics() if not name.startswith("__")]


def java():
    """The command line up to the class."""
    libraries = kafka_broker.fetched_libraries()
    return [str(find_java() / "bin" / "java"), "-Xmx256m", "-cp", f"{libraries}/*"]


@pytest.fixture(scope="module")
def mortal(tmp_path_factory):
    """A broker that also makes topics when one writes to them, as brokers do unless told otherwise."""
    folder = tmp_path_factory.mktemp("mortal")
    keys, authority = _certificate(folder)
    port, controller, sasl, tls = kafka_broker._free_ports(4)
    doors = f"SASL_PLAINTEXT://127.0.0.1:{sasl},SSL://127.0.0.1:{tls},PLAINTEXT:"
    usual = kafka_broker.SERVER_PROPERTIES.format(folder=folder, port=port, controller=controller)
    properties = (
        usual.replace("listeners=PLAINTEXT:", f"listeners={doors}")
        .replace("PLAINTEXT:PLAINTEXT,", "PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,")
        .replace("auto.create.topics.enable=false", "auto.create.topics.enable=true")
    )
    file = folder / "server.properties"
    file.write_text(properties + LOCKED.format(keys=keys))
    try:
        storage = [*java(), "kafka.tools.StorageTool"]
        identity = kafka_broker._answer([*storage, "random-uuid"]).split()[-1]
    except MlsqlError as error:
        pytest.fail(str(error)) if os.environ.get("CI") else pytest.skip(str(error))
    kafka_broker._answer([*storage, "format", "-t", identity, "-c", str(file)])
    broker = Mortal(folder, port, f"127.0.0.1:{sasl}", f"127.0.0.1:{tls}", authority)
    try:
        broker.live()
        yield broker
    finally:
        broker.process.end()


def _certificate(folder):
    """The files of a key with its certificate, and of the certificate, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "keys.pem").write_bytes(private + public)
    (folder / "authority.pem").write_bytes(public)
    return folder / "keys.pem", folder / "authority.pem"


def transport_to(servers, folder, **settings):
    """A transport that notes its topics in *folder*."""
    return KafkaTransport(bootstrap_servers=servers, records=str(folder), **{"timeout": 10.0, **settings})


def send(stream, *bodies, partition=0):
    """Send bodies as attempt 1 of a partition; its part of the ledger."""
    with stream.writer(partition, 1) as writer:
        for sequence, body in enumerate(bodies):
            writer.send(replace(HEADER, partition=partition, sequence=sequence), body)
        place = writer.finish()
    return Part(partition, 1, len(bodies), len(bodies), sum(map(len, bodies)), 0, *place)


def ledger_of(stream, *parts):
    """The ledger of these parts."""
    return Ledger(stream.job, stream.name, "schema", "", parts)


def test_a_broker_that_dies_while_a_task_sends_is_named(mortal, tmp_path):
    """Also when its stream is deleted; the next sweep does that once the broker is back."""
    transport = transport_to(mortal.servers, tmp_path, timeout=4.0)
    stream = transport.open("dies-1", "train", partitions=1)
    with stream.writer(0, 1) as writer:
        writer.send(HEADER, b"one")
        writer.finish()
        with mortal.dead():
            with pytest.raises(TransportError, match=f"Kafka at {mortal.servers} ") as sent:
                _go_on(stream, writer)
            with pytest.raises(TransportError, match=f"Kafka at {mortal.servers} does not answer within"):
                stream.delete()
    assert sent.value.retriable
    assert mortal.topics() == ["mlsql.dies-1.train"]
    transport.sweep()
    assert mortal.topics() == []
    assert list(tmp_path.iterdir()) == []


def _go_on(stream, writer):
    """What the task does next, and what its next try does."""
    with suppress(Exception):  # errors are named where the block of the writer ends
        writer.send(replace(HEADER, sequence=1), b"two")
        writer.finish()
    send(stream, b"one", b"two")


def test_a_broker_that_dies_while_messages_are_read_is_named(mortal, tmp_path):
    """When it is back all of them can be read; after that the block fails only to delete."""
    transport = transport_to(mortal.servers, tmp_path, timeout=4.0)
    with opened(transport, "dies-2", "train", partitions=2) as stream:
        ledger = ledger_of(stream, send(stream, b"one"), send(stream, b"two", partition=1))
        with closing(stream.subscribe(ledger, timeout=10)) as messages:
            assert next(messages).body == b"one"
            with mortal.dead(), pytest.raises(TransportError, match=f"Kafka at {mortal.servers} ") as caught:
                next(messages)
        assert caught.value.retriable
        assert [message.body for message in stream.subscribe(ledger, timeout=10)] == [b"one", b"two"]
    assert mortal.topics() == []


def test_a_task_that_outlives_its_stream_makes_no_topic(mortal, tmp_path):
    """Neither one that still sends nor one that begins, though this broker makes topics by itself."""
    stream = transport_to(mortal.servers, tmp_path, timeout=2.0).open("late-1", "train", partitions=1)
    with pytest.raises(TransportError, match="Kafka at"):
        _outlive(stream)
    with pytest.raises(TransportError, match="Kafka at"):
        send(stream, b"one")
    assert mortal.topics() == []


def _outlive(stream):
    """Delete a stream while a task sends."""
    with stream.writer(0, 1) as writer:
        writer.send(HEADER, b"one")
        writer.finish()
        stream.delete()
        writer.send(HEADER, b"two")
        writer.finish()


def test_records_that_are_no_messages_are_passed_over(mortal, tmp_path):
    """Somebody wrote them by hand: without a value, with headers of no or of another meaning."""
    with opened(transport_to(mortal.servers, tmp_path), "odd-1", "train", partitions=1) as stream:
        ours = [(name, str(value).encode()) for name, value in HEADER.to_dict().items()]
        with (
            closing(KafkaProducer(bootstrap_servers=mortal.servers)) as producer,
            stream.writer(0, 1) as writer,
        ):
            writer.send(HEADER, b"one")
            writer.finish()
            for headers in ([], [("job", b"\xff")], [*ours, ("rows", b"many")]):
                producer.send(stream.topic, b"hello", headers=headers).get(timeout=30)
            producer.send(stream.topic, None, key=b"k", headers=ours).get(timeout=30)
            writer.send(replace(HEADER, sequence=1), b"two")
            part = Part(0, 1, 2, 2, 6, 0, *writer.finish())
        read = stream.subscribe(ledger_of(stream, part), timeout=10)
        assert [message.body for message in read] == [b"one", b"two"]


@pytest.mark.parametrize("door", ["with_password", "with_certificate"])
def test_a_broker_with_a_lock_is_opened_by_settings(mortal, tmp_path, door):
    """Publishing, reading and deleting, by password and by certificate."""
    client = {
        "with_password": SIGNED_IN,
        "with_certificate": {"security.protocol": "SSL", "ssl.cafile": str(mortal.authority)},
    }[door]
    transport = transport_to(getattr(mortal, door), tmp_path, client=client)
    with opened(transport, door.replace("_", "-"), "train", partitions=1) as stream:
        ledger = ledger_of(stream, send(stream, b"one", b"two"))
        assert [message.body for message in stream.subscribe(ledger, timeout=10)] == [b"one", b"two"]
    assert mortal.topics() == []


@pytest.mark.parametrize(
    ("door", "client", "spoken"),
    [
        ("with_password", {**SIGNED_IN, "sasl.plain.password": "wrong"}, "SASL_PLAINTEXT with PLAIN"),
        (
            "with_password",
            {**SIGNED_IN, "sasl.mechanism": "SCRAM-SHA-256"},
            "SASL_PLAINTEXT with SCRAM-SHA-256",
        ),
        ("with_password", {}, "PLAINTEXT"),
        ("with_certificate", {"security.protocol": "SSL"}, "SSL"),
    ],
)
def test_a_wrong_key_is_told(mortal, tmp_path, door, client, spoken):
    """The error names the servers and how we spoke to them; no secret, and nothing is noted."""
    servers = getattr(mortal, door)
    transport = transport_to(servers, tmp_path, client=client, timeout=1.5)
    with pytest.raises(TransportError, match=f"Kafka at {servers} does not answer within") as caught:
        transport.open("locked-out", "train", partitions=1)
    assert f"does it speak {spoken} there?" in caught.value.hint
    assert "hush" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_settings_that_the_client_refuses_are_the_authors():
    """With what it says about them."""
    stream = KafkaTransport(
        bootstrap_servers="127.0.0.1:1", records="", timeout=1, client={"client.dns.lookup": "perhaps"}
    )
    with pytest.raises(OptionFault, match="use_all_dns_ips") as caught:
        stream.open("job", "train", partitions=1)
    assert caught.value.option == "kafkaParam.client.dns.lookup"
