"""Options: declared once, read from texts, refused with a way out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.errors import InvalidOption, MissingOption, ScriptErrors, UnknownOption
from mlsql.options import (
    BOOLEAN,
    CHARACTER,
    FRACTIONS,
    JSON_OBJECT,
    NAMES,
    TEXT,
    OptionText,
    declared_options,
    integer,
    number,
    one_of,
    option,
    option_family,
    read_options,
)
from mlsql.spans import Script


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerOptions:
    """How to split a table."""

    rates: tuple[float, ...] = option("sampleRate", FRACTIONS, "Shares that sum to 1.")
    label: str | None = option(
        "labelCol", TEXT, "Column whose shares are kept.", default=None, aliases=("label",)
    )
    password: str = option("password", integer(0), "A number nobody sees.", default=0, secret=True)
    params: Mapping[str, OptionText] = option_family("fitParam.", "What the estimator takes.")


def read(**given):
    """The options from these texts; two underscores stand for a dot."""
    texts = {key.replace("__", "."): OptionText(value) for key, value in given.items()}
    return read_options(
        SamplerOptions, texts, owner="RateSampler", span=Script("a", "RateSampler").span(0, 11)
    )


def test_texts_become_typed_values():
    """What was left out has its default."""
    options = read(sampleRate="0.8, 0.2")
    assert (options.rates, options.label, options.params) == ((0.8, 0.2), None, {})


def test_an_old_name_stands_for_the_new_one():
    """Scripts of the predecessor run."""
    assert read(sampleRate="1", label="y").label == read(sampleRate="1", labelCol="y").label == "y"


def test_a_family_takes_everything_below_its_prefix():
    """As texts: who owns them judges them."""
    options = read(sampleRate="1", fitParam__0__alg="x")
    assert options.params == {"0.alg": OptionText("x")}
    with pytest.raises(UnknownOption):
        read(**{"sampleRate": "1", "fitParam.": "x"})


def test_an_unknown_option_is_placed_at_its_key():
    """With the nearest known one."""
    script = Script("a", 'sampelRate="1"')
    given = {
        "sampleRate": OptionText("1"),
        "sampelRate": OptionText("1", script.span(11, 14), script.span(0, 10)),
    }
    with pytest.raises(UnknownOption) as caught:
        read_options(SamplerOptions, given, owner="RateSampler")
    assert (caught.value.span.text, caught.value.hint) == ("sampelRate", "did you mean 'sampleRate'?")


def test_a_value_that_cannot_be_read_is_placed_at_the_value():
    """And says what would fit."""
    script = Script("a", 'sampleRate="much"')
    given = {"sampleRate": OptionText("much", script.span(11, 17), script.span(0, 10))}
    with pytest.raises(InvalidOption) as caught:
        read_options(SamplerOptions, given, owner="RateSampler")
    assert caught.value.span.text == '"much"'
    assert caught.value.message == (
        "option 'sampleRate' takes fractions that sum to 1, as in '0.8,0.2', not 'much'"
    )


def test_a_missing_option_is_placed_at_its_owner():
    """There is no better place."""
    with pytest.raises(MissingOption) as caught:
        read()
    assert caught.value.span.text == "RateSampler"


def test_all_errors_of_a_statement_are_told_at_once():
    """Unknown, unreadable, missing."""
    with pytest.raises(ScriptErrors) as caught:
        read(x="1", password="a")
    assert [type(each) for each in caught.value.errors] == [UnknownOption, InvalidOption, MissingOption]


def test_a_misspelt_option_is_not_told_as_missing_too():
    """One mistake is one error."""
    with pytest.raises(UnknownOption) as caught:
        read(sampleRat="0.8,0.2")
    assert caught.value.meant == "sampleRate"


def test_a_secret_value_is_not_told():
    """Only that it does not fit."""
    with pytest.raises(InvalidOption) as caught:
        read(sampleRate="1", password="hunter2")
    assert "hunter2" not in str(caught.value)
    assert caught.value.message.endswith("not '***'")


def test_the_declaration_is_what_documentation_is_made_of():
    """In the order of the class, with key, default and sentence."""
    declared = declared_options(SamplerOptions)
    assert [(each.field, each.key, each.required) for each in declared] == [
        ("rates", "sampleRate", True),
        ("label", "labelCol", False),
        ("password", "password", False),
        ("params", "fitParam.", False),
    ]


@given(st.integers(-100, 100), st.integers(-100, 100), st.integers(-100, 100))
def test_a_whole_number_is_read_when_it_is_in_its_range(value, least, most):
    """And in no other case."""
    kind = integer(least, most)
    if least <= value <= most:
        assert kind.read(str(value)) == value
    else:
        with pytest.raises(ValueError, match=str(value)):
            kind.read(str(value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_exactly(value):
    """The shortest text of a double is that double."""
    assert number().read(repr(value)) == value


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "", "1,5", "x"])
def test_what_is_no_finite_number_is_refused(text):
    """Python would take some of these."""
    with pytest.raises(ValueError):
        number().read(text)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6))
def test_fractions_have_to_sum_to_one(parts):
    """After the scaling they do, before it only by chance."""
    total = math.fsum(parts)
    assert len(FRACTIONS.read(",".join(repr(part / total) for part in parts))) == len(parts)
    if not math.isclose(total, 1, abs_tol=1e-6):
        with pytest.raises(ValueError):
            FRACTIONS.read(",".join(map(repr, parts)))


@given(st.dictionaries(st.text(), st.integers() | st.text()))
def test_a_json_object_is_read_whole(value):
    """A list or a number is not one."""
    assert JSON_OBJECT.read(json.dumps(value)) == value
    with pytest.raises(ValueError):
        JSON_OBJECT.read(json.dumps([value]))


def test_words_names_and_characters():
    """The small kinds."""
    assert [BOOLEAN.read(text) for text in ("true", "FALSE")] == [True, False]
    assert NAMES.read("a, b") == ("a", "b")
    assert CHARACTER.read("\t") == "\t"
    assert one_of("Local", "spark").read("LOCAL") == "Local"
    assert one_of("a", "b").expected == "one of 'a', 'b'"


@pytest.mark.parametrize(
    ("kind", "text"), [(BOOLEAN, "yes"), (NAMES, "a,,b"), (NAMES, ""), (CHARACTER, "ab"), (one_of("a"), "c")]
)
def test_what_does_not_fit_a_kind_is_refused(kind, text):
    """By ValueError, which the reader turns into the error of the option."""
    with pytest.raises(ValueError):
        kind.read(text)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (integer(), "a whole number"),
        (integer(1), "a whole number of at least 1"),
        (integer(most=5), "a whole number of at most 5"),
        (number(0, 1), "a number from 0 to 1"),
    ],
)
def test_a_range_stands_in_the_words_of_its_kind(kind, expected):
    """As the error text shows them."""
    assert kind.expected == expected
