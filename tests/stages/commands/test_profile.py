"""What is in each column of a table."""

from __future__ import annotations

from tests.stages.jobs import jobs_of


def test_each_column_is_described(scripts):
    """Numbers by their quartiles too; NULL is counted apart."""
    rows = [(float(n), "ab"[n % 2], None if n == 4 else n) for n in range(5)]
    scripts.table("t", rows, "x double, `two words` string, `数` int")
    assert scripts.rows("!profile t;") == [
        row("x", "double", 5, 0, 5, "0.0", "4.0", 2.0, 1.0, 2.0, 3.0),
        row("two words", "string", 5, 0, 2, "a", "b"),
        row("数", "int", 4, 1, 4, "0", "3", 1.5, 0.0, 1.0, 2.0),
    ]


def row(column, kind, count, nulls, distinct, least=None, greatest=None, *numbers):
    """One row of a profile."""
    mean, q25, median, q75 = numbers or (None,) * 4
    return {
        "column": column,
        "type": kind,
        "count": count,
        "nulls": nulls,
        "distinct": distinct,
        "min": least,
        "max": greatest,
        "mean": mean,
        "q25": q25,
        "median": median,
        "q75": q75,
    }


def test_an_empty_table_is_described(scripts):
    """Nothing is counted, and nothing else is known."""
    scripts.table("none", [], "a int, b string")
    assert scripts.rows("!profile none;") == [row("a", "int", 0, 0, 0), row("b", "string", 0, 0, 0)]
    scripts("!emptyTable named nothing;")
    assert scripts.rows("!profile nothing;") == []


def test_columns_of_every_type_are_described(scripts):
    """What has no order has no least value."""
    rows = scripts.rows("""
        select array(1) as a, map('x', 1) as m, struct(1 as q) as s, parse_json('1') as v,
            cast('x' as binary) as b, date'2026-01-01' as d, timestamp'2026-01-01' as t, interval 1 day as i,
            1.50bd as n, true as o, null as z
        as kinds;
        !profile kinds;
    """)
    assert [(each["column"], each["distinct"], each["min"]) for each in rows] == [
        ("a", 1, None),
        ("m", 1, None),
        ("s", 1, None),
        ("v", 1, None),
        ("b", 1, None),
        ("d", 1, "2026-01-01"),
        ("t", 1, "2026-01-01 00:00:00"),
        ("i", 1, "INTERVAL '1' DAY"),
        ("n", 1, "1.50"),
        ("o", 1, "true"),
        ("z", 0, None),
    ]


def test_a_table_whose_names_stand_twice_is_described(scripts):
    """Each column apart."""
    rows = scripts.rows("select 1 as a, 2 as a as twice; !profile twice;")
    assert [(each["column"], each["min"]) for each in rows] == [("a", "1"), ("a", "2")]


def test_a_profile_looks_at_the_table_once(scripts):
    """As many jobs as one count of it, whatever the number of columns; reading the answer starts none."""
    scripts("select id, id % 7 as b, cast(id as string) as c from range(1000) as t;")
    spark = scripts.run.spark
    assert jobs_of(spark, lambda: scripts.rows("!profile t;")) == jobs_of(spark, spark.table("t").count)
