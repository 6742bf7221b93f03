"""``inputCols`` means columns by name, by range, by pattern, or all that are left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.bridge.errors import OptionFault
from mlsql.errors import MissingColumn
from mlsql.stages.algorithms.inputs import SELECTORS, selected

KNOWN = ("id", "c1", "c10", "c2", "年 龄", "a..b", "x,y", "x1", "label", "w")


def columns(text, known=KNOWN, label="label", weight="w"):
    """The columns that *text* means."""
    return selected(SELECTORS.read(text), known, (label, weight))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("id, 年 龄", ("id", "年 龄")),
        ("ID", ("id",)),
        ("id,id,ID", ("id",)),
        ("c1..c2", ("c1", "c2")),
        ("C1 .. c2,id", ("c1", "c2", "id")),
        ("id..c10", ("id", "c1", "c10")),
        ("x1..w", ("x1",)),
        ("a..b", ("a..b",)),
        ("regex:^c[0-9]{1,1}$", ("c1", "c2")),
        ("regex:^c[0-9]{1,2}$,id", ("c1", "c10", "c2", "id")),
        ("regex:^[(x] *", ("x,y", "x1")),
        ("x1,*", ("x1", "id", "c1", "c10", "c2", "年 龄", "a..b", "x,y")),
        ("label", ("label",)),
    ],
)
def test_a_part_means_columns_of_the_table(text, meant):
    """In the order of the parts, each once; label and weight only by their names."""
    assert columns(text) == meant


def test_numbers_may_begin_with_zeros():
    """As many digits as the range begins with."""
    known = ("c01", "c02", "c1", "c2")
    assert columns("c01..c02", known) == ("c01", "c02")
    assert columns("c1..c2", known) == ("c1", "c2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("regex:^z", r"no column matches '\^z'"),
        ("regex:^label$", "no column matches"),
        ("regex:(", r"'\(' is no regular expression"),
        ("c2..c1", "no column lies from 'c2' to 'c1'"),
        ("w..id", "no column lies from 'w' to 'id'"),
    ],
)
def test_what_means_nothing_is_an_error(text, message):
    """It is that of the option."""
    with pytest.raises(OptionFault, match=message) as caught:
        columns(text)
    assert caught.value.option == "inputCols"


@pytest.mark.parametrize(
    ("text", "name"), [("cc1", "cc1"), ("c1..c3", "c3"), ("id..idd", "idd"), ("..", "..")]
)
def test_a_column_that_is_not_there_is_named(text, name):
    """Also one of a numbered range."""
    with pytest.raises(MissingColumn) as caught:
        columns(text)
    assert (caught.value.column, caught.value.option) == (name, "inputCols")


def test_nothing_may_be_left():
    """A table of a label and a weight has no features."""
    with pytest.raises(OptionFault, match="nothing is left"):
        columns("*", ("label", "w"))


@pytest.mark.parametrize("text", ["", "a,,b", "a,"])
def test_an_empty_part_cannot_be_read(text):
    """There is a comma too many."""
    with pytest.raises(ValueError, match=f"^{text}$"):
        SELECTORS.read(text)


@given(st.lists(st.sampled_from(["id", "c1..c2", "regex:c", "*", "年 龄", "x1"]), min_size=1))
def test_a_column_is_taken_once(parts):
    """However often it is meant, and always one of the table."""
    meant = columns(",".join(parts))
    assert len(set(meant)) == len(meant)
    assert set(meant) <= set(KNOWN)
