"""Conditions: text into trees and back, and into Spark SQL over variables and over columns."""

from __future__ import annotations

import dataclasses
import string
from datetime import UTC, datetime
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.errors import MissingColumn, ScriptError, UndefinedVariable
from mlsql.grammar.condition_nodes import (
    Between,
    Binary,
    Binding,
    Call,
    Cast,
    Condition,
    Constant,
    Element,
    Expression,
    In,
    IsNull,
    Number,
    Text,
    Unary,
    Variable,
    children,
)
from mlsql.grammar.condition_values import filled
from mlsql.grammar.conditions import (
    compile_assertion,
    compile_condition,
    parse_condition,
    print_condition,
    spark_expression,
    variables,
)
from mlsql.grammar.nodes import Literal, Word
from mlsql.spans import Script
from mlsql.variables import Scope, render
from tests.strategies import NOWHERE, TRICKY_TEXTS, texts

VALUES = {"n": "5", "m": "-1.5e3", "s": "it's", "flag": "true", "empty": "", "arr": '["a", "7", null, [1]]'}


def parsed(text):
    """The tree of a condition that stands bare."""
    return parse_condition(Word(text, Script("test.mlsql", text).span(0, len(text))))


def sql_of(text, values):
    """The SQL of a branch's test."""
    return compile_condition(parsed(text), values).test


def refused(make, *given):
    """The error that making something raises, None when it can be made."""
    try:
        make(*given)
    except ScriptError as error:
        return error
    return None


def error_of(text):
    """What is wrong with a condition, in its text or with its values."""
    error = refused(sql_of, text, VALUES)
    assert error is not None
    return error


# Trees -------------------------------------------------------------------------------------------

names = st.sampled_from(["n", "s", "and", "größe", "表", "_1", "2024_t", "cfg.a.0", "two words", "a`b", "in"])
leaves = st.one_of(
    names.map(lambda name: Variable(name, NOWHERE)),
    st.sampled_from(["0", "12", "1.50", ".5", "1e5", "2.5E-3"]).map(lambda text: Number(text, NOWHERE)),
    texts.map(lambda text: Text(text, NOWHERE)),
    st.sampled_from([True, False, None]).map(lambda value: Constant(value, NOWHERE)),
)
functions = st.sampled_from(["f", "Length", "if", "like", "left", "größer", "in_", "is", "selected"])
types = st.sampled_from(["int", "decimal(10,2)", "array<string>", "map<string,array<decimal(3,1)>>"])
operators = st.sampled_from(
    [*("or", "and", "==", "!=", "<", "<=", ">", ">=", "like", "not like"), *("+", "-", "*", "/", "%")]
)


def _larger(some):
    """Operations on some operands, but for calls."""
    many = st.lists(some, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Binary, operators, some, some, st.just(NOWHERE)),
        st.builds(Unary, st.sampled_from(["-", "not"]), some, st.just(NOWHERE)),
        st.builds(Element, some, some, st.just(NOWHERE)),
        st.builds(Cast, some, types, st.just(NOWHERE)),
        st.builds(IsNull, some, st.booleans(), st.just(NOWHERE)),
        st.builds(In, some, many, st.booleans(), st.just(NOWHERE)),
        st.builds(Between, some, some, some, st.booleans(), st.just(NOWHERE)),
    )


def _with_calls(some):
    return _larger(some) | st.builds(Call, functions, st.lists(some, max_size=3).map(tuple), st.just(NOWHERE))


plain_expressions = st.recursive(leaves, _larger, max_leaves=12)
expressions = st.recursive(leaves, _with_calls, max_leaves=12)
bindings = st.lists(
    st.builds(Binding, names, expressions, st.just(NOWHERE)), max_size=3, unique_by=lambda each: each.name
).map(tuple)
conditions = st.builds(Condition, bindings, expressions, st.just(NOWHERE))


def nodes(node):
    """The node and all below it."""
    yield node
    for child in children(node):
        yield from nodes(child)


@given(conditions)
def test_parsing_what_was_printed_gives_the_same_condition(condition):
    """Whatever the tree is, its text means it."""
    assert parsed(print_condition(condition)) == condition


