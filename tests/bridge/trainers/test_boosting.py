"""Estimators by dotted names, and transformers: fitted, stored, refused."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.trainers import estimators
from mlsql.bridge.trainers.estimators import find_estimator
from mlsql.bridge.trainers.sklearn import TRAINER
from mlsql.udf.predictors.stored import find_predictor


class Listener:
    """A run to which one may tell anything."""

    def log(self, message, level="info"):
        """Nothing."""


def test_an_estimator_is_found_by_its_module_too():
    """As Python imports it, in any case; of other libraries it is the only way."""
    found = find_estimator("sklearn.ensemble.RandomForestClassifier", option="alg")
    assert found is find_estimator("randomforestclassifier", option="alg")
    assert find_estimator("xgboost.xgbclassifier", option="alg").kind == "classifier"
    assert find_estimator("lightgbm.LGBMRegressor", option="alg").kind == "regressor"


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("os.system", "'os.system' is none of 'lightgbm.', 'sklearn.'", None),
        ("XGBClassifier", "scikit-learn has no estimator", "did you mean 'xgboost.XGBClassifier'?"),
        ("xgboost.XGBClasifier", "xgboost has no estimator", "did you mean 'xgboost.XGBClassifier'?"),
        ("lightgbm.LGBMRanker", "lightgbm has no estimator", None),
        ("sklearn.svm.Lasso", "scikit-learn has no estimator", "did you mean 'Lasso'?"),
        ("sklearn.manifold.TSNE", "TSNE cannot be trained: it places the rows", None),
        ("CountVectorizer", "CountVectorizer cannot be trained: it takes texts", None),
        ("LedoitWolf", "LedoitWolf cannot be trained: it has no answer for a row", None),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_the_reason(name, message, hint):
    """Other libraries could be any code; some estimators make no sense here."""
    with pytest.raises(OptionFault) as caught:
        find_estimator(name, option="alg")
    assert message in caught.value.message
    assert hint is None or caught.value.hint == hint


def test_a_library_that_is_not_installed_is_named_with_the_way_to_it(monkeypatch):
    """Where models are fitted: the driver need not have it."""
    booster = find_estimator("xgboost.XGBRegressor", option="alg")
    monkeypatch.setitem(sys.modules, "xgboost", None)

    def resolve(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name="xgboost")

    monkeypatch.setattr(estimators, "resolve_name", resolve)
    with pytest.raises(OptionFault, match=r"pip install 'mlsql\[boosting\]'"):
        booster.load()


def test_parameters_of_boosters_are_read_by_their_annotations():
    """Numbers, texts and words; unknown ones come with the nearest."""
    for alg in ("xgboost.XGBClassifier", "lightgbm.LGBMClassifier"):
        with pytest.raises(OptionFault) as caught:
            TRAINER.check({"alg": alg, "max_deph": "3"})
        assert caught.value.hint == "did you mean 'max_depth'?"
        with pytest.raises(OptionFault, match="takes"):
            TRAINER.check({"alg": alg, "n_estimators": "many"})


_STORED = """
import sys, warnings
warnings.simplefilter("ignore")
sys.modules["mlsql"] = None  # importing it is an ImportError
import mlflow.pyfunc, numpy, json
for folder in sys.argv[2:]:
    print(json.dumps(mlflow.pyfunc.load_model(folder).predict(numpy.load(sys.argv[1])).tolist()))
