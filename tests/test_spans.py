"""Positions and excerpts."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.spans import Script, mask_secrets

TEXTS = st.text(st.sampled_from("ab \t\nß中😀é́;'`"), max_size=60)


@st.composite
def spans(draw):
    """A span somewhere in a text."""
    text = draw(TEXTS)
    start = draw(st.integers(0, len(text)))
    return Script("a.mlsql", text).span(start, draw(st.integers(start, len(text))))


@given(spans())
def test_a_span_cuts_the_text_exactly(span):
    """Its text is what stands between its offsets."""
    assert span.text == span.script.text[span.start : span.end]


@given(spans())
def test_line_and_column_lead_back_to_the_offset(span):
    """Both count from 1, columns in code points."""
    lines = span.script.text.split("\n")
    assert sum(len(line) + 1 for line in lines[: span.line - 1]) + span.column - 1 == span.start
    assert sum(len(line) + 1 for line in lines[: span.end_line - 1]) + span.end_column - 1 == span.end


@given(spans())
def test_an_excerpt_is_a_line_and_its_carets(span):
    """Two lines, the second without anything but white space and at least one caret."""
    shown, carets = span.excerpt().split("\n")
    assert shown == "    " + span.script.text.split("\n")[span.line - 1]
    assert set(carets) <= {" ", "\t", "^"}
    assert carets.strip() == "^" * len(carets.strip()) != ""


@given(spans())
def test_the_caret_line_repeats_the_tabs_above(span):
    """So that both stay aligned, whatever a tab is wide."""
    shown, carets = span.excerpt().split("\n")
    before = shown[: 4 + span.column - 1]
    assert carets.partition("^")[0].count("\t") == before.count("\t")


def test_a_wide_character_takes_two_columns_of_the_caret_line():
    """Chinese texts are aligned too; combining marks take none."""
    assert Script("a", "中é́ x").span(4, 5).excerpt().endswith("\n        ^")
    assert Script("a", "中文 x").span(0, 2).excerpt().endswith("\n    ^^^^")


def test_a_place_reads_as_editors_take_it():
    """``file:line:column``."""
    script = Script("a.mlsql", "set a=1;\n😀load x")
    assert script.span(10, 14).place == "a.mlsql:2:2"
    assert script.span(9, 10).to(script.span(11, 14)).text == "😀load"


def test_a_span_over_several_lines_shows_the_first():
    """Carets end with the line, and a carriage return is not shown."""
    assert Script("a", "ab\r\ncd").span(1, 6).excerpt() == "    ab\n     ^"


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        (3, 5, "load" + "x" * 195 + "…\n       ^^"),
        (500, 501, "…" + "x" * 198 + "…\n    " + " " * 100 + "^"),
        (990, 995, "…" + "x" * 195 + "last\n    " + " " * 186 + "^^^^^"),
        (1004, 1004, "…" + "x" * 195 + "last\n    " + " " * 200 + "^"),
    ],
)
def test_of_a_very_long_line_the_surroundings_are_shown(start, end, shown):
    """A megabyte in one line fills no terminal."""
    script = Script("a", "load" + "x" * 996 + "last")
    assert script.span(start, end).excerpt() == f"    {shown}"


SECRET = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\"'`;,@/:\\=*"), min_size=3
)


@given(
    SECRET,
    st.sampled_from(["password", "db.passwd", "aws_secret", "fs.s3a.secret.key", "accessKey", "api_token"]),
)
def test_the_value_of_a_secret_option_is_starred_out(secret, option):
    """In any quotes, also when the statement does not end; the length is kept."""
    for quote in ('"', "'", '"""', "'''", "`"):
        text = f"connect jdbc where user='ann' and {option}={quote}{secret}{quote} as x"
        masked = mask_secrets(text)
        assert f"={quote}{secret}" not in masked
        assert (len(masked), masked.count("*")) == (len(text), len(secret) + text.count("*"))
    assert mask_secrets(f'where {option}="{secret}') == f'where {option}="{"*" * len(secret)}'


@given(SECRET)
def test_a_credential_in_a_url_is_starred_out(secret):
    """The user's name stays."""
    assert mask_secrets(f"jdbc:x://ann:{secret}@host/db") == f"jdbc:x://ann:{'*' * len(secret)}@host/db"


@pytest.mark.parametrize("text", ['where header="true"', "select secrets from t", "http://host:80/path", ""])
def test_what_holds_no_secret_stays_as_it_is(text):
    """Masking is no reason to hide a text."""
    assert mask_secrets(text) == text


def test_an_environment_is_masked_over_all_its_lines():
    """In block quotes; line breaks stay, so that positions hold."""
    text = """train t as A.`m` where `systemParam.envs`='''{"A": "one",\n "B": "two"}''' and b="c";"""
    masked = mask_secrets(text)
    assert "one" not in masked
    assert "two" not in masked
    assert masked.endswith("*''' and b=\"c\";")
    assert [len(line) for line in masked.split("\n")] == [len(line) for line in text.split("\n")]
    assert mask_secrets('myenvs="abc"') == 'myenvs="abc"'


def test_an_excerpt_masks_its_line():
    """Also of a statement that does not parse."""
    text = 'connect jdbc where password="hunter2" an user="x"'
    assert "hunter2" not in Script("a", text).span(38, 40).excerpt()


@pytest.mark.parametrize(
    "piece", ["a", "password", "password=", "://a:", "a:", "token = 'x", " ", "-", "=x'"]
)
def test_masking_takes_time_in_proportion_to_the_text(piece):
    """Whatever it is made of, such as one long word."""
    start = process_time()
    mask_secrets(f"://{piece * (100_000 // len(piece))}")
    assert process_time() - start < 2
