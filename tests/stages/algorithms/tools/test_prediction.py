from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn import metrics as judges

from mlsql.bridge.errors import DataFault

pytestmark = pytest.mark.spark


def test_scores_are_judged_as_scikit_learn_does(scripts):
    """Area, average precision, KS and the rates at a threshold, with many ties, to 1e-12."""
    rng = np.random.default_rng(11)
    label = rng.integers(0, 2, 150)
    prob = np.round((rng.random(150) + label * 0.5) / 1.5, 1)
    scripts.table(
        "t", [(int(a), float(b)) for a, b in zip(label, prob, strict=True)], "label int, prob double"
    )
    rows = scripts.rows('run t as PredictionEva.`` where threshold="0.4" and detailTable="curve" as scores;')
    guess = prob >= 0.4
    assert {row["metrics"]: row["value"] for row in rows} == pytest.approx(
        {
            "threshold": 0.4,
            "precision": judges.precision_score(label, guess),
            "recall": judges.recall_score(label, guess),
            "f1": judges.f1_score(label, guess),
            "auc": judges.roc_auc_score(label, prob),
            "prc": judges.average_precision_score(label, prob),
            "ks": ks_2samp(prob[label == 1], prob[label == 0]).statistic,
        },
        abs=1e-12,
    )
    curve = scripts.rows("select * from curve order by threshold desc as t;")
    assert [row["threshold"] for row in curve] == sorted(set(prob.tolist()), reverse=True)
    for row in curve:
        guess = prob >= row["threshold"]
        assert (row["tp"], row["fp"]) == (
            int((guess & (label == 1)).sum()),
            int((guess & (label == 0)).sum()),
        )
        assert row["f1"] == pytest.approx(judges.f1_score(label, guess), abs=1e-12)


def test_the_positive_label_may_be_a_text(scripts):
    """All others are negative; the old spelling labelVal is read too."""
    scripts.table("t", [("yes", 0.9), ("no", 0.2), ("perhaps", 0.1)], "answer string, `p.1` double")
    rows = scripts.rows(
        'run t as PredictionEva.`` where labelCol="answer" and probCol="p.1" and labelVal="yes";'
    )
    assert {row["metrics"]: row["value"] for row in rows}["auc"] == 1.0


_REFUSED = [
    ("select 1 as label, 0.5 as prob", "every row has the label '1' in 'label'"),
    ("select 0 as label, 0.5 as prob", "every row does not have the label '1' in 'label'"),
    ("select 1 as label, 0.5 as prob where false", "the table has no rows"),
    ("select explode(array(0, 1, null)) as label, 0.5 as prob", "1 rows have no value in 'label'"),
    ("select explode(array(0, 1)) as label, double('NaN') as prob", "2 rows have no value in 'prob'"),
]


def test_scores_that_cannot_be_judged_are_an_error(scripts):
    """Labels of one kind, no rows, nulls and NaN."""
    for query, message in _REFUSED:
        with pytest.raises(DataFault, match=message):
            scripts(f"{query} as t; run t as PredictionEva.``;")
