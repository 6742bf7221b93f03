"""Statements that a database runs itself, on a Derby in memory."""

from __future__ import annotations

import pytest

from mlsql.errors import MlsqlError, ScriptError

CONNECT = """
    connect jdbc where url="jdbc:derby:memory:test_databases;create=true"
    and driver="org.apache.derby.jdbc.EmbeddedDriver" as store;
"""


def test_a_database_runs_a_statement(scripts):
    """The rows that it changed are counted; a name of two words is quoted as the database wants it."""
    assert scripts.rows(f"""{CONNECT} !jdbc store 'create table "two words" (n int)';""") == [
        {"connection": "store", "rows": 0}
    ]
    assert scripts.rows("""!jdbc store 'insert into "two words" values 1, 2, 3' named done;""") == [
        {"connection": "store", "rows": 3}
    ]
    scripts("""!jdbc store 'drop table "two words"';""")


def test_an_unknown_connection_is_told_at_its_name(scripts):
    """Nothing is run."""
    with pytest.raises(ScriptError) as caught:
        scripts(f"{CONNECT} !jdbc stor 'drop table t';")
    assert (caught.value.span.text, caught.value.hint) == ("stor", "did you mean 'store'?")


def test_what_the_database_refuses_is_told_at_the_statement(scripts):
    """In its words."""
    with pytest.raises(MlsqlError) as caught:
        scripts(f"{CONNECT} !jdbc store 'drop table nothing_there';")
    assert caught.value.span.text == "'drop table nothing_there'"
    assert "NOTHING_THERE" in caught.value.message
