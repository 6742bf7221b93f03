"""Branches, loops, macros, includes and pass-through statements, on a real Spark."""

from __future__ import annotations

import pytest

from mlsql.errors import MissingPath, ScriptError, ScriptErrors, UndefinedVariable, UnknownName
from tests.stages.jobs import jobs_started


def test_the_first_branch_that_holds_runs(scripts):
    """Only its statements run, and its last table is the result."""
    text = """
        set n = 5;
        !if ''':n > 10'''; select 'big' as size as t;
        !elif :n > 3; select 'middle' as size as t;
        !else; select nix from nothing as t;
        !fi;
    """
    assert scripts.rows(text) == [{"size": "middle"}]


def test_the_other_branch_runs_when_no_condition_holds(scripts):
    """A null condition counts as false."""
    text = """
        set n = 1;
        !if null; select 1 as a as t;
        !elif :n == 2; select 2 as a as t;
        !else; select 3 as a as t;
        !fi;
    """
    assert scripts.rows(text) == [{"a": 3}]


def test_what_a_condition_selects_holds_inside_the_block(scripts):
    """And not behind it."""
    text = """!if ''' select 2 * 21 as :answer; :answer > 1 '''; select ${answer} as a as t; !fi;"""
    assert scripts.rows(text) == [{"a": 42}]
    with pytest.raises(UndefinedVariable):
        scripts("select ${answer} as a as t;")


def test_a_condition_starts_no_spark_job(scripts):
    """It is evaluated by the optimiser alone."""
    before = jobs_started(scripts.run.spark)
    scripts("set n = '7'; !if ''' length(:n) = 1 and :n > 6 '''; set found = yes; !fi;")
    assert jobs_started(scripts.run.spark) == before
    assert scripts.run.scope.value("found") == "yes"


@pytest.mark.parametrize(
    "script",
    [
        """set a = 'x'; set b = '${a}/y'; set c = '{"k": 1}' where type="json";""",
        """set a = 'x' where scope="session"; set b = 'y' where type="defaultParam";""",
        """set m = '''set d = "{0}"; set e = "${d}";'''; !m 2; !m 3;""",
        "!if 1 < 2; set a = 'x'; !elif 2 < 1; set a = 'y'; !fi;",
        "select 1 as a as u; select * from u as v;",
    ],
)
def test_what_looks_at_no_data_starts_no_spark_job(scripts, script):
    """Variables, macros, constant conditions, selects that nobody reads."""
    before = jobs_started(scripts.run.spark)
    scripts(script)
    assert jobs_started(scripts.run.spark) == before


def test_texts_with_quotes_are_compared_safely(scripts):
    """A variable's text is a literal in the condition, whatever it holds."""
    scripts.run.scope.define("s", r"it's \ `x` ${y}", template=False)
    assert scripts.rows(
        r"""!if :s == 'it\'s \\ `x` ${y}'; select 1 as a as t; !fi;""".replace("${", r"\${")
    ) == [{"a": 1}]


def test_a_loop_runs_for_each_row(scripts):
    """The variable is the first column, every column is a variable by its name."""
    text = """
        !for word in '''select * from values ('a', 1), ('b', 2) as t(letter, n)''';
            select '${word}' as word, '${letter}${n}' as both as t_${word};
        !done;
        select * from t_a union all select * from t_b order by word as all_of_them;
    """
    assert scripts.rows(text) == [{"word": "a", "both": "a1"}, {"word": "b", "both": "b2"}]


def test_a_variable_set_in_a_loop_takes_the_row_in(scripts):
    """What ``set`` keeps outlives the turn, so it cannot name its variable."""
    scripts(
        "set all = ''; !for v in '''select * from values (1), (2), (3)'''; set all = '${all}${v}'; !done;"
    )
    assert scripts.run.scope.value("all") == "123"


def test_a_loop_over_too_many_rows_is_refused(scripts):
    """Before its first turn, and the hint says how to allow it."""
    with pytest.raises(ScriptError, match="more than 1,000 rows") as caught:
        scripts("!for v in '''select id from range(1001)'''; set n = '${v}'; !done;")
    assert "limit" in caught.value.hint
    assert "n" not in scripts.run.scope


