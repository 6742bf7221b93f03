"""What Python answers is taken exactly as its type was declared, or refused."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from mlsql.udf.column_types import read_type
from mlsql.udf.script_answers import exact

TAKEN = [
    ("double", 3, 3.0),
    ("double", np.float32(0.5), 0.5),
    ("double", Decimal("1.5"), 1.5),
    ("double", np.array([2.0]), 2.0),
    ("long", 2**62, 2**62),
    ("long", 3.0, 3),
    ("integer", np.int64(7), 7),
    ("boolean", np.bool_(True), True),
    ("string", 5, "5"),
    ("binary", b"ab", bytearray(b"ab")),
    ("date", pd.Timestamp(2026, 1, 2, 3), dt.date(2026, 1, 2)),
    ("timestamp", pd.Timestamp(2026, 1, 2), pd.Timestamp(2026, 1, 2)),
    ("decimal(5,2)", 1.25, Decimal("1.25")),
    ("array(double)", np.array([1, 2]), [1.0, 2.0]),
    ("array(long)", pd.Series([1, 2]), [1, 2]),
    ("array(string)", (each for each in "ab"), ["a", "b"]),
    ("map(string,array(int))", {"a": [1, None]}, {"a": [1, None]}),
    ("st(field(a,long),field(b,string))", {"b": "x"}, (None, "x")),
    ("st(field(a,long),field(b,string))", (1, None), (1, None)),
    ("array(double)", None, None),
]
REFUSED = [
    ("double", "3"),
    ("integer", 2**31),
    ("long", 2.5),
    ("boolean", 1),
    ("string", [1]),
    ("date", "2026-01-02"),
    ("timestamp", dt.date(2026, 1, 2)),
    ("array(double)", "ab"),
    ("array(double)", ["x"]),
    ("map(string,int)", [("a", 1)]),
    ("st(field(a,long))", {"c": 1}),
    ("st(field(a,long))", (1, 2)),
]


@pytest.mark.parametrize(("kind", "answer", "taken"), TAKEN)
def test_what_is_exactly_meant_is_taken(kind, answer, taken):
    """Numbers, arrays and times of numpy and pandas among them."""
    came = exact(answer, read_type(kind))
    assert (came, type(came)) == (taken, type(taken))
    assert came == taken


@pytest.mark.parametrize(("kind", "answer"), REFUSED)
def test_what_would_have_to_be_guessed_is_refused(kind, answer):
    """Where Spark would answer null without a word."""
    with pytest.raises(TypeError, match="which is no"):
        exact(answer, read_type(kind))
