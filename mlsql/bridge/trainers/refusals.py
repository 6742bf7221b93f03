"""What scikit-learn has and no training can use, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_TEXTS = "it takes texts or objects, and features are numbers: make them in Spark (HashingTF, IDF)"
_LABELS = "it encodes labels, which a training does by itself"
_PARTS = "it is put together of other estimators, which a script cannot write"
_PLACES = "it places the rows that it is fitted on, and has no answer for others"
_SEARCH = 'a search is written as grids or search="random" with crossValidate'
_SEVERAL = "it finds several labels at once, and a training has one"
_TABLE = "it groups rows and columns of one matrix, and has no answer for other rows"

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "ClassicalMDS": _PLACES,
        "ClassifierChain": _SEVERAL,
        "ColumnTransformer": _PARTS,
        "CountVectorizer": _TEXTS,
        "DictVectorizer": _TEXTS,
        "FeatureHasher": _TEXTS,
        "FeatureUnion": _PARTS,
        "FrozenEstimator": "it keeps an estimator as it is; initialModel goes on from a stored one",
        "GridSearchCV": _SEARCH,
        "HashingVectorizer": _TEXTS,
        "KernelCenterer": "it takes the matrix of a kernel, not rows with features",
        "LabelBinarizer": _LABELS,
        "LabelEncoder": _LABELS,
        "MDS": _PLACES,
        "MultiLabelBinarizer": _LABELS,
        "MultiOutputClassifier": _SEVERAL,
        "MultiOutputRegressor": _SEVERAL,
        "MultiTaskElasticNet": _SEVERAL,
        "MultiTaskElasticNetCV": _SEVERAL,
        "MultiTaskLasso": _SEVERAL,
        "MultiTaskLassoCV": _SEVERAL,
        "PatchExtractor": "it cuts up images, and gives other rows than it is given",
        "Pipeline": _PARTS,
        "RandomizedSearchCV": _SEARCH,
        "RegressorChain": _SEVERAL,
        "SparseCoder": "it needs a dictionary, which a script cannot write; DictionaryLearning learns one",
        "SpectralBiclustering": _TABLE,
        "SpectralCoclustering": _TABLE,
        "SpectralEmbedding": _PLACES,
        "TSNE": _PLACES,
        "TfidfVectorizer": _TEXTS,
    }
)
NO_ANSWER = "it has no answer for a row: it neither predicts nor transforms"
"""The reason for what describes a whole table, as a covariance does."""
