"""Scripts in canonical form, with their comments."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlsql.errors import ScriptErrors
from mlsql.grammar import parse, print_script
from mlsql.grammar.comments import read_statement
from mlsql.grammar.formatter import format_script
from mlsql.grammar.parser import parse_flat
from mlsql.grammar.scanner import scan
from mlsql.spans import Script
from tests.strategies import scripts

GAPS = (
    " -- it's; a comment\n",
    "\n-- one\n-- two\n",
    " /* so; /* is */ this */ ",
    "\n/* here\n too */\n",
    "\n\n\n",
    " ",
)


def formatted(text):
    """*text* in canonical form."""
    return format_script(Script("test.mlsql", text))


def parsed(text):
    """The statements of *text*."""
    return parse(Script("test.mlsql", text))


@st.composite
def commented(draw):
    """The text of a random script with comments and blank lines at some of its blanks."""
    text = print_script(draw(scripts))
    gaps = [0, *places_of_blanks(text)]
    chosen = draw(st.lists(st.tuples(st.sampled_from(gaps), st.sampled_from(GAPS)), max_size=6))
    for place, gap in sorted(chosen, reverse=True):
        text = text[:place] + gap + text[place:]
    try:
        parsed(text)
    except ScriptErrors:
        assume(False)
    return text


def places_of_blanks(text):
    """Where blanks stand between tokens, and where statements end."""
    for statement in parse_flat(Script("test.mlsql", text)):
        is_command = text[statement.span.start] == "!"
        mode = "command" if is_command else "sql" if hasattr(statement, "query") else "options"
        tokens = [*scan(text, statement.span.start + is_command, mode)]
        yield from (after.start for before, after in pairwise(tokens) if before.end < after.start)
        yield from (tokens[-2].end, tokens[-1].end)


def comments(text):
    """The words of all comments of a script, those inside queries too."""
    found, position = [], 0
    for statement in parse_flat(Script("test.mlsql", text)):
        found += between(text, position)
        inside, stop = read_statement(text, statement.span.start, statement)
        found += [comment.text for comment in inside]
        position = stop.end
    return sorted([*found, *between(text, position)])


def between(text, position):
    """The comments from *position* to the next statement."""
    found = []
    while position < len(text):
        for token in scan(text, position, "options"):
            if token.kind not in ("comment", "stop"):
                return found
            position = token.end
            found += [token.text.rstrip()] if token.kind == "comment" else []
    return found


@given(scripts)
def test_without_comments_a_script_is_formatted_as_it_is_printed(script):
    """There is one canonical form."""
    text = print_script(script)
    assert formatted(text) == text


@given(commented())
def test_formatting_changes_no_meaning(text):
    """The statements are the same, wherever comments stand."""
    assert parsed(formatted(text)) == parsed(text)


@given(commented())
def test_formatting_again_changes_nothing(text):
    """What is formatted stays."""
    assert formatted(formatted(text)) == formatted(text)


@given(commented())
def test_no_comment_is_lost_or_doubled(text):
    """Each is found again."""
    assert comments(formatted(text)) == comments(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("\ufeff;;\n\n", ""),
        ("-- only\n\n\n/* this */", "-- only\n\n/* this */\n"),
        ("LOAD csv . `x` OPTIONS a = 1 AS t", "load csv.`x` where a=1 as t;\n"),
        ("set a=1;set b=2;", "set a=1;\nset b=2;\n"),
        ("\n\nset a=1;\n\n\n\nset b=2;\n\n", "set a=1;\n\nset b=2;\n"),
        ("SELECT  1,\n  2 AS t;", "SELECT  1,\n  2\nas t;\n"),
        (
            "train t AS A.`m` where a=1 and b=2 and c=3\n;",
            "train t as A.`m` where a=1\n  and b=2\n  and c=3;\n",
        ),
        ("!desc   t  ;", "!desc t;\n"),
    ],
)
def test_a_script_is_written_like_this(text, expected):
    """Keywords, blanks, options, lines."""
    assert formatted(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("set a=1; -- why\n", "set a=1; -- why\n"),
        ("set a=1; /* one */ -- two\nset b=2", "set a=1; /* one */ -- two\nset b=2;\n"),
        ("/* one */ set a=1", "/* one */\nset a=1;\n"),
        ("set a=1 -- why\n;", "set a=1; -- why\n"),
        ("set a=1\n-- and b=2\n; -- end", "set a=1;\n-- and b=2\n-- end\n"),
        (
            "load csv.`x` -- the file\nwhere a=1 -- first\n-- second\nand b=2 as t;",
            "load csv.`x` -- the file\n  where a=1 -- first\n  -- second\n  and b=2 as t;\n",
        ),
        (
            "run t as A.`` where\n  -- first\n  a=1 and -- second\n b=2 and c=3 /* third */ as u",
            "run t as A.``\n  -- first\n  where a=1 -- second\n  and b=2\n  and c=3 /* third */\n  as u;\n",
        ),
        ("load /* what */ csv /* how */ . `x` as t", "load /* what */ csv.`x` /* how */ as t;\n"),
        ("save -- t\n-- u\nt as csv.`x`", "save -- t\n  -- u\n  t as csv.`x`;\n"),
        ("register A.`m` where a=1 -- why\nas f", "register A.`m` as f where a=1; -- why\n"),
        ("select 1 -- one\n, 2 -- two\nas t; -- three", "select 1 -- one\n, 2 -- two\nas t; -- three\n"),
        ("select 1 as t -- goes on \\\n here\n;", "select 1 as t; -- goes on\n-- here\n"),
        ("select 1 -- goes on \\\n here\nas t;", "select 1 -- goes on\n  -- here\n  as t;\n"),
        ("select 1 as t -- goes nowhere \\\n\n;", "select 1 as t; -- goes nowhere\n"),
        ("set a=1; select 1,\r\n2 as t;\n", "set a=1;\nselect 1,\r\n2\nas t;\n"),
        ("!x a -- one\n b /* two */ c;", "!x a -- one\n  b /* two */ c;\n"),
        ("load a . /* in */ b as t", "load a.b /* in */ as t;\n"),
        ("set a . /* in */ b=1", "set a.b=1; /* in */\n"),
        ("set a=1; -- why \\", "set a=1; -- why \\\n"),
        ("set a=1;\r\n\r\n\r\n-- why\r\nset b=2;", "set a=1;\r\n\r\n-- why\r\nset b=2;\r\n"),
    ],
)
def test_a_comment_keeps_its_place(text, expected):
    """On its line or in its own."""
    assert formatted(text) == expected
    assert formatted(expected) == expected
    assert parsed(expected) == parsed(text)


def test_blocks_are_indented():
    """With their comments; the lines of a query stay as they are."""
    text = """\
-- start
!IF :n  > 1; -- many
!then;
train t as A.`m` where a=1 and b=2 and c=3 as u; select *
from u as w;
-- or
!elif '''x''';
  !FOR v IN "select 1" LIMIT 5; !x ${v}; -- each
  -- next

  /* so
on */
  !done;
!Else; /* nothing */
!fi;
"""
    expected = """\
-- start
!if :n  > 1; -- many
!then;
  train t as A.`m` where a=1
    and b=2
    and c=3
    as u;
  select *
from u
  as w;
  -- or
!elif '''x''';
  !for v in "select 1" limit 5;
    !x ${v}; -- each
    -- next

    /* so
on */
  !done;
!else; /* nothing */
!fi;
"""
    assert formatted(text) == expected
    assert formatted(expected) == expected


def test_a_comment_in_a_bare_condition_is_part_of_it():
    """One around it is not."""
    text = "!if /* a */ :n /* b */ > 1 /* c */;\n!fi;\n"
    assert formatted(text) == "!if /* a */ :n /* b */ > 1; /* c */\n!fi;\n"


def test_a_script_with_errors_is_not_formatted():
    """They are told instead."""
    with pytest.raises(ScriptErrors, match="missing `as <table>`"):
        formatted("load csv.`x`;")
