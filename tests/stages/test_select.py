from __future__ import annotations

import pytest

from mlsql.errors import SqlError

pytestmark = pytest.mark.spark


def test_a_select_names_its_rows(scripts):
    """Later statements see the name, and a later table of that name replaces it."""
    assert scripts.rows("select 1 as a as t; select a + 1 as a from t as t; select * from t as u;") == [
        {"a": 2}
    ]


def test_the_last_select_needs_no_name(scripts):
    """Its rows are the result, and no table is left behind."""
    assert scripts.rows("select 1") == [{"1": 1}]
    assert [table for table in scripts.run.spark.catalog.listTables() if table.isTemporary] == []


def test_nothing_is_computed_before_it_is_used(scripts):
    """A select that would fail on its data is fine as long as nobody reads it."""
    assert scripts("select assert_true(false) as a as t;") is not None


def test_what_spark_refuses_is_placed_in_the_text(scripts):
    """An unknown column is shown where it stands."""
    with pytest.raises(SqlError) as caught:
        scripts("select 1 as amount as t;\nselect amuont from t as u;")
    assert caught.value.span.text == "amuont"
    assert caught.value.span.line == 2
