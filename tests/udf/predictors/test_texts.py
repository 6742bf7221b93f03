"""Vectorisers of texts in their plain form: the same counts, weights and hashes as scikit-learn's."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from mlsql.bridge.trainers.forms import Library, compared
from mlsql.bridge.trainers.plain_forms import converted
from mlsql.bridge.trainers.plain_refusal import NoPlainForm
from mlsql.bridge.trainers.plain_steps import steps_of
from mlsql.errors import DataError
from mlsql.udf.predictors.folder import ModelFolder
from mlsql.udf.predictors.plain import read_plain, write_plain
from mlsql.udf.predictors.plain.chain import prepared
from mlsql.udf.predictors.plain.sparse import SparseRows, dense, side_by_side
from mlsql.udf.predictors.plain_models import PlainPredictor
from mlsql.udf.predictors.sklearn import PickledEstimator
from tests.contracts.answered_models import texts

TEXTS = texts()
FRAME = TEXTS.real.select(["text", "length"]).to_pandas().iloc[::5].reset_index(drop=True)
LABELS = TEXTS.real["label"].to_pandas().to_numpy()[::5]
STRANGE = TEXTS.strange.drop_null().to_pandas()
WORDS = [each.split() for each in FRAME["text"]]

VECTORISERS = [
    CountVectorizer(),
    CountVectorizer(binary=True, ngram_range=(1, 3), min_df=2, lowercase=False),
    CountVectorizer(analyzer="char", ngram_range=(1, 2), strip_accents="ascii"),
    CountVectorizer(stop_words="english", token_pattern=r"(?u)\b(\w)\w+\b", ngram_range=(2, 2)),
    CountVectorizer(vocabulary=["the", "of", "statement"]),
    TfidfVectorizer(),
    TfidfVectorizer(sublinear_tf=True, norm="l1", strip_accents="unicode", max_features=500),
    TfidfVectorizer(use_idf=False, norm=None, smooth_idf=False),
    TfidfVectorizer(norm=None, analyzer="char_wb", ngram_range=(3, 5)),
    HashingVectorizer(n_features=64),
    HashingVectorizer(n_features=2**20, alternate_sign=False, norm=None, ngram_range=(1, 2)),
    HashingVectorizer(n_features=32, binary=True, analyzer="char_wb", ngram_range=(2, 4), norm="l1"),
]


@pytest.mark.parametrize("vectoriser", VECTORISERS, ids=lambda each: type(each).__name__)
def test_a_vectoriser_counts_as_its_library(vectoriser):
    """Of real texts, empty ones and foreign ones, each alone too."""
    rows = [*FRAME["text"], *STRANGE["text"]]
    wanted = vectoriser.fit(FRAME["text"]).transform(rows)
    steps = steps_of(vectoriser)
    found = prepared(steps, [rows])
    assert found.size == wanted.shape[1]
    made = csr_matrix((found.values, found.indices, found.starts), shape=wanted.shape)
    assert abs(made - wanted).max() <= 1e-15
    for number in range(len(rows) - len(STRANGE) - 3, len(rows)):
        alone = prepared(steps, [rows[number]])
        place = slice(found.starts[number], found.starts[number + 1])
        assert alone.is_one
        assert alone.values.tolist() == found.values[place].tolist()
        assert alone.indices.tolist() == found.indices[place].tolist()


def of_text(step, *behind):
    """A pipeline of one column of texts."""
    return make_pipeline(ColumnTransformer([("text", step, "text")]), *behind)


PIPELINES = [
    of_text(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=20)),
    of_text(CountVectorizer(), TfidfTransformer(norm="l1"), MultinomialNB()),
    of_text(HashingVectorizer(n_features=2**18, alternate_sign=False), ComplementNB()),
    of_text(CountVectorizer(), BernoulliNB()),
    of_text(CountVectorizer(), MaxAbsScaler(), SelectKBest(chi2, k=50), LogisticRegression(max_iter=20)),
    of_text(CountVectorizer(max_features=100), StandardScaler(with_mean=False), RandomForestClassifier(5)),
    make_pipeline(
        ColumnTransformer([("length", "passthrough", ["length"]), ("text", TfidfVectorizer(), "text")]),
        LogisticRegression(max_iter=20),
    ),
]


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda each: type(each[-1]).__name__)
def test_a_model_of_texts_answers_as_its_library(pipeline, tmp_path):
    """With its probabilities, on texts that it knows and on others; a text alone as among many."""
    pipeline.fit(FRAME, LABELS)
    write_plain(tmp_path, converted(pipeline))
    plain = PlainPredictor(read_plain(tmp_path))
    assert not compared(Library(pipeline), plain, iter([FRAME, STRANGE]), 1e-9)[0]
    many = plain.predict(FRAME[:20])
    for number, row in enumerate(FRAME[:20].values.tolist()):
        assert plain.model.predict(row) == many[number]
        assert list(plain.model.probabilities(row)) == list(
            plain.probabilities(FRAME[number : number + 1])[0]
        )


@pytest.mark.parametrize(("texts", "column"), [(FRAME, "text"), (FRAME.assign(text="the same"), None)])
def test_a_pipeline_of_one_column_is_asked_without_the_step_that_picks_it(texts, column, tmp_path):
    """Where what its library makes of the texts is sparse: then that is handed on as it is."""
    pipeline = of_text(CountVectorizer(tokenizer=str.split, token_pattern=None), MultinomialNB())
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(pipeline.fit(texts, LABELS)))
    predictor = PickledEstimator(ModelFolder.of(tmp_path, "model.pkl")).load()
    assert predictor.column == column
    assert predictor.predict(STRANGE).tolist() == pipeline.predict(STRANGE).tolist()
    assert predictor.probabilities(FRAME).tolist() == pipeline.predict_proba(FRAME).tolist()


def test_words_are_hashed_as_by_their_library():
    """FeatureHasher takes lists of words."""
    hasher = FeatureHasher(n_features=50, input_type="string")
    model = converted(make_pipeline(hasher, Ridge()).fit(WORDS, np.arange(len(WORDS))))
    wanted = hasher.transform(WORDS).toarray()
    assert dense(model.steps[0]([WORDS])).tolist() == wanted.tolist()
    assert dense(model.steps[0]([WORDS[3]])).tolist() == wanted[3].tolist()


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (
            CountVectorizer(tokenizer=str.split, token_pattern=None),
            "the tokenizer of CountVectorizer is a function",
        ),
        (TfidfVectorizer(analyzer=str.split), "the analyzer of TfidfVectorizer is a function"),
        (HashingVectorizer(dtype=np.float32), "computes in float32"),
        (FeatureHasher(input_type="pair"), "not of a pair"),
    ],
)
def test_what_cannot_be_carried_over_says_why(step, reason):
    """In the manifest stands this sentence."""
    texts = FRAME["text"] if not isinstance(step, FeatureHasher) else [[("a", 1)]]
    with pytest.raises(NoPlainForm, match=reason):
        steps_of(step.fit(texts))


def test_texts_that_are_too_wide_are_not_made_dense():
    """A forest takes a matrix, and 10,000 rows of that would take gigabytes."""
    pipeline = of_text(HashingVectorizer(n_features=2**14), RandomForestClassifier(2)).fit(FRAME, LABELS)
    with pytest.raises(NoPlainForm, match="16,384 features of texts are too many for ForestClassifier"):
        converted(pipeline)


def test_what_is_no_text_is_refused():
    """As its library does, whose words are others."""
    (counted,) = steps_of(CountVectorizer().fit(FRAME["text"]))
    for wrong in (None, 7.0, ["a text", None]):
        with pytest.raises(DataError, match="is no text"):
            counted([wrong])


@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, -2.5]), min_size=3, max_size=3), min_size=1, max_size=5))
def test_sparse_rows_are_their_matrix(rows):
    """Side by side, chosen, multiplied, added up: what NumPy says of the dense ones."""
    matrix = np.array(rows)
    sparse = side_by_side([matrix, matrix[:, :1]])
    wide = np.hstack([matrix, matrix[:, :1]])
    assert isinstance(sparse, SparseRows)
    assert dense(sparse).tolist() == wide.tolist()
    assert dense(sparse.selected([0, 3])).tolist() == wide[:, [0, 3]].tolist()
    weights = np.array([[1.0, 2.0, 3.0, 4.0], [0.5, 0.0, -1.0, 8.0]])
    np.testing.assert_allclose(sparse.times(weights), wide @ weights.T, atol=1e-12)
    np.testing.assert_allclose(side_by_side([wide[0]]).times(weights), weights @ wide[0], atol=1e-12)
