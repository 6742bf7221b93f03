"""Branches and loops as blocks of the tree."""

from __future__ import annotations

import pytest

from mlsql.errors import ScriptErrors
from mlsql.grammar import parse
from mlsql.grammar.nodes import Command, For, If
from mlsql.spans import Script


def parsed(text):
    """The statements of a text."""
    return parse(Script("test.mlsql", text))


def names(statements):
    """The commands of a body by name, a block as a list of its bodies."""
    return [shape(each) for each in statements]


def shape(statement):
    """A command's name, or what is inside a block."""
    if isinstance(statement, If):
        return [*(names(branch.statements) for branch in statement.branches), names(statement.otherwise)]
    return names(statement.statements) if isinstance(statement, For) else statement.name.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!if a; !x; !fi;", [[["x"], []]]),
        ("!if a; !fi; !x", [[[], []], "x"]),
        ("!if a; !then; !x; !elif b; !then; !y; !z; !else; !w; !fi", [[["x"], ["y", "z"], ["w"]]]),
        ("!IF a; !x; !Else; !y; !FI;", [[["x"], ["y"]]]),
        ("!for v in 'q'; !x; !if a; !y; !fi; !done; !z", [["x", [["y"], []]], "z"]),
        ("!if a; !if b; !x; !fi; !else; !if c; !fi; !fi", [[[[["x"], []]], [[[], []]]]]),
        ("!iff a; !done2", ["iff", "done2"]),
    ],
)
def test_blocks_hold_what_stands_between_their_commands(text, expected):
    """Nested as they are written; the words in any case of letters."""
    assert names(parsed(text)) == expected


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("''':n > 1'''", ":n > 1"),
        ('":n > 1"', ":n > 1"),
        (":n > 1", ":n > 1"),
        (":n>1\n  and  :s = 'a;b'", ":n>1\n  and  :s = 'a;b'"),
        ("!f(:n) and\n!:x", "!f(:n) and\n!:x"),
        ("'a' == :s", "'a' == :s"),
        (":s == 'a'", ":s == 'a'"),
        ("'a' == 'a'", "'a' == 'a'"),
        ("`a`", "`a`"),
        ("true /* so */ or false", "true /* so */ or false"),
    ],
)
def test_a_condition_is_one_string_or_the_text_as_written(written, text):
    """A comment behind it is none of it."""
    (statement,) = parsed(f"!if {written} -- why\n; !x; !fi;")
    (branch,) = statement.branches
    assert branch.condition.text == text
    assert branch.condition.span.text == written


def test_a_loop_has_a_variable_a_query_and_a_limit():
    """The words between may be in any case of letters."""
    (loop,) = parsed("!for `a b` IN '''select 1''' LIMIT ${n}; !x; !done;")
    assert (loop.variable.text, loop.query.text, loop.limit.text) == ("a b", "select 1", "${n}")
    (loop,) = parsed("!for in in 'select 1'; !done;")
    assert (loop.variable.text, loop.limit) == ("in", None)


def test_a_block_reaches_from_its_first_to_its_last_command():
    """With everything inside."""
    text = "!if a; !for v in 'q'; !x; !done; !else; !fi"
    (statement,) = parsed(f"-- first\n{text} ;\n!x;")[:1]
    assert statement.span.text == text
    (loop,) = statement.branches[0].statements
    assert loop.span.text == "!for v in 'q'; !x; !done"


def test_a_select_in_a_block_names_its_table():
    """Its rows cannot be the result of the script."""
    with pytest.raises(ScriptErrors, match="missing `as <table>`"):
        parsed("!if a; select 1; !fi;")


def test_blocks_nest_64_deep():
    """Deeper is refused before Python would refuse it."""
    (statement,) = parsed("!if :a; " * 64 + "!x;" + "!fi; " * 64)
    assert isinstance(statement, If)
    with pytest.raises(ScriptErrors) as told:
        parsed("!if :a; " * 5000 + "!x;" + "!fi; " * 5000)
    (error,) = told.value.errors
    assert (error.message, error.span.start) == ("`!if` stands in more than 64 blocks", 64 * len("!if :a; "))


def test_an_ordinary_command_is_no_block():
    """Whatever its arguments are called."""
    (statement,) = parsed("!x if fi done;")
    assert isinstance(statement, Command)
