from __future__ import annotations

import logging
import traceback
import uuid
from pathlib import Path

import pytest

from mlsql.errors import ConfigError, DataError, MissingOption, RunError, ScriptError, UnknownName
from mlsql.errors import ScriptErrors as Several
from mlsql.grammar.nodes import Word
from mlsql.policy.policy import Policy
from mlsql.spans import Script
from mlsql.stages.sources.jdbc import execute
from mlsql.stop import Stop

pytestmark = pytest.mark.spark

SECRET = "s3kr!t-pass"


def word(text):
    """A word that stands in a script of its own."""
    return Word(text, Script("word", text).span(0, len(text)))


@pytest.fixture
def connected(scripts):
    """The statement that connects to a Derby database in memory, which this test alone uses."""
    statement = f"""
        connect jdbc where url="jdbc:derby:memory:{uuid.uuid4().hex};create=true"
          and driver="org.apache.derby.jdbc.EmbeddedDriver" and user="ann" and password="{SECRET}" as crm;
    """
    scripts(statement)
    return statement


@pytest.fixture
def users(scripts, connected):
    """A table of three rows in it."""
    scripts(
        'select id, concat("user ", id) as name from range(1, 4) as t; save append t as jdbc.`crm.USERS`;'
    )


def test_a_save_tells_how_many_rows_went_in(scripts, connected):
    """The path is that of the statement, never the address."""
    (row,) = scripts.rows("select 1 as id as t; save append t as jdbc.`crm.USERS`;")
    assert row == {"format": "jdbc", "path": "crm.USERS", "mode": "append", "rows": 1, "files": 0}


def test_derby_logs_where_spark_does(connected, users):
    """And not in the working folder, as it would by itself."""
    assert not Path("derby.log").exists()


def test_a_query_may_stand_for_a_table(scripts, users):
    """As Spark reads it, or as the database runs it at once."""
    assert scripts.rows('load jdbc.`crm` where query="select count(*) as n from USERS" as t;') == [{"N": 3}]
    assert scripts.rows("load jdbc.`crm` where directQuery=\"values (1, 'a')\" as t;") == [{"1": 1, "2": "a"}]


@pytest.mark.parametrize(
    "options",
    [
        'partitionColumn="id" and lowerBound="1" and upperBound="3" and numPartitions="2"',
        """prePtnArray='"id" < 2|"id" >= 2' and prePtnDelimiter='|'""",
    ],
)
def test_several_tasks_share_the_rows(scripts, users, options):
    """By bounds, or by conditions."""
    frame = scripts(f"load jdbc.`crm.USERS` where {options} as t;")
    assert frame.rdd.getNumPartitions() == 2
    assert frame.count() == 3


def test_without_a_connection_the_load_says_it_all(scripts):
    """And the path is the table."""
    url = f"jdbc:derby:memory:{uuid.uuid4().hex};create=true"
    scripts(f'select 1 as id as t; save append t as jdbc.`APP.PAYS` where url="{url}";')
    assert scripts.rows(f'load jdbc.`APP.PAYS` where url="{url}" as t;') == [{"id": 1}]


def test_a_connection_without_a_name_needs_none(scripts):
    """Its tables are then the paths."""
    scripts(f'connect jdbc where url="jdbc:derby:memory:{uuid.uuid4().hex};create=true";')
    scripts("select 1 as id as t; save append t as jdbc.`PAYS`;")
    assert scripts("load jdbc.`PAYS` as t;").count() == 1


def test_a_truncate_keeps_the_definition(scripts, connected):
    """An overwrite otherwise makes the table anew."""
    scripts("run command as JDBC.`crm` where `driver-statement-0`='create table T (\"id\" bigint)' as x;")
    scripts('select 1 as id as t; save overwrite t as jdbc.`crm.T` where truncate="true";')
    assert scripts("load jdbc.`crm.T` as u;").dtypes == [("id", "bigint")]
    scripts("save overwrite t as jdbc.`crm.T`;")
    assert scripts("load jdbc.`crm.T` as u;").dtypes == [("id", "int")]


