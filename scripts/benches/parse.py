"""Parsing a script: what a hundred statements take, how that grows, and sqlglot on as much plain SQL."""

from __future__ import annotations

from collections.abc import Iterator

from mlsql.check.checker import Checker, scope_without_spark
from mlsql.config.settings import Settings
from mlsql.dialect import MLSQL
from mlsql.grammar import parse as parse_script
from mlsql.policy.policy import Policy
from mlsql.spans import Script

from .measures import Measure, alternated, median

_TEN = r"""
load csv.`/data/wine.csv` where header="true" and inferSchema="true" as wine;
select *, cast(quality >= 6 as int) as label from wine as labelled;
run labelled as RateSampler.`` where labelCol="label" and sampleRate="0.8,0.2" as marked;
select * from marked where __split__ = 0 as training;
set folder="/out/${today}";  -- rendered where it is used
train training as SKLearn.`/models/wine` where evaluateTable="holdout"
  and inputCols="alcohol,sulphates,pH" and labelCol="label"
  and `fitParam.0.alg`="RandomForestClassifier" and fitParam.0.n_estimators=200 as trained;
register SKLearn.`/models/wine` as good_wine where autoSelectByMetric="f1";
!if ''':n > 1''';
select sensor, avg(value) as mean from readings where value > 0.1 group by sensor as means;
!fi;
save overwrite scored as parquet.`${folder}/scored`;
"""
_TEN_QUERIES = """
select *, cast(quality >= 6 as int) as label from wine;
select * from marked where __split__ = 0;
select sensor, avg(value) as mean from readings where value > 0.1 group by sensor;
select a.id, b.name from a join b on a.id = b.id where a.value between 1 and 2;
select id, value * 2 as doubled from readings order by value desc limit 10;
select count(*) as n, max(value) as most from readings;
select name, case when score > 5 then 'good' else 'bad' end as kind from scores;
select id, row_number() over (partition by sensor order by id) as number from readings;
with kept as (select * from readings where value > 0.1) select count(*) as n from kept;
select upper(trim(name)) as name from people where name like 'a%' or age in (1, 2, 3);
"""


def parse() -> Iterator[Measure]:
    """A limit, a growth and a peer."""
    hundred, thousand, many = (Script("bench.mlsql", _TEN * tens) for tens in (10, 100, 1000))
    yield Measure("100 statements", median(lambda: parse_script(hundred)), None, 0.05)
    checker, scope = Checker.from_settings(Settings()), scope_without_spark({"n": "2"}, MLSQL)
    checked = median(lambda: checker.check(hundred, scope, Policy()))
    yield Measure("100 statements, parsed and checked", checked, None, 0.05)
    large, small = alternated(
        lambda: parse_script(many), lambda: parse_script(thousand), repeats=5, warm_ups=1
    )
    yield Measure("10,000 statements, against 1,000", large, small, 11)
    import sqlglot

    ours, peer = alternated(
        lambda: parse_script(hundred), lambda: sqlglot.parse(_TEN_QUERIES * 10, dialect="spark")
    )
    yield Measure("100 statements, against sqlglot with 100 queries", ours, peer, 1)
