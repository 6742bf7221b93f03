"""The digest of rows depends on the rows and their order alone."""

from collections import Counter
from datetime import UTC
from itertools import pairwise

import pyarrow as pa
import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from mlsql.bridge.digest import Digest

SCHEMA = pa.schema(
    [
        ("i", pa.int32()),
        ("x", pa.float64()),
        ("b", pa.bool_()),
        ("s", pa.string()),
        ("d", pa.decimal128(9, 2)),
        ("t", pa.timestamp("us", "UTC")),
        ("v", pa.list_(pa.float32())),
        ("n", pa.struct([("a", pa.string()), ("l", pa.list_(pa.list_(pa.int8())))])),
        ("m", pa.map_(pa.string(), pa.int64())),
    ]
)
maybe = st.none()
rows = st.fixed_dictionaries(
    {
        "i": maybe | st.integers(-5, 5),
        "x": maybe | st.floats(allow_nan=False),
        "b": maybe | st.booleans(),
        "s": maybe | st.text(max_size=3),
        "d": maybe | st.decimals(-10, 10, places=2),
        "t": maybe | st.datetimes(timezones=st.just(UTC)),
        "v": maybe | st.lists(maybe | st.floats(width=32, allow_nan=False), max_size=3),
        "n": maybe
        | st.fixed_dictionaries(
            {
                "a": maybe | st.text(max_size=2),
                "l": maybe | st.lists(maybe | st.lists(maybe | st.integers(0, 3), max_size=2), max_size=2),
            }
        ),
        "m": maybe
        | st.dictionaries(st.text(max_size=2), maybe | st.integers(0, 9), max_size=2).map(
            lambda d: list(d.items())
        ),
    }
)
tables = st.lists(rows, max_size=12)


def digest_of(*batches):
    """The digest of record batches of SCHEMA."""
    digest = Digest(SCHEMA)
    for batch in batches:
        digest.add(batch)
    return digest


def batch_of(values):
    """A record batch of SCHEMA."""
    return pa.RecordBatch.from_pylist(values, schema=SCHEMA)


@given(tables, st.lists(st.integers(0, 12), max_size=4))
def test_it_does_not_see_how_rows_are_cut(values, cuts):
    """Neither pieces made anew nor slices that share memory."""
    whole = digest_of(batch_of(values))
    edges = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    spans = list(pairwise(edges))
    anew = digest_of(*(batch_of(values[start:end]) for start, end in spans))
    slices = digest_of(*(batch_of(values).slice(start, end - start) for start, end in spans))
    assert whole.checksum == anew.checksum == slices.checksum
    assert whole.nulls == anew.nulls == slices.nulls
    assert whole.rows == anew.rows == slices.rows == len(values)


@given(st.lists(rows, min_size=1, max_size=5, unique_by=repr), st.randoms(use_true_random=False))
def test_it_sees_another_order_and_another_row(values, random):
    """Any permutation that changes something, and a row left out."""
    mixed = random.sample(values, len(values))
    checksum = digest_of(batch_of(values)).checksum
    assert (checksum == digest_of(batch_of(mixed)).checksum) == (mixed == values)
    assert checksum != digest_of(batch_of(values[1:])).checksum


def test_what_lies_under_a_null_does_not_count():
    """Memory under a null is arbitrary."""
    schema = pa.schema([("x", pa.int64())])
    checksums = set()
    for hidden in (7, 8):
        valid = pa.array([1, hidden], pa.int64())
        column = pa.Array.from_buffers(pa.int64(), 2, [pa.py_buffer(bytes([0b01])), valid.buffers()[1]])
        digest = Digest(schema)
        digest.add(pa.RecordBatch.from_arrays([column], schema=schema))
        checksums.add(digest.checksum)
    assert len(checksums) == 1


def test_nulls_are_counted_by_column_and_inside():
    """The keys are those that a caller looks for."""
    values = [
        {"i": None, "v": [1.0, None, None], "n": {"a": None, "l": None}},
        {"i": 1, "v": None, "n": None, "m": [("k", None)]},
    ]
    nulls = Counter(digest_of(batch_of(values)).nulls)
    assert nulls["i"] == 1
    assert nulls["v"] == 1
    assert nulls["v[]"] == 2
    assert nulls["n"] == 1
    assert nulls["n.a"] == 1


def test_the_formula_is_the_documented_one():
    """By hand for one column of numbers and one of texts."""
    schema = pa.schema([("x", pa.int64()), ("s", pa.string())])
    digest = Digest(schema)
    digest.add(pa.RecordBatch.from_pylist([{"x": 3, "s": "ab"}, {"x": None, "s": ""}], schema=schema))

    def crc(*numbers):
        return crc32c(b"".join(n.to_bytes(8, "little") for n in numbers))

    lines = [crc(1), 0, crc(3), 0, crc(2, 0), crc32c(b"ab")]
    assert digest.checksum == f"{crc32c(b''.join(line.to_bytes(4, 'little') for line in lines)):08x}"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.large_string(), "a"),
        (pa.large_list(pa.int8()), [1, 2]),
        (pa.list_(pa.large_string()), ["a", "bc"]),
        (pa.binary(), b"a"),
        (pa.date32(), 3),
        (pa.null(), None),
    ],
)
def test_other_types_are_digested_too(kind, value):
    """Those that the law above leaves out."""
    digests = []
    for values in ([None, value, value], [value, value, value]):
        digests.append(Digest(pa.schema([("x", kind)])))
        digests[-1].add(pa.RecordBatch.from_arrays([pa.array(values, kind)], names=["x"]))
    assert digests[0].nulls["x"] == (3 if value is None else 1)
    assert (digests[0].checksum == digests[1].checksum) == (value is None)
