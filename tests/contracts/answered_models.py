"""Real rows, and the models whose answers are compared on them: the tables, the statements, the scripts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
import pyarrow as pa
from sklearn.datasets import load_breast_cancer, load_digits

LARGEST = 1.7976931348623157e308
EXTREMES = (1e30, -0.0, 5e-324, -2e-310, -1e12, 1e300, -1e300, LARGEST)
"""Numbers that no training has seen …"""
NO_NUMBERS = (float("inf"), -float("inf"), float("nan"))
"""… and what is none: what a library refuses every lane has to refuse."""


@dataclass(frozen=True)
class Rows:
    """A real table with a label or two, and behind its rows some that are made of them."""

    real: pa.Table
    strange: pa.Table
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """One train statement: its algorithm, the rows that it is given, and the parameters of each candidate."""

    name: str
    algorithm: str
    rows: str
    options: str
    candidates: tuple[str, ...]
    few: int = 0
    """So many of the candidates are tried each time, the others with ``--slow``."""
    keeps: bool = False
    """Whether a null is a value."""

    def script(self, path: str, count: int) -> str:
        """Train *count* candidates at *path*, and register each."""
        fits = [
            f"`fitParam.{number}.{name}`='''{value}'''"
            for number, each in enumerate(self.candidates[:count])
            for name, _, value in (part.partition("=") for part in each.split(";"))
        ]
        registered = [
            f'register {self.algorithm}.`{path}` as {self.name}_{number} where algIndex="{number}";'
            for number in range(count)
        ]
        options = " and ".join([self.options, *fits])
        train = f"train {self.rows} as {self.algorithm}.`{path}` where {options} as t;"
        return "\n".join([train, *registered])


def with_gaps(values, share, seed):
    """A share of the values null."""
    gone = np.random.default_rng(seed).random(len(values)) < share
    return [None if is_gone else each for each, is_gone in zip(values, gone, strict=True)]


def digits():
    """1,797 pictures of 64 numbers."""
    matrix, labels = load_digits(return_X_y=True)
    real = {"features": list(matrix), "label": labels.astype(np.int32)}
    strange = [None]
    for place, extreme in enumerate((*EXTREMES, *NO_NUMBERS)):
        strange.append(matrix[place].copy())
        strange[-1][place + 20] = extreme
    strange += [matrix[0] * 1e300, matrix[1] * -1e300, matrix[2] * 5e-324]
    return Rows(pa.table(real), pa.table({"features": strange}), ("features",))


def cancer():
    """569 measured tumours, and the same moved a little: numbers, texts, whole numbers and nulls."""
    matrix, malignant = load_breast_cancer(return_X_y=True)
    moved = matrix * np.random.default_rng(0).normal(1.0, 1e-3, size=matrix.shape)
    matrix, malignant = np.vstack([matrix, moved]), np.tile(malignant, 2)
    sizes = np.array(["small", "middle", "large", "huge"])[
        np.searchsorted(np.quantile(matrix[:, 3], [0.25, 0.5, 0.75]), matrix[:, 3])
    ]
    whole = {
        "radius": matrix[:, 0],
        "texture": matrix[:, 1],
        "area": matrix[:, 3],
        "smoothness": matrix[:, 4],
        "grade": np.round(matrix[:, 2] / 20).astype(np.int64),
        "is_rough": matrix[:, 1] > 20,
        "size": sizes.tolist(),
    }
    real = whole | {
        "radius": with_gaps(whole["radius"], 0.05, 1),
        "area": with_gaps(whole["area"], 0.05, 2),
        "size": with_gaps(whole["size"], 0.05, 3),
    }
    numbers = [*EXTREMES, *NO_NUMBERS]
    first = {name: [*values[: len(numbers)]] for name, values in whole.items()}
    strange = [
        first | {"area": numbers},
        first | {"radius": numbers, "texture": numbers[::-1]},
        first | {"size": ["gigantic", "", "Small"] + [None] * (len(numbers) - 3)},
    ]
    table = pa.concat_tables([pa.table(each) for each in strange])
    target = pa.array(np.where(malignant == 0, "malignant", "benign").tolist())
    labelled = pa.table(real).append_column("label", target).append_column("target", pa.array(matrix[:, 8]))
    return Rows(labelled, table, tuple(whole))


def texts():
    """The paragraphs of Python's own language reference, and whether their topic is an early one."""
    parts = [
        (part, topic)
        for topic, text in topics.items()
        for part in re.split(r"\n\s*\n", text)
        if len(part) > 40
    ]
    real = {
        "text": [part[:300] for part, _ in parts],
        "length": [float(len(part)) for part, _ in parts],
        "label": ["early" if topic < "e" else "late" for _, topic in parts],
    }
    odd = [
        None,
        "",
        " ",
        "a",
        "Élan VITAL naïve café",
        "漢字 и кириллица",
        "x" * 999,
        "the the the",
        "\u0130stanbul ﬁ",
        "tab\tand\r\nline",
        "\N{WOMAN}\u200d\N{PERSONAL COMPUTER} the \N{NO-BREAK SPACE}statement\u0301",
        "the statement is long " * 5000,
    ]
    return Rows(pa.table(real), pa.table({"text": odd, "length": [1.0] * len(odd)}), ("text", "length"))


