"""A script of a user's own: pipelines of scikit-learn, one a candidate."""

from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler

NUMBERS = ["radius", "texture", "area", "smoothness", "grade"]
SEED = {"random_state": 0}


def of_text(step, *behind):
    """A pipeline of the one column of texts."""
    return make_pipeline(ColumnTransformer([("text", step, "text")]), *behind)


PIPELINES = {
    "tfidf": of_text(TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)), LogisticRegression()),
    "counts": of_text(
        CountVectorizer(strip_accents="unicode", stop_words=["the", "a"], max_features=2000),
        TfidfTransformer(norm="l1"),
        MultinomialNB(),
    ),
    "hashed": of_text(
        HashingVectorizer(n_features=2**18, analyzer="char_wb", ngram_range=(2, 3)),
        SGDClassifier(loss="log_loss", max_iter=5, **SEED),
    ),
    "mixed": make_pipeline(
        ColumnTransformer(
            [
                ("text", CountVectorizer(binary=True, min_df=3), "text"),
                ("length", MaxAbsScaler(), ["length"]),
            ]
        ),
        SelectKBest(chi2, k=200),
        ComplementNB(),
    ),
    "meaning": of_text(
        TfidfVectorizer(max_features=300, norm="l1"),
        TruncatedSVD(10, **SEED),
        RandomForestClassifier(5, **SEED),
    ),
    "scaled": make_pipeline(
        ColumnTransformer(
            [
                ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
                ("size", OneHotEncoder(handle_unknown="ignore"), ["size"]),
            ],
            remainder="passthrough",
        ),
        LogisticRegression(max_iter=500),
    ),
    "coded": make_pipeline(
        ColumnTransformer(
            [
                (
                    "numbers",
                    make_pipeline(
                        SimpleImputer(strategy="median", add_indicator=True), RobustScaler(), PCA(4)
                    ),
                    NUMBERS,
                ),
                (
                    "codes",
                    OrdinalEncoder(
                        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
                    ),
                    ["size"],
                ),
            ]
        ),
        RandomForestClassifier(10, max_depth=6, **SEED),
    ),
}


def train(data, params, run):
    """The pipeline that the statement asks for."""
    return PIPELINES[params.text("which")].fit(data.inputs(), data.labels())
