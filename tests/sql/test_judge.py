"""The judge of SQL, given the plans that Spark's own parser makes."""

from __future__ import annotations

import pytest

from mlsql.grammar.literals import write_literal
from mlsql.spark.plans import PlanReader
from mlsql.sql.commands import RULES
from mlsql.sql.functions import DANGEROUS, HARMLESS, WITHOUT_OPTIONS
from mlsql.sql.judge import SqlRefused, judge

pytestmark = pytest.mark.spark

OWN = "mlsql_ann"
CALL = "reflect('java.lang.System', 'getenv', 'PATH')"

EXPRESSIONS = """
select {}
select a as b, concat(upper({}), 'x') from t
select distinct {} as a from t
select a from t where {} = 'x' or a > 1
select a from t group by {}
select count(*) from t group by a having max({}) = 'x'
select a from t order by {}
select a from t sort by {}
select a from t distribute by {}
select * from t join u on t.a = {}
select case a when 1 then {} else 'y' end from t
select cast({} as int), {}::int
select array({})[0], map('k', {}), named_struct('a', {}), ({}, 1)
select transform(a, x -> {}) from t
select sum(a) filter (where {} = 'x') from t
select sum(a) over (partition by {}) from t
select sum(a) over (order by b rows between unbounded preceding and current row), {} from t
select sum(a) over w from t window w as (order by {})
select a in ({}, 'x'), a between {} and 'z', a like {}, {} is null, not {} from t
select a from t where a in (select {} from u)
select (select {}) from t
select * from t where exists (select 1 from u where {} = u.a)
with c as (select {} as x) select * from c
with c as (select 1), d as (with e as (select {}) select * from e) select * from d
select * from (select {} as a) s
select 1 union all select {}
select 1 except select {} intersect select 2
values (1, {})
select * from (values ({}), ('x')) as v(a)
select * from t lateral view explode(array({})) e as x
select * from t, lateral (select {} as a)
select * from explode(array({}))
select explode(array({}))
select * from t pivot (max({}) for b in (1, 2))
select * from t limit length({})
select first({}) ignore nulls, any_value({}), count(distinct {}) from t
select percentile_cont(0.5) within group (order by {}) from t
select a from t group by grouping sets (({}), (a))
select a from t group by rollup({})
select trim({} from 'x'), substring({} from 1 for 2), position({} in 'x'), extract(year from {})
select if({} = 'x', 1, 2), coalesce(null, {}), {} || 'x', - length({})
select aggregate(a, '', (x, y) -> {}) from t
from t |> where {} = 'x' |> select a
from t |> extend {} as b
create temporary view v as select {}
create or replace view v as select {}
create table x as select {}
create table x (a string default {})
cache table x as select {}
insert into t select {}
insert into t values ({})
insert overwrite table t partition (b = 'x') select {}
update t set a = {}
delete from t where a = {}
merge into t using u on t.a = {} when matched then delete
merge into t using u on t.a = u.a when matched then update set a = {}
merge into t using u on t.a = u.a when not matched then insert (a) values ({})
explain select {}
explain extended create temporary view v as select {}
describe query select {}
create temporary function f(x int) returns string return {}
alter view v as select {}
from t insert into a select {} insert into b select 1
"""

RELATIONS = """
select * from {}
table {}
from {} select *
select a from t join {} on 1 = 1
select a from t, {}
select * from t where a in (select b from {})
select (select max(a) from {})
select * from t where exists (select * from {})
with c as (select * from {}) select 1
select 1 union select 2 from {}
select * from {} tablesample (10 percent)
select * from {} pivot (max(a) for b in (1, 2))
select * from {} version as of 1
select * from t, lateral (select * from {})
create temporary view v as select * from {}
create table x as select * from {}
create table x like {}
insert into t select * from {}
insert into {} select 1
insert overwrite table {} select 1
merge into {} as x using u on x.a = u.a when matched then delete
merge into t using {} as x on x.a = t.a when matched then delete
update {} set a = 1
delete from {} where a = 1
cache table {}
describe {}
describe extended {}
explain select * from {}
"""

