from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.bridge.errors import OptionFault
from mlsql.options import OptionText
from mlsql.stages.algorithms.candidates import read_candidates

names = st.sampled_from(["alg", "C", "max_depth", "estimator__x", "a.b"])
groups = st.dictionaries(st.integers(0, 30), st.dictionaries(names, st.text(), min_size=1), min_size=1)


@given(groups)
def test_every_number_is_a_candidate(given_groups):
    """With its parameters and no other's, in the order of the numbers."""
    options = {
        f"{index}.{name}": OptionText(text)
        for index, group in given_groups.items()
        for name, text in group.items()
    }
    candidates = read_candidates(options)
    assert [one.index for one in candidates] == sorted(given_groups)
    assert {one.index: dict(one.params) for one in candidates} == given_groups
    assert all(one.prefix == f"fitParam.{one.index}." for one in candidates)


def test_without_numbers_there_is_one_candidate():
    """Of the parameters given, or of none."""
    (one,) = read_candidates({"alg": OptionText("SVC"), "C": OptionText("2")})
    assert (one.index, dict(one.params), one.prefix) == (0, {"alg": "SVC", "C": "2"}, "fitParam.")
    assert [dict(each.params) for each in read_candidates({})] == [{}]


def test_a_parameter_of_no_group_beside_groups_is_refused():
    """It would be unclear whom it concerns; the hint says how to write it."""
    with pytest.raises(OptionFault) as caught:
        read_candidates({"2.alg": OptionText("SVC"), "C": OptionText("2")})
    assert caught.value.option == "fitParam.C"
    assert "`fitParam.2.C`" in caught.value.hint
