"""Commands about the run itself, on a real Spark."""

from __future__ import annotations

import pytest

from mlsql.errors import DataError, ScriptError
from mlsql.events import Log


def test_a_line_is_told_and_changes_nothing(scripts):
    """Words are joined by blanks; variables are filled in."""
    rows = scripts.rows("set n = 5; select 1 as a as t; !println 'n 是' ${n} '''x  y''';")
    assert rows == [{"a": 1}]
    assert [event for event in scripts.events if isinstance(event, Log)] == [Log("n 是 5 x  y", "info")]


def test_what_makes_no_table_cannot_be_named(scripts):
    """Said at the name."""
    with pytest.raises(ScriptError, match="`!println` makes no table to be named") as caught:
        scripts("!println 'a' named t;")
    assert caught.value.span.text == "t"


def test_a_script_may_end_itself(scripts):
    """With its own words; nothing behind it runs."""
    with pytest.raises(DataError) as caught:
        scripts("set n = 3; !if :n > 2; !throw '${n} is too much'; !fi; set reached = yes;")
    assert caught.value.message == "3 is too much"
    assert "reached" not in scripts.run.scope


def test_the_name_of_the_last_table_is_told_and_set(scripts):
    """Results without a name do not count."""
    text = "select 1 as a as `first one`; !desc `first one`; set x = 1; !lastTableName;"
    assert scripts.rows(text) == [{"name": "first one"}]
    assert scripts.rows('select "${__last_table_name__}" as name as t;') == [{"name": "first one"}]
    assert scripts.rows("!desc t named 表; !lastTableName;") == [{"name": "表"}]


def test_without_a_table_there_is_no_last_name(scripts):
    """Not even a result of its own counts."""
    with pytest.raises(ScriptError, match="no statement before this one made a table"):
        scripts("!emptyTable; !lastTableName;")


def test_the_table_of_the_last_command_can_be_named(scripts):
    """Other statements in between do not matter; macros are commands too."""
    scripts("select 1 as a, 2 as b as t; !desc t; select 3 as c as u; set x = 1; !println 'x';")
    text = "!lastCommand named columns;"
    assert [row["col_name"] for row in scripts.rows(text)] == ["a", "b"]
    assert scripts.run.last.name == "columns"
    scripts("set one = '''select 1 as eins as {0};'''; !one v; select 2 as zwei as w;")
    assert scripts.rows("!lastCommand named x;") == [{"eins": 1}]


@pytest.mark.parametrize("before", ["select 1 as a as t;", "!println 'x';", "set m = '''set x = 1;'''; !m;"])
def test_without_a_command_that_made_a_table_there_is_none_to_name(scripts, before):
    """What other statements made is none of a command."""
    with pytest.raises(ScriptError, match="no command before this one made a table"):
        scripts(f"{before} !lastCommand named x;")


def test_a_text_runs_as_a_script(scripts):
    """Its tables stay, its last one is the result and may get a name."""
    text = """!runScript '''select 1 as a as b; select a + 1 as c from b as d;''' named 结果;"""
    assert scripts.rows(text) == [{"c": 2}]
    assert scripts.run.last.name == "结果"
    assert scripts.rows("select * from b as t;") == [{"a": 1}]


def test_an_error_in_such_a_text_shows_both_places(scripts):
    """Its own, and that of the call."""
    with pytest.raises(ScriptError) as caught:
        scripts("\n!runScript '''\nselect nix as a as b;''';")
    assert "!runScript:2:8" in str(caught.value)
    assert "from test.mlsql:2:12" in str(caught.value)