@given(conditions)
def test_printing_again_changes_nothing(condition):
    """Canonical text is canonical."""
    text = print_condition(condition)
    assert print_condition(parsed(text)) == text


@given(conditions)
def test_a_node_is_cut_exactly_by_its_span(condition):
    """The text of a node's span is that node."""
    found = parsed(print_condition(condition))
    for root in (*(binding.expression for binding in found.bindings), found.test):
        for node in nodes(root):
            assert parsed(node.span.text).test == node


@given(plain_expressions)
def test_the_sql_of_an_expression_means_the_same_tree(node):
    """Its parentheses and quotes leave no other reading; calls apart, a condition can be read from it."""
    sql = spark_expression(node, lambda variable: print_condition(Condition((), variable, NOWHERE)))
    assert parsed(sql).test == node


@given(expressions, st.data())
def test_blanks_and_comments_mean_nothing(node, data):
    """They may stand around every operator."""
    text = print_condition(Condition((), node, NOWHERE))
    gap = data.draw(st.sampled_from(["  ", "\n\t", " -- it's; a comment\n", " /* so; (is */ "]))
    assert parsed(f"{gap}({gap}{text}{gap}){gap}").test == node


@given(conditions)
def test_a_filled_condition_names_only_what_it_selects(condition):
    """Every variable has become a literal, unless an index asks too much of it."""
    values = dict.fromkeys((variable.name for variable in variables(condition)), "1")
    error = refused(filled, condition, values)
    if error is None:
        assert list(variables(filled(condition, values))) == []
    else:
        assert error.message.startswith("nothing stands at") or " holds " in error.message


@given(conditions)
def test_a_condition_that_needs_something_does_not_go_without(condition):
    """What is told as undefined is one of the names that it needs."""
    needed = {variable.name for variable in variables(condition)}
    error = refused(compile_condition, condition, {})
    if isinstance(error, UndefinedVariable):
        assert error.name in needed
    else:
        assert error is not None or not needed


@given(st.integers() | st.floats() | st.decimals(allow_nan=False, allow_infinity=False))
def test_every_number_that_a_variable_can_hold_is_read_as_one(number):
    """Signs, exponents, not-a-number."""
    tree = filled(parsed(":x > 0"), {"x": f" {number} "}).test.left
    while isinstance(tree, Unary):
        tree = tree.operand
    assert isinstance(tree, Number) or tree.type == "double"


fragments = st.sampled_from(
    [
        *TRICKY_TEXTS,
        *string.punctuation,
        *(":n", ":", ":`", "1", "n", "'a'", "and", "not", "in", "is", "null", "between", "like", "select"),
        *("as", "cast(", "f(", "int", "；", "＞", "“", "=>", "/*", "--", "\n"),
    ]
)


@given(st.lists(fragments, max_size=10).map(" ".join) | st.text(max_size=20))
def test_any_text_is_parsed_or_refused_with_a_place_inside_it(text):
    """No text makes the parser fail otherwise, or point outside."""
    error = refused(parsed, text)
    if error is not None:
        assert error.span is not None
        assert 0 <= error.span.start <= error.span.end <= len(text)
        assert str(error)


# What is written -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (":a = 1 && :b <> 2 || !:c", ":a == 1 and :b != 2 or not :c"),
        ("NOT :a AND :b OR :c", "not :a and :b or :c"),
        ("not (:a and (:b or :c))", "not (:a and (:b or :c))"),
        ("((1 - 2) - 3) - (4 - 5)", "1 - 2 - 3 - (4 - 5)"),
        ("-(-1) * (2 + 3) % 4", "-(-1) * (2 + 3) % 4"),
        ('"a" LIKE \'%"\' and :x Not In (1,2)', "'a' like '%\"' and :x not in (1, 2)"),
        (":x IS NOT NULL = TRUE", ":x is not null == true"),
        (":x between 1 and 2 and :y not between 3 and 4", ":x between 1 and 2 and :y not between 3 and 4"),
        ("cast(:x as DECIMAL( 10 , 2 )) > .5", "cast(:x as decimal(10,2)) > .5"),
        ("select 1 as :a; select :a as :b, 2 as :c; :b", "select 1 as :a, :a as :b, 2 as :c; :b"),
        ("split(:s, ',')[0] == :arr[ 1 ][0]", "split(:s, ',')[0] == :arr[1][0]"),
        (":`fixed acidity` > 1 -- sour", ":`fixed acidity` > 1"),
        ("like(:a, 'b') and if(:c, 1, left(:d, 1))", "like(:a, 'b') and if(:c, 1, left(:d, 1))"),
        (":größe > 1 and 'ab' < :表.x", ":größe > 1 and 'ab' < :表.x"),
        ("1 - -2", "1 - -2"),
    ],
)
def test_a_condition_is_understood_like_this(text, canonical):
    """Precedence, other spellings, any case of letters."""
    assert print_condition(parsed(text)) == canonical


