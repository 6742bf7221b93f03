"""What travels survives being written down."""

import json

from hypothesis import given
from hypothesis import strategies as st

from mlsql.bridge.messages import Header, Ledger, Part

number = st.integers(0, 2**62)
text = st.text(max_size=8)
headers = st.builds(Header, text, text, number, number, number, number, number, text)
parts = st.builds(
    Part,
    partition=number,
    attempt=number,
    messages=number,
    rows=number,
    bytes=number,
    crc32c=number,
    channel=st.none() | number,
    first_offset=st.none() | number,
    last_offset=st.none() | number,
)
ledgers = st.builds(Ledger, text, text, text, text, st.lists(parts, max_size=3).map(tuple))


@given(headers)
def test_a_header_survives_json_and_text(header):
    """As the spool and as Kafka's record headers carry it."""
    raw = header.to_dict()
    assert Header.from_dict(json.loads(json.dumps(raw))) == header
    assert Header.from_dict({name: str(value) for name, value in raw.items()}) == header


@given(ledgers)
def test_a_ledger_survives_json(ledger):
    """As a job file carries it."""
    assert Ledger.from_dict(json.loads(json.dumps(ledger.to_dict()))) == ledger


@given(ledgers)
def test_a_ledger_sums_its_parts(ledger):
    """Rows and bytes of the frame are those of its partitions."""
    assert ledger.rows == sum(part.rows for part in ledger.parts)
    assert ledger.bytes == sum(part.bytes for part in ledger.parts)
