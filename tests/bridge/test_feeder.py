"""The feeder's file is complete or is not there."""

import errno
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.bridge import codec
from mlsql.bridge.errors import InexactData, TransportError
from mlsql.bridge.feeder import fetch
from mlsql.bridge.messages import Header, Ledger
from mlsql.bridge.publisher import send_all
from mlsql.bridge.transports.memory import MemoryTransport
from mlsql.errors import Cancelled

SCHEMA = pa.schema([("x", pa.float64()), ("v", pa.list_(pa.float64()))])
ROWS = [{"x": float(n) if n % 3 else None, "v": [n / 7, None]} for n in range(40)]


def publish(partitions):
    """A stream and its ledger; a partition is the list of its messages, each a list of rows."""
    stream = MemoryTransport().open("job", "train", partitions=1)
    parts = []
    for partition, messages in enumerate(partitions):
        tables = [pa.Table.from_pylist(rows, schema=SCHEMA) for rows in messages]
        blank = Header("job", "train", partition, 1, 0, 0, 0, codec.fingerprint(SCHEMA))
        with stream.writer(partition, 1) as writer:
            parts.append(send_all([(len(table), codec.encode(table)) for table in tables], writer, blank))
    return stream, Ledger("job", "train", codec.fingerprint(SCHEMA), codec.write_schema(SCHEMA), tuple(parts))


def read_file(file):
    """The rows of an Arrow IPC file."""
    with pa.memory_map(str(file)) as source, pa.ipc.open_file(source) as reader:
        return reader.read_all().to_pylist()


def test_the_file_holds_the_rows_and_what_is_known_of_them(tmp_path):
    """Rows, bytes, nulls by column and inside arrays."""
    stream, ledger = publish([[ROWS[:10], ROWS[10:25]], [], [ROWS[25:]]])
    fetched = fetch(stream, ledger, tmp_path, timeout=1)
    assert fetched.file == tmp_path / "train.arrow"
    assert read_file(fetched.file) == ROWS
    assert (fetched.rows, fetched.bytes) == (40, ledger.bytes)
    assert fetched.nulls == {"x": 14, "v": 0, "v[]": 40}
    assert fetched.seconds > 0


@given(st.lists(st.integers(0, 40), max_size=5), st.integers(0, 40))
def test_the_checksum_does_not_see_messages_and_partitions(tmp_path_factory, cuts, border):
    """Only the rows and their order count."""
    folder = tmp_path_factory.mktemp("feeder")
    edges = [0, *sorted(cuts), 40]
    messages = [ROWS[start:end] for start, end in pairwise(edges)]
    plain = fetch(*publish([[ROWS]]), folder, timeout=1)
    cut = fetch(*publish([messages]), folder, timeout=1)
    spread = fetch(*publish([[ROWS[:border]], [ROWS[border:]]]), folder, timeout=1)
    mixed = fetch(*publish([[ROWS[1:], ROWS[:1]]]), folder, timeout=1)
    assert plain.checksum == cut.checksum == spread.checksum != mixed.checksum


def test_an_empty_frame_gives_a_file_with_its_columns(tmp_path):
    """So that whoever opens it can say that there are no rows."""
    fetched = fetch(*publish([]), tmp_path, timeout=1)
    assert read_file(fetched.file) == []
    assert fetched.nulls == {"x": 0, "v": 0, "v[]": 0}


def test_a_failure_leaves_no_file(tmp_path):
    """A lost message, after some had been written."""
    stream, ledger = publish([[ROWS[:10], ROWS[10:]]])
    del stream.messages[1]
    with pytest.raises(InexactData):
        fetch(stream, ledger, tmp_path, timeout=1)
    assert list(tmp_path.iterdir()) == []


def test_a_stop_leaves_no_file(tmp_path):
    """Asked between messages."""
    seen = []

    def stop():
        if seen:
            raise Cancelled

    stream, ledger = publish([[ROWS[:10], ROWS[10:]]])
    with pytest.raises(Cancelled):
        fetch(stream, ledger, tmp_path, timeout=1, stop=stop, report=seen.append)
    assert seen == [10]
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named(tmp_path):
    """By the file that could not be written."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / "train.tmp").symlink_to(full)
    stream, ledger = publish([[ROWS]])
    with pytest.raises(TransportError, match=r"train\.arrow' cannot be written: No space left") as caught:
        fetch(stream, ledger, tmp_path, timeout=1)
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_of_another_schema_is_refused(tmp_path):
    """The fingerprint says so."""
    stream, ledger = publish([[ROWS]])
    with pytest.raises(InexactData, match="expected the schema other"):
        fetch(stream, replace(ledger, schema="other"), tmp_path, timeout=1)
