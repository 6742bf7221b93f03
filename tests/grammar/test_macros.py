"""Templates filled by the arguments of a call."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.errors import ScriptError, ScriptErrors
from mlsql.grammar import parse
from mlsql.grammar.macros import call_bindings, expand, expansion, is_script
from mlsql.spans import Script

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "",
        "{",
        "}",
        "{}",
        "{0}",
        "\\{",
        "\\",
        "${x}",
        "\\${x}",
        "{-1:next(a,b)}",
        "{:all}",
        "{a}",
        "{0",
        "\\{0}",
    ]
)
arguments = st.lists(texts, max_size=5)
defaults = st.text(st.characters(exclude_characters="{}\\$", exclude_categories=["Cs"]), max_size=5)


@given(texts, arguments)
def test_escaped_braces_stand_for_themselves(text, given_):
    """Any text can be written in a template."""
    assert expand(text.replace("{", "\\{"), given_) == text


@given(arguments)
def test_arguments_are_never_templates(given_):
    """What looks like a placeholder in an argument stays."""
    assert expand("{}" * len(given_), given_) == "".join(given_)
    assert expand("".join(f"{{{index}}}" for index in range(len(given_))), given_) == "".join(given_)


@given(arguments, st.integers(0, 8), defaults)
def test_a_default_stands_in_for_a_missing_argument_alone(given_, index, default):
    """And nothing for one that has none."""
    found = given_[index] if index < len(given_) else None
    assert expand(f"<{{{index}:{default}}}>", given_) == f"<{default if found is None else found}>"
    assert expand(f"<{{{index}}}>", given_) == f"<{found or ''}>"


@given(arguments)
def test_all_arguments_are_a_json_array(given_):
    """That reads as what was given."""
    assert json.loads(expand("{:all}", given_)) == given_


@given(arguments, texts, arguments)
def test_a_named_argument_follows_its_word_and_is_not_counted(before, value, after):
    """Wherever it stands, the positions are those of the others."""
    before = [each for each in before if each != "named"]
    others = [*before, *after]
    template = "|".join(["{-1:next(named,none)}", *(f"{{{index}}}" for index in range(len(others)))])
    assert expand(template, [*before, "named", value, *after]) == "|".join([value, *others])


@pytest.mark.parametrize(
    ("template", "given_", "text"),
    [
        ("select * from {0} order by {1:score} limit {2:5}", ["t"], "select * from t order by score limit 5"),
        ("{} {} {}", ["a", "b"], "a b "),
        ("{} {0} {}", ["a", "b"], "a a b"),
        ("{2}", ["a"], ""),
        ("{0:a:b, (c)}", [], "a:b, (c)"),
        ("{0:}", [], ""),
        ("{0:t_${day}}", [], "t_${day}"),
        ("{0:{1}}", [], "{0:}"),
        ("{-1:next(named,uuid())}", [], "uuid()"),
        ("{-1:next( named , t )}", ["x", "named", "r"], "r"),
        ("{-1:next(named)}", ["named"], ""),
        ("{0} {-1:next(named,t)}", ["named"], "named t"),
        ("{-1:next(a,1)} {-1:next(b,2)} {0}", ["b", "a", "c"], "1 a c"),
        ("{:all}", ['say "x"', "數"], '["say \\"x\\"", "數"]'),
        (
            "{a} {-2} { 0 } {0,1} {:any} {-1} {-1:last(a)}",
            ["x"],
            "{a} {-2} { 0 } {0,1} {:any} {-1} {-1:last(a)}",
        ),
        ("${0} ${} ${x} \\${x}", ["y"], "${0} ${} ${x} \\${x}"),
        ('\\{"a": {0}}', ["1"], '{"a": 1}'),
        ("\\{0} \\{}", ["1"], "{0} {}"),
    ],
)
def test_a_placeholder_becomes_this(template, given_, text):
    """Each form, and what is none."""
    assert expand(template, given_) == text


@given(st.dictionaries(st.from_regex(r"[A-Za-z]\w{0,5}", fullmatch=True), texts, max_size=4))
def test_a_call_with_names_binds_them(bindings):
    """Whatever the values look like."""
    given_ = [part for name, value in bindings.items() for part in (f"-{name}", value)]
    assert call_bindings(["_", *given_]) == bindings


@pytest.mark.parametrize("given_", [[], ["a"], ["-k", "v"], ["a", "_"]])
def test_a_call_without_the_underscore_binds_nothing(given_):
    """It has arguments by position."""
    assert call_bindings(given_) is None


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        (["_", "k", "v"], "`k` stands where a -name is expected"),
        (["_", "-k", "v", "w"], "`w` stands where a -name is expected"),
        (["_", "-", "v"], "`-` stands where a -name is expected"),
        (["_", "-k", "v", "-l"], "`-l` has no value"),
    ],
)
def test_a_call_that_names_half_is_told(given_, message):
    """With its form."""
    with pytest.raises(ScriptError, match=message) as told:
        call_bindings(given_)
    assert told.value.hint == "write !name _ -k value;"


@pytest.mark.parametrize(
    "text",
    [
        "select 1",
        "select * from {0} as {1:t}; select {:all} as {-1:next(named,u)};",
        "load {0}.`{1}` where header={2:true} as {-1:next(named,t)};",
        "!desc {0}",
        "!if {0} > 1; !x; !fi",
    ],
)
def test_statements_are_the_body_of_a_macro(text):
    """Placeholders may stand where names do."""
    assert is_script(text)


@pytest.mark.parametrize(
    "text", ["", ";", "-- nothing", "text", "/data/{0}", "2026-01-01", "load csv.`x`", "!if a;"]
)
def test_any_other_text_is_none(text):
    """Nor is a statement with an error, or nothing at all."""
    assert not is_script(text)


def test_an_error_in_a_macro_shows_both_places():
    """That in the expanded text, and the call."""
    call = Script("churn.mlsql", "set a=1;\n!top pays;").span(9, 18)
    with pytest.raises(ScriptErrors) as told:
        parse(expansion("load {0};".replace("{0}", "pays"), "top", call))
    assert str(told.value).splitlines() == [
        "!top:1:10: missing `.<path>` after `pays`",
        "    load pays;",
        "             ^",
        "  hint: write pays.`…`, with the path in backquotes",
        "  from churn.mlsql:2:1",
        "    !top pays;",
        "    ^^^^^^^^^",
    ]
