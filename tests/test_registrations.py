"""What owners have registered: kept in memory and in the database alike, found by those who may call it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlsql.database import open_database, private_folder
from mlsql.models.manifest import Column
from mlsql.registration_store import DatabaseRegistrations
from mlsql.registrations import (
    CurrentRegistrations,
    MemoryRegistrations,
    Registration,
    ToldRegistrations,
    UnknownFunction,
)

GUESS = Registration(
    owner="ann",
    function="guess",
    algorithm="SKLearn",
    path="/models/wine",
    version=3,
    index=1,
    signature="guess(a double, b string) -> string",
    inputs=(Column("a", "double"), Column("b", "string")),
    output="string",
    kind="classifier",
    companions=("guess_all", "guess_proba"),
    metrics={"f1": 0.9},
    created=100.0,
    grants=("bob", "carl"),
    options={"über": "alles"},
)


@pytest.fixture(params=["memory", "database", "current"])
def kept(request, tmp_path):
    """Each place where they are kept."""
    if request.param != "database":
        memory = MemoryRegistrations()
        yield memory if request.param == "memory" else CurrentRegistrations(memory)
        return
    database = open_database(None, private_folder(tmp_path / "state"))
    yield DatabaseRegistrations(database)
    database.dispose()


def test_what_is_kept_is_found_again_as_it_was(kept):
    """With all that is known of it."""
    kept.put(GUESS)
    assert kept.find("ann", "guess") == GUESS
    assert [*kept.of("ann")] == [*kept.listed()] == [GUESS]


def test_a_function_without_a_model_is_kept_too(kept):
    """With the options of its statement, and the reason why no scorer answers it."""
    code = replace(GUESS, function="plus", version=None, index=None, trouble="Spark alone answers it")
    kept.put(code)
    assert kept.find("ann", "plus") == code


def test_registering_again_replaces(kept):
    """Also those who may call it."""
    kept.put(GUESS)
    kept.put(again := replace(GUESS, version=4, grants=("dora",)))
    assert [*kept.of("ann")] == [again]


def test_owners_are_apart(kept):
    """Two may use the same name."""
    kept.put(GUESS)
    kept.put(other := replace(GUESS, owner="bob", grants=()))
    kept.remove("ann", "guess")
    kept.remove("ann", "guess")
    assert (kept.find("ann", "guess"), [*kept.of("ann")]) == (None, [])
    assert [*kept.listed()] == [other]


def test_they_are_listed_in_the_order_in_which_they_were_registered(kept):
    """The oldest first."""
    for created, name in enumerate("bac"):
        kept.put(replace(GUESS, function=name, created=float(created)))
    assert [each.function for each in kept.of("ann")] == ["b", "a", "c"]


def test_a_record_holds_all_of_a_registration():
    """It goes to scorers as JSON."""
    assert Registration.from_record(GUESS.record()) == GUESS


def test_every_change_is_told_after_it_was_kept():
    """Whoever hears of it finds it."""
    memory, told = MemoryRegistrations(), []
    registrations = ToldRegistrations(
        kept=memory, told=lambda *change: told.append((change, memory.find(*change[:2])))
    )
    registrations.put(GUESS)
    registrations.remove("ann", "guess")
    assert told == [(("ann", "guess", GUESS), GUESS), (("ann", "guess", None), None)]


@pytest.fixture
def known():
    """What ann has registered, and lets bob and carl call."""
    known = MemoryRegistrations()
    known.put(GUESS)
    return known


def test_the_owner_calls_his_function_by_its_name(known):
    """And with his own name before it."""
    assert known.called("ann", "guess") == known.called("ann", "ann.guess") == GUESS


def test_whom_the_owner_lets_calls_it_with_the_owners_name(known):
    """So that it cannot be mistaken for one of his own."""
    assert known.called("bob", "ann.guess") == GUESS
    assert known.callable_by("bob") == {"ann.guess": GUESS}
    assert known.callable_by("ann") == {"guess": GUESS}


@pytest.mark.parametrize(
    ("caller", "name"),
    [
        ("bob", "guess"),
        ("eve", "guess"),
        ("eve", "ann.guess"),
        ("ann", "guess@"),
        ("ann", "guess@x"),
        ("ann", ""),
    ],
)
def test_what_a_caller_may_not_call_is_unknown_to_him(known, caller, name):
    """As unknown as what is not there."""
    with pytest.raises(UnknownFunction):
        known.called(caller, name)


def test_nobody_is_told_the_names_of_others(known):
    """A hint names what the caller may call."""
    with pytest.raises(UnknownFunction) as refused:
        known.called("eve", "ann.gues")
    assert "guess" not in (refused.value.hint or "")
    with pytest.raises(UnknownFunction) as missed:
        known.called("ann", "gues")
    assert missed.value.hint == "did you mean 'guess'?"


def test_another_version_lies_at_the_same_path(known):
    """Its best candidate answers; of the registered version the one that was registered."""
    assert known.called("ann", "guess@3") == GUESS
    older = known.called("ann", "guess@1")
    assert (older.path, older.version, older.index) == (GUESS.path, 1, None)


def test_a_function_without_a_model_has_no_versions(known):
    """There is nothing at its path."""
    known.put(replace(GUESS, function="plus", version=None, index=None))
    with pytest.raises(UnknownFunction):
        known.called("ann", "plus@1")
