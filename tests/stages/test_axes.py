"""What a parameter is tried with, read from its text."""

from __future__ import annotations

import json
import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.bridge.errors import OptionFault
from mlsql.stages.algorithms.axes import Between, Listed, read_axis

words = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
values = st.recursive(
    st.one_of(numbers, words, st.booleans(), st.none()), lambda each: st.lists(each, max_size=3)
)


def read(text, *, takes_list=False):
    """The axis of an option."""
    return read_axis(text, option="fitParam.0.x", takes_list=takes_list)


@given(st.lists(st.one_of(numbers, st.text(min_size=1), st.booleans(), st.none()), min_size=1))
def test_a_json_list_is_a_grid_of_the_texts_that_one_would_write_alone(given_values):
    """Texts lose their quotes, everything else stays as it is written."""
    axis = read(json.dumps(given_values))
    assert axis.values == tuple(each if isinstance(each, str) else json.dumps(each) for each in given_values)
    assert not axis.drawn


@given(st.lists(st.lists(values, max_size=3), min_size=1, max_size=4))
def test_where_a_parameter_takes_a_list_only_a_list_of_lists_is_a_grid(lists):
    """The list itself is the value."""
    axis = read(json.dumps(lists), takes_list=True)
    assert axis == Listed(tuple(map(json.dumps, lists)))
    assert read("[4, 5, 3]", takes_list=True) is None
    assert read("[]", takes_list=True) is None
    assert read("[(50,20), (100,)]", takes_list=True) == Listed(("(50,20)", "(100,)"))


@given(st.integers(-50, 50), st.integers(1, 50), st.integers())
def test_a_range_of_whole_numbers_has_both_its_ends(low, width, seed):
    """Nothing else is drawn, and everything is."""
    axis = read(f"range({low}, {low + width})")
    random = Random(seed)
    drawn = {int(axis.draw(random)) for _ in range(60 * width)}
    assert drawn <= set(range(low, low + width + 1))
    if width < 5:
        assert drawn == set(range(low, low + width + 1))


@given(st.floats(1e-6, 1.0), st.floats(1.5, 1e6), st.integers(), st.sampled_from(["range", "log"]))
def test_decimals_stay_within_their_ends(low, high, seed, name):
    """They are written with a point or an exponent, so that they are no whole numbers."""
    axis = read(f"{name}({low!r},{high!r})")
    text = axis.draw(Random(seed))
    assert low <= float(text) <= high
    assert not text.isdigit()


def test_a_logarithmic_range_gives_each_order_of_magnitude_the_same_share():
    """Of whole numbers too, each end among them."""
    random = Random(0)
    drawn = [float(read("log(1e-4, 1)").draw(random)) for _ in range(4000)]
    counts = [sum(math.floor(math.log10(each)) == power for each in drawn) for power in (-4, -3, -2, -1)]
    assert all(900 < count < 1100 for count in counts)
    assert {read("log(1,4)").draw(random) for _ in range(200)} == {"1", "2", "3", "4"}


@given(st.lists(words, min_size=1, unique=True), st.integers())
def test_a_choice_is_one_of_its_values(names, seed):
    """Written bare or in quotes."""
    bare, quoted = read(f"choice({', '.join(names)})"), read(f"choice{tuple(names)}".replace(",)", ")"))
    assert bare == quoted == Listed(tuple(names), drawn=True)
    assert bare.draw(Random(seed)) in names


@pytest.mark.parametrize(
    "text", ["5", "sqrt", "(50,20)", '{"0":1}', "range", "[${a}]", "range(1,${b})", "[1", ""]
)
def test_everything_else_is_a_value(text):
    """Also what is not known yet."""
    assert read(text) is None


def test_commas_in_brackets_and_quotes_part_nothing():
    """Of any kind."""
    axis = read('choice((1,2), [3,4], {"a":1,"b":2}, \'x,y\', "z\\",")')
    assert axis.values == ("(1,2)", "[3,4]", '{"a":1,"b":2}', "x,y", 'z",')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "it holds no value"),
        ("[1,,2]", "a value is missing beside a comma"),
        ("[1],[2]", "its brackets do not match"),
        ("choice(a,(b)", "its brackets do not match"),
        ("choice()", "it holds no value"),
        ("range(1,2,3)", "a range has two ends, not 3"),
        ("range(2,x)", "'x' is no number"),
        ("range(0.5,inf)", "'inf' is not finite"),
        ("range(5,5)", "from the smaller number to the greater"),
        ("log(0,1)", "a logarithmic range begins above 0"),
    ],
)
def test_what_cannot_be_tried_is_a_fault_of_its_option(text, message):
    """The hint shows what can."""
    with pytest.raises(OptionFault, match="is nothing to try") as caught:
        read(text)
    assert message in caught.value.message
    assert caught.value.option == "fitParam.0.x"
    assert "range(2,12)" in caught.value.hint


def test_a_range_knows_what_it_is():
    """Whole when both ends are written so."""
    assert read("range(2,12)") == Between(2, 12, whole=True, logarithmic=False)
    assert read("log(1, 1e3)") == Between(1.0, 1000.0, whole=False, logarithmic=True)