FORBIDDEN = """
select transform(a) using 'cat /etc/passwd' as (b) from t | ScriptTransformation
from (select a from t) s map a using 'sh' as b | ScriptTransformation
select java_method('java.lang.System', 'exit', 1) | any code of Java
select try_reflect('java.lang.Runtime', 'getRuntime') | any code of Java
select `ReFlect`('a', 'b') | any code of Java
select from_xml(a, 'a int', map('rowValidationXSDPath', '/etc/passwd')) from t | files of the server
select from_protobuf(a, 'x', '/etc/passwd') from t | files of the server
select other.f(1) | of the catalog
select identifier('re' || 'flect')('a', 'b') | Identifier
select * from identifier('csv.' || '`/etc/passwd`') | Identifier
describe identifier('csv.`/etc/passwd`') | written as it is
show tables in identifier('mlsql_bob') | written as it is
drop table identifier('mlsql_bob.t') | written as it is
insert into identifier('mlsql_bob.t') select 1 | Identifier
select * from stream(t) | no function 'stream'
select * from t with (path '/etc/passwd') | option 'path'
execute immediate 'select 1' | ExecuteImmediate
add jar '/x.jar' | AddJars
add file '/etc/passwd' | AddFiles
add archive '/x.zip' | AddArchives
list jars | ListJars
create function f as 'a.B' using jar '/x.jar' | CreateFunction
create temporary function f as 'a.B' | CreateFunction
create function f(x int) returns int return x | CreateUserDefinedFunction
create temporary function f(x int default reflect('a', 'b')) returns int return x | default
create temporary function f() returns table (a int) return select 1 | gives a table
drop function f | DropFunction
insert overwrite directory '/tmp/x' using csv select 1 | InsertIntoDir
insert overwrite local directory '/tmp/x' select 1 | InsertIntoDir
create temporary view v using csv options (path '/etc/passwd') | CreateTempViewUsing
create global temporary view v as select 1 | for everybody
create table x (a string) using csv location '/etc' | where its files lie
create table x (a string) using csv options (path '/etc') | where its files lie
create table x using parquet location '/tmp/x' as select 1 | where its files lie
create external table x (a string) using csv location '/etc' | where its files lie
create table x like t location '/etc' | where its files lie
create table x (a int) using jdbc options (url 'jdbc:derby:x', dbtable 'y') | kept as 'jdbc'
create table x like t using jdbc | kept as 'jdbc'
create table x (a int) using csv options ('fs.s3a.impl' 'x') | option 'fs.s3a.impl'
create table x (a int) tblproperties ('avro.schema.url' '/etc/passwd') | properties
create table x (a int) row format serde 'a.B' | classes of Java
create table x (a int) stored as inputformat 'a.B' outputformat 'a.C' | classes of Java
create table x (a int, b string generated always as (reflect('a', 'b'))) | generated
create table mlsql_bob.x (a int) | outside of your own database
create table mlsql_bob.x like t | outside of your own database
create view mlsql_bob.v as select 1 | outside of your own database
replace table x (a int) using parquet | ReplaceTable
drop table mlsql_bob.t | outside of your own database
drop view mlsql_bob.v | outside of your own database
truncate table mlsql_bob.t | outside of your own database
alter table t rename to mlsql_bob.t | outside of your own database
alter table t set location '/etc' | SetTableLocation
alter table t partition (a = 1) set location '/etc' | SetTableLocation
alter table t add partition (a = 1) location '/etc' | AddPartitions
alter table t recover partitions | RecoverPartitions
alter table t set serde 'a.B' | SetTableSerDeProperties
alter table t set tblproperties ('a' = 'b') | SetTableProperties
alter table t add columns (a string default reflect('a', 'b')) | default
alter table t alter column a set default reflect('a', 'b') | default
alter table mlsql_bob.t add columns (a int) | outside of your own database
load data inpath '/etc/passwd' into table t | LoadData
msck repair table t | RepairTable
refresh '/etc' | RefreshResource
analyze table mlsql_bob.t compute statistics | outside of your own database
analyze tables in mlsql_bob compute statistics | AnalyzeTables
clear cache | ClearCache
uncache table mlsql_bob.t | outside of your own database
use mlsql_bob | own database
use database mlsql_bob | own database
set catalog x | SetCatalog
create database x | CreateNamespace
drop database mlsql_bob cascade | DropNamespace
alter database mlsql_ann set location '/etc' | SetNamespaceLocation
show databases | ShowNamespaces
show tables in mlsql_bob | not told
show table extended in mlsql_bob like '*' | not told
show views in mlsql_bob | not told
show functions in mlsql_bob | not told
describe database mlsql_bob | not told
show create table mlsql_bob.t | outside of your own database
set | not told
set -v | not told
set spark.sql.runSQLOnFiles = true | 'spark.sql.runSQLOnFiles'
set spark.sql.variable.substitute = true | 'spark.sql.variable.substitute'
set spark.jars = /x.jar | 'spark.jars'
set spark.sql.catalog.x = a.B | 'spark.sql.catalog.x'
set mapred.input.dir = /etc | 'mapred.input.dir'
reset | all settings
reset spark.sql.runSQLOnFiles | 'spark.sql.runSQLOnFiles'
select * from other.db.t | another catalog
call system.run(1) | Call
select * from t where a = :x | NamedParameter
comment on database mlsql_bob is 'x' | CommentOnNamespace
"""

