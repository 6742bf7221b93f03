"""Kafka leaves no topic behind, and when it fails the error names the servers or the setting."""

import gc
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from mlsql.bridge.errors import InexactData, OptionFault, TransportError
from mlsql.bridge.messages import Header, Ledger, Part
from mlsql.bridge.subscriber import read_exactly
from mlsql.bridge.transports.kafka import KafkaTransport, client_settings

HEADER = Header("job", "train", 0, 1, 0, 1, 7, "schema")
SCRIPT = Path(__file__).parents[2] / "scripts" / "kafka_broker.py"


def transport_to(servers, folder, **settings):
    """A transport that notes its topics in *folder*."""
    return KafkaTransport(bootstrap_servers=servers, records=str(folder), **settings)


def topics(servers):
    """The topics that a broker has."""
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        return admin.list_topics()


def send(stream, *bodies):
    """Send bodies as attempt 1 of partition 0; a ledger that names them."""
    with stream.writer(0, 1) as writer:
        for sequence, body in enumerate(bodies):
            writer.send(replace(HEADER, sequence=sequence), body)
        place = writer.finish()
    part = Part(0, 1, len(bodies), len(bodies), sum(map(len, bodies)), 0, *place)
    return Ledger(stream.job, stream.name, "schema", "", (part,))


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # the client leaves refused sockets open
def test_servers_that_do_not_answer_are_named(tmp_path, caplog):
    """Within the timeout, before anything is noted or published."""
    caplog.set_level(logging.CRITICAL + 1, "kafka")  # its log lines would keep the sockets alive
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        servers = f"127.0.0.1:{unused.getsockname()[1]}"
        start = time.monotonic()
        message, retriable = _failure_to_open(transport_to(servers, tmp_path, timeout=1.0))
    gc.collect()
    assert f"Kafka at {servers} does not answer within 1 s" in message
    assert retriable
    assert time.monotonic() - start < 15
    assert list(tmp_path.iterdir()) == []


def test_settings_of_the_client_are_read_from_text():
    """With dots or underscores, by the type of the client's default."""
    given = {"security.protocol": "SASL_SSL", "ssl_check_hostname": "false", "request.timeout.ms": "5000"}
    expected = {"security_protocol": "SASL_SSL", "ssl_check_hostname": False, "request_timeout_ms": 5000}
    assert client_settings(given) == expected


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("security.protokol", "SSL", "has no setting 'security.protokol'"),
        ("bootstrap_servers", "x", "has no setting"),
        ("selector", "x", "has no setting"),
        ("ssl.context", "x", "has no setting"),
        ("security.protocol", "ssl", "takes PLAINTEXT or SASL_PLAINTEXT or SASL_SSL or SSL, not 'ssl'"),
        ("sasl.mechanism", "MAGIC", "takes .* or PLAIN or .*, not 'MAGIC'"),
        (
            "ssl.check.hostname",
            "perhaps",
            "'kafkaParam.ssl.check.hostname' takes true or false, not 'perhaps'",
        ),
        ("request.timeout.ms", "1s", "takes a whole number, not '1s'"),
    ],
)
def test_other_settings_are_refused(name, text, sentence):
    """By the whole name of the option, with the nearest known."""
    with pytest.raises(OptionFault, match=sentence) as caught:
        client_settings({name: text})
    assert caught.value.option == f"kafkaParam.{name}"


def test_passwords_are_not_shown(tmp_path):
    """Neither transport nor stream tells them when printed."""
    transport = transport_to("localhost:1", tmp_path, client={"sasl.plain.password": "hush"})
    assert "hush" not in repr(transport)


@pytest.mark.kafka
def test_a_deleted_topic_is_gone(kafka, tmp_path):
    """With the record that it was there."""
    stream = transport_to(kafka, tmp_path).open("gone-1", "train", partitions=1)
    assert "mlsql.gone-1.train" in topics(kafka)
    stream.delete()
    assert "mlsql.gone-1.train" not in topics(kafka)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.kafka
def test_the_number_of_partitions_is_bounded(kafka, tmp_path):
    """By the frame's and by the setting."""
    transport = transport_to(kafka, tmp_path, partitions=3)
    for number, (asked, expected) in enumerate([(2, 2), (50, 3), (0, 1)]):
        stream = transport.open(f"partitions-{number}", "train", partitions=asked)
        assert stream.channels == expected
        stream.delete()


@pytest.mark.kafka
def test_a_message_larger_than_the_client_sends_names_the_setting(kafka, tmp_path):
    """Before it travels."""
    stream = transport_to(kafka, tmp_path, message_bytes=1000).open("large-1", "train", partitions=1)
    with pytest.raises(TransportError, match="takes no message so large") as caught:
        send(stream, b"x" * 100_000)
    assert "bridge.message_bytes" in str(caught.value)
    stream.delete()


@pytest.mark.kafka
def test_a_message_larger_than_the_broker_takes_names_the_setting(kafka, tmp_path):
    """The topic's limit is another than the client believes."""
    stream = transport_to(kafka, tmp_path, message_bytes=1000).open("large-2", "train", partitions=1)
    with pytest.raises(TransportError, match="takes no message so large"):
        send(replace(stream, message_bytes=1_000_000), b"x" * 100_000)
    stream.delete()


@pytest.mark.kafka
def test_what_the_broker_has_thrown_away_is_missing(kafka, tmp_path):
    """As its retention may: the reader says which partition."""
    stream = transport_to(kafka, tmp_path).open("retention-1", "train", partitions=1)
    ledger = send(stream, b"one", b"two")
    with closing(KafkaAdminClient(bootstrap_servers=kafka)) as admin:
        admin.delete_records({TopicPartition(stream.topic, 0): 2})
    with pytest.raises(InexactData, match=r"partition 0 .*number 0 is missing"):
        list(read_exactly(stream, ledger, timeout=2))
    stream.delete()


