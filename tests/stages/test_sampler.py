from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as sf

from mlsql.errors import DataError, InvalidOption, MissingColumn
from mlsql.grammar.nodes import Word
from mlsql.spans import Script
from mlsql.spark.sessions import job_group
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.sampler import SPLIT, RateSampler, SamplerOptions

pytestmark = pytest.mark.spark

NOWHERE = Script("test.mlsql", "run t as RateSampler.``").span(0, 23)
WORD = Word("t", NOWHERE)

shares = st.lists(st.integers(1, 20), min_size=1, max_size=5).map(
    lambda weights: (*(weight / 100 for weight in weights[1:]), (100 - sum(weights[1:])) / 100)
)
small_tables = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), st.one_of(st.none(), st.integers(0, 3))), max_size=40
)


def split(frame, **options):
    """The frame that RateSampler makes of *frame*."""
    return RateSampler().transform(Call(frame, WORD, WORD, SamplerOptions(**options), {}, NOWHERE), None)


def counted(frame):
    """How often each row is there."""
    return Counter(map(tuple, frame.collect()))


def largest_remainder(total, rates):
    """How many of *total* rows each part gets, by the book."""
    exact = [Fraction(repr(rate)) for rate in rates]
    seats = [int(total * share) for share in exact]
    order = sorted(range(len(rates)), key=lambda part: (seats[part] - total * exact[part], part))
    for part in order[: total - sum(seats)]:
        seats[part] += 1
    return seats


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=small_tables, rates=shares, exact=st.booleans())
def test_no_row_is_lost_and_none_is_added(spark, rows, rates, exact):
    """Without ``__split__`` the table is the one that went in."""
    frame = spark.createDataFrame(rows, "label string, n int")
    result = split(frame, rates=rates, exact=exact).collect()
    assert Counter(tuple(row[:-1]) for row in result) == Counter(rows)
    assert {row[SPLIT] for row in result} <= set(range(len(rates)))


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=small_tables, rates=shares)
def test_within_each_label_the_shares_are_exact(spark, rows, rates):
    """By largest remainder, and a null label is a label of its own."""
    frame = spark.createDataFrame(rows, "label string, n int")
    result = split(frame, rates=rates, exact=True)
    found = Counter((row.label, row[SPLIT]) for row in result.collect())
    for label, total in Counter(label for label, _ in rows).items():
        assert [found[label, part] for part in range(len(rates))] == largest_remainder(total, rates)


@pytest.mark.parametrize("exact", [False, True])
def test_the_split_does_not_depend_on_partitions_or_order(spark, exact):
    """The same rows in other partitions and another order fall into the same parts."""
    frame = spark.range(3000).selectExpr("id % 700 as n", "id % 3 as label", "if(id % 5 = 0, null, 'x') as s")
    expected = counted(split(frame, exact=exact))
    for shuffled in (frame.repartition(7), frame.orderBy(sf.rand()), frame.coalesce(1)):
        assert counted(split(shuffled, exact=exact)) == expected


def test_expected_shares_are_near_the_rates(spark):
    """Without exactness each row is drawn on its own, with the probability of the share."""
    parts = split(spark.range(20_000), rates=(0.7, 0.2, 0.1)).groupBy(SPLIT).count().collect()
    found = {row[SPLIT]: row["count"] / 20_000 for row in parts}
    assert found == pytest.approx({0: 0.7, 1: 0.2, 2: 0.1}, abs=0.015)


def test_equal_rows_are_told_apart(spark):
    """A table of one row a thousand times is split like any other."""
    parts = split(spark.range(1000).selectExpr("1 as a"), rates=(0.5, 0.5)).groupBy(SPLIT).count().collect()
    assert {row[SPLIT] for row in parts} == {0, 1}
    assert all(400 < row["count"] < 600 for row in parts)


def test_another_seed_gives_another_split(spark):
    """And the same seed the same."""
    frame = spark.range(1000)
    one, other, again = (counted(split(frame, seed=seed)) for seed in (1, 2, 1))
    assert one == again != other


def test_a_part_can_be_split_again(spark):
    """Its rows fall into all parts, though their hashes all lay at one end."""
    part = split(spark.range(2000), rates=(0.8, 0.2)).where(f"{SPLIT} = 1").drop(SPLIT)
    parts = split(part, rates=(0.5, 0.5)).groupBy(SPLIT).count().collect()
    assert all(row["count"] > 100 for row in parts)
    assert len(parts) == 2


