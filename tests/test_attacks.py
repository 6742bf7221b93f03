"""What an attacker may try in a script of the profile ``service``, on a real engine: each is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

import mlsql
from mlsql.config.settings import (
    BridgeSettings,
    IncludeSettings,
    JdbcSettings,
    PathSettings,
    RoleSettings,
    SecuritySettings,
    Settings,
)
from mlsql.errors import MlsqlError, Refused, ScriptError
from mlsql.roles import Role

pytestmark = pytest.mark.spark

SCRIPTS = Path(__file__).parent / "scripts"
CALL = "reflect('java.lang.System', 'getenv', 'PATH')"
ROWS = "select 1 as a, 0 as label as t;"
FIT = "where inputCols='a' and `fitParam.0.alg`='LogisticRegression'"
POLICY = """
databases:
  sales:
    readers: {owners: [ann], roles: [operator]}
    writers: {owners: [etl]}
deny:
  - owners: [ann]
    tables: [sales.customers]
    columns: [phone]
  - owners: [intern-*]
    operations: [load, train]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the owners' folders, a policy file, and a file of the server's own."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "secret.csv").write_text("a\nhunter2\n")
    (folder / "policy.yaml").write_text(POLICY)
    return folder


@pytest.fixture(scope="module")
def engine(spark, launcher, place):
    """A service with the owner bob, who has files and tables, and a shared database."""
    settings = Settings(
        paths=PathSettings(root=place / "owners"),
        jdbc=JdbcSettings(allow=("jdbc:derby:memory:open*", "jdbc:derby:data/*")),
        include=IncludeSettings(hosts=("*",), repositories=("https://github.com/",)),
        security=SecuritySettings(
            profile="service",
            policy=place / "policy.yaml",
            shell=True,
            roles=RoleSettings(operator=("shell", "jdbc")),
        ),
        bridge=BridgeSettings(spool=place / "spool"),
    )
    spark.sql("create database sales")
    spark.sql("create table sales.customers as select 'x' as name, '123' as phone, 1 as region")
    spark.sql("create table sales.regions as select 1 as id, 'north' as title")
    with mlsql.Engine(spark, settings, launcher=launcher) as engine:
        engine.run("select 1 as a as t; save overwrite t as json.`kept`;", owner="bob")
        engine.run("create table kept as select 'hunter2' as a", owner="bob")
        (place / "owners" / "ann").mkdir(exist_ok=True)
        (place / "owners" / "ann" / "leaves").symlink_to(place)
        yield engine
    spark.sql("drop database sales cascade")


@pytest.fixture
def tried(engine):
    """Run a script as the analyst ann, or as another; its rows."""

    def run(text, owner="ann", role=Role.ANALYST):
        with engine.run(text, owner=owner, role=role).reading() as frame:
            return [] if frame is None else [tuple(row) for row in frame.collect()]

    return run


PATHS = [
    "../bob/kept",
    "/../bob/kept",
    "x/../../bob/kept",
    "..%2Fbob%2Fkept",
    "%252e%252e/bob/kept",
    "{x,../bob/kept}",
    "x,/etc/passwd",
    "leaves/secret.csv",
    "leave?/secret.csv",
    "s3a://bucket/x",
    "hdfs://name/x",
]

USES = [
    "load text.`{}` as t;",
    "include file.`{}`;",
    "!fs -cat '{}';",
    "!fs -ls '{}';",
    "!fs -cp '{}' mine;",
    "!fs -rm -r '{}';",
    "select 'x' as a as t; !saveFile _ -i t -o '{}';",
    "select 'x' as a as t; save overwrite t as text.`{}`;",
    "register SKLearn.`{}` as f;",
    "!model list '{}';",
    f"{ROWS} train t as SKLearn.`{{}}` {FIT};",
    f"{ROWS} train t as SKLearn.`m` {FIT} and initialModel='{{}}';",
    "connect jdbc where url='jdbc:derby:{};create=true' as db; load jdbc.`db.t` as t;",
]


