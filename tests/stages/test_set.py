from __future__ import annotations

import dataclasses
import threading
import time

import pytest

from mlsql.errors import Cancelled, DataError, InvalidOption, Refused, ScriptError, UnknownName

pytestmark = pytest.mark.spark


def value(scripts, script, name="v"):
    """What *name* stands for after *script*."""
    scripts(script)
    return scripts.run.scope.value(name)


def test_a_text_is_rendered_when_it_is_used(scripts):
    """So it may name what is set later."""
    assert value(scripts, 'set v="${a}/b"; set a="x";') == "x/b"


def test_the_answer_of_a_query_is_text(scripts):
    """First row, first column; names of columns may repeat."""
    assert value(scripts, """set n="2"; set v=`select ${n} + 1, 'x' as a` where type="sql";""") == "3"
    assert value(scripts, """set v="select 1 as a, 2 as a" where type="sql";""") == "1"


def test_a_query_without_an_answer_gives_nothing(scripts):
    """No row, or null: the empty text."""
    assert value(scripts, 'set v="select 1 where false" where type="sql";') == ""
    assert value(scripts, 'set v="select null" where type="sql";') == ""


def test_an_answer_is_no_template(scripts):
    """What data holds is never filled in."""
    assert value(scripts, """set v="select concat('$', '{nope}')" where type="sql";""") == "${nope}"


def test_a_default_gives_way_to_what_is_set(scripts):
    """It holds only when nothing else does."""
    assert value(scripts, 'set v="a"; set v="b" where type="defaultParam";') == "a"
    assert value(scripts, 'set w="b" where type="defaultParam";', "w") == "b"


def test_a_setting_of_spark_is_the_sessions(scripts, spark):
    """Other sessions do not see it."""
    before = spark.conf.get("spark.sql.shuffle.partitions")
    scripts('set spark.sql.shuffle.partitions="17" where type="conf";')
    assert scripts.run.spark.conf.get("spark.sql.shuffle.partitions") == "17"
    assert spark.conf.get("spark.sql.shuffle.partitions") == before


def test_a_variable_may_be_hidden_from_selects(scripts):
    """It is replaced elsewhere only."""
    scripts("""set v="x" where visible="un_select"; select '${v}' as a as t_${v};""")
    assert [row.a for row in scripts.run.spark.table("t_x").collect()] == ["${v}"]


def test_set_makes_no_result(scripts):
    """There is nothing to show."""
    assert scripts('set v="a";') is None


def test_parts_of_json_have_names(scripts):
    """What the text names is filled in first."""
    script = """set n="2"; set cfg='''{"a": [1, ${n}], "b": {"c": "x"}}''' where type="json";
        select ${cfg.a.1} as two, '${cfg.b.c}' as x as t;"""
    assert scripts.rows(script) == [{"two": 2, "x": "x"}]


def test_what_is_no_json_is_told_at_the_set(scripts):
    """Not where it is used."""
    with pytest.raises(ScriptError, match="the value is no JSON") as caught:
        scripts("""set cfg="{a: 1}" where type="json";""")
    assert caught.value.span.text == '"{a: 1}"'


def test_a_shell_command_is_refused_unless_it_is_allowed(scripts):
    """The message names the setting."""
    with pytest.raises(Refused, match="may not run shell commands") as caught:
        scripts("""set v="echo x" where type="shell";""")
    assert (caught.value.span.text, caught.value.hint) == ('"shell"', "the setting security.shell allows it")


def test_the_output_of_a_shell_command_is_a_text(scripts):
    """Without its last line break; no template."""
    scripts.run.policy = dataclasses.replace(scripts.run.policy, allows_shell=True)
    assert (
        value(scripts, """set n="x"; set v="printf '%s\\n' ${n} '$''{y}'" where type="shell";""") == "x\n${y}"
    )


def test_a_shell_command_that_fails_is_told(scripts):
    """With its code and its last line."""
    scripts.run.policy = dataclasses.replace(scripts.run.policy, allows_shell=True)
    with pytest.raises(DataError, match="the command ended with exit code 3") as caught:
        scripts("""set v="echo first >&2; echo last >&2; exit 3" where type="shell";""")
    assert caught.value.hint == "last"


def test_a_cancel_ends_a_shell_command(scripts):
    """With all that it started."""
    scripts.run.policy = dataclasses.replace(scripts.run.policy, allows_shell=True)
    threading.Timer(0.5, scripts.run.stop.cancel).start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        scripts("""set v="sleep 60 | sleep 60" where type="shell";""")
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("script", "error", "span"),
    [
        ('set v="a" where type="sqll";', UnknownName, '"sqll"'),
        ('set v="a" where mode="often";', InvalidOption, '"often"'),
        (
            'set spark.sql.variable.substitute="true" where type="conf";',
            Refused,
            "spark.sql.variable.substitute",
        ),
    ],
)
def test_what_cannot_be_set_is_an_error_in_its_place(scripts, script, error, span):
    """With the nearest that is known."""
    with pytest.raises(error) as caught:
        scripts(script)
    assert caught.value.span.text == span