def test_columns_of_any_type_take_part(spark):
    """Maps, arrays with nulls, structs, variants and vectors do not stop a split and tell rows apart."""
    from pyspark.ml.linalg import Vectors

    vectors = spark.createDataFrame([(n, Vectors.dense([n, 1.0])) for n in range(50)], ["n", "v"])
    frame = vectors.selectExpr(
        "map('a', n) as m",
        "array(n, null) as a",
        "struct(n) as s",
        "v",
        "to_variant_object(array(n)) as w",
        "null as z",
    )
    result = split(frame, rates=(0.5, 0.5))
    assert result.schema.fieldNames() == ["m", "a", "s", "v", "w", "z", SPLIT]
    assert {row[SPLIT] for row in result.collect()} == {0, 1}


def test_nulls_do_not_make_rows_equal(spark):
    """Rows that differ only in where a null stands are numbered apart, so that the split is stable."""
    frame = spark.createDataFrame([(None, 1), (1, None)] * 50, "a int, b int")
    assert counted(split(frame.repartition(1))) == counted(split(frame.repartition(5)))


def test_columns_of_the_user_may_have_any_name(spark):
    """Names that the sampler uses itself are not disturbed, in any case."""
    frame = spark.range(100).selectExpr("id as __SAMPLER_0", "id % 2 as `__sampler_1`", "id as `a ``b.c`")
    result = split(frame, label="A `B.C", exact=True)
    assert result.columns == [*frame.columns, SPLIT]
    assert counted(result.drop(SPLIT)) == counted(frame)


def test_a_split_starts_no_spark_job(spark):
    """The table is lazy, as every table."""
    tracker = spark.sparkContext.statusTracker()
    with job_group(spark, "sampler-laziness", ""):
        split(spark.range(10).withColumn("label", sf.lit(1)), exact=True)
    assert list(tracker.getJobIdsForGroup("sampler-laziness")) == []


def test_in_a_script(scripts):
    """The part of each row is an int column."""
    scripts.table("t", [(n, n % 2) for n in range(100)], "n int, label int")
    marked = scripts(
        'run t as RateSampler.`` where labelCol="label" and sampleRate="0.8,0.2" '
        'and isSplitWithSubLabel="true" as marked;'
    )
    assert marked.schema[SPLIT].dataType.simpleString() == "int"
    assert marked.where(f"{SPLIT} = 1").count() == 20
    assert scripts("select * except (__split__) from marked as again;").columns == ["n", "label"]


@pytest.mark.parametrize(
    ("options", "error", "shown"),
    [
        ('labelCol="lable"', MissingColumn, 'labelCol="lable"'),
        ('sampleRate="0.8,0.3"', InvalidOption, '"0.8,0.3"'),
        ('sampleRate="0.8;0.2"', InvalidOption, '"0.8;0.2"'),
    ],
)
def test_what_is_wrong_is_shown_where_it_stands(scripts, options, error, shown):
    """The span is that of the option to blame."""
    scripts.table("t", [(1, 1)], "n int, label int")
    with pytest.raises(error) as caught:
        scripts(f"run t as RateSampler.`` where {options} as marked;")
    assert caught.value.span.text == shown


def test_a_table_that_is_split_already_is_refused(scripts):
    """Nothing of the user's is overwritten; the hint says how to go on."""
    scripts.table("t", [(1, 1)], "n int, __Split__ int")
    with pytest.raises(DataError, match="__split__") as caught:
        scripts("run t as RateSampler.`` as marked;")
    assert "except" in caught.value.hint


def test_without_a_name_the_rows_are_saved_in_the_place_of_an_earlier_sample_alone(scripts, tmp_path):
    """As scripts of 2018 have it; a model, or another table, is not overwritten."""
    scripts.table("t", [(n, n % 2) for n in range(10)], "n int, label int")
    for _ in range(2):
        scripts(f"run t as RateSampler.`{tmp_path}/sample`;")
    assert scripts(f"load parquet.`{tmp_path}/sample` as saved;").count() == 10
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="something other than a table with __split__"):
        scripts(f"run t as RateSampler.`{tmp_path}/model`;")
    assert (tmp_path / "model" / "notes.txt").read_text() == "mine"
