"""The reader trusts nobody: what a message says of itself is compared with the ledger and the body."""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.bridge import codec
from mlsql.bridge.errors import InexactData
from mlsql.bridge.messages import Header, Ledger
from mlsql.bridge.publisher import send_all
from mlsql.bridge.subscriber import read_exactly
from mlsql.bridge.transports.memory import MemoryTransport

SCHEMA = pa.schema([("x", pa.int64())])


def publish(*partitions):
    """A stream and its ledger; a partition is the list of its messages' rows."""
    stream = MemoryTransport().open("job", "train", partitions=len(partitions))
    parts = []
    for partition, tables in enumerate(partitions):
        bodies = [(len(rows), codec.encode(pa.table({"x": rows}, schema=SCHEMA))) for rows in tables]
        with stream.writer(partition, 10 + partition) as writer:
            blank = Header("job", "train", partition, 10 + partition, 0, 0, 0, codec.fingerprint(SCHEMA))
            parts.append(send_all(bodies, writer, blank))
    ledger = Ledger("job", "train", codec.fingerprint(SCHEMA), codec.write_schema(SCHEMA), tuple(parts))
    return stream, ledger


def read(stream, ledger, **options):
    """The rows that arrive."""
    return [x for batch in read_exactly(stream, ledger, timeout=1, **options) for x in batch["x"].to_pylist()]


def forge(stream, index, **header):
    """Change the header of a message that is on its way."""
    message = stream.messages[index]
    stream.messages[index] = replace(message, header=replace(message.header, **header))


partitions = st.lists(
    st.lists(st.lists(st.integers(), max_size=3).map(lambda r: [x % 9 for x in r]), max_size=4), max_size=4
)


@given(partitions, st.randoms(use_true_random=False))
def test_any_interleaving_gives_each_row_once_and_in_order(tables, random):
    """Also across partitions, with repetitions and with messages of others in between."""
    stream, ledger = publish(*tables)
    strangers = [
        replace(message, header=replace(message.header, **{name: value}))
        for message in stream.messages
        for name, value in (("attempt", 99), ("stream", "evaluate"), ("job", "other"), ("partition", 99))
    ]
    again = [message for message in stream.messages if random.random() < 0.5]
    stream.messages[:] = random.sample(both := stream.messages + again + strangers, len(both))
    assert read(stream, ledger) == [x for messages in tables for rows in messages for x in rows]


@given(partitions.filter(any), st.data())
def test_no_loss_goes_unnoticed(tables, data):
    """Whichever messages are lost."""
    stream, ledger = publish(*tables)
    lost = data.draw(st.sets(st.sampled_from(range(len(stream.messages))), min_size=1))
    stream.messages[:] = [message for index, message in enumerate(stream.messages) if index not in lost]
    with pytest.raises(InexactData, match="is missing and no more came"):
        read(stream, ledger)


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ({"rows": 3}, r"message 1 of partition 0 of the stream 'train': expected 3 rows, found 2"),
        ({"schema": "other"}, r"expected the schema [0-9a-f]{16}, found other"),
        ({"crc32c": 1}, r"is damaged: expected the checksum 00000001, found"),
        ({"sequence": 2}, r"expected 2 messages, found another one, numbered 2"),
        ({"sequence": 0}, r"expected 2 messages with 4 rows, found 1; number 1 is missing"),
    ],
)
def test_a_header_that_lies_is_found_out(header, sentence):
    """By the body or by the ledger."""
    stream, ledger = publish([[1, 2], [3, 4]])
    forge(stream, 1, **header)
    with pytest.raises(InexactData, match=sentence):
        read(stream, ledger)


def test_another_message_with_a_right_checksum_is_found_out():
    """The ledger has the checksum of all checksums."""
    stream, ledger = publish([[1, 2], [3, 4]])
    other, _ = publish([[1, 2], [3, 5]])
    stream.messages[1] = other.messages[1]
    with pytest.raises(
        InexactData, match=r"partition 0 \(attempt 10\) .*expected 4 rows in .* with the checksum"
    ):
        read(stream, ledger)


def test_what_is_no_arrow_is_damaged():
    """Even when its checksum is right."""
    stream, ledger = publish([[1]])
    body = b"not Arrow"
    stream.messages[0] = replace(stream.messages[0], body=body)
    forge(stream, 0, crc32c=codec.checksum(body))
    with pytest.raises(InexactData, match="is no Arrow IPC stream"):
        read(stream, ledger)


def test_memory_for_what_comes_early_is_bounded():
    """A first message that never comes does not fill the memory with all others."""
    stream, ledger = publish([[number] for number in range(50)])
    del stream.messages[0]
    taken = []
    counting = replace(stream, messages=_Counting(stream.messages, taken))
    with pytest.raises(InexactData, match="number 0 is missing and what came after it no longer fits"):
        read(counting, ledger, early_bytes=10 * len(stream.messages[0].body))
    assert len(taken) == 11


def test_an_empty_frame_has_nothing_to_read():
    """No partition, or partitions without rows."""
    assert read(*publish()) == []
    assert read(*publish([], [])) == []


class _Counting(list):
    """A list that notes what is taken from it."""

    def __init__(self, items, taken):
        super().__init__(items)
        self._taken = taken

    def __iter__(self):
        for item in super().__iter__():
            self._taken.append(item)
            yield item
