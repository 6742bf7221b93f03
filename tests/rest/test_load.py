"""Fifty owners at once: no error, and each gets the same share; ``scripts/bench load`` takes minutes."""

from __future__ import annotations

import pytest

from scripts.benches.load import load_run


@pytest.mark.parametrize(
    "seconds", [5, pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
def test_many_owners_get_the_same_share_without_an_error(seconds):
    """Also those beside owners who send three times as many; in minutes the memory has to stay, too."""
    run = load_run(seconds)
    assert run.errors == []
    assert run.ended.total() > len(run.ended)
    assert run.fairness > 0.8
    assert seconds < 60 or run.growth < 0.1
