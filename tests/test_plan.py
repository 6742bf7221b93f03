"""A statement with its variables filled in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given

from mlsql.errors import UndefinedVariable
from mlsql.grammar import parse
from mlsql.grammar.nodes import Word
from mlsql.options import OptionText
from mlsql.plan import (
    ConnectStep,
    LoadStep,
    RegisterStep,
    SaveStep,
    SelectStep,
    SetStep,
    TrainStep,
    resolve,
)
from mlsql.spans import Script
from mlsql.variables import Scope
from tests.strategies import statements


def step_of(text, **values):
    """The step of the one statement of a text."""
    scope = Scope(now=datetime(2026, 1, 2, tzinfo=UTC))
    for name, value in values.items():
        scope.define(name, value)
    (statement,) = parse(Script("test.mlsql", text))
    return resolve(statement, scope)


def option_texts(step):
    """The options of a step as plain texts."""
    return {key: value.text for key, value in step.options.items()}


def test_a_load_has_its_names_path_and_options_filled_in():
    """Keys stay as they are."""
    step = step_of('load ${f}.`/d/${day}` where a="${day}" and `b.c`=${n} as t_${n}', f="csv", day="1", n="2")
    assert isinstance(step, LoadStep)
    assert (step.format.text, step.path.text, step.table.text) == ("csv", "/d/1", "t_2")
    assert option_texts(step) == {"a": "1", "b.c": "2"}


def test_an_option_says_where_its_key_and_its_value_stand():
    """So that errors can."""
    step = step_of("load csv.`x` where header='${a}' as t", a="yes")
    value = step.options["header"]
    assert value == OptionText("yes")
    assert value.span.text == "'${a}'"
    assert value.key_span.text == "header"


def test_a_select_keeps_the_way_back_to_its_source():
    """A place in the rendered query is one in the script."""
    step = step_of("select ${column} from t as u", column="a, b")
    assert isinstance(step, SelectStep)
    assert step.query.text == "select a, b from t"
    assert step.query.source_span(17, 18).text == "t"
    assert step.query.source_span(7, 8).text == "${column}"
    assert step.table.text == "u"


def test_the_comments_of_a_query_are_not_filled_in():
    """What they name need not be defined; hints are part of the query."""
    written = "select /*+ broadcast(${t}) */ '-- ${t}' -- ${no} ${t}\n, /* ${no} /* ${t} */ */ ${t}"
    step = step_of(f"{written} as u", t="x")
    expected = "select /*+ broadcast(x) */ '-- x' -- ${no} ${t}\n, /* ${no} /* ${t} */ */ x"
    assert step.query.text == expected
    end = len(expected)
    assert step.query.source_span(end - 1, end).text == "${t}"
    assert step.query.source_span(end - 4, end - 2).text == "*/"


def test_a_last_select_has_no_table():
    """Its rows are the result."""
    assert step_of("select 1").table is None


def test_a_save_is_filled_in():
    """Columns too."""
    step = step_of("save append ${t} as parquet.`${t}` where a=1 partitionBy ${t}, b", t="x")
    assert isinstance(step, SaveStep)
    assert (step.mode, step.table.text, step.format.text, step.path.text) == ("append", "x", "parquet", "x")
    assert [column.text for column in step.partition_by] == ["x", "b"]


def test_the_value_of_a_set_is_not_filled_in():
    """It is rendered at use; its options are filled in now."""
    step = step_of('set a="${b}" where type="${t}"', t="text")
    assert isinstance(step, SetStep)
    assert (step.name.text, step.value.text, step.value.quote) == ("a", "${b}", '"')
    assert option_texts(step) == {"type": "text"}


def test_a_train_is_filled_in():
    """Run and predict are the same step."""
    step = step_of("run ${t} as A.`/${t}` where x='${t}' as ${t}_out", t="x")
    assert isinstance(step, TrainStep)
    assert (step.verb, step.table.text, step.algorithm.text, step.path.text) == ("run", "x", "A", "/x")
    assert step.output.text == "x_out"
    assert step_of("train t as A.`m`").output is None


def test_a_register_is_filled_in():
    """The function's name too."""
    step = step_of("register A.`/${t}` as f_${t}", t="x")
    assert isinstance(step, RegisterStep)
    assert (step.path.text, step.function.text) == ("/x", "f_x")


def test_an_undefined_variable_is_placed_at_its_use():
    """Exactly."""
    with pytest.raises(UndefinedVariable) as told:
        step_of("load csv.`/d/${day}` as t")
    assert told.value.span.text == "${day}"


def test_a_connect_is_filled_in():
    """Its options and its alias; the value of an option is not shown, for it may be a password."""
    step = step_of('connect jdbc where password="${t}" as db_${t}', t="x")
    assert isinstance(step, ConnectStep)
    assert (step.options["password"].text, step.alias.text) == ("x", "db_x")
    assert "'x'" not in repr(step)


@given(statements)
def test_without_variables_a_step_says_what_the_statement_says(statement):
    """Nothing but ``${…}`` is touched."""
    if "${" in str(statement):
        return
    step = resolve(statement, Scope(now=datetime(2026, 1, 2, tzinfo=UTC)))
    for name in ("format", "path", "table", "algorithm", "function", "output", "name"):
        word = getattr(statement, name, None)
        assert word is None or (isinstance(word, Word) and getattr(step, name) == word)
