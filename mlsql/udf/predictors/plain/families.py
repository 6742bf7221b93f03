"""The records that plain models are made of, by the names under which they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Any

_HERE = "mlsql.udf.predictors.plain"
FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "linear_classifier": f"{_HERE}.linear:LinearClassifier",
        "linear_regressor": f"{_HERE}.linear:LinearRegressor",
        "trees": f"{_HERE}.trees:Trees",
        "forest_classifier": f"{_HERE}.trees:ForestClassifier",
        "forest_regressor": f"{_HERE}.trees:ForestRegressor",
        "boosted_classifier": f"{_HERE}.boosting:BoostedClassifier",
        "boosted_regressor": f"{_HERE}.boosting:BoostedRegressor",
        "single_boosted_classifier": f"{_HERE}.single:SingleBoostedClassifier",
        "single_boosted_regressor": f"{_HERE}.single:SingleBoostedRegressor",
        "gaussian_bayes": f"{_HERE}.bayes:GaussianBayes",
        "clusters": f"{_HERE}.clusters:Clusters",
        "nearest_centroid": f"{_HERE}.clusters:NearestCentroid",
        "mixture": f"{_HERE}.mixtures:Mixture",
        "bisection": f"{_HERE}.mixtures:Bisection",
        "generalized_regressor": f"{_HERE}.means:GeneralizedRegressor",
        "isotonic_regressor": f"{_HERE}.means:IsotonicRegressor",
        "topics": f"{_HERE}.topics:Topics",
        "factors": f"{_HERE}.tables:Factors",
        "lookup": f"{_HERE}.tables:Lookup",
        "thresholded": f"{_HERE}.thresholds:Thresholded",
        "perceptron_classifier": f"{_HERE}.perceptron:PerceptronClassifier",
        "perceptron_regressor": f"{_HERE}.perceptron:PerceptronRegressor",
        "chain": f"{_HERE}.chain:Chain",
        "transformer": f"{_HERE}.chain:Transformer",
        "numbers": f"{_HERE}.encoding:Numbers",
        "blocks": f"{_HERE}.encoding:Blocks",
        "block": f"{_HERE}.encoding:Block",
        "categories": f"{_HERE}.encoding:Categories",
        "one_hot": f"{_HERE}.encoding:OneHot",
        "ordinal": f"{_HERE}.encoding:Ordinal",
        "standardise": f"{_HERE}.preparation:Standardise",
        "rescale": f"{_HERE}.preparation:Rescale",
        "impute": f"{_HERE}.preparation:Impute",
        "impute_texts": f"{_HERE}.preparation:ImputeTexts",
        "binarise": f"{_HERE}.preparation:Binarise",
        "normalise": f"{_HERE}.preparation:Normalise",
        "project": f"{_HERE}.preparation:Project",
        "select": f"{_HERE}.preparation:Select",
        "analysis": f"{_HERE}.counting:Analysis",
        "counted": f"{_HERE}.counting:Counted",
        "weighed": f"{_HERE}.counting:Weighed",
        "labels": f"{_HERE}.indexing:Labels",
        "terms": f"{_HERE}.terms:Terms",
        "tf_idf": f"{_HERE}.terms:TfIdf",
        "segmentation": "mlsql.udf.segmentation:Segmentation",
        "prepared": f"{_HERE}.numbers:Prepared",
        "prepared_number": f"{_HERE}.numbers:PreparedNumber",
        "outliers": f"{_HERE}.numbers:Outliers",
        "computed": f"{_HERE}.numbers:Computed",
        "p_norm": f"{_HERE}.numbers:PNorm",
        "buckets": f"{_HERE}.numbers:Buckets",
        "monomials": f"{_HERE}.numbers:Monomials",
        "category_places": f"{_HERE}.numbers:CategoryPlaces",
        "min_hashes": f"{_HERE}.numbers:MinHashes",
        "one_hot_vector": f"{_HERE}.vectorising:OneHotVector",
        "assembled": f"{_HERE}.vectorising:Assembled",
        "map_vector": f"{_HERE}.vectorising:MapVector",
        "word_vectors": f"{_HERE}.words:WordVectors",
        "text_vectors": f"{_HERE}.words:TextVectors",
        "tokens": f"{_HERE}.words:Tokens",
        "text_counts": f"{_HERE}.words:TextCounts",
        "dictionary": f"{_HERE}.lookups:Dictionary",
        "lookups": f"{_HERE}.lookups:Lookups",
    }
)
"""The class of each family, which is imported when a model of it is read."""


def family_of(record: Any) -> str:
    """The name of the family that *record* belongs to; KeyError when it is in none."""
    kind = type(record)
    return {place: name for name, place in FAMILIES.items()}[f"{kind.__module__}:{kind.__qualname__}"]


def class_of(family: str) -> type[Any]:
    """The class of a *family*; KeyError for a name that is in no table."""
    found: type[Any] = resolve_name(FAMILIES[family])
    return found