def test_a_condition_in_quotes_is_placed_where_it_stands():
    """In the script, behind its opening quotes."""
    script = Script("test.mlsql", "!if ''':n > 1''';")
    condition = parse_condition(Literal(":n > 1", script.span(4, 16), "'''"))
    assert condition.test.left.span == script.span(7, 9)


def test_a_rendered_condition_is_placed_where_its_template_stands():
    """What a variable put in is placed at its ``${…}``."""
    scope = Scope(now=datetime(2026, 1, 2, tzinfo=UTC))
    scope.define("limit", "10 >")
    for text, place in ((":m => ${limit}", "=>"), (":m > ${limit}", "${limit}")):
        script = Script("test.mlsql", f"!if '''{text}''';")
        error = refused(parse_condition, render(text, script.span(4, len(script.text) - 1), scope))
        assert error.span.text == place


# Branches --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        (":n > 1", "(5 > 1)"),
        (":m < -1", "((-1.5e3) < (-1))"),
        (":n == '5' and :n == 5", "(('5' = '5') and (5 = 5))"),
        (":n == :m", "('5' = '-1.5e3')"),
        (":n + :m > length(:s)", "((5 + (-1.5e3)) > `length`('it\\'s'))"),
        (":n in (4, :m)", "(5 in (4, -1.5e3))"),
        (":n not in ('4', :m)", "('5' not in ('4', '-1.5e3'))"),
        (":n between 1 and :m", "(5 between 1 and (-1.5e3))"),
        (":n > cast(:m as double)", "(5 > cast('-1.5e3' as double))"),
        (":n >= current_date() + 1", "('5' >= (`current_date`() + 1))"),
        (":flag", "true"),
        ("not :flag or :n is null", "((not true) or ('5' is null))"),
        (":flag == true", "(true = true)"),
        (":s like '%\\'s'", "('it\\'s' like '%\\'s')"),
        (r"'a\tb\\' != '\d'", "('a\tb\\\\' <> '\\\\d')"),
        (
            ":arr[0] == 'a' and :arr[1] > 6 and :arr[2] is null",
            "((('a' = 'a') and (7 > 6)) and (null is null))",
        ),
        (":arr[3][0] == 1", "(1 = 1)"),
        ("f(:n)[0] == 5", "(`f`('5')[0] = 5)"),
        (
            "12345678901234567890123456789012345678901 > 1",
            "(12345678901234567890123456789012345678901e0 > 1)",
        ),
    ],
)
def test_a_test_over_variables_is_this_sql(text, sql):
    """What a variable stands beside decides whether it is a number, a truth or a text."""
    assert sql_of(text, VALUES) == sql


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "1e999"])
def test_numbers_that_have_no_literal_are_cast(text):
    """Spark reads them from text."""
    assert sql_of(":x > 1", {"x": text}) == f"(cast('{text}' as double) > 1)"


def test_selected_names_are_seen_by_what_follows():
    """Each select is a column of the next; what is a text is read as a number beside one."""
    compiled = compile_condition(
        parsed("select :n + 1 as :a, '7' as :b; select :a * 2 as :c; :c > :b"), VALUES
    )
    assert compiled.bindings == (("a", "(5 + 1)"), ("b", "'7'"), ("c", "(`a` * 2)"))
    assert compiled.test == "(`c` > 7)"
    assert compiled.query == (
        "select *, (`c` > 7) as `condition` from (select *, (`a` * 2) as `c` from "
        "(select *, '7' as `b` from (select (5 + 1) as `a` from values (1))))"
    )


