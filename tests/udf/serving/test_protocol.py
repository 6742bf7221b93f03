"""Frames, questions and errors: what is written is read again, what is no frame is refused."""

from __future__ import annotations

import contextlib
import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.errors import ConfigError, DataError, MissingColumn, RunError, ScriptError
from mlsql.jobs.errors import QueueFull
from mlsql.udf.serving.functions import AnsweredElsewhere
from mlsql.udf.serving.lane_columns import Columns
from mlsql.udf.serving.protocol import (
    Frame,
    FrameReader,
    hello,
    read_error,
    read_hello,
    write_error,
    write_frame,
    write_json,
)
from mlsql.udf.serving.questions import (
    read_columns,
    read_query,
    read_question,
    write_columns,
    write_query,
    write_question,
)

VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
ROWS = st.lists(st.lists(VALUES | st.lists(st.floats(allow_nan=False)), max_size=4), max_size=4)
FRAMES = st.lists(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 255), st.binary(max_size=50)), max_size=5
)


@given(frames=FRAMES, data=st.data())
def test_frames_are_found_however_they_arrive(frames, data):
    """In one piece, byte by byte, or anything between."""
    whole = b"".join(write_frame(*each) for each in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    reader, found = FrameReader(1000), []
    for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        found += reader.feed(whole[begin:end])
    assert found == [Frame(*each) for each in frames]
    assert reader.is_between


def test_a_frame_that_is_too_large_is_refused_before_it_has_come():
    """By the length that it begins with."""
    with pytest.raises(ScriptError, match="4,294,967,295 bytes is too large: at most 1,000"):
        FrameReader(1000).feed(b"\xff" * 9)


@given(rows=ROWS, caller=st.text(max_size=9), function=st.text(max_size=9))
def test_a_question_is_read_as_it_was_asked(rows, caller, function):
    """Whatever the rows hold that JSON can."""
    question = read_question(write_question(caller, function, rows, "proba"))
    assert (question.caller, question.function, question.companion) == (caller, function, "proba")
    assert [[*each] for each in question.rows()] == rows


@pytest.mark.parametrize(
    "row", [[0.1, -0.0, 1e-300, math.inf, math.nan], [[0.5, math.nan, 2.0]], [math.nan, None]]
)
def test_doubles_keep_every_bit(row):
    """NaN, infinities and negative zero too."""
    (found,) = read_question(write_question("ann", "f", [row], "")).rows()
    assert repr([*found]) == repr(row)


def test_whole_numbers_are_not_taken_for_doubles():
    """A text column would show the difference."""
    (found,) = read_question(write_question("ann", "f", [[1, 2.0]], "")).rows()
    assert [*map(type, found)] == [int, float]


def test_a_table_stays_what_it_is():
    """Its bytes are not looked at on the way."""
    question = read_question(write_question("ann", "f", b"ARROW", ""))
    assert (question.is_table, question.payload) == (True, b"ARROW")


@given(sql=st.text(), table=st.binary())
def test_a_query_is_read_as_it_was_asked(sql, table):
    """Text and table."""
    assert read_query(write_query("ann", sql, table)) == ("ann", sql, table)


def test_few_rows_travel_as_they_are():
    """Dates and numbers of numpy among them; what are no columns is refused."""
    rows = Columns({"a": "double", "b": "array<bigint>"}, [[0.1, math.inf], [[1, None], None]])
    assert read_query(write_query("ann", "select *", rows)) == ("ann", "select *", rows)
    odd = Columns({"a": "date", "b": "double"}, [[date(2024, 2, 29)], [np.float64(0.5)]])
    assert read_columns(write_columns(odd)).values == [["2024-02-29"], [0.5]]
    for wrong in ([], [{}, 1], [{"a": "map"}, [[]]], [{"a": "int"}, []], [{"a": "int"}, [1]]):
        with pytest.raises(ScriptError, match="no columns"):
            read_columns(write_json(wrong))


@given(body=st.binary(max_size=80))
def test_what_is_no_question_is_refused(body):
    """By an error of ours, whatever the bytes are."""
    for read in (lambda: read_question(body).rows(), lambda: read_query(body), lambda: read_hello(body)):
        with contextlib.suppress(ScriptError, ConfigError):
            read()


def test_what_json_cannot_hold_is_refused():
    """Before anything is sent."""
    with pytest.raises(ScriptError, match="JSON"):
        write_question("ann", "f", [[object()]], "")


@pytest.mark.parametrize(
    "error",
    [
        MissingColumn("a", ["b", "c"]),
        DataError("the model is gone", hint="train it"),
        RunError("it died", retriable=True),
        AnsweredElsewhere("f", "own-1.sock"),
        QueueFull(3),
    ],
)
def test_an_error_comes_back_as_what_it_was(error):
    """Class, sentence, hint, and what else it knows."""
    found = read_error(write_error(error))
    assert type(found) is type(error)
    assert str(found) == str(error)
    assert vars(found).keys() == vars(error).keys()


def test_an_error_that_is_unknown_here_is_its_nearest_class():
    """Both sides need not know each class."""

    class Special(DataError):
        """Only known there."""

    body = write_error(Special("so it is")).replace(b'"Special"', b'"Other"')
    assert type(read_error(body)) is DataError


def test_of_what_is_no_error_of_ours_only_the_class_is_told():
    """Its text may hold anything."""
    assert "secret" not in str(read_error(write_error(ValueError("secret"))))


def test_another_version_of_the_protocol_is_named():
    """With what to do."""
    with pytest.raises(ConfigError, match="version 99"):
        read_hello(hello(version=99))
    with pytest.raises(ScriptError):
        read_hello(write_json(["hello"]))