def test_a_macro_runs_its_statements_with_its_arguments(scripts):
    """Placeholders are filled, and the last table of the body is the result."""
    text = """
        set top = '''select * from {0} order by {1:id} desc limit {2:2} as {-1:next(named,top_out)};''';
        select id from range(5) as numbers;
        !top numbers named best;
    """
    assert scripts.rows(text) == [{"id": 4}, {"id": 3}]
    assert scripts.rows("select * from best as t;") == [{"id": 4}, {"id": 3}]


def test_a_macro_may_have_named_arguments_and_call_another(scripts):
    """``-k v`` fills ``${k}`` in the body alone."""
    text = """
        set inner = '''select ${n} as n as ${table};''';
        set outer = '''!inner _ -n ${count} -table t;''';
        !outer _ -count 3;
    """
    assert scripts.rows(text) == [{"n": 3}]
    assert "count" not in scripts.run.scope


def test_a_macro_that_calls_itself_is_stopped(scripts):
    """With a sentence, not a stack overflow."""
    with pytest.raises(ScriptError, match="one inside the other"):
        scripts("set again = '''!again;'''; !again;")


def test_an_error_in_a_macro_shows_the_body_and_the_call(scripts):
    """Both places, one below the other."""
    with pytest.raises(ScriptError) as caught:
        scripts("set bad = '''select nix from {0} as t;''';\n!bad range(1);")
    text = str(caught.value)
    assert "!bad:1:8" in text
    assert "test.mlsql:2:1" in text


def test_an_unknown_command_is_told_with_the_nearest(scripts):
    """Macros of the script count."""
    with pytest.raises(UnknownName) as caught:
        scripts("set report = '''select 1 as a as t;'''; !reprot;")
    assert caught.value.hint == "did you mean 'report'?"


def test_an_include_takes_the_place_of_its_statement(scripts):
    """Its variables and tables are the script's; a path in it may be relative to it."""
    (scripts.path / "lib").mkdir()
    (scripts.path / "lib" / "a.mlsql").write_text("set n = 4; include project.`b.mlsql`;", encoding="utf-8")
    (scripts.path / "lib" / "b.mlsql").write_text("select ${n} as n as 表;", encoding="utf-8")
    assert scripts.rows("include file.`lib/a.mlsql`; select n + 1 as m from `表` as t;") == [{"m": 5}]


def test_an_error_in_an_included_file_has_its_own_place(scripts):
    """File and line are those of the included file, the include is shown below."""
    (scripts.path / "a.mlsql").write_text("select 1 as a as t;\nload csv.`x` y;", encoding="utf-8")
    with pytest.raises(ScriptErrors) as caught:
        scripts("include file.`a.mlsql`;")
    assert "a.mlsql:2:13" in str(caught.value)
    assert "test.mlsql:1:1" in str(caught.value)


def test_files_that_include_each_other_are_told(scripts):
    """The chain shows how."""
    (scripts.path / "a.mlsql").write_text("include project.`b.mlsql`;", encoding="utf-8")
    (scripts.path / "b.mlsql").write_text("include project.`a.mlsql`;", encoding="utf-8")
    with pytest.raises(ScriptError, match=r"a\.mlsql → .*b\.mlsql → .*a\.mlsql"):
        scripts("include file.`a.mlsql`;")


def test_a_missing_include_is_told(scripts):
    """At its path."""
    with pytest.raises(MissingPath) as caught:
        scripts("include file.`nix.mlsql`;")
    assert caught.value.span.text == "`nix.mlsql`"


def test_spark_statements_pass_through(scripts):
    """They run at once; ``show`` gives rows."""
    scripts("create temporary view v as select 7 as n;")
    assert scripts.rows("select * from v as t;") == [{"n": 7}]
    assert {"viewName": "v", "namespace": "", "isTemporary": True} in scripts.rows("show views;")
