"""Tools that keep, spread or empty a table without looking into it."""

from __future__ import annotations

import json

import pytest

from mlsql.bridge.errors import OptionFault
from mlsql.errors import UnknownName

pytestmark = pytest.mark.spark


def partitions_of(frame):
    """The last number of each partition, and how many it has."""
    parts = (
        frame.selectExpr("spark_partition_id() as part", "n").groupBy("part").agg({"*": "count", "n": "max"})
    )
    return sorted((row["max(n)"], row["count(1)"]) for row in parts.collect())


def test_a_table_is_kept_for_the_script_or_the_session(scripts):
    """What a script keeps goes with it; uncache lets go at once."""
    scripts("select id as n from range(10) as one; select id as n from range(20) as other;")
    scripts('run one as CacheExt.`` where isEager="true" as kept;')
    scripts('run other as CacheExt.`` where lifeTime="session";')
    one, other = (scripts.run.spark.table(name) for name in ("one", "other"))
    assert [each.storageLevel.useMemory for each in (one, other)] == [True, True]
    scripts.run.endings.close()
    assert [each.storageLevel.useMemory for each in (one, other)] == [False, True]
    scripts('run other as CacheExt.`` where execute="uncache";')
    assert not other.storageLevel.useMemory


def test_rows_are_spread_over_partitions(scripts):
    """Evenly, by ranges, or by putting whole partitions together."""
    scripts("select id as n from range(90) as t;")
    spread = scripts('run t as RepartitionExt.`` where partitionNum="3" as u;')
    assert [count for _, count in partitions_of(spread)] == [30, 30, 30]
    options = 'partitionNum="3" and partitionType="range" and partitionCols="n"'
    ranges = partitions_of(scripts(f"run t as TableRepartition.`` where {options} as u;"))
    assert [last + 1 for last, _ in ranges] == [
        sum(count for _, count in ranges[: end + 1]) for end in range(3)
    ]
    one = scripts('run u as TableRepartition.`` where partitionNum="1" and shuffle="false" as v;')
    assert partitions_of(one) == [(89, 90)]


_REFUSED = [
    ('partitionType="range"', "ranges are those of columns"),
    ('partitionCols="n" and shuffle="false"', "only a shuffle puts rows together"),
]


def test_options_that_do_not_go_together_are_told(scripts):
    """At one of them."""
    for options, message in _REFUSED:
        with pytest.raises(OptionFault, match=message):
            scripts(
                f'select 1 as n as t; run t as TableRepartition.`` where partitionNum="2" and {options} as u;'
            )


def test_a_table_may_be_empty(scripts):
    """With or without columns, which are written in any of three ways."""
    assert scripts("run command as EmptyTable.`` as t;").collect() == []
    wanted = [("a b", "bigint"), ("c", "array<string>")]
    fields = [{"name": "a b", "type": "long", "nullable": True, "metadata": {}}]
    fields.append(
        {**fields[0], "name": "c", "type": {"type": "array", "elementType": "string", "containsNull": True}}
    )
    written = json.dumps({"type": "struct", "fields": fields})
    for schema in ("st(field(`a b`,long),field(c,array(string)))", "`a b` bigint, c array<string>", written):
        frame = scripts(f"run command as EmptyTableWithSchema.`` where schema='''{schema}''' as t;")
        assert (frame.dtypes, frame.collect()) == (wanted, [])
    assert scripts('run command as EmptyTableWithSchema.`` where schema="file" as t;').columns == [
        "start", "offset", "value"
    ]  # fmt: skip


_UNREADABLE = [
    ("st(field(a,strin))", UnknownName, "strin"),
    ("st(a", OptionFault, "tells no columns"),
    ("{}", OptionFault, "tells no columns"),
]


def test_a_schema_that_cannot_be_read_is_an_error(scripts):
    """With the nearest type."""
    for schema, error, message in _UNREADABLE:
        with pytest.raises(error, match=message):
            scripts(f"run command as EmptyTableWithSchema.`` where schema='''{schema}''' as t;")
