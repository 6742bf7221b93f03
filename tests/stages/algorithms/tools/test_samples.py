from __future__ import annotations

import pytest

from mlsql.bridge.errors import OptionFault

pytestmark = pytest.mark.spark


def taken(scripts, options, table="t"):
    """Which of the numbers are taken."""
    return {
        row.n for row in scripts(f"run {table} as TakeRandomSampleExt.`` where {options} as s;").collect()
    }


def test_a_sample_is_always_the_same(scripts):
    """Whatever the partitions; another seed takes other rows."""
    scripts("select id as n from range(500) as t; select * from t distribute by n % 3 as shuffled;")
    ten = taken(scripts, 'size="10"')
    assert len(ten) == 10
    assert taken(scripts, 'size="10"', "shuffled") == ten != taken(scripts, 'size="10" and seed="1"')
    share = taken(scripts, 'fraction="0.2"')
    assert 60 < len(share) < 140
    assert taken(scripts, 'fraction="0.2" and size="7"') <= share
    assert len(taken(scripts, 'fraction="1" and size="-1"')) == 500


def test_a_made_up_table_has_the_columns_asked_for(scripts):
    """Numbers in [0, 1), labels from 0 on, the same values each time; lazy, so of any size."""
    options = 'columns="id,features,label" and size="200" and featuresSize="3" and labelSize="4"'
    frame = scripts(f"run command as SampleDatasetExt.`` where {options} as mock;")
    assert frame.dtypes == [("id", "bigint"), ("features", "array<double>"), ("label", "int")]
    rows = frame.collect()
    values = [value for row in rows for value in row.features]
    assert len(set(values)) == 600
    assert 0 <= min(values) < 0.05
    assert 0.95 < max(values) < 1
    assert {row.label for row in rows} == {0, 1, 2, 3}
    assert frame.repartition(3).orderBy("id").collect() == rows
    assert scripts("run command as SampleDatasetExt.`` as plain;").columns == ["id"]


def test_an_unknown_column_is_named(scripts):
    """With the nearest."""
    with pytest.raises(OptionFault, match="no column is called 'feature'") as caught:
        scripts('run command as SampleDatasetExt.`` where columns="feature" as t;')
    assert caught.value.hint == "did you mean 'features'?"
