"""Figures of columns equal those of NumPy on all rows at once, however the rows were cut."""

from __future__ import annotations

import json
import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsql.bridge.statistics import MOST_DISTINCT, MOST_FREQUENT, Moments, Observer, Statistics
from mlsql.models.summaries import ColumnSummary

NUMBERS = st.lists(st.floats(-1e12, 1e12) | st.just(math.nan) | st.just(-math.inf) | st.none(), max_size=40)
CUTS = st.lists(st.integers(0, 40), max_size=4)


def summary_of(values, kind, *, cuts=(), label=False):
    """The figures of one column, given in pieces."""
    schema = pa.schema([("x", kind)])
    statistics = Statistics(schema, "x" if label else None)
    edges = sorted({0, *(cut for cut in cuts if cut < len(values)), len(values)})
    for start, end in pairwise(edges):
        statistics.add(pa.record_batch([pa.array(values[start:end], kind)], schema=schema))
        statistics._flush()
    return statistics.columns()["x"]


@given(NUMBERS, CUTS)
@settings(max_examples=60, deadline=None)
def test_the_figures_of_numbers_are_those_of_numpy(values, cuts):
    """Without nulls and what is not finite, which are counted."""
    found = summary_of(values, pa.float64(), cuts=cuts)
    given = np.array([value for value in values if value is not None])
    finite = given[np.isfinite(given)] if len(given) else given
    assert (found.nulls, found.count) == (values.count(None), len(given))
    assert found.not_finite == len(given) - len(finite)
    if not len(finite):
        assert found.min is found.max is found.mean is found.deviation is None
        return
    assert (found.min, found.max) == (finite.min(), finite.max())
    assert found.mean == pytest.approx(finite.mean(), rel=1e-9, abs=1e-3)
    assert found.deviation == pytest.approx(finite.std(), rel=1e-6, abs=1e-3)


def test_large_numbers_close_together_keep_their_digits():
    """Also when their squares have lost them, and when the batches lie apart."""
    random = np.random.default_rng(3)
    values = np.concatenate([1e9 + random.normal(size=20_000), -1e9 + random.normal(size=20_000)])
    for part in (values[:20_000], values):
        moments = Moments()
        moments.add(part)
        assert moments.deviation == pytest.approx(part.std(), rel=1e-9)
        assert moments.mean == pytest.approx(part.mean(), rel=1e-9, abs=1e-3)


def test_numbers_at_the_end_of_their_range_have_figures_too():
    """What a double cannot hold is left out; JSON has no infinity."""
    found = summary_of([1.7e308, 1.7e308, -1.7e308], pa.float64())
    assert found.mean == pytest.approx(1.7e308 / 3)
    assert (found.max, found.deviation, found.not_finite) == (1.7e308, None, 0)


@pytest.mark.parametrize(
    ("values", "kind", "mean"),
    [
        ([True, False, True, None], pa.bool_(), 2 / 3),
        ([1, 2, 2**40], pa.int64(), (3 + 2**40) / 3),
        ([1.5, 2.5], pa.float32(), 2.0),
        ([None, None], pa.null(), None),
        ([[1.0, 2.0], None, [], [3.0, None]], pa.list_(pa.float64()), 2.0),
        ([[1.0, 2.0], [4.0, 5.0]], pa.list_(pa.float32(), 2), 3.0),
    ],
)
def test_each_kind_of_number_has_a_mean(values, kind, mean):
    """Of an array it is that of its entries."""
    found = summary_of(values, kind)
    assert found.mean == (None if mean is None else pytest.approx(mean))
    assert found.distinct is None


def test_a_sparse_vector_counts_the_zeros_that_it_does_not_hold():
    """As if it were dense, which it never becomes: its width does not matter."""
    kind = pa.struct(
        [
            ("type", pa.int8()),
            ("size", pa.int32()),
            ("indices", pa.list_(pa.int32())),
            ("values", pa.list_(pa.float64())),
        ]
    )
    sparse = {"type": 0, "size": 6, "indices": [1, 4], "values": [3.0, -1.0]}
    dense = {"type": 1, "size": None, "indices": None, "values": [0.0, 2.0]}
    found = summary_of([sparse, None, dense], kind, cuts=[1])
    plain = np.array([0, 3, 0, 0, -1, 0, 0, 2.0])
    assert (found.count, found.nulls, found.min, found.max) == (8, 1, -1.0, 3.0)
    assert (found.mean, found.deviation) == (pytest.approx(plain.mean()), pytest.approx(plain.std()))
    wide = summary_of([sparse | {"size": 2**31 - 1}] * 3, kind)
    assert (wide.count, wide.max) == (3 * (2**31 - 1), 3.0)


@given(st.lists(st.sampled_from(["a", "b", "", "长", None]), max_size=40), CUTS)
@settings(max_examples=40, deadline=None)
def test_texts_are_counted(values, cuts):
    """Each value with how often it comes."""
    found = summary_of(values, pa.string(), cuts=cuts)
    expected = Counter(value for value in values if value is not None)
    assert dict(found.frequent) == expected
    assert (found.distinct, found.count) == (len(expected), sum(expected.values()))


def test_a_label_of_numbers_is_counted_by_class_as_well():
    """All its classes are kept, the most frequent first; of a feature the first few."""
    values = [number for number in range(50) for _ in range(number + 1)]
    label = summary_of(values, pa.int32(), label=True)
    assert label.frequent == tuple((number, number + 1) for number in reversed(range(50)))
    texts = summary_of([str(value) for value in values], pa.string())
    assert (texts.distinct, len(texts.frequent)) == (50, MOST_FREQUENT)
    assert texts.frequent[0] == ("49", 50)


def test_too_many_values_are_not_counted():
    """Memory stays small; long texts are kept by their beginning."""
    found = summary_of([str(number) for number in range(MOST_DISTINCT + 1)], pa.string(), cuts=[30])
    assert (found.distinct, found.frequent) == (None, ())
    assert summary_of(["x" * 500], pa.string()).frequent == (("x" * 100 + "…", 1),)


def test_what_is_neither_number_nor_text_is_counted_by_its_nulls():
    """As a time is."""
    found = summary_of([0, None], pa.timestamp("us"))
    assert (found.count, found.nulls, found.mean) == (1, 1, None)


def test_an_observer_tells_plain_values_of_all_it_was_given():
    """In a thread that ends with it; JSON keeps them."""
    schema = pa.schema([("x", pa.float64()), ("y", pa.string())])
    batch = pa.record_batch([pa.array([1.0, 3.0]), pa.array(["a", None])], schema=schema)
    with Observer(schema, "y") as observer:
        for _ in range(30):
            observer.add(batch)
        figures = json.loads(json.dumps(observer.columns()))
    summaries = {name: ColumnSummary.from_record(each) for name, each in figures.items()}
    assert (summaries["x"].count, summaries["x"].mean, summaries["x"].deviation) == (60, 2.0, 1.0)
    assert (summaries["y"].frequent, summaries["y"].nulls) == ((("a", 30),), 30)