def test_a_selected_name_hides_the_variable():
    """But not for its own expression."""
    assert compile_condition(parsed("select :n + 1 as :n; :n > 5"), VALUES).test == "(`n` > 5)"


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        (":s > 1", "the variable 's' holds 'it's', which is no number", ":s"),
        ("1 + :empty > 1", "the variable 'empty' holds '', which is no number", ":empty"),
        (":n", "the variable 'n' holds '5', which is neither true nor false", ":n"),
        ("1 == 1 and :nn > 1", "the variable 'nn' is not defined", ":nn"),
        (":arr[0] > 1", "the element `:arr[0]` holds 'a', which is no number", ":arr[0]"),
        (":arr[9] == 'a'", "nothing stands at `:arr[9]`", ":arr[9]"),
        (":arr['k'] == 'a'", "nothing stands at `:arr['k']`", ":arr['k']"),
        (":s[0] == 'i'", "the variable 's' holds no JSON array or object", ":s"),
        ("select :n as :v; :v > 1 and :w > 1", "the variable 'w' is not defined", ":w"),
    ],
)
def test_a_variable_that_does_not_fit_is_named(text, message, place):
    """With its place and its value."""
    error = error_of(text)
    assert (error.message, error.span.text) == (message, place)


def test_the_nearest_variable_is_the_hint():
    """Of those that are defined or selected."""
    assert error_of("select 1 as :total; :totl > 1").hint == "did you mean 'total'?"


# Assertions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        (':col == "x" and :N > 1', "((`col` = 'x') and (`n` > 1))"),
        (":`two words` is not null", "(`two words` is not null)"),
        (":struct.a.b > 1 and :a.b > 1", "((`struct`.`a`.`b` > 1) and (`a.b` > 1))"),
        (":`a``b`[0] in (null)", "(`a``b`[0] in (null))"),
        ("select :n + 1 as :more; :more * 2 > :n", "(((`n` + 1) * 2) > `n`)"),
        (":n", "`n`"),
    ],
)
def test_an_assertion_is_this_sql(text, sql):
    """A name is a column, or what was selected."""
    assert compile_assertion(parsed(text), ["col", "n", "two words", "struct", "a.b", "a`b"]) == sql


def test_an_unknown_column_is_told_before_any_job():
    """With its place and the nearest."""
    with pytest.raises(MissingColumn) as caught:
        compile_assertion(parsed(":quality > 1 and :qualty > 1"), ["quality"])
    assert (caught.value.column, caught.value.span.start) == ("qualty", 17)


def test_names_that_double_and_double_are_refused():
    """Rather than written out."""
    doubling = ", ".join(f":v{n} + :v{n} as :v{n + 1}" for n in range(60))
    with pytest.raises(ScriptError, match="longer than 100,000 characters"):
        compile_assertion(parsed(f"select {doubling}; :v60 > 1"), ["v0"])


