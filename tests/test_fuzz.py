"""The language front end under texts that nobody would write, and the fuzzer itself under faults."""

from __future__ import annotations

import time

import pytest

from mlsql.errors import ScriptError
from scripts.fuzzing.__main__ import read_corpus
from scripts.fuzzing.laws import Broken
from scripts.fuzzing.minimising import minimised
from scripts.fuzzing.running import fuzz, smallest
from scripts.fuzzing.texts import KINDS, Texts

SEED = 2027
SECONDS = 25
ENOUGH = 4000


@pytest.fixture(scope="module")
def texts():
    """Those of one seed."""
    return Texts(SEED, read_corpus())


@pytest.fixture(scope="module")
def report(texts):
    """What the run has found."""
    return fuzz(texts, seconds=SECONDS, most=ENOUGH)


def test_no_text_ends_in_anything_but_a_script_error(report):
    """Neither another exception nor a loop, a wrong print or a place outside: scripts/fuzz --seed 2027."""
    assert report.failure is None, f"{report.failure.text!r}\n{report.failure.details}"
    assert set(report.texts) == set(KINDS)


def test_what_the_grammar_makes_is_right_as_often_as_not(report):
    """Otherwise only errors would be tried."""
    assert report.right["grammar scripts"] >= 0.4 * report.texts["grammar"]
    assert report.right["condition conditions"] >= 0.4 * report.texts["condition"]


def test_a_text_is_the_same_again_by_its_seed_and_number(texts):
    """Also when it is the first one asked for."""
    again = Texts(SEED, texts.corpus)
    assert [again.text(number) for number in (7, 3)] == [texts.text(number) for number in (7, 3)]
    assert Texts(SEED + 1, texts.corpus).text(3) != texts.text(3)


def broken(text):
    """Breaks where there is a semicolon."""
    if ";" in text:
        raise Broken("it has a semicolon")


def raising(text):
    """What the front end must not do."""
    {}[text]


def looping(text):
    """Neither must it do this."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pass


@pytest.mark.parametrize(
    ("law", "what"),
    [(broken, "Broken: it has a semicolon"), (raising, "KeyError: "), (looping, "TooSlow: more than 1 s")],
)
def test_a_fault_ends_the_run_and_is_told(texts, law, what):
    """With the text that shows it."""
    report = fuzz(texts, seconds=SECONDS, laws={"law": law})
    assert report.failure.what.startswith(what)
    assert report.failure.text == texts.text(report.failure.text.number)


def test_a_script_error_is_no_fault(texts):
    """It is what a wrong text gets."""

    def refusing(text):
        raise ScriptError(f"not {text[:10]}")

    report = fuzz(texts, seconds=SECONDS, most=20, laws={"law": refusing})
    assert (report.failure, report.count, report.right.total()) == (None, 20, 0)


def test_the_smallest_text_that_fails_is_kept(texts):
    """It breaks the same law in the same way."""
    report = fuzz(texts, seconds=SECONDS, laws={"law": broken})
    assert smallest(report.failure, {"law": broken}) == ";"
    assert minimised("a\nb\nxy c\nd" * 50, lambda text: "x" in text and "d" in text) in ("xd", "dx")
