"""The nearest known name to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that *name* most likely stands for, or None when none is near.

    >>> nearest("jbdc", ["csv", "jdbc", "json"])
    'jdbc'
    >>> nearest("quality", ["csv", "jdbc"]) is None
    True
    """
    by_folded = {candidate.casefold(): candidate for candidate in known}
    folded = name.casefold()
    matches = get_close_matches(folded, by_folded, n=3, cutoff=0.6)
    # Letters that changed places are the commonest slip: 'cvs' is 'csv' rather than 'csvStr'.
    closest = min(matches, key=lambda match: sorted(match) != sorted(folded), default=None)
    return None if closest is None else by_folded[closest]


def listed(names: Iterable[str], *, most: int = 12) -> str:
    """*names* as they stand in a sentence; a long list is cut and says how many there are.

    >>> listed(["b", "a"])
    "'a', 'b'"
    >>> listed("abc", most=2)
    "'a', 'b' … (3 in all)"
    """
    ordered = sorted(names, key=str.casefold)
    shown = ", ".join(f"'{name}'" for name in ordered[:most])
    return shown if len(ordered) <= most else f"{shown} … ({len(ordered)} in all)"


def words(text: str) -> frozenset[str]:
    """The words of *text*, each once: how long lists of names are written here.

    >>> sorted(words("b a b"))
    ['a', 'b']
    """
    return frozenset(text.split())
