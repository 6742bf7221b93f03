from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.errors import MissingColumn, MissingOption, UnknownName

pytestmark = pytest.mark.spark

ROWS = [
    (
        20 + n % 40,
        "own" if n % 3 else "rent",
        None if n % 11 == 0 else float(n % 7),
        int((n * 37) % 100 < 30 + n % 40),
    )
    for n in range(300)
]
_BINS = (
    "run customers as Binning.`bins` where selectedFeatures='the age,home,x.y' and numBucket='4' "
    "and customizedBucketsConfig='x.y:2' and label='好' as bins;"
)


@pytest.fixture
def customers(scripts):
    """Scripts with a table of customers, good and bad."""
    scripts.table("customers", ROWS, "`the age` int, home string, `x.y` double, `好` int")
    return scripts


def test_bins_of_categories_have_the_evidence_of_the_textbook(scripts):
    """Siddiqi's ages (2006, exhibit 6.2) from forty thousand rows; what is missing is a bin of its own."""
    ages = [(None, 860, 140, -42.719), ("18-22", 3040, 960, -108.980), ("23-26", 4920, 1080, -72.613)]
    ages += [("27-29", 8100, 900, -4.526), ("30-35", 9500, 500, 70.196), ("35-44", 6800, 200, 128.388)]
    ages += [("44+", 2940, 60, 164.934)]
    scripts.table("counts", [each[:3] for each in ages], "age string, good int, bad int")
    scripts(
        "select age, if(place <= good, 'good', 'bad') as label from counts "
        "lateral view explode(sequence(1, good + bad)) as place as people;"
    )
    options = "selectedFeatures='age' and goodValue='good'"
    rows = scripts.rows(f"run people as Binning.`` where {options} as bins;")
    assert {row["category"]: (row["p"], row["n"], round(100 * row["woe"], 3)) for row in rows} == {
        age: (good, bad, woe) for age, good, bad, woe in ages
    }
    assert {round(row["featureIv"], 3) for row in rows} == {0.668}
    assert [(row["bin_id"], row["value"]) for row in rows][-2:] == [(5, "[44+]"), (-1, "missing")]


def evidence(row, woe):
    """The weights of evidence that the bins of a customer have."""
    age, home, x, _ = row
    ages = [each for name, each in woe if name == "the age"]
    start = next(each for each in ages if age < float(each.split(", ")[1][:-1]))
    numbers = "missing" if x is None else "(-inf, 3.0)" if x < 3 else "[3.0, inf)"
    return [woe["the age", start], woe["home", f"[{home}]"], woe["x.y", numbers]]


def test_bins_make_a_card_whose_points_add_up_to_the_score(customers):
    """That of the log odds which an unpenalised logistic regression on the same evidence gives."""
    bins = customers.rows(_BINS)
    values = {
        name: [row["value"] for row in bins if row["featureName"] == name] for name in ("the age", "x.y")
    }
    assert values["the age"] == ["(-inf, 29.0)", "[29.0, 38.0)", "[38.0, 49.0)", "[49.0, inf)"]
    assert values["x.y"] == ["(-inf, 3.0)", "[3.0, inf)", "missing"]
    assert sum(row["total"] for row in bins if row["featureName"] == "the age") == 300

    card = customers.rows(
        "run customers as ScoreCard.`card` where binningPath='bins' and label='好' and scaledValue='600' "
        "and odds='50' and pdo='20' as card;"
    )
    scored = customers(
        "predict customers as ScoreCard.`card` as scored; register ScoreCard.`card` as score; "
        "select *, score(`the age`, home, `x.y`) as points, score(20, 'tent', 1) as unseen from scored as t;"
    )
    rows = scored.collect()
    assert [tuple(row)[:4] for row in rows] == ROWS
    assert [row.points for row in rows] == [row.predictedScore for row in rows]
    points = {(row["featureName"], row["value"]): row["points"] for row in card}
    young = points["basepoints", None] + points["the age", "(-inf, 29.0)"]
    assert rows[0].points == pytest.approx(young + points["home", "[rent]"] + points["x.y", "missing"])
    assert rows[0].unseen == pytest.approx(young + points["x.y", "(-inf, 3.0)"])

    woe = {(row["featureName"], row["value"]): row["woe"] for row in card if row["bin_id"] is not None}
    matrix = np.array([evidence(row, woe) for row in ROWS])
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(matrix, [row[3] for row in ROWS])
    factor = 20 / math.log(2)
    expected = 600 - factor * math.log(50) + factor * model.decision_function(matrix)
    assert [row.predictedScore for row in rows] == pytest.approx(expected.tolist(), rel=1e-6)
    likely = model.predict_proba(matrix)[:, 1]
    assert [row.probability for row in rows] == pytest.approx(likely.tolist(), rel=1e-5)
    assert [row.prediction for row in rows] == [float(each > 0.5) for each in likely]


def test_ranges_may_have_the_same_width(customers):
    """Instead of as many rows in each."""
    options = "selectedFeatures='the age' and method='ED' and numBucket='3' and label='好'"
    bins = customers.rows(f"run customers as Binning.`` where {options} as bins;")
    assert [row["end"] for row in bins] == [33.0, 46.0, None]
    moved = customers.rows(
        "select 30 as `the age` from range(10) as young; "
        "run customers as PSI.`` where actualTable='young' and binningTable='bins' as moved;"
    )
    assert [row["actual_percentage"] for row in moved] == [1.0, 0.0, 0.0]
    assert [row["bin_desc"] for row in moved] == [row["value"] for row in bins]


def test_how_far_a_table_has_moved(scripts):
    """The incomes of the worked example at geeksforgeeks.org, and quantiles of what was expected."""
    incomes = {"low": (40, 35), "medium": (30, 25), "high": (30, 40)}
    for table, side in (("before", 0), ("now", 1)):
        rows = [(name, n) for name, counts in incomes.items() for n in range(counts[side])]
        scripts.table(table, rows, "income string, n int")
    options = "expectedTable='before' and actualTable='now' and selectedFeatures='income,n' and numBucket='2'"
    rows = scripts.rows(f"run command as PSI.`` where {options} as moved;")
    found = {row["bin_desc"]: round(row["psi"], 4) for row in rows if row["feature_name"] == "income"}
    assert found == {"[low]": 0.0067, "[medium]": 0.0091, "[high]": 0.0288}
    assert round(rows[0]["feature_psi"], 4) == 0.0446
    assert [row["bin_desc"] for row in rows if row["feature_name"] == "n"] == ["(-inf, 16.0)", "[16.0, inf)"]


_REFUSED = [
    ("Binning.`` where selectedFeatures='the age'", MissingColumn, "no column 'label'"),
    (
        "Binning.`` where selectedFeatures='the age' and label='好' and goodValue='7'",
        DataFault,
        "does not have",
    ),
    (
        "Binning.`` where selectedFeatures='home' and label='好' and customizedBucketsConfig='home:3'",
        OptionFault,
        "'home' is not among the columns of numbers",
    ),
    ("ScoreCard.`` where label='好'", MissingOption, "binningTable"),
    ("ScoreCard.`` where label='好' and binningTable='customers'", DataFault, "no table of bins"),
    ("PSI.`` where actualTable='nobody'", UnknownName, "no table is called 'nobody'"),
    ("PSI.`` where actualTable='customers'", DataFault, "columns have to be named"),
]


def test_what_cannot_be_binned_or_scored_is_an_error(customers):
    """A missing label, labels of one kind, bins that are none."""
    for script, error, message in _REFUSED:
        with pytest.raises(error, match=message):
            customers(f"run customers as {script} as t;")
