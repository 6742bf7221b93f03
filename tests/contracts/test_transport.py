"""What every transport must do: exactly the published rows arrive, or an error says what is wrong."""

import pickle
from contextlib import closing, suppress
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlsql.bridge import codec
from mlsql.bridge.errors import InexactData
from mlsql.bridge.messages import Header, Ledger, Message, Part
from mlsql.bridge.subscriber import read_exactly
from mlsql.bridge.transport import opened as opened_stream
from mlsql.bridge.transports import stream_from
from mlsql.errors import Cancelled

SCHEMA = pa.schema([("number", pa.int64()), ("text", pa.string())])
FEW = settings(
    max_examples=max(4, settings.default.max_examples // 10),  # a topic each takes its time
    suppress_health_check=list(HealthCheck),
)


def opened(transport, job, name="0"):
    """A stream that is deleted at the end."""
    return opened_stream(transport, job, name, partitions=3)


counts = st.lists(st.lists(st.integers(1, 3), max_size=4), min_size=1, max_size=4)
"""The rows of each message, for each partition."""


def messages_of(stream, partition, rows, attempt):
    """The messages of one task, every row of them different."""
    made = []
    for sequence, count in enumerate(rows):
        first = partition * 1000 + sequence * 10
        table = pa.table({"number": range(first, first + count), "text": ["é"] * count}, schema=SCHEMA)
        body = bytes(codec.encode(table))
        check, name = codec.checksum(body), codec.fingerprint(SCHEMA)
        made.append(
            Message(Header(stream.job, stream.name, partition, attempt, sequence, count, check, name), body)
        )
    return made


def send(stream, partition, attempt, messages):
    """Send messages as one task attempt; where they lie."""
    with stream.writer(partition, attempt) as writer:
        for message in messages:
            writer.send(message.header, message.body)
        return writer.finish()


def part_of(messages, partition, attempt, place):
    """The line of the ledger that says that exactly *messages* were sent."""
    crc = 0
    for message in messages:
        crc = codec.chain(crc, message.header.crc32c)
    rows = sum(message.header.rows for message in messages)
    size = sum(len(message.body) for message in messages)
    return Part(partition, attempt, len(messages), rows, size, crc, *place)


def ledger_of(stream, parts):
    """The ledger with these parts."""
    shape = codec.write_schema(SCHEMA)
    return Ledger(stream.job, stream.name, codec.fingerprint(SCHEMA), shape, tuple(parts))


def published(stream, partitions, sent=lambda messages: messages):
    """The ledger of *partitions*, where really *sent* of each partition's messages travelled."""
    parts = []
    for partition, rows in enumerate(partitions):
        attempt = 100 + partition
        messages = messages_of(stream, partition, rows, attempt)
        place = send(stream, partition, attempt, sent(messages))
        parts.append(part_of(messages, partition, attempt, place))
    return ledger_of(stream, parts)


def numbers(stream, ledger, **options):
    """The numbers that arrive, in their order."""
    arguments = {"timeout": 2.0, **options}
    return [n for batch in read_exactly(stream, ledger, **arguments) for n in batch["number"].to_pylist()]


def expected(partitions):
    """The numbers that were published."""
    messages = [(p * 1000 + s * 10, n) for p, rows in enumerate(partitions) for s, n in enumerate(rows)]
    return [number for first, count in messages for number in range(first, first + count)]


@FEW
@given(partitions=counts)
def test_what_is_published_arrives_once_and_in_order(transport, jobs, partitions):
    """The plain case, with empty partitions too."""
    with opened(transport, next(jobs)) as stream:
        assert numbers(stream, published(stream, partitions)) == expected(partitions)


@FEW
@given(partitions=counts, random=st.randoms(use_true_random=False))
def test_order_is_restored_and_what_comes_twice_counts_once(transport, jobs, partitions, random):
    """Messages of a partition come in any order, some of them again."""

    def shaken(messages):
        again = [message for message in messages if random.random() < 0.5]
        return random.sample(messages + again, len(messages + again))

    with opened(transport, next(jobs)) as stream:
        assert numbers(stream, published(stream, partitions, shaken)) == expected(partitions)


@FEW
@given(partitions=counts, data=st.data())
def test_attempts_that_are_not_in_the_ledger_are_never_read(transport, jobs, partitions, data):
    """A task that Spark ran again has sent its messages before, beside and after the one that counts."""
    with opened(transport, next(jobs)) as stream:

        def stray():
            for partition, rows in enumerate(partitions):
                some = rows[: data.draw(st.integers(0, len(rows)))]
                attempt = 500 + data.draw(st.integers(0, 9999))
                send(stream, partition, attempt, messages_of(stream, partition, some, attempt))

        stray()
        ledger = published(stream, partitions)
        stray()
        assert numbers(stream, ledger) == expected(partitions)


def test_messages_of_tasks_that_write_at_once_are_told_apart(transport, jobs):
    """Two tasks send to the same place in turns."""
    with opened(transport, next(jobs)) as stream:
        rows = [2, 2, 2]
        tasks = {partition: messages_of(stream, partition, rows, partition + 7) for partition in (0, 3)}
        with stream.writer(0, 7) as one, stream.writer(3, 10) as other:
            for first, second in zip(*tasks.values(), strict=True):
                one.send(first.header, first.body)
                other.send(second.header, second.body)
            places = {0: one.finish(), 3: other.finish()}
        parts = [
            part_of(tasks[partition], partition, partition + 7, places[partition]) for partition in (0, 3)
        ]
        assert numbers(stream, ledger_of(stream, parts)) == [
            0,
            1,
            10,
            11,
            20,
            21,
            3000,
            3001,
            3010,
            3011,
            3020,
            3021,
        ]


@FEW
@given(data=st.data())
def test_a_lost_message_is_named(transport, jobs, data):
    """Whichever of a partition's messages is lost, the error says what was expected and found."""
    lost = data.draw(st.integers(0, 2))
    with opened(transport, next(jobs)) as stream:
        ledger = published(
            stream,
            [[1], [1, 2, 3]],
            lambda all_: [m for m in all_ if m.header.sequence != lost or len(all_) == 1],
        )
        with pytest.raises(
            InexactData, match=rf"partition 1 .*expected 3 messages with 6 rows.* {lost} is missing"
        ):
            numbers(stream, ledger, timeout=0.5)


@FEW
@given(byte=st.integers(0, 10_000))
def test_a_damaged_message_is_named(transport, jobs, byte):
    """Whichever byte of a body is flipped."""

    def damaged(messages):
        body = bytearray(messages[1].body)
        body[byte % len(body)] ^= 0x10
        return [messages[0], replace(messages[1], body=bytes(body))]

    with opened(transport, next(jobs)) as stream:
        ledger = published(stream, [[2, 2]], damaged)
        with pytest.raises(InexactData, match=r"message 1 of partition 0 .* is damaged"):
            numbers(stream, ledger)


def test_a_message_too_many_is_named(transport, jobs):
    """The attempt that counts sent more than it reported."""
    with opened(transport, next(jobs)) as stream:
        messages = messages_of(stream, 0, [1, 1], 5)
        place = send(stream, 0, 5, messages)
        ledger = ledger_of(stream, [part_of(messages[:1], 0, 5, place)])
        with pytest.raises(InexactData, match=r"partition 0 .*expected 1 messages, found another one"):
            numbers(stream, ledger)


def test_what_an_attempt_did_not_finish_is_missed(transport, jobs):
    """A ledger that names an attempt whose task died in the middle is no success."""
    with opened(transport, next(jobs)) as stream:
        messages = messages_of(stream, 0, [1, 1], 5)
        with suppress(ZeroDivisionError), stream.writer(0, 5) as writer:
            writer.send(messages[0].header, messages[0].body)
            raise ZeroDivisionError
        ledger = ledger_of(stream, [part_of(messages, 0, 5, (0, 0, 1))])
        with pytest.raises(InexactData, match="partition 0"):
            numbers(stream, ledger, timeout=0.5)


def test_two_streams_of_a_job_do_not_meet(transport, jobs):
    """The training table and the table to evaluate on."""
    job = next(jobs)
    with opened(transport, job, "0") as one, opened(transport, job, "1") as other:
        first, second = published(one, [[2]]), published(other, [[1], [1]])
        assert numbers(one, first) == [0, 1]
        assert numbers(other, second) == [0, 1000]


def test_a_stop_ends_the_reading(transport, jobs):
    """Whoever waits for messages is asked in between."""

    def stop():
        raise Cancelled

    with opened(transport, next(jobs)) as stream:
        ledger = published(stream, [[1]])
        with pytest.raises(Cancelled):
            numbers(stream, ledger, stop=stop)


def test_reading_may_be_given_up(transport, jobs):
    """A reader that wants no more leaves nothing behind."""
    with opened(transport, next(jobs)) as stream:
        ledger = published(stream, [[1, 1, 1]])
        with closing(read_exactly(stream, ledger, timeout=2)) as batches:
            assert next(batches).num_rows == 1


def test_a_stream_is_plain_data(transport, jobs):
    """It can be pickled to another process, and all but the memory's can be written into a job file."""
    with opened(transport, next(jobs)) as stream:
        ledger = published(stream, [[2]])
        assert numbers(pickle.loads(pickle.dumps(stream)), ledger) == [0, 1]
        if transport.scheme != "memory":
            assert numbers(stream_from(stream.to_dict()), Ledger.from_dict(ledger.to_dict())) == [0, 1]


def test_a_stream_may_be_deleted_again(transport, jobs):
    """As whoever cleans up after a failure does."""
    with opened(transport, next(jobs)) as stream:
        published(stream, [[2]])
        stream.delete()


def test_sweeping_spares_the_living(transport, jobs):
    """What this process owns stays."""
    with opened(transport, next(jobs)) as stream:
        ledger = published(stream, [[2]])
        transport.sweep()
        assert numbers(stream, ledger) == [0, 1]
