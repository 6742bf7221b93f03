"""The nearest name, and lists of names in sentences."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlsql.names import listed, nearest

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=12)


@given(st.lists(NAMES, min_size=1, unique_by=str.casefold), st.data())
def test_a_known_name_is_nearest_to_itself(names, data):
    """Whatever its case, when no other name is as near."""
    name = data.draw(st.sampled_from(names))
    found = nearest(name.swapcase(), names) if name.swapcase().casefold() == name.casefold() else name
    assert found is not None
    assert found.casefold() == name.casefold()


@given(NAMES, st.lists(NAMES))
def test_the_nearest_is_one_of_the_known(name, known):
    """Or there is none."""
    assert nearest(name, known) in [*known, None]


def test_a_slip_of_the_fingers_finds_its_name():
    """Swapped, missing and doubled letters, and the wrong case."""
    known = ["RandomForestClassifier", "GradientBoostingClassifier", "csv", "jdbc"]
    assert nearest("randomforestclasifier", known) == "RandomForestClassifier"
    assert nearest("jbdc", known) == "jdbc"
    assert nearest("parquet", known) is None


@given(st.lists(NAMES), st.integers(1, 5))
def test_a_list_shows_no_more_than_asked_and_tells_how_many_there_are(names, most):
    """A sentence stays short."""
    text = listed(names, most=most)
    shown = sorted(names, key=str.casefold)[:most]
    assert text.startswith(", ".join(f"'{name}'" for name in shown))
    assert text.endswith(f"({len(names)} in all)") == (len(names) > most)
