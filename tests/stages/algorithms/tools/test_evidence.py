from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.stages.algorithms.tools.bins import Bin, FeatureBins
from mlsql.stages.algorithms.tools.card import Scale
from mlsql.stages.algorithms.tools.cuts import cuts_between
from mlsql.stages.algorithms.tools.evidence import shifts, weigh

AGES = {
    None: (860, 140, -42.719),
    "18-22": (3040, 960, -108.980),
    "23-26": (4920, 1080, -72.613),
    "27-29": (8100, 900, -4.526),
    "30-35": (9500, 500, 70.196),
    "35-44": (6800, 200, 128.388),
    "44+": (2940, 60, 164.934),
}
"""Good and bad applicants by age, and the weight of evidence times 100: Siddiqi, Credit Risk Scorecards
(2006), exhibit 6.2. The information value given there is 0.668."""

counts = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=8)


def test_the_evidence_of_siddiqis_ages():
    """The table of the textbook, to its three decimal places."""
    found = weigh([(good, bad) for good, bad, _ in AGES.values()])
    assert [round(100 * each.woe, 3) for each in found] == [woe for _, _, woe in AGES.values()]
    assert round(sum(each.iv for each in found), 3) == 0.668
    assert [each.total for each in found][:2] == [1000, 4000]
    assert found[1].rate == 0.76


def test_the_shift_of_incomes():
    """The worked example at geeksforgeeks.org/data-science/population-stability-index-psi: three incomes."""
    found = shifts([(35, 40), (25, 30), (40, 30)])
    assert [round(each.psi, 4) for each in found] == [0.0067, 0.0091, 0.0288]
    assert [each.difference for each in found] == pytest.approx([-0.05, -0.05, 0.1])
    assert found[2].logarithm == pytest.approx(math.log(4 / 3))


@given(counts)
def test_evidence_and_shifts_are_finite_and_never_less_than_none(pairs):
    """Also of bins that are empty, or hold good rows alone."""
    if all(sum(each[side] for each in pairs) for side in (0, 1)):
        assert all(math.isfinite(each.woe) and each.iv >= 0 for each in weigh(pairs))
    assert all(math.isfinite(each.psi) and each.psi >= 0 for each in shifts(pairs))


@given(counts)
def test_what_has_not_moved_has_no_index(pairs):
    """Twice as many rows in each bin are the same shares."""
    assert sum(each.psi for each in shifts([(2 * one, one) for one, _ in pairs])) == pytest.approx(
        0, abs=1e-12
    )


def test_the_scale_of_siddiqis_scores():
    """Odds of 50:1 at 600 points, which 20 more double: factor 28.8539, offset 487.123 (ibid., chapter 6)."""
    scale = Scale.of(score=600, odds=50, pdo=20)
    assert (round(scale.factor, 4), round(scale.offset, 3)) == (28.8539, 487.123)
    scores = [scale.offset + scale.factor * math.log(odds) for odds in (50, 100)]
    assert scores == pytest.approx([600, 620])


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1).map(sorted))
def test_cuts_ascend_and_leave_no_bin_empty(points):
    """Each cut lies above the least value, so that something lies below it."""
    cuts = cuts_between(points)
    assert list(cuts) == sorted(set(cuts))
    assert all(cut > points[0] for cut in cuts)


def test_bins_are_read_as_they_were_written():
    """Ranges and categories, also one that is an empty text; what is missing is a bin of any feature."""
    for bins in (FeatureBins("a", (1.0, 2.5)), FeatureBins("a"), FeatureBins("b", categories=("x", ""))):
        assert FeatureBins.of(bins.feature, list(bins.bins())) == bins
    assert [str(each) for each in (Bin(0, None, 1.0), Bin(0, category="x"), Bin(-1))] == [
        "(-inf, 1.0)", "[x]", "missing"
    ]  # fmt: skip