@pytest.mark.kafka
def test_records_of_others_in_the_topic_are_passed_over(kafka, tmp_path):
    """Somebody wrote to it by hand."""
    stream = transport_to(kafka, tmp_path).open("others-1", "train", partitions=1)
    with closing(KafkaProducer(bootstrap_servers=kafka)) as producer, stream.writer(0, 1) as writer:
        writer.send(HEADER, b"one")
        writer.finish()
        producer.send(stream.topic, b"hello").get(timeout=10)
        writer.send(replace(HEADER, sequence=1), b"two")
        place = writer.finish()
    ledger = Ledger("others-1", "train", "schema", "", (Part(0, 1, 2, 2, 6, 0, *place),))
    assert [message.body for message in stream.subscribe(ledger, timeout=5)] == [b"one", b"two"]
    stream.delete()


@pytest.mark.kafka
def test_sweeping_deletes_the_topics_of_a_killed_driver(kafka, tmp_path):
    """And none that a living one needs."""
    transport = transport_to(kafka, tmp_path)
    mine = transport.open("sweep-1", "train", partitions=1)
    script = (
        "import os, signal, sys; from mlsql.bridge.transports.kafka import KafkaTransport; "
        "transport = KafkaTransport(bootstrap_servers=sys.argv[1], records=sys.argv[2]); "
        "transport.open('sweep-2', 'train', partitions=1); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, kafka, str(tmp_path)], timeout=60, check=False)
    assert {"mlsql.sweep-1.train", "mlsql.sweep-2.train"} <= set(topics(kafka))
    transport.sweep()
    assert "mlsql.sweep-2.train" not in topics(kafka)
    assert "mlsql.sweep-1.train" in topics(kafka)
    mine.delete()


def _is_stopped(pid):
    """Whether all threads of a process have heard SIGSTOP."""
    threads = Path(f"/proc/{pid}/task").glob("*/stat")
    return all(each.read_text().rpartition(")")[2].split()[0] == "T" for each in threads)


@pytest.fixture(scope="module")
def hanging(tmp_path_factory):
    """A broker of this module alone, and a block in which it hangs: (servers, block)."""
    state = tmp_path_factory.mktemp("broker")
    line = [sys.executable, str(SCRIPT)]
    started = subprocess.run(
        [*line, "start", "--state", str(state)], capture_output=True, text=True, timeout=600, check=False
    )
    if started.returncode:
        reason = f"no Kafka broker: {started.stderr}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    pid = json.loads((state / "broker.json").read_text())["pid"]

    @contextmanager
    def block():
        os.kill(pid, signal.SIGSTOP)
        deadline = time.monotonic() + 30
        while not _is_stopped(pid):  # each thread stops when its turn comes
            assert time.monotonic() < deadline
            time.sleep(0.02)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    yield started.stdout.strip(), block
    subprocess.run([*line, "stop", "--state", str(state)], timeout=60, check=True)


@pytest.mark.kafka
def test_a_broker_that_hangs_while_a_task_sends_is_named(hanging, tmp_path):
    """Within the timeout, tries of the task again and the deletion included."""
    servers, block = hanging
    stream = transport_to(servers, tmp_path, timeout=5.0).open("hang-1", "train", partitions=1)
    start = time.monotonic()
    with block():
        for again in (False, True, True, True):
            with pytest.raises(TransportError, match=f"Kafka at {servers} ") as caught:
                _send_one(stream, again=again)
            assert caught.value.retriable
        with pytest.raises(TransportError, match=f"Kafka at {servers} "):
            stream.delete()
    assert (
        time.monotonic() - start < 5.0 + 15.0
    )  # five waits of 5 s would be 25; a busy machine takes its time
    stream.delete()


@pytest.mark.kafka
def test_a_broker_that_hangs_between_messages_is_named(hanging, tmp_path):
    """The task had already sent some."""
    servers, block = hanging
    stream = transport_to(servers, tmp_path, timeout=4.0).open("hang-2", "train", partitions=1)
    with pytest.raises(TransportError, match=f"Kafka at {servers} "):
        _send_two(stream, block)
    stream.delete()


@pytest.mark.kafka
def test_a_broker_that_hangs_while_messages_are_read_is_named(hanging, tmp_path):
    """Within the timeout of the reader."""
    servers, block = hanging
    stream = transport_to(servers, tmp_path).open("hang-3", "train", partitions=1)
    ledger = send(stream, b"one", b"two")
    with closing(stream.subscribe(ledger, timeout=10)) as messages:
        assert next(messages).body == b"one"
        with block(), pytest.raises(TransportError, match=f"Kafka at {servers} "):
            list(replace(stream).subscribe(ledger, timeout=2))
        assert next(messages).body == b"two"
    stream.delete()


def _send_one(stream, *, again):
    with stream.writer(0, 1, again=again) as writer:
        writer.send(HEADER, b"one")
        writer.finish()


def _send_two(stream, block):
    with stream.writer(0, 1) as writer:
        writer.send(HEADER, b"one")
        writer.finish()
        with block():
            writer.send(replace(HEADER, sequence=1), b"two")
            writer.finish()


def _failure_to_open(transport):
    with pytest.raises(TransportError) as caught:
        transport.open("job", "train", partitions=1)
    return str(caught.value), caught.value.retriable