HONEST = """
select 1 as one, 'x', 1.5, 1e3, 1.5bd, null, true, x'1F', date '2026-01-01', interval 1 day
select t.*, u.b as c, s.f.g, a[0], m['k'] from t left join u on t.a = u.a left semi join v using (b)
select a, count(*) as n from t where a > 1 and b like 'x%' group by a having n > 1 order by n desc limit 3
select distinct a from t union all select a from u except select a from v minus select a from w
select * from t natural join u cross join v where a <=> b and a is distinct from b offset 3
select * from t lateral view outer posexplode(a) e as i, x lateral view explode(b) as y
select * from t, lateral explode(a) as e(x), range(10), sql_keywords()
select array_sort(transform(a, x -> x + 1), (l, r) -> l - r), map_filter(m, (k, v) -> v > 1) from t
select sum(a) over w, rank() over (partition by b order by c desc nulls last) from t window w as (order by b)
select * from t pivot (sum(a) as s for (b, c) in ((1, 2) as x, (3, 4)))
select * from t unpivot (v for k in (a, b))
select a, grouping_id() from t group by cube(a, b) order by all
select * except (a) from t tablesample (bucket 1 out of 4)
select /*+ broadcast(u), repartition(3) */ * from t join u on t.a = u.a
with recursive r as (select 1 as n union all select n + 1 from r where n < 5) select * from r
select window.start, count(*) from t group by window(at, '1 hour'), session_window(at, '5 minutes')
select approx_percentile(a, 0.5), max_by(a, b), listagg(c, ',') within group (order by c) from t
select mode() within group (order by a), any_value(b), first(c) ignore nulls, count_if(a > 1) from t
select from_json(j, 'a int'), to_json(struct(*)), from_csv(c, 'a int'), from_xml(x, 'a int') from t
select timestampadd(day, 1, at), extract(year from at), at::date, current_date, now(), current_user from t
select try_cast(a as int), a div 2, -a, ~b, a & b | c ^ d, a >> 1, a % 2, a || b, a rlike 'x' from t
select overlay(a placing 'b' from 1), trim(both 'x' from a), a ilike any ('x', 'y'), a collate utf8_lcase
select reflected, `reflect('x')` from t where a = "reflect('java.lang.System')" -- reflect(
select 'select * from csv.`/etc/passwd`' as text
from t |> where a > 1 |> aggregate sum(b) as s group by a |> order by s |> limit 3
create table if not exists x (a int not null default 1 comment 'n', b string) partitioned by (b) comment 'c'
create table mlsql_ann.x using csv options (header 'true') as select * from t
create table x (a int) stored as parquet
create table x like t
create or replace temporary view v (a comment 'x') as select 1
create or replace view spark_catalog.mlsql_ann.v as select * from t
create temporary function plus_one(x int) returns int return x + 1
drop temporary function plus_one
insert into x (a) values (1), (2)
insert overwrite table x partition (b) select 1, 2
truncate table x
drop table if exists mlsql_ann.x
drop view if exists v
alter table x add columns (c int comment 'n')
alter table x rename column a to b
alter table x alter column a type bigint
alter table x drop partition (b = 1)
alter table x rename to mlsql_ann.y
cache lazy table x
uncache table if exists x
refresh table x
analyze table x compute statistics for columns a
explain formatted select * from t
describe extended x a
show tables in MLSQL_ANN like 't*'
show table extended like '*'
show columns in x
show partitions x
show create table x
show functions like 'a*'
describe function extended abs
describe database mlsql_ann
use mlsql_ann
show current database
set spark.sql.shuffle.partitions = 8
set spark.sql.shuffle.partitions
set time zone 'UTC'
reset spark.sql.shuffle.partitions
"""