@pytest.mark.parametrize("use", USES)
def test_no_path_leads_out_of_the_owners_folder(use, tried):
    """Written in whatever way, and wherever a path may stand; nothing is read before it is judged."""
    for path in PATHS:
        with pytest.raises(Refused):
            tried(use.format(path))


def test_an_absolute_path_starts_at_the_owners_folder(tried, place):
    """It is not the server's."""
    for path in ("/etc/passwd", "file:///etc/passwd", str(place / "secret.csv")):
        with pytest.raises(MlsqlError, match="nothing lies at"):
            tried(f"load csv.`{path}` as t;")


SQL = [
    "select * from csv.`/etc/passwd`",
    "select * from text.`file:///etc/passwd`",
    "select * from mlsql_bob.kept",
    "select * from spark_catalog.mlsql_bob.kept",
    "select * from global_temp.shared",
    f"select {CALL} as a",
    "select java_method('java.lang.System', 'exit', 1) as a",
    "select transform(a) using 'cat /etc/passwd' as (b) from (select 1 as a)",
]

TEXTS = [
    "{};",
    "{} as t;",
    "set q='''{}'''; select * from (${{q}}) s as t;",
    "set q='''{}''' where type='sql';",
    "!for each in '''{}'''; select 1 as a as t; !done;",
    "!runScript '''{} as u;''' named t;",
    "explain {};",
    "create temporary view v as {};",
    "create table mine as {};",
    "insert into mine {};",
]


@pytest.mark.parametrize("text", TEXTS)
def test_no_query_reaches_further_than_a_load(text, tried, engine):
    """Wherever SQL enters; a check refuses it too, without running anything."""
    for query in SQL:
        script = text.format(query)
        with pytest.raises(Refused):
            tried(script)
    if "${" not in text:
        found = engine.check(text.format(SQL[0]), owner="ann", role=Role.ANALYST)
        assert "runScript" in text or any(isinstance(each.error, Refused) for each in found)


OTHERS = [
    f"!if ''' select {CALL} as :x; :x is not null '''; select 1 as a as t; !fi;",
    f'select 1 as a as t; !assert t """{CALL} = \'x\'""" "no";',
    f'select 1 as a as t; !assertCondition t """{CALL} = \'x\'""";',
    "create table u (a string) using csv location '/etc';",
    "create table u using parquet options (path '/tmp/x') as select 1 as a;",
    "create temporary view u using csv options (path '/etc/passwd');",
    "create function f as 'a.B' using jar '/x.jar';",
    "insert overwrite directory '/tmp/x' using csv select 1;",
    "drop table mlsql_bob.kept;",
    "show databases;",
    "show tables in mlsql_bob;",
    "load hive.`mlsql_bob.kept` as t;",
    "select 1 as a as t; save overwrite t as hive.`mlsql_bob.kept`;",
    "save overwrite `mlsql_bob.kept` as json.`x`;",
    "train `mlsql_bob.kept` as RateSampler.`` where sampleRate='0.5,0.5' as t;",
    "!profile mlsql_bob.kept;",
    "!desc mlsql_bob.kept;",
    "!cache mlsql_bob.kept;",
    "set spark.sql.runSQLOnFiles='true' where type='conf';",
    "set `spark.sql.variable.substitute`='true' where type='conf';",
    "set `spark.jars`='/x.jar' where type='conf';",
    "set x='id' where type='shell';",
    "include http.`http://localhost:1/x`;",
    "include lib.`https://github.com/a/b` where alias='x';",
    "select '1' as a as t; !saveFile _ -i t -o m/_model_0/manifest.json;",
    "!fs -mkdir m/_model_0/model;",
    "!fs -mv m/_model_0 n;",
    f"{ROWS} train t as PythonAlg.`m` where inputCols='a' and pythonScriptPath='x.py';",
    f'{ROWS} train t as SKLearn.`m` {FIT} and `systemParam.envs`=\'{{"LD_PRELOAD": "x"}}\';',
    f"{ROWS} train t as SKLearn.`m` {FIT} and `systemParam.pythonPath`='/bin/sh';",
    f"{ROWS} train t as SKLearn.`m` {FIT} and `kafkaParam.bootstrap.servers`='evil:9092';",
]


