"""The pages of the documentation about algorithms, made of what each of them declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mlsql.options import Declared, declared_options
from mlsql.registry import Registry
from mlsql.stages.algorithms.base import Algorithm, Defines, Predicts, Registers, Surveyed, Trains, Transforms
from mlsql.stages.catalog import default_text

TASKS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "Tell classes": (
            *("LogisticRegression", "NaiveBayes", "LSVM", "DecisionTree", "RandomForest", "GBTs", "AutoML"),
            *("MultilayerPerceptron", "XGBoostExt", "LightGBM", "SKLearn", "FCClassify", "CNNClassify"),
            "AttentionLSTMClassify",
        ),
        "Find a number": (
            *("LinearRegression", "GeneralizedLinearRegression", "DecisionTreeRegressor"),
            *("RandomForestRegressor", "GBTRegressor", "IsotonicRegression", "AFTSurvival", "FCRegress"),
            "LSTMRegress",
        ),
        "Find groups and topics": ("KMeans", "BisectingKMeans", "GaussianMixture", "LDA"),
        "Recommend, find what goes together": ("ALSInPlace", "FPGrowth", "PageRank"),
        "Train with code of your own": ("PythonAlg", "TensorFlow"),
        "Split and sample": ("RateSampler", "TakeRandomSampleExt", "SampleDatasetExt"),
        "Evaluate": (
            *("Evaluate", "ConfusionMatrix", "PredictionEva", "ClassificationEvaluator"),
            *("RegressionEvaluator", "ClusteringEvaluator"),
        ),
        "Make features of texts": (
            *("TfIdfInPlace", "TfIdf", "HashTfIdf", "Word2VecInPlace", "Word2vec", "TokenExtract"),
            *("TokenAnalysis", "FeatureExtractInPlace", "CorpusExplainInPlace"),
        ),
        "Make features of columns": (
            *("StringIndex", "OneHot", "VectorAssemble", "VectorIndex", "PolynomialExpansion", "PCA"),
            *("ChiSqSelector", "MinHashLSH", "Discretizer", "QuantileDiscretize"),
        ),
        "Scale and fill": (
            *("StandardScaler", "ScalerInPlace", "NormalizeInPlace", "Imputer", "DataMissingValueProcess"),
        ),
        "Look values up": ("MapValues", "VecMapInPlace", "TableToMap"),
        "Know a table": (*("DataSummary", "DescriptiveMetrics", "PatternDistribution", "UniqueIdentifier"),),
        "Rate risks": ("Binning", "ScoreCard", "PSI"),
        "Shape a table": (
            *("Pivot", "DataTranspose", "JsonExpandExt", "AutoIncrementKeyExt", "EmptyTable"),
            *("EmptyTableWithSchema", "RepartitionExt", "TableRepartition", "CacheExt", "JDBC"),
        ),
        "Bring code and chains as functions": ("ScriptUDF", "JavaUDF", "PythonStep", "Pipeline"),
    }
)
"""What the algorithms are for; each is listed once."""
_MODELS_SHOWN = 1
"""An algorithm of more models than this has too many parameters for a page."""


def pages(registry: Registry[Algorithm]) -> Mapping[str, str]:
    """Each file of ``docs/algorithms`` with its text."""
    told = {f"{name}.md": "\n".join(_page(name, registry.get(name))) + "\n" for name in registry}
    return {"README.md": "\n".join(_index(registry)) + "\n"} | told


def _index(registry: Registry[Algorithm]) -> Iterator[str]:
    yield from (
        "# Algorithms",
        "",
        "What `train`, `run`, `predict` and `register` name, by task. Each page has",
    )
    yield "the options and a script that runs as it stands. `!show et` lists them too, and"
    yield from ("``load modelParams.`NAME` as t`` the options of one.", "")
    for task, names in TASKS.items():
        yield from (f"## {task}", "", "| name | what it does |", "|---|---|")
        yield from (
            f"| [{name}]({name}.md) | {_doc(registry.get(name))} |" for name in names if name in registry
        )
        yield ""


def _page(name: str, algorithm: Algorithm) -> Iterator[str]:
    yield from (f"# {name}", "", _doc(algorithm), "")
    yield from ("```text", *_forms(name, algorithm), "```", "")
    for title, kind in _kinds(algorithm):
        yield from _table(title, declared_options(kind))
    yield from _models(name, algorithm)
    yield from _functions(algorithm)
    example = getattr(algorithm, "example", "").strip()
    if example:
        yield from ("## Example", "", "```mlsql", example, "```", "")
    yield "[All algorithms](README.md) · [Training](../training.md) · [Register](../language/register.md)"


def _forms(name: str, algorithm: Algorithm) -> Iterator[str]:
    """The statements that name it."""
    if isinstance(algorithm, Trains):
        yield f"train TABLE as {name}.`PATH` where … as RESULT;"
    elif isinstance(algorithm, Transforms):
        yield f"run TABLE as {name}.`` where … as RESULT;"
    if isinstance(algorithm, Predicts):
        yield f"predict TABLE as {name}.`PATH` as RESULT;"
    if isinstance(algorithm, Defines):
        yield f"register {name}.`PATH` as FUNCTION where …;"
    elif isinstance(algorithm, Trains):
        yield f"register {name}.`PATH` as FUNCTION;"


def _kinds(algorithm: Algorithm) -> Iterator[tuple[str, type[Any]]]:
    """The classes of options with the titles of their tables."""
    if isinstance(algorithm, Trains | Transforms):
        yield "Options", algorithm.options
    if isinstance(algorithm, Predicts):
        yield "Options of predict", algorithm.predict_options
    if isinstance(algorithm, Defines):
        yield "Options of register", algorithm.define_options


def _table(title: str, declared: Sequence[Declared]) -> Iterator[str]:
    if declared:
        yield from (f"## {title}", "", "| option | takes | default | what it is |", "|---|---|---|---|")
        yield from map(_row, declared)
        yield ""


def _row(each: Declared) -> str:
    default = default_text(each)
    shown = "must be given" if each.required else "" if default in (None, "") else f"`{default}`"
    cells = (f"`{each.key}{'*' * each.prefix}`", each.kind.expected, shown, each.doc)
    return f"| {' | '.join(_in_cell(cell) for cell in cells)} |"


def _models(name: str, algorithm: Algorithm) -> Iterator[str]:
    """The parameters of what it fits, when that is one model; else where they are listed."""
    models = algorithm.survey() if isinstance(algorithm, Surveyed) else {}
    if len(models) > _MODELS_SHOWN:
        listed = f"``load modelParams.`{name}.{min(models)}` as t``"
        yield from (f"It fits {len(models)} kinds of models; {listed} lists the parameters of one.", "")
        return
    for model in models.values():
        yield from ("## Parameters", "", "Given as `fitParam.0.NAME`.", "")
        yield from ("| parameter | takes | default |", "|---|---|---|")
        for each in model.parameters.values():
            default = "" if each.default is None else f"`{each.default}`"
            yield f"| `{each.name}` | {_in_cell(each.expected)} | {default} |"
        yield ""


def _functions(algorithm: Algorithm) -> Iterator[str]:
    """What ``register`` makes, where the algorithm says it or it is the usual."""
    told = getattr(algorithm, "functions", None)
    if told is None and isinstance(algorithm, Trains):
        told = _STEP if isinstance(algorithm, Registers) else _MODEL
    if told:
        yield from ("## Functions", "", told, "")


_MODEL = (
    "`register` makes `f`, which answers as the model, `f_all`, with the answer of every group, and, of a"
    " classifier that tells them, `f_proba`, with the probabilities."
)
_STEP = "`register` makes `f`, which gives for a value what the table has for its row."


def _doc(algorithm: Algorithm) -> str:
    doc: str = getattr(algorithm, "doc", "")
    return doc


def _in_cell(text: str) -> str:
    return text.replace("|", "\\|")