def cases(text):
    """The lines that are not empty."""
    return [line for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def mentions(spark):
    """What the judge says of a query: the tables that it names."""
    reader = PlanReader()
    return lambda query: judge(reader.read(spark, query), OWN, RULES)


@pytest.mark.parametrize("query", cases(HONEST))
def test_honest_sql_is_let_through(query, mentions):
    """What analysts write every day names nothing that is not the owner's own."""
    assert {each.database for each in mentions(query)} <= {None}


@pytest.mark.parametrize("query", cases(EXPRESSIONS))
def test_a_dangerous_function_is_refused_wherever_an_expression_may_stand(query, mentions):
    """And the same query with a harmless one is let through: it is the call that is refused."""
    mentions(query.replace("{}", "upper('x')"))
    with pytest.raises(SqlRefused, match="'reflect' is not allowed here"):
        mentions(query.replace("{}", CALL))


@pytest.mark.parametrize("name", ["csv.`/etc/passwd`", "mlsql_bob.t", "global_temp.t", "`mlsql_BOB`.`t`"])
def test_a_table_of_others_is_seen_wherever_one_may_stand(name, mentions):
    """A file by its path, another owner's table and what everybody sees are all named by a database."""
    database = name.replace("`", "").partition(".")[0].casefold()
    for query in cases(RELATIONS):
        seen = {each.database for each in mentions(query.replace("{}", name))}
        assert database in seen, query
        assert {each.database for each in mentions(query.replace("{}", "mlsql_ANN.t"))} == {None}, query


@pytest.mark.parametrize("case", cases(FORBIDDEN))
def test_what_reaches_out_of_the_session_is_refused(case, mentions):
    """With the reason, or the kind of statement."""
    query, _, words = case.partition(" | ")
    with pytest.raises(SqlRefused) as told:
        mentions(query)
    assert words.strip() in told.value.message


def test_writing_is_told_from_reading(mentions):
    """The target of an insert is not read."""
    told = mentions("insert into sales.a select * from sales.b join c")
    assert [(each.name, each.use) for each in told] == [
        ("sales.a", "save"),
        ("sales.b", "select"),
        ("c", "select"),
    ]


def test_what_is_refused_has_its_place(mentions):
    """In characters, also behind some that are two in Java."""
    query = f"select '😀表' as a, {CALL} as b"
    with pytest.raises(SqlRefused) as told:
        mentions(query)
    start, end = told.value.at
    assert query[start:end] == CALL


def test_a_text_is_data_whatever_it_says(mentions):
    """Only the plan is judged."""
    assert mentions(f"select {write_literal(CALL, chr(34))} as a") == ()


def test_a_long_sum_is_judged(mentions):
    """A deep plan costs no recursion in Python."""
    assert mentions("select " + " + ".join(["1"] * 300)) == ()


def test_several_readers_read_in_one_spark(spark):
    """As several engines do; Py4J would take the methods of the first for all."""
    for _ in range(2):
        assert PlanReader().read(spark, "select 1")[0]["node"] == "catalyst.plans.logical.Project"


def test_a_node_that_nobody_knows_is_refused():
    """What a later Spark parses is not allowed until somebody has looked at it."""
    with pytest.raises(SqlRefused, match=r"not allowed here \(Teleport\)"):
        judge([{"node": "catalyst.plans.logical.Teleport", "at": [0, 3]}], OWN, RULES)


def test_a_function_of_spark_that_nobody_knows_is_refused():
    """The same."""
    node = {
        "node": "catalyst.analysis.UnresolvedFunction",
        "nameParts": ["warp"],
        "arguments": [],
        "of": "spark",
    }
    with pytest.raises(SqlRefused, match="'warp' is not allowed here: it is not known to be harmless"):
        judge([node], OWN, RULES)


def test_every_function_of_spark_is_classified(spark):
    """None is overlooked, none has gone, none is both."""
    registries = "org.apache.spark.sql.catalyst.analysis.{}$"
    known = set()
    for registry in ("FunctionRegistry", "TableFunctionRegistry"):
        names = getattr(getattr(spark._jvm, registries.format(registry)), "MODULE$").builtin().listFunction()
        known |= {names.apply(number).funcName() for number in range(names.size())}
    assert HARMLESS | DANGEROUS.keys() == known
    assert not HARMLESS & DANGEROUS.keys()
    assert WITHOUT_OPTIONS.keys() <= DANGEROUS.keys()