"""


@pytest.mark.filterwarnings("default")  # importing MLflow warns of much
def test_boosters_answer_in_the_type_of_the_label_without_us(labelled, points, tmp_path):
    """Labels of text too, which XGBoost does not take: as by hand with numbers in their place."""
    import json

    from lightgbm import LGBMClassifier
    from xgboost import XGBClassifier

    matrix, label = points
    data = labelled(matrix, np.where(label == 1, "yes", "no").tolist(), "string")
    small = {"n_estimators": "5", "max_depth": "2", "n_jobs": "1"}
    by_hand = {
        "xgboost.XGBClassifier": XGBClassifier(n_estimators=5, max_depth=2, n_jobs=1),
        "lightgbm.LGBMClassifier": LGBMClassifier(n_estimators=5, max_depth=2, n_jobs=1, verbosity=-1),
    }
    folders, expected = [], []
    for name, estimator in by_hand.items():
        more = {"verbosity": "-1"} if name.startswith("lightgbm") else {}
        fitted = TRAINER.train(data, {"alg": name, **small, **more}, Listener())
        fitted.save(tmp_path / name)
        shares = estimator.fit(matrix, label).predict_proba(matrix)
        np.testing.assert_allclose(fitted.answers(data).probabilities, shares, rtol=0, atol=1e-9)
        assert (fitted.traits.classes, fitted.traits.answer) == (("no", "yes"), "string")
        assert name.partition(".")[0] in fitted.traits.libraries
        assert TRAINER.load(tmp_path / name, data.columns).traits == fitted.traits
        folders.append(str(tmp_path / name))
        expected.append(np.where(estimator.predict(matrix) == 1, "yes", "no").tolist())
        assert find_predictor(tmp_path / name).load().predict(matrix).tolist() == expected[-1]
    np.save(tmp_path / "rows.npy", matrix)
    command = [sys.executable, "-c", _STORED, str(tmp_path / "rows.npy"), *folders]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected


def test_numbered_classes_reach_xgboost_as_they_are(labelled, points):
    """No vote stands around the estimator then."""
    fitted = TRAINER.train(
        labelled(*points), {"alg": "xgboost.XGBClassifier", "n_estimators": "2"}, Listener()
    )
    assert type(fitted.estimator).__name__ == "XGBClassifier"
    assert fitted.traits.classes == (0, 1)


@pytest.mark.filterwarnings("default")  # importing MLflow warns of much
def test_a_transformer_is_stored_and_answers_with_arrays(labelled, points, tmp_path):
    """Without a label; by MLflow alone it is loaded as the transformer that it is."""
    import mlflow.sklearn
    from sklearn.preprocessing import KBinsDiscretizer, StandardScaler

    data = labelled(points[0])
    for name, by_hand in (("StandardScaler", StandardScaler()), ("KBinsDiscretizer", KBinsDiscretizer())):
        fitted = TRAINER.train(data, {"alg": name}, Listener())
        assert (fitted.traits.kind, fitted.traits.answer, fitted.traits.classes) == (
            "transformer",
            "array<double>",
            None,
        )
        fitted.save(tmp_path / name)
        assert TRAINER.load(tmp_path / name, data.columns).traits == fitted.traits
        expected = by_hand.fit_transform(points[0])
        expected = expected.toarray() if hasattr(expected, "toarray") else expected
        predictor = find_predictor(tmp_path / name).load()
        np.testing.assert_allclose(predictor.predict(points[0]), expected, rtol=0, atol=1e-9)
        by_mlflow = mlflow.sklearn.load_model(str(tmp_path / name)).transform(points[0])
        assert (by_mlflow != fitted.answers(data).guess).sum() == 0


def test_categories_that_do_not_fit_into_memory_are_told_before(arrow_file, monkeypatch):
    """By the width of the matrix; an estimator that takes it sparse is not stopped."""
    from mlsql.bridge import memory
    from mlsql.bridge.dataset import Dataset
    from mlsql.bridge.errors import DataFault
    from mlsql.bridge.request import Columns
    from mlsql.models.manifest import Column

    names = [f"n{number}" for number in range(200)]
    file = arrow_file(town=names, size=np.arange(200.0), label=[0, 1] * 100)
    uses = Columns("columns", (Column("town", "string"), Column("size", "double")), Column("label", "int"))
    data = Dataset.open(file, uses)
    monkeypatch.setattr(memory, "free", lambda: 400_000)
    with pytest.raises(DataFault, match="200 rows with 201 features, mostly categories of 'town', takes"):
        TRAINER.train(data, {"alg": "HistGradientBoostingClassifier"}, Listener())
    assert TRAINER.train(data, {"alg": "MultinomialNB"}, Listener()).width == 201
