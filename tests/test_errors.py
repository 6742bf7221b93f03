"""Errors: their text, their place, and that no class is left without a place in the tree."""

from __future__ import annotations

import pytest

from mlsql import errors
from mlsql.errors import (
    Cancelled,
    ConfigError,
    DataError,
    InvalidOption,
    MissingColumn,
    MissingModel,
    MissingOption,
    MissingPath,
    MlsqlError,
    RunError,
    ScriptError,
    ScriptErrors,
    TimedOut,
    UndefinedVariable,
    UnknownName,
    UnknownOption,
)
from mlsql.spans import Script

SPAN = Script("churn.mlsql", "load jbdc.`x` as t;").span(5, 9)

MADE = [
    (
        UnknownName("source", "jbdc", ["csv", "jdbc"]),
        "no source is called 'jbdc'\n  hint: did you mean 'jdbc'?",
    ),
    (UnknownName("source", "zz", ["csv", "jdbc"]), "no source is called 'zz'\n  hint: known: 'csv', 'jdbc'"),
    (UnknownName("source", "zz", []), "no source is called 'zz'"),
    (
        UnknownOption("heder", "csv", ["header", "sep"]),
        "csv has no option 'heder'\n  hint: did you mean 'header'?",
    ),
    (UnknownOption("x", "csv", []), "csv has no option 'x'\n  hint: it takes no options"),
    (InvalidOption("port", "x", "a whole number"), "option 'port' takes a whole number, not 'x'"),
    (
        MissingOption("sampleRate", "RateSampler", "Shares that sum to 1."),
        "RateSampler needs the option 'sampleRate'\n  hint: sampleRate: Shares that sum to 1.",
    ),
    (UndefinedVariable("dya", ["day"]), "the variable 'dya' is not defined\n  hint: did you mean 'day'?"),
    (
        MissingColumn("lable", ["label", "x"], option="labelCol"),
        "the table has no column 'lable', which the option 'labelCol' names\n  hint: did you mean 'label'?",
    ),
    (MissingColumn("q", ["label"]), "the table has no column 'q'\n  hint: its columns: 'label'"),
    (MissingPath("/a"), "nothing lies at '/a'"),
    (
        MissingModel("/m", found="nothing is stored there"),
        "`/m` holds no model\n  hint: nothing is stored there; train one there first",
    ),
    (TimedOut(1.5), "the run did not end within its 1.5 s\n  hint: give it more time with --timeout"),
]


@pytest.mark.parametrize(("error", "text"), MADE, ids=lambda value: type(value).__name__)
def test_an_error_makes_its_sentence_from_facts(error, text):
    """What is wrong, and the way out."""
    assert str(error) == text
    assert not error.message.endswith(".")


def test_a_placed_error_shows_the_line_and_a_caret():
    """As design and documentation promise."""
    error = UnknownName("source", "jbdc", ["jdbc"], span=SPAN)
    assert str(error) == (
        "churn.mlsql:1:6: no source is called 'jbdc'\n"
        "    load jbdc.`x` as t;\n"
        "         ^^^^\n"
        "  hint: did you mean 'jdbc'?"
    )


def test_the_first_place_stays():
    """Whoever knows better, deeper down, has said so before."""
    outer = Script("b", "x").span(0, 1)
    assert DataError("x").at(SPAN).at(outer).span is SPAN
    assert DataError("x").at(None).span is None


def test_an_error_in_an_included_script_says_where_it_was_included():
    """Line by line up to the script that the user submitted."""
    included = Script("lib.mlsql", "selec 1;", origin=SPAN)
    lines = str(ScriptError("x", span=included.span(0, 5))).splitlines()
    assert lines[0] == "lib.mlsql:1:1: x"
    assert lines[3] == "  from churn.mlsql:1:6"


def test_several_errors_are_told_one_below_the_other():
    """And the first gives place and message of the whole."""
    several = ScriptErrors([UnknownName("source", "a", [], span=SPAN), ScriptError("b")])
    assert several.span is SPAN
    assert str(several) == f"{several.errors[0]}\nb"


def test_of_very_many_errors_the_first_are_told():
    """The text ends with how many there are besides."""
    lines = str(ScriptErrors([ScriptError(f"e{number}") for number in range(1234)])).splitlines()
    assert (lines[0], lines[-2:]) == ("e0", ["e99", "… and 1,134 more errors"])


def test_a_secret_in_a_message_is_masked():
    """An error's text goes to logs and callbacks."""
    assert "hunter2" not in str(RunError("cannot reach jdbc:x://ann:hunter2@host"))


def test_who_can_mend_it_is_told_by_the_class():
    """The author, the operator, or nobody but time."""
    assert issubclass(DataError, ScriptError)
    assert not issubclass(ConfigError, ScriptError)
    assert issubclass(Cancelled, RunError)
    assert RunError("x", retriable=True).retriable
    assert not Cancelled().retriable


def test_the_tree_in_the_docstring_is_the_tree():
    """No class is missing there."""
    named = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, MlsqlError)
    }
    assert all(name in (errors.__doc__ or "") for name in named)
