"""Printing and parsing undo each other, and every piece stands where its span says."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.grammar import parse, print_script, print_statement
from mlsql.grammar.literals import read_literal, write_literal
from mlsql.grammar.nodes import (
    Branch,
    Command,
    Include,
    Literal,
    Option,
    Select,
    Set,
    Sql,
    Statement,
    Unregister,
    Word,
)
from mlsql.grammar.scanner import scan
from mlsql.spans import Script
from tests.strategies import scripts, simple_statements, texts

NODES = (Option, Branch, *get_args(Statement))
IDENTITY = sorted((Path(__file__).parents[1] / "scripts" / "identity").glob("*.mlsql"))


def parsed(text):
    """The statements of a text."""
    return parse(Script("test.mlsql", text))


@given(scripts)
def test_parsing_what_was_printed_gives_the_same_script(script):
    """Whatever the statements are, their text means them."""
    assert parsed(print_script(script)) == script


@given(scripts)
def test_printing_again_changes_nothing(script):
    """Canonical text is canonical."""
    text = print_script(script)
    assert print_script(parsed(text)) == text


@pytest.mark.parametrize("path", IDENTITY, ids=lambda path: path.stem)
def test_a_canonical_script_prints_as_itself(path):
    """Each fixture, of one statement kind, is written as the printer writes."""
    text = path.read_text(encoding="utf-8")
    assert print_script(parsed(text)) == text


@given(scripts)
def test_a_statement_is_cut_exactly_by_its_span(script):
    """The text of a statement's span is the statement."""
    found = parsed(print_script(script))
    assert tuple(parsed(statement.span.text)[0] for statement in found) == found


@given(scripts)
def test_a_piece_is_cut_exactly_by_its_span(script):
    """The text of a name's, path's, key's or value's span means the same piece elsewhere."""
    for statement in parsed(print_script(script)):
        for role, piece in pieces(statement):
            assert again(role, piece.span.text) == piece.text


def pieces(node):
    """The words and literals of a node, each with the field that holds it."""
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, NODES):
                yield from pieces(each)
            elif isinstance(each, Word | Literal) and not (
                field.name == "name" and isinstance(node, Command)
            ):
                yield ("key" if isinstance(node, Set) and field.name == "name" else field.name), each


def again(role, text):
    """The text of a piece that is written as *text*."""
    if role == "query" and text[0] not in "'\"":
        (statement,) = parsed(text)
        assert isinstance(statement, Select | Sql)
        return statement.query.text
    if role in ("key", "value", "query"):
        (statement,) = parsed(f"set {text}=1" if role == "key" else f"set k={text}")
        return statement.name.text if role == "key" else statement.value.text
    if role in ("arguments", "limit"):
        (statement,) = parsed(f"!x {text}")
        return statement.arguments[0].text
    if role == "condition":
        (statement,) = parsed(f"!if {text}; !fi")
        return statement.branches[0].condition.text
    (statement,) = parsed(f"include x.{text}" if role == "path" else f"unregister {text}")
    return statement.path.text if isinstance(statement, Include) else statement.function.text


@given(simple_statements.filter(lambda node: not isinstance(node, Select | Sql | Command)), st.data())
def test_blanks_and_comments_between_tokens_mean_nothing(statement, data):
    """Newlines, comments and tabs may stand between any two tokens of a statement with options."""
    tokens = [*scan(print_statement(statement), 0, "options")]
    text = tokens[0].text
    for before, token in pairwise(tokens):
        needed = before.kind in ("word", "number") and token.kind in ("word", "number")
        gaps = [" ", "\n\t", " -- it's; a comment\n", "/* so; /* is */ this */"]
        dotted = "." in (before.text, token.text)
        text += data.draw(st.sampled_from([*gaps, *([] if needed else [""])])) if not dotted else ""
        text += token.text
    assert parsed(text) == (statement,)


@given(texts, st.sampled_from(["", '"', "'", '"""', "'''", "`"]))
def test_a_literal_reads_as_it_was_written(text, quote):
    """Quotes and escapes are chosen so that every text survives."""
    assert read_literal(write_literal(text, quote)) == text


def test_an_open_brace_in_an_argument_is_not_closed_by_the_next():
    """In one line they would be a variable."""
    statements = parsed("!m ${a\nb};")
    assert [argument.text for argument in statements[0].arguments] == ["${a", "b}"]
    assert parsed(print_script(statements)) == statements


def test_the_function_of_unregister_is_a_name():
    """The form that the laws above take names apart with."""
    assert parsed("unregister f") == (
        Unregister(Word("f", Script("", "").span(0, 0)), Script("", "").span(0, 0)),
    )
