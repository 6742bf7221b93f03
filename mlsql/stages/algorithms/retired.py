"""Algorithms of older engines that have another name here, or that are not, or not yet, part of this one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_LATER = "it is not part of this version yet"
_ALIKE = "vec_cosine(a, b) in a join tells how alike two rows are"
_PICTURES = "load image.`…` reads pictures; PythonStep works on them in Python"

RENAMED: Mapping[str, str] = MappingProxyType(
    {"GBTClassifier": "GBTs", "LinearRegressionExt": "LinearRegression"}
)
"""Old names to new ones; scripts may say either."""

RETIRED: Mapping[str, str] = MappingProxyType(
    {
        "LogisticRegressor": "write LinearRegression or LogisticRegression",
        "ALS": "write ALSInPlace",
        "RowMatrix": _ALIKE,
        "CommunityBasedSimilarityInPlace": f"{_ALIKE}; PageRank tells how important each is",
        "RawSimilarInPlace": f'Word2VecInPlace where resultFeature="merge"; {_ALIKE}',
        "Word2ArrayInPlace": 'Word2VecInPlace where resultFeature="index" numbers the words',
        "DicOrTableToArray": "array_agg(word) in a select; MapValues and TableToMap find values by keys",
        "ModelExplainInPlace": "write !model describe `PATH` named t",
        "ReduceFeaturesInPlace": "write PCA or ChiSqSelector",
        "OpenCVImage": _PICTURES,
        "JavaImage": _PICTURES,
        "Ray": "PythonStep works on a table in Python",
        "LLM": "a function of your own can call a language model: ScriptUDF",
        "WaterMarkInPlace": _LATER,
        "TreeBuildExt": _LATER,
        "SyntaxAnalyzeExt": _LATER,
        "SaveBinaryAsFile": _LATER,
        "SendMessage": _LATER,
    }
)
"""By name: what a script writes instead."""


def current_name(name: str) -> str:
    """What the algorithm called *name* is called here.

    >>> current_name("gbtclassifier")
    'GBTs'
    """
    return next((new for old, new in RENAMED.items() if old.casefold() == name.casefold()), name)
