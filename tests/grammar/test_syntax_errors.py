"""What the author of a wrong script is told: all of it, where it is, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.errors import ScriptErrors
from mlsql.grammar import parse, print_script
from mlsql.grammar.scanner import MODES
from mlsql.spans import Script
from tests.strategies import KEYWORDS, TRICKY_TEXTS, scripts, statements

FIXTURES = Path(__file__).parents[1] / "scripts" / "syntax"


def told(text, name="test.mlsql"):
    """The errors of a script, none if it is right."""
    try:
        parse(Script(name, text))
    except ScriptErrors as errors:
        return errors.errors
    return ()


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.mlsql")), ids=lambda path: path.stem)
def test_the_errors_of_a_script_are_these(path):
    """Each fixture, of one kind of mistake, is answered by the text beside it."""
    errors = told(path.read_text(encoding="utf-8"), path.name)
    assert "".join(f"{error}\n" for error in errors) == path.with_suffix(".err").read_text(encoding="utf-8")


fragments = st.sampled_from(
    [
        *MODES,
        *KEYWORDS,
        *TRICKY_TEXTS,
        *"'\"`.=,;()!#“‘；",
        "'''",
        '"""',
        "/*",
        "*/",
        "--",
        "\n",
        "\nload csv.",
        "${",
    ]
)


@given(st.lists(fragments | st.text(max_size=3), max_size=25).map(" ".join) | st.text(max_size=60))
def test_any_text_is_parsed_or_refused_with_places_inside_it(text):
    """No text makes the parser fail otherwise, or point outside, or speak of nothing."""
    for error in told(text):
        assert error.span is not None
        assert 0 <= error.span.start <= error.span.end <= len(text)
        assert str(error)


@given(scripts.filter(len), st.data())
def test_what_is_cut_out_of_a_script_is_found_inside_it(script, data):
    """A missing stretch never makes the parser fail otherwise than by errors in order."""
    text = print_script(script)
    start = data.draw(st.integers(0, len(text)))
    places = [error.span.start for error in told(text[:start] + text[start + data.draw(st.integers(1, 5)) :])]
    assert places == sorted(places)


WRONG = "load csv.`x`;\n"


def is_right(statement):
    """Whether it has no mistake, neither in a condition, which is judged beside other mistakes alone."""
    return len(told(f"{WRONG}{print_script([statement])}")) == 1


right_statements = statements.filter(is_right)


@given(right_statements, right_statements)
def test_an_error_does_not_disturb_its_neighbours(before, after):
    """A wrong statement between right ones is told alone."""
    errors = told(f"{print_script([before])}{WRONG}{print_script([after])}")
    assert [error.message for error in errors] == ["missing `as <table>`"]


def test_errors_stand_in_the_order_of_the_text():
    """Whatever found them, and be they a hundred."""
    errors = told("load csv.`x`;\nselect 1;\nlod;\n" * 40)
    assert [error.span.line for error in errors] == list(range(1, 121))


def test_after_a_hundred_wrong_statements_no_more_is_read():
    """What is no script at all is refused soon, and no block is called unclosed that may be closed later."""
    errors = told("!if 1;\n" + "lod;\n" * 1000 + "!fi;")
    assert [error.span.line for error in errors] == list(range(2, 102))


def test_twenty_mistakes_of_one_statement_are_told():
    """The next is searched as well."""
    options = ", ".join(f"k{number}=1" for number in range(100))
    errors = told(f"load csv.`x` where {options} as t;\nlod;")
    assert [error.span.line for error in errors] == [1] * 20 + [2]


@pytest.mark.parametrize("end", [";", "", "\n", " -- done", "; ;\n"])
def test_something_missing_is_said_at_the_end_of_the_token_before_it(end):
    """Whatever follows: a semicolon, nothing, a comment."""
    (error,) = told(f"load csv.`x` where a=1{end}")
    assert (error.message, error.span.start, error.span.end) == ("missing `as <table>`", 22, 22)


def test_a_secret_on_a_wrong_line_does_not_leak():
    """The excerpt stars it out."""
    (error,) = told('connect jdbc where user="u" password="hunter2" as db;')
    assert "hunter2" not in str(error)