def test_statements_are_run_in_the_order_of_their_numbers(scripts, connected):
    """One row each, with the rows that it changed."""
    rows = scripts.rows(
        """
        run command as JDBC.`crm._` where `driver-statement-0`="create table T (n int)"
          and `driver-statement-10`="delete from T where n > 1"
          and `driver-statement-2`="insert into T values 1, 2, 3";
        """
    )
    assert [row["rows"] for row in rows] == [0, 3, 2]
    assert scripts.rows(
        'run command as JDBC.`crm` where sqlMode="query" and `driver-statement-0`="select n from T";'
    ) == [{"N": 1}]


def test_a_connection_belongs_to_its_session(scripts, users):
    """What another calls the same is another."""
    scripts.run.session.connections.clear()
    with pytest.raises(UnknownName, match="no connection is called 'crm'") as caught:
        scripts("load jdbc.`crm.USERS` as t;")
    assert "make it first: connect jdbc" in caught.value.hint


def test_a_stopped_run_starts_no_statement(scripts, users):
    """The stop decides what it was."""
    scripts.run.stop = Stop()
    scripts.run.stop.cancel()
    with pytest.raises(RunError, match="cancelled"):
        execute(scripts.run, word("crm"), word("delete from USERS"))
    scripts.run.stop = Stop()
    assert scripts("load jdbc.`crm.USERS` as t;").count() == 3


def test_a_statement_ends_with_the_time_of_the_run(scripts, users):
    """The database is asked to give up."""
    scripts.run.stop = Stop(timeout=1)
    product = " cross join ".join(f"sys.syscolumns c{number}" for number in range(5))
    with scripts.run.stop.timer(), pytest.raises(RunError, match="did not end within"):
        execute(scripts.run, word("crm"), word(f"insert into USERS select 1, 'x' from {product}"))


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        ("load jdbc.`crn.USERS` as t;", UnknownName, "no connection is called 'crn'"),
        ("load jdbc.`crm.NOPE` as t;", DataError, "Table/View 'NOPE' does not exist"),
        ("load jdbc.`crm` as t;", ScriptError, "names no table"),
        ("save t as jdbc.`crm.USERS` partitionBy id;", ScriptError, "no folders"),
        ("save t as jdbc.`crm.USERS`;", DataError, "'USERS' is there already"),
        ('load jdbc.`crm.USERS` where partitionColumn="id" as t;', ScriptError, "all or none"),
        ('load jdbc.`crm` where directQuery="selec" as t;', DataError, "Syntax error"),
        ('load jdbc.`X` where url="jdbc:no:x" as t;', ConfigError, "no JDBC driver takes this url"),
        (
            'load jdbc.`X` where url="jdbc:mysql://h/d" and driver="com.example.Driver" as t;',
            ConfigError,
            "the JDBC driver 'com.example.Driver' is not there",
        ),
        ('connect jdbc where user="ann" as x;', MissingOption, "needs the option 'url'"),
        ('load jdbc.`X` where url="jdbc:derby:memory:none" as t;', RunError, "'memory:none' not found"),
    ],
)
def test_what_goes_wrong_is_told_in_its_place(scripts, users, script, error, message):
    """At the path, with what to do where we know."""
    with pytest.raises(error, match=message) as caught:
        scripts(script)
    assert caught.value.span is not None
    if error is ConfigError:
        assert "spark.jars" in caught.value.hint


LEAKS = [
    'load jdbc.`crm.NOPE` where password="{0}" as t;',
    'load jdbc.`X` where url="jdbc:derby:memory:none;user=ann;password={0}" as t;',
    'load jdbc.`X` where url="jdbc:mysql://ann:{0}@host/x" and password="{0}" as t;',
    'load jdbc.`X` where url="jdbc:mysql://ann:{0}@host/x" and driver="com.mysql.cj.jdbc.Driver" as t;',
    'load jdbc.`crm` where password="{0}" and directQuery="select 1 from nothing" as t;',
    'load jdbc.`crm.USERS` where password="{0}" and fetchsize="many" as t;',
    'load jdbc.`crm.USERS` where passwort="x" and password="{0}" as t;',
    'connect jdbc where urll="jdbc:x://ann:{0}@host" and password="{0}" as x;',
    'connect jdbc where url="jdbc:x://ann:{0}@host" and password="{0}" as crm; load jdbc.`crm.T` as t;',
    'connect jdbc where url="jdbc:x:y" and properties.accessToken="{0}" as crm; load jdbc.`crm.T` as t;',
    'save t as jdbc.`crm.USERS` where password="{0}";',
    'save append t as jdbc.`crm.USERS` where password="{0}";',
]


