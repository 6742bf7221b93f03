"""Bodies hold exactly the rows that went in, and are never too large."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.bridge import codec
from mlsql.bridge.errors import TransportError

CELLS = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(),
    pa.float32(): st.floats(width=32),
    pa.bool_(): st.booleans(),
    pa.string(): st.text(max_size=5),
    pa.binary(): st.binary(max_size=5),
    pa.decimal128(9, 2): st.decimals(-1_000_000, 1_000_000, places=2),
    pa.date32(): st.dates(),
    pa.list_(pa.float64()): st.lists(st.none() | st.floats(), max_size=4),
    pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))]): st.fixed_dictionaries(
        {"a": st.none() | st.integers(-9, 9), "b": st.none() | st.lists(st.text(max_size=2), max_size=2)}
    ),
}


@st.composite
def batches(draw, max_rows=12):
    """A record batch of any columns, with nulls, NaN, empty and nested values."""
    kinds = draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=4))
    rows = draw(st.integers(0, max_rows))
    columns = [
        pa.array(draw(st.lists(st.none() | CELLS[kind], min_size=rows, max_size=rows)), kind)
        for kind in kinds
    ]
    return pa.RecordBatch.from_arrays(columns, names=[f"c{number}" for number in range(len(kinds))])


def contents(given_batches):
    """Rows to compare: as text, since NaN is not equal to itself."""
    return [repr(row) for batch in given_batches for row in batch.to_pylist()]


@given(batches())
def test_decoding_undoes_encoding(batch):
    """Whatever the types and values."""
    found = codec.decode(codec.encode(pa.Table.from_batches([batch])))
    assert contents(found) == contents([batch])
    assert all(each.schema == batch.schema for each in found)


@given(batches(), st.integers(0, 12), st.integers(1, 3), st.integers(4096, 9000))
def test_bodies_hold_all_rows_in_order_and_are_small_enough(batch, start, times, limit):
    """However the rows come and wherever they are cut."""
    given_batches = [batch.slice(start)] * times
    made = list(codec.bodies(given_batches, batch.schema, limit))
    assert [rows for rows, _ in made] == [sum(b.num_rows for b in codec.decode(body)) for _, body in made]
    assert contents(b for _, body in made for b in codec.decode(body)) == contents(given_batches)
    assert all(len(body) <= limit for _, body in made)


def test_bodies_are_filled():
    """Small batches are put together, a large one is cut evenly."""
    small = [pa.record_batch({"x": pa.array([0.0] * 100)})] * 1000
    large = [pa.record_batch({"x": pa.array([0.0] * 100_000)})]
    for given_batches in (small, large):
        sizes = [len(body) for _, body in codec.bodies(given_batches, given_batches[0].schema, 100_000)]
        assert len(sizes) <= 11


def test_rows_of_very_different_sizes_fit():
    """The size of a batch says little about its rows."""
    batch = pa.record_batch({"x": ["x" * (90_000 if number == 700 else 1) for number in range(1000)]})
    made = list(codec.bodies([batch], batch.schema, 100_000))
    assert sum(rows for rows, _ in made) == 1000
    assert all(len(body) <= 100_000 for _, body in made)


def test_a_row_that_does_not_fit_names_the_setting():
    """Not even alone in a message."""
    batch = pa.record_batch({"x": ["x" * 5000]})
    with pytest.raises(TransportError, match=r"a row takes 5,.* bytes, and a message only 2,000") as caught:
        list(codec.bodies([batch], batch.schema, 2000))
    assert "bridge.message_bytes" in str(caught.value)


def test_bodies_have_the_schema_of_the_ledger():
    """What Spark calls a time in another zone, or large text, comes out as the ledger says."""
    batch = pa.record_batch(
        {"t": pa.array([0], pa.timestamp("us", "Europe/Berlin")), "s": pa.array(["a"], pa.large_string())}
    )
    schema = pa.schema([("t", pa.timestamp("us", "UTC")), ("s", pa.string())])
    [(_, body)] = codec.bodies([batch], schema, 10_000)
    [decoded] = codec.decode(body)
    assert decoded.schema == schema
    assert decoded.column("s").to_pylist() == ["a"]


@given(batches())
def test_a_schema_survives_as_text(batch):
    """As the ledger carries it."""
    assert codec.read_schema(codec.write_schema(batch.schema)) == batch.schema


def test_fingerprints_tell_types_and_names_apart_but_not_metadata():
    """The same columns have the same fingerprint wherever they are made."""
    schema = pa.schema([("x", pa.int64())])
    other = [pa.schema([("x", pa.int32())]), pa.schema([("y", pa.int64())])]
    assert codec.fingerprint(schema) == codec.fingerprint(schema.with_metadata({"made": "by pandas"}))
    assert codec.fingerprint(schema) not in map(codec.fingerprint, other)
