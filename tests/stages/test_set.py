from __future__ import annotations

import pytest

from mlsql.errors import InvalidOption, Refused, UnknownName

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