@pytest.mark.parametrize("script", LEAKS)
def test_a_password_is_never_told(scripts, users, script, caplog, capfd):
    """By no error, its causes, the events, the log or the terminal."""
    caplog.set_level(logging.DEBUG)
    scripts('select array(1) as id, "x" as name as t;')
    with pytest.raises((ScriptError, RunError, ConfigError)) as caught:
        scripts(script.format(SECRET))
    error = caught.value
    each = error.errors if isinstance(error, Several) else (error,)
    told = [
        *(f"{one} {one!r} {one.message} {one.hint}" for one in (error, *each)),
        "".join(traceback.format_exception(error)),
        str(scripts.events),
        repr(scripts.run.session),
        repr(scripts.run),
        caplog.text,
        *capfd.readouterr(),
    ]
    assert [text for text in told if SECRET in text] == []


def test_the_file_of_an_embedded_database_lies_where_the_owner_may(scripts, tmp_path):
    """Below the root, as any path of a script."""
    scripts.run.policy = Policy(root=tmp_path)
    scripts('select 1 as id as t; save append t as jdbc.`T` where url="jdbc:derby:/data/db;create=true";')
    assert (tmp_path / "data" / "db" / "seg0").is_dir()
    with pytest.raises(ScriptError, match="leads out of"):
        scripts('load jdbc.`T` where url="jdbc:derby:../../db" as t;')


class TestRowsThatReplace:
    """An append with a key: by the same means in every database, tried here in Derby."""

    @pytest.fixture(autouse=True)
    def pays(self, scripts, connected):
        """Two rows under a key."""
        scripts(
            """
            select 1 as id, 10.0d as pay union all select 2, 20.0d as t;
            save append t as jdbc.`crm.PAYS` where idCol="id";
            """
        )

    def pays_now(self, scripts):
        """What the table holds."""
        return scripts.rows("load jdbc.`crm.PAYS` as t; select * from t order by id as u;")

    def test_known_keys_are_replaced_and_others_added(self, scripts):
        """The row tells how many went in; nothing of ours stays beside the table."""
        (row,) = scripts.rows(
            """
            select 2 as id, 22.0d as pay union all select 3, 33.0d as t;
            save append t as jdbc.`crm.PAYS` where idCol="id";
            """
        )
        assert row["rows"] == 2
        assert [(each["id"], each["pay"]) for each in self.pays_now(scripts)] == [(1, 10), (2, 22), (3, 33)]
        query = "select tablename from sys.systables where tabletype = 'T'"
        assert scripts.rows(f'load jdbc.`crm` where directQuery="{query}" as t;') == [{"TABLENAME": "PAYS"}]

    def test_a_table_may_have_more_columns_than_are_saved(self, scripts):
        """They stay as they are."""
        scripts("select 1 as id as t; save append t as jdbc.`crm.PAYS` where idCol='id';")
        assert [each["pay"] for each in self.pays_now(scripts)] == [10, 20]

    @pytest.mark.parametrize(
        ("rows", "save", "error", "message"),
        [
            ("select 3 as id, 1d as pay union all select 3, 2d", "append", DataError, "have the same key"),
            ("select cast(null as int) as id, 1d as pay", "append", DataError, "(?i)null"),
            ("select 1 as id, 1d as pay", "overwrite", ScriptError, "for an append alone"),
            ("select 1 as ident, 1d as pay", "append", DataError, "the table has no column 'id'"),
        ],
    )
    def test_what_the_key_cannot_tell_apart_is_refused(self, scripts, rows, save, error, message):
        """At the option, and the table stays as it was."""
        with pytest.raises(error, match=message) as caught:
            scripts(f'{rows} as t; save {save} t as jdbc.`crm.PAYS` where idCol="id";')
        assert caught.value.span is not None
        assert len(self.pays_now(scripts)) == 2