TABLES = {"digits": digits, "cancer": cancer, "texts": texts}

SCRIPTS = {
    name: Path(__file__).with_name(f"answered_{name}.py").read_text(encoding="utf-8")
    for name in ("pipelines", "scorer")
}

_CUT = "random_state=0"
_ALL = 'inputCols="radius,texture,area,smoothness,grade,is_rough,size"'
_NUMBERS = 'inputCols="texture,smoothness,grade"'
STATEMENTS = (
    Statement(
        "digit",
        "SKLearn",
        "digits",
        'featuresCol="features" and labelCol="label"',
        (
            "alg=LogisticRegression;max_iter=20",
            f"alg=RandomForestClassifier;n_estimators=10;{_CUT}",
            f"alg=ExtraTreesClassifier;n_estimators=5;{_CUT}",
            f"alg=GradientBoostingClassifier;n_estimators=3;{_CUT}",
            "alg=HistGradientBoostingClassifier;max_iter=3",
            f"alg=LinearSVC;max_iter=20;{_CUT}",
            "alg=LinearDiscriminantAnalysis",
            "alg=GaussianNB",
            "alg=MultinomialNB",
            "alg=NearestCentroid",
            f"alg=MLPClassifier;hidden_layer_sizes=20;max_iter=5;{_CUT}",
            "alg=KNeighborsClassifier",
            "alg=SVC;C=1.0",
            f"alg=AdaBoostClassifier;n_estimators=5;{_CUT}",
            "alg=xgboost.XGBClassifier;n_estimators=3;n_jobs=1",
            "alg=lightgbm.LGBMClassifier;n_estimators=3;n_jobs=1;verbosity=-1",
        ),
        few=2,
    ),
    Statement(
        "tumour",
        "SKLearn",
        "cancer",
        f'{_ALL} and labelCol="label" and handleInvalid="keep"',
        (
            "alg=HistGradientBoostingClassifier;max_iter=5",
            "alg=xgboost.XGBClassifier;n_estimators=5;n_jobs=1",
            "alg=lightgbm.LGBMClassifier;n_estimators=5;n_jobs=1;verbosity=-1",
            f"alg=RandomForestClassifier;n_estimators=5;{_CUT}",
            f"alg=DecisionTreeClassifier;max_depth=5;{_CUT}",
        ),
        few=2,
        keeps=True,
    ),
    Statement(
        "amount",
        "SKLearn",
        "cancer",
        f'{_ALL} and labelCol="target" and handleInvalid="skip"',
        (
            "alg=Ridge",
            f"alg=RandomForestRegressor;n_estimators=5;{_CUT}",
            f"alg=GradientBoostingRegressor;n_estimators=5;{_CUT}",
            "alg=HistGradientBoostingRegressor;max_iter=5",
            "alg=SVR;C=1.0",
            "alg=GammaRegressor",
            "alg=xgboost.XGBRegressor;n_estimators=5;n_jobs=1",
            "alg=lightgbm.LGBMRegressor;n_estimators=5;n_jobs=1;verbosity=-1",
        ),
    ),
    Statement(
        "group",
        "SKLearn",
        "digits",
        'featuresCol="features"',
        (
            f"alg=KMeans;n_clusters=5;n_init=1;{_CUT}",
            f"alg=GaussianMixture;n_components=2;covariance_type=diag;{_CUT}",
        ),
    ),
    Statement(
        "line",
        "LinearRegression",
        "digits",
        'featuresCol="features" and labelCol="label"',
        ("regParam=0.1",),
    ),
    Statement(
        "wood",
        "RandomForestRegressor",
        "digits",
        'featuresCol="features" and labelCol="label"',
        ("numTrees=5;maxDepth=4",),
    ),
    Statement(
        "network",
        "FCClassify",
        "digits",
        'featuresCol="features" and labelCol="label"',
        ("layerGroup=[16];epochs=3",),
    ),
    Statement(
        "said",
        "PythonAlg",
        "texts",
        'scripts="pipelines" and inputCols="text,length" and labelCol="label"',
        ("which=tfidf", "which=counts", "which=hashed", "which=mixed", "which=meaning"),
        few=1,
    ),
    Statement(
        "piped",
        "PythonAlg",
        "cancer",
        f'scripts="pipelines" and {_ALL} and labelCol="label" and handleInvalid="keep"',
        ("which=scaled", "which=coded"),
        keeps=True,
    ),
    Statement(
        "own",
        "PythonAlg",
        "cancer",
        f'scripts="scorer" and {_ALL} and labelCol="label" and handleInvalid="keep"',
        ("weight=0.25;kind=regressor",),
        few=1,
        keeps=True,
    ),
)
