from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.trainers.sklearn import TRAINER
from mlsql.options import OptionText
from mlsql.stages.algorithms.candidates import MOST, RandomSearch, read_candidates

names = st.sampled_from(["alg", "C", "max_depth", "estimator__x", "a.b"])
texts = st.text("abc012", max_size=5)
groups = st.dictionaries(st.integers(0, 30), st.dictionaries(names, texts, min_size=1), min_size=1)


def never(params, name):
    """No parameter takes a list."""
    return False


def candidates_of(search=None, takes_list=never, **options):
    """The candidates of ``g0_alg=…`` (the parameter ``alg`` of group 0), or of parameters of no group."""
    written = {re.sub(r"^g(\d+)_", r"\1.", key): OptionText(text) for key, text in options.items()}
    return read_candidates(written, takes_list, search)


@given(groups)
def test_every_number_is_a_candidate(given_groups):
    """With its parameters and no other's, in the order of the numbers."""
    options = {
        f"{index}.{name}": OptionText(text)
        for index, group in given_groups.items()
        for name, text in group.items()
    }
    candidates = read_candidates(options, never)
    assert [one.index for one in candidates] == sorted(given_groups)
    assert {one.index: dict(one.params) for one in candidates} == given_groups
    assert all(one.prefix == f"fitParam.{one.index}." for one in candidates)


def test_without_numbers_there_is_one_candidate():
    """Of the parameters given, or of none."""
    (one,) = read_candidates({"alg": OptionText("SVC"), "C": OptionText("2")}, never)
    assert (one.index, dict(one.params), one.prefix) == (0, {"alg": "SVC", "C": "2"}, "fitParam.")
    assert [dict(each.params) for each in read_candidates({}, never)] == [{}]


def test_a_parameter_of_no_group_beside_groups_is_refused():
    """It would be unclear whom it concerns; the hint says how to write it."""
    with pytest.raises(OptionFault) as caught:
        read_candidates({"2.alg": OptionText("SVC"), "C": OptionText("2")}, never)
    assert caught.value.option == "fitParam.C"
    assert "`fitParam.2.C`" in caught.value.hint


grids = st.dictionaries(
    st.sampled_from(["alg", "C", "gamma", "estimator__x"]),
    st.lists(st.integers(0, 9).map(str), min_size=1, max_size=3, unique=True),
    min_size=1,
)


@given(st.lists(grids, min_size=1, max_size=3))
def test_grids_are_expanded_to_their_product_in_order(groups_of_grids):
    """Group after group; ``alg`` changes slowest, then what is written first, inner estimators fastest."""
    options = {
        f"{number}.{name}": OptionText(f"[{','.join(values)}]")
        for number, grid in enumerate(groups_of_grids)
        for name, values in grid.items()
    }
    expected = []
    for grid in groups_of_grids:
        order = sorted(grid, key=lambda name: (name != "alg", "__" in name))
        combinations = product(*(grid[name] for name in order))
        expected += [dict(zip(order, values, strict=True)) for values in combinations]
    candidates = read_candidates(options, never)
    assert [dict(one.params) for one in candidates] == expected
    assert [one.index for one in candidates] == list(range(len(expected)))


def test_a_fault_can_name_the_group_that_an_expanded_candidate_comes_from():
    """Its prefix is that of the group, its parameters stay in their order."""
    candidates = candidates_of(g3_alg="Ridge", g3_alpha="[1,10]", g3_tol="0.1", g7_alg="Lasso")
    assert [(one.index, one.prefix) for one in candidates] == [
        (0, "fitParam.3."),
        (1, "fitParam.3."),
        (2, "fitParam.7."),
    ]
    assert list(candidates[1].params.items()) == [("alg", "Ridge"), ("alpha", "10"), ("tol", "0.1")]


def test_a_list_is_the_value_of_a_parameter_that_takes_lists():
    """By the constraints of the estimator that the grid over ``alg`` has come to."""
    layers = candidates_of(takes_list=TRAINER.takes_list, alg="MLPClassifier", hidden_layer_sizes="[4,5,3]")
    assert [one.params["hidden_layer_sizes"] for one in layers] == ["[4,5,3]"]
    several = candidates_of(
        takes_list=TRAINER.takes_list, alg="mlpclassifier", hidden_layer_sizes="[[4,5,3],[8,3]]"
    )
    assert [one.params["hidden_layer_sizes"] for one in several] == ["[4,5,3]", "[8,3]"]
    mixed = candidates_of(
        takes_list=TRAINER.takes_list, alg="[GaussianNB, RandomForestClassifier]", priors="[1,2]"
    )
    assert [one.params["priors"] for one in mixed] == ["[1,2]", "1", "2"]


def test_too_many_candidates_are_refused():
    """At the first grid of the group that passes the limit; so many as the limit are taken."""
    ten = "[0,1,2,3,4,5,6,7,8,9]"
    assert len(candidates_of(a=ten, b=ten, c=ten)) == MOST
    with pytest.raises(OptionFault, match="more than 1,000 models") as caught:
        candidates_of(g0_x="1", g1_a="1", g1_b=ten, g1_c=ten, g1_d=ten)
    assert caught.value.option == "fitParam.1.b"


@pytest.mark.parametrize("text", ["range(2,12)", "log(1e-4,1)", "choice(a,b)"])
def test_what_is_drawn_from_takes_a_search(text):
    """The error says to add it."""
    with pytest.raises(OptionFault, match="takes a search") as caught:
        candidates_of(g0_alg="SVC", g0_C=text)
    assert caught.value.option == "fitParam.0.C"
    assert 'search="random"' in caught.value.hint


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_trials_take_turns_among_the_groups_and_none_comes_twice(trials, seed):
    """A group with nothing new to try leaves its turns to the others; a grid is drawn from too."""
    drawn = candidates_of(
        RandomSearch(trials, seed), g0_alg="A", g0_x="[1,2,3]", g1_alg="choice(B,C)", g1_y="range(0.0,1.0)"
    )
    assert [one.index for one in drawn] == list(range(trials))
    assert len({tuple(one.params.items()) for one in drawn}) == trials
    groups_drawn = [one.prefix[-2] for one in drawn]
    assert groups_drawn[:6] == ["0", "1", "0", "1", "0", "1"][:trials]
    assert groups_drawn.count("0") == min(3, -(-trials // 2))


@given(st.integers(0, 2**32 - 1))
def test_the_same_seed_draws_the_same(seed):
    """Of a group also when there are others beside it."""
    alone = candidates_of(RandomSearch(4, seed), g0_x="log(1e-4,1)")
    assert alone == candidates_of(RandomSearch(4, seed), g0_x="log(1e-4,1)")
    beside = candidates_of(RandomSearch(8, seed), g0_x="log(1e-4,1)", g1_x="range(1,99)")
    assert [one.params for one in beside if one.prefix == "fitParam.0."] == [one.params for one in alone]


def test_a_small_space_gives_fewer_trials():
    """All that there is."""
    drawn = candidates_of(RandomSearch(30, 1), x="choice(a,b)", y="[1,2]")
    assert {(one.params["x"], one.params["y"]) for one in drawn} == {
        ("a", "1"),
        ("a", "2"),
        ("b", "1"),
        ("b", "2"),
    }
    assert len(drawn) == 4
