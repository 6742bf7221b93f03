"""The tables and columns that a query names, by its tokens."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.grammar.query_names import column_words, table_names
from tests.strategies import queries


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("select 1", []),
        ("select * from a", ["a"]),
        ("select * from a, b x, c as y where 1 = 1", ["a", "b", "c"]),
        ("select * from a x left join b on x.i = b.i cross join `c d`", ["a", "b", "c d"]),
        ("select * from (select * from a) x, b", ["b", "a"]),
        ("select * from db.a, b", []),
        ("select * from csv.`/x.csv`", []),
        ("select * from range(3) join a", ["a"]),
        ("select x from (values (1)) as t(x), b", ["b"]),
        ("select * from a lateral view explode(x) t as y", ["a"]),
        ("select extract(year from day), trim(both ' ' from name) from a", ["a"]),
        ("select * from a join b on a.x is distinct from b.y", ["a", "b"]),
        ("with a as (select * from b), c (x, y) as (select 1, 2) select * from A join c join d", ["b", "d"]),
        ("select * from ${a} join b", ["b"]),
        ("select 'from a' from b -- from c", ["b"]),
        ("select from", []),
        ("select * from (", []),
    ],
)
def test_tables_stand_behind_from_and_join(query, names):
    """Not those of other databases, files and functions, nor what ``with`` names."""
    assert [each.name for each in table_names(query)] == names


@given(queries)
def test_a_table_stands_where_it_is_said_to_stand(query):
    """Name and place agree, in any text."""
    for each in table_names(query.text):
        assert query.text[each.start : each.end].strip("`").replace("``", "`") == each.name


@given(st.text("(),`'. fromjoinaswith\n", max_size=60))
def test_any_text_is_read(text):
    """What is no query has no certain names, and is no error."""
    table_names(f"select {text}")
    column_words(f"select {text}")


def test_deep_queries_are_read_in_one_go():
    """Parentheses are matched once."""
    start = process_time()
    table_names("select " + "f(" * 3000 + " from a, (" * 1000)
    assert process_time() - start < 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select a as b, count(*) as n from t", {"a", "b", "n"}),
        ("with t as (select 1 as `x y`) select * from t", None),
        ("select t.* from t", None),
        ("select explode(a) from t", None),
        ("show tables", None),
        ("select 'a' as b", {"b"}),
    ],
)
def test_a_column_is_called_by_a_word_of_the_query(query, words):
    """Unless Spark names it, or all columns of a table are taken."""
    found = column_words(query)
    assert found is None if words is None else words <= found