@pytest.mark.parametrize("script", OTHERS)
def test_what_a_role_is_not_given_is_off(script, tried):
    """Code, other machines, other owners' tables, settings, and the insides of models."""
    with pytest.raises(Refused):
        tried(script)


DATABASES = [
    "url='jdbc:derby:memory:closed;create=true'",
    "url='jdbc:derby:/etc/x;create=true'",
    "url='jdbc:postgresql://internal:5432/x'",
    "url='jdbc:derby:memory:open;create=true;traceFile=/tmp/x'",
    "url='jdbc:derby:memory:open;createFrom=/tmp/x'",
    "url='jdbc:derby:memory:open' and `properties.databaseName`='/etc/x'",
    "url='jdbc:derby:memory:open' and `properties.socketFactory`='a.B'",
    "url='jdbc:derby:memory:open' and driver='java.lang.Runtime'",
    "url='jdbc:derby:memory:open' and connectionProvider='x'",
]


@pytest.mark.parametrize("database", DATABASES)
def test_only_databases_that_are_named_are_reached_and_in_a_harmless_way(database, tried):
    """By ``connect`` as by the options of a ``load``; no error tells the password."""
    for script in (
        "connect jdbc where {} and password='hunter2' as db; load jdbc.`db.t` as t;",
        "load jdbc.`t` where {} and password='hunter2' and directQuery='select 1' as t;",
        "connect jdbc where {} and password='hunter2' as db; !jdbc db 'create table t (a int)';",
    ):
        with pytest.raises(Refused) as told:
            tried(script.format(database))
        assert "hunter2" not in str(told.value)


def test_a_database_that_is_named_is_reached(tried):
    """Also with a driver that is known as one."""
    tried(
        "connect jdbc where url='jdbc:derby:memory:open1;create=true'"
        " and driver='org.apache.derby.iapi.jdbc.AutoloadedDriver' as db; !jdbc db 'create table t (a int)';"
    )
    assert tried("load jdbc.`db.t` as t;") == []


def test_a_role_may_what_it_is_given(tried):
    """The operator of this service may run commands, and reach any database; nobody brings Python."""
    assert tried("set x='echo 1' where type='shell'; select '${x}' as a as t;", role=Role.OPERATOR) == [
        ("1",)
    ]
    tried(
        "connect jdbc where url='jdbc:derby:memory:closed1;create=true' as db; !jdbc db 'values 1';",
        role=Role.OPERATOR,
    )
    with pytest.raises(Refused, match=r"Python") as told:
        tried(f"{ROWS} train t as PythonAlg.`m` where inputCols='a' and scripts='x';", role=Role.OPERATOR)
    assert "security.roles.operator" in told.value.hint


def test_spark_replaces_no_variables_of_its_own(tried, engine):
    """Neither in the owner's session nor in a fresh one; what is escaped from us stays a text."""
    text = r"select '\${env:HOME}' as a, '\${system:user.name}' as b as t;"
    assert tried(text) == [("${env:HOME}", "${system:user.name}")]
    with engine.run(text, owner="ann", fresh=True, role=Role.ANALYST).reading() as frame:
        assert tuple(frame.first()) == ("${env:HOME}", "${system:user.name}")


def test_nobody_learns_of_others(tried):
    """Neither tables nor databases are listed, and what is refused does not tell whether it is there."""
    assert "kept" not in str(tried("!show tables;"))
    told = []
    for name in ("mlsql_bob.kept", "mlsql_bob.nothing", "mlsql_nobody.kept"):
        with pytest.raises(Refused) as refused:
            tried(f"select * from {name} as t;")
        told.append(refused.value.message.replace(name, ""))
    assert len(set(told)) == 1


