"""Registries: names, dotted places, plug-ins."""

from __future__ import annotations

import string
import sys
from importlib.metadata import EntryPoint

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql import registry as module
from mlsql.errors import ConfigError, UnknownName
from mlsql.registry import Registry
from mlsql.spans import Script

NAMES = st.text(string.ascii_letters, min_size=1, max_size=8)


@given(st.lists(NAMES, unique_by=str.casefold))
def test_what_was_added_is_found_in_any_case_and_listed_in_order(names):
    """And nothing else is there."""
    registry: Registry[str] = Registry("thing")
    for name in names:
        registry.add(name, [name])
    assert list(registry) == names
    assert len(registry) == len(names)
    assert all(registry.get(name.swapcase()) == [name] for name in names)
    assert all(name.upper() in registry for name in names)


def test_a_taken_name_is_the_operators_error():
    """Both who have it are named."""
    registry: Registry[int] = Registry("source")
    registry.add("csv", 1)
    with pytest.raises(ConfigError, match="plug adds the source 'CSV', which mlsql has added before"):
        registry.add("CSV", 2, added_by="plug")
    assert registry.get("csv") == 1


def test_an_unknown_name_is_placed_and_comes_with_the_nearest():
    """As every misspelt name in a script."""
    registry: Registry[int] = Registry("source")
    registry.add("jdbc", 1)
    span = Script("a", "load jbdc").span(5, 9)
    with pytest.raises(UnknownName, match="no source is called 'jbdc'") as caught:
        registry.get("jbdc", span=span)
    assert (caught.value.span, caught.value.hint) == (span, "did you mean 'jdbc'?")
    assert 7 not in registry


def test_a_dotted_place_is_imported_at_its_first_use():
    """What nobody asks for is never imported."""
    sys.modules.pop("this", None)
    registry: Registry[object] = Registry("trainer")
    registry.add("fraction", "fractions:Fraction")
    registry.add("zen", "this:s")
    assert registry.get("fraction").__name__ == "Fraction"
    assert "this" not in sys.modules


def test_what_cannot_be_imported_hurts_only_its_own_use():
    """The sentence says which package is missing, and whose trainer it is."""
    registry: Registry[object] = Registry("trainer")
    registry.add("FCClassify", "no_such_package.trainer:Trainer", added_by="deep")
    with pytest.raises(ConfigError) as caught:
        registry.get("fcclassify")
    assert caught.value.message.startswith("the trainer 'FCClassify' cannot be loaded: No module named")
    assert caught.value.hint == "install what deep needs for it"
    assert isinstance(caught.value.__cause__, ImportError)


def test_plugins_are_added_by_their_entry_points_without_being_imported(monkeypatch):
    """Of the group asked for."""
    groups = {"mlsql.sources": [EntryPoint("zen", "this:s", "mlsql.sources")], "other": []}
    monkeypatch.setattr(module, "entry_points", lambda *, group: groups[group])
    sys.modules.pop("this", None)
    registry: Registry[object] = Registry("source")
    registry.add_plugins("mlsql.sources")
    registry.add_plugins("other")
    assert list(registry) == ["zen"]
    assert "this" not in sys.modules
