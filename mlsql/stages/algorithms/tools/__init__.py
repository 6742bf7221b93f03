"""Tools: what makes a table of a table without a stored model, or judges one."""

from __future__ import annotations

from mlsql.registry import Registry
from mlsql.stages.algorithms.base import Algorithm
from mlsql.stages.algorithms.tools.binning import Binning
from mlsql.stages.algorithms.tools.caching import Cache
from mlsql.stages.algorithms.tools.confusion import ConfusionMatrix
from mlsql.stages.algorithms.tools.corpus import CorpusExplain
from mlsql.stages.algorithms.tools.distributions import DescriptiveMetrics, PatternDistribution
from mlsql.stages.algorithms.tools.empty import EmptyTable, EmptyTableWithSchema
from mlsql.stages.algorithms.tools.evaluators import (
    ClassificationEvaluator,
    ClusteringEvaluator,
    RegressionEvaluator,
)
from mlsql.stages.algorithms.tools.jdbc import JdbcStatements
from mlsql.stages.algorithms.tools.json_expand import JsonExpand
from mlsql.stages.algorithms.tools.missing import MissingValues
from mlsql.stages.algorithms.tools.numbering import AutoIncrementKey, UniqueIdentifier
from mlsql.stages.algorithms.tools.partitions import Repartition, TableRepartition
from mlsql.stages.algorithms.tools.prediction import PredictionEvaluation
from mlsql.stages.algorithms.tools.reshaping import DataTranspose, Pivot
from mlsql.stages.algorithms.tools.sampler import RateSampler
from mlsql.stages.algorithms.tools.samples import SampleDataset, TakeRandomSample
from mlsql.stages.algorithms.tools.scorecard import ScoreCard
from mlsql.stages.algorithms.tools.stability import PopulationStability
from mlsql.stages.algorithms.tools.summary import DataSummary


def add_to(registry: Registry[Algorithm]) -> None:
    """Add the tools that need no worker."""
    for name, tool in _TOOLS.items():
        registry.add(name, tool)


_TOOLS: dict[str, Algorithm] = {
    "RateSampler": RateSampler(),
    "TakeRandomSampleExt": TakeRandomSample(),
    "SampleDatasetExt": SampleDataset(),
    "ConfusionMatrix": ConfusionMatrix(),
    "ClassificationEvaluator": ClassificationEvaluator(),
    "RegressionEvaluator": RegressionEvaluator(),
    "ClusteringEvaluator": ClusteringEvaluator(),
    "PredictionEva": PredictionEvaluation(),
    "CorpusExplainInPlace": CorpusExplain(),
    "DataSummary": DataSummary(),
    "DescriptiveMetrics": DescriptiveMetrics(),
    "PatternDistribution": PatternDistribution(),
    "DataMissingValueProcess": MissingValues(),
    "UniqueIdentifier": UniqueIdentifier(),
    "AutoIncrementKeyExt": AutoIncrementKey(),
    "Pivot": Pivot(),
    "DataTranspose": DataTranspose(),
    "JsonExpandExt": JsonExpand(),
    "Binning": Binning(),
    "ScoreCard": ScoreCard(),
    "PSI": PopulationStability(),
    "CacheExt": Cache(),
    "RepartitionExt": Repartition(),
    "TableRepartition": TableRepartition(),
    "EmptyTable": EmptyTable(),
    "EmptyTableWithSchema": EmptyTableWithSchema(),
    "JDBC": JdbcStatements(),
}
