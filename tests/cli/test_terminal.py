"""Tables as a terminal shows them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mlsql.cli.terminal import table_lines

NAMES = st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=30)


@given(NAMES, st.integers(2, 5), st.integers(45, 200))
def test_no_line_is_wider_than_the_terminal(names, count, width):
    """Columns go until the rest fits; the widest column is narrower than any terminal."""
    lines = table_lines(names, [names] * count, width)
    assert max(map(cell_len, lines)) <= width


@given(NAMES)
def test_without_a_terminal_nothing_is_left_out(names):
    """Every column has its cell."""
    _, _, row = table_lines(names, [list(range(len(names)))])
    assert row.split() == [str(number) for number in range(len(names))]


def test_what_was_cut_is_said():
    """From the middle, for keys stand first and predictions last."""
    columns = [f"column_{number:02}" for number in range(20)]
    assert table_lines(columns, [range(20), range(20)], 50) == [
        "column_00  column_01  …  column_18  column_19",
        "---------  ---------  -  ---------  ---------",
        "        0          1  …         18         19",
        "        0          1  …         18         19",
        "(4 of 20 columns)",
    ]


def test_a_single_wide_row_stands_upright():
    """As the row of a register does, whose signature is long."""
    assert table_lines(["function", "signature"], [["f", "x" * 80]], 60) == [
        "function   f",
        "signature  " + "x" * 80,
    ]


def test_a_cell_cannot_move_the_cursor():
    """Line breaks and escape sequences in the data are shown, not obeyed."""
    assert table_lines(["a"], [["x\n\x1b[31m"]])[2] == r"x\n\x1b[31m"


def test_wide_characters_keep_the_columns_straight():
    """A Chinese character takes two cells."""
    assert table_lines(["词", "n"], [["深度", 1], ["a", 22]]) == [
        "词     n",
        "----  --",
        "深度   1",
        "a     22",
    ]


def test_a_table_without_rows_has_its_header():
    """And one without columns is an empty line."""
    assert table_lines(["a", "b"], []) == ["a  b", "-  -"]