# Mistakes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message", "start", "end", "hint"),
    [
        (":n => 1", "unexpected `=>`", 3, 5, "write >="),
        (":n =< 1", "unexpected `=<`", 3, 5, "write <="),
        (":n === 1", "unexpected `===`", 3, 6, "write =="),
        (":n !== 1", "unexpected `!==`", 3, 6, "write !="),
        (":a & :b", "unexpected `&`", 3, 4, "write and"),
        (":a ≥ 1", "unexpected `≥`", 3, 4, "write >="),
        (":n > 1，2", "`，` is a full-width character", 6, 7, "write ,"),
        (":a == “x”", "typographic quotes do not quote", 6, 9, 'write "x"'),
        (":x::int", "unexpected `::`", 2, 4, "write cast(… as type)"),
        (":n >", "missing a value after `>`", 4, 4, None),
        (":n > -- later", "missing a value after `>`", 4, 4, None),
        (":n > and :m", "missing a value after `>`", 4, 4, None),
        ("f(1, )", "missing a value after `,`", 4, 4, None),
        ("and :n", "missing a value before `and`", 0, 3, None),
        ("", "missing a condition", 0, 0, "such as :n > 1"),
        ("((:n > 1)", "unclosed parenthesis", 0, 1, "close it with )"),
        (":a[1", "unclosed bracket", 2, 3, "close it with ]"),
        (":n > 1)", "unexpected `)`", 6, 7, "no `(` is open here"),
        (":s == 'abc", "unclosed string", 6, 7, "close it with '"),
        (':s == "abc and', "unclosed string", 6, 7, 'close it with "'),
        (":`a > 1", "unclosed backquote", 1, 2, "close it with `"),
        ("1 /* a", "unclosed comment", 2, 4, "close it with */"),
        (":s == 'it's'", "the text 'it' ends here", 9, 10, "a ' inside a text is written \\'"),
        (":s == 'it''s'", "the text 'it' ends here", 9, 10, "a ' inside a text is written \\'"),
        (": n", "missing the name after `:`", 1, 1, "a variable or column is written :name, without a blank"),
        ("n > 1", "`n` is no value", 0, 1, "write :n for the variable or column, 'n' for the text"),
        ("`n` > 1", "unexpected `", 0, 1, "a name in backquotes is written :`…`"),
        (":a 5", "missing an operator before `5`", 2, 2, "such as ==, <, and, or"),
        (":a adn :b", "unexpected `adn`", 3, 6, "did you mean `and`?"),
        (":x in 1", "missing `(` after `in`", 5, 5, None),
        (":x is 1", "missing `null` after `is`", 5, 5, "other values are compared with =="),
        (":x not 1", "missing `in`, `like` or `between` after `not`", 6, 6, None),
        (":x between 1 or 2", "missing `and` after `1`", 12, 12, "write between low and high"),
        ("cast(:x int)", "missing `as <type>`", 7, 7, "a cast is written cast(:x as int)"),
        ("cast(:x as)", "missing a type after `as`", 10, 10, "such as int or string"),
        ("cast(:x as inte)", "no type is called 'inte'", 11, 15, "did you mean 'int'?"),
        ("case when 1", "unexpected `case`", 0, 4, "write if(condition, value, other)"),
        (":n > 1;", "unexpected `;`", 6, 7, "only select … as :v; has one"),
        ("select 1; 1", "missing `as :<name>`", 8, 8, "what is selected gets a name: select … as :v;"),
        ("select 1 as x; 1", "missing `:<name>` after `as`", 11, 11, "write :x"),
        ("select 1 as :x", "missing `;` after the select", 14, 14, "write the condition behind it"),
        ("select 1 as :x;", "missing the condition after `;`", 15, 15, "a select only names what it tests"),
        ("select f(1 as :x; 1", "unclosed parenthesis", 8, 9, "close it with )"),
        ("select 1 as :a, 2 as :A; 1", "`:A` is selected twice", 16, 23, "each name is selected once"),
    ],
)
def test_a_mistake_is_answered_in_the_words_of_its_author(text, message, start, end, hint):
    """What is wrong, where exactly, and the way out."""
    error = error_of(text)
    assert (error.message, error.span.start, error.span.end, error.hint) == (message, start, end, hint)


@pytest.mark.parametrize("text", ["not " * 500 + "1", "1" + " + 1" * 500, "-(" * 500 + "1" + ")" * 500])
def test_what_is_nested_too_deep_is_refused(text):
    """Before any recursion runs out."""
    assert error_of(text).message == "the condition is nested more than 100 deep"


@pytest.mark.parametrize("text", ["(" * 5000 + ":n > 1" + ")" * 5000, ":n > 0" + " and :n > 0" * 97])
def test_parentheses_cost_no_depth_and_a_hundred_operators_are_fine(text):
    """Conditions that programs write may be long."""
    assert sql_of(text, VALUES).endswith("(5 > 1)" if text[0] == "(" else "(5 > 0))")


def test_no_node_takes_its_span_into_comparison():
    """Trees are equal wherever they were written."""
    for kind in Expression.__subclasses__():
        (span,) = (field for field in dataclasses.fields(kind) if field.name == "span")
        assert not span.compare


def test_a_hundred_conditions_take_a_fraction_of_a_second():
    """Once the grammar is loaded; parsing and compiling. The bound is wide: machines that test are busy."""

    def seconds():
        start = process_time()
        for _ in range(100):
            sql_of(":n > 1 and :s like '%x%' or :arr[0] in ('a', 'b')", VALUES)
        return process_time() - start

    assert min(seconds() for _ in range(4)) < 0.5