def test_an_owner_may_do_what_he_likes_with_his_own(tried):
    """Tables, views, functions and harmless settings."""
    script = """
        set spark.sql.shuffle.partitions='2' where type='conf';
        create table own (a int, b string) partitioned by (b);
        insert into own values (1, 'x'), (2, 'y');
        create temporary function twice(a int) returns int return a * 2;
        create temporary view doubled as select twice(a) as a, vec_argmax(array(1d, 2d)) as c from own;
        load hive.`own` as again;
        select sum(d.a) as s, max(c) as c from doubled as d join mlsql_ann.own as o on d.a = o.a as t;
        drop table mlsql_ann.own;
    """
    script = script.replace("drop table mlsql_ann.own;", "")
    assert tried(script) == [(2, 1)]
    tried("drop table own;")


def test_a_shared_database_is_open_to_whom_the_policy_says(tried):
    """For reading, for writing, by name or role; the columns that are denied are not."""
    assert tried("select r.title from sales.regions r join sales.customers c on c.region = r.id") == [
        ("north",)
    ]
    assert tried("select count(*) as n from sales.customers as t") == [(1,)]
    assert tried("load hive.`sales.regions` as t;") == [(1, "north")]
    for script in (
        "select phone from sales.customers",
        "select * from sales.customers",
        "select c.name from sales.customers c where c.phone like '1%'",
        "with x as (select * from sales.customers) select name from x",
        "select x from sales.customers as c (x, y, z)",
        "select 1 from sales.regions natural join (select phone as title from sales.customers)",
        "select max(p) from (select upper(phone) as p from sales.customers)",
        "select (select max(phone) from sales.customers) as p",
        "create temporary view v as select * from sales.customers",
        "create table mine as table sales.customers",
        "load hive.`sales.customers` as t",
        "save overwrite `sales.customers` as json.`x`",
    ):
        with pytest.raises(Refused, match=r"phone|'sales\.customers'"):
            tried(f"{script};")
    with pytest.raises(Refused, match="may not save"):
        tried("insert into sales.regions values (2, 'south');")
    with pytest.raises(Refused, match="may not select"):
        tried("select * from sales.regions;", owner="bob")
    assert tried("select phone from sales.customers;", owner="bob", role=Role.OPERATOR) == [("123",)]
    tried("insert into sales.regions values (2, 'south');", owner="etl")


def test_a_denied_step_does_not_begin(tried, engine):
    """Neither when it runs nor when it is checked."""
    for script in ("load csv.`x` as t;", f"{ROWS} train t as SKLearn.`m` {FIT};"):
        with pytest.raises(Refused, match="'intern-1' may not"):
            tried(script, owner="intern-1")
        errors = [each.error for each in engine.check(script, owner="intern-1", role=Role.ANALYST)]
        assert any(isinstance(each, Refused) for each in errors)


def test_scripts_that_users_write_are_not_refused(engine):
    """Those of the suite, as far as a check sees: their SQL is judged, and none names what it may not."""
    refused = []
    for script in sorted((SCRIPTS / "run").glob("*.mlsql")):
        found = engine.check(script.read_text(), name=script.name, owner="ann", role=Role.ANALYST)
        refused += [f"{each.error}" for each in found if isinstance(each.error, Refused)]
    assert refused == []


def test_a_service_has_a_root(spark, launcher):
    """Without one, nobody could be kept in it."""
    settings = Settings(security=SecuritySettings(profile="service"))
    with (
        mlsql.Engine(spark, settings, launcher=launcher) as engine,
        pytest.raises(mlsql.errors.ConfigError, match=r"paths\.root"),
    ):
        engine.run("select 1 as a;", owner="ann")


def test_a_script_error_is_no_leak(tried):
    """What Spark says of a query is told, and nothing of the server."""
    with pytest.raises(ScriptError) as told:
        tried("select nothing from t;", owner="carl")
    assert "passwd" not in str(told.value)
