"""PageRank: how important each vertex of a graph is, by who points at it.

GraphX, which comes with Spark, iterates in the executors. The ranks sum to the number of vertices; those
that point nowhere share out their rank among all.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mlsql.bridge.errors import DataFault
from mlsql.bridge.request import Candidate, Columns
from mlsql.bridge.trainer import Traits
from mlsql.models.manifest import Column
from mlsql.options import TEXT, integer, number, one_of, option
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.fitting import Training, fit_and_store
from mlsql.stages.algorithms.inputs import found
from mlsql.stages.algorithms.judgement import Judgement
from mlsql.stages.algorithms.mllib.options import INVALID
from mlsql.stages.algorithms.mllib.predicting import PredictsByColumns
from mlsql.stages.algorithms.mllib.tables import kept_frames
from mlsql.stages.algorithms.spark_models import add_plain, libraries, read_parts, shared_folder
from mlsql.stages.algorithms.training_data import examine
from mlsql.stages.algorithms.tuning import StoringOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SOURCE, TARGET, VERTEX = "edgeSrcCol", "edgeDstCol", "vertexCol"
RANKS = "ranks"
_VERTEX, _RANK = "vertex", "rank"
_TOLERANCE = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class RankOptions(StoringOptions):
    """Where the edges are, and how long is iterated."""

    source: str = option(SOURCE, TEXT, "Column with the vertex that an edge comes from.", default="edgeSrc")
    target: str = option(TARGET, TEXT, "Column with the vertex that it points at.", default="edgeDst")
    vertex: str = option(VERTEX, TEXT, "Name of what a function of the ranks takes.", default=_VERTEX)
    tolerance: float | None = option(
        "tol", number(1e-12), "Iterate until no rank changes by more (0.001); not with maxIter.", default=None
    )
    iterations: int | None = option("maxIter", integer(1), "Iterate so many times.", default=None)
    reset: float = option("resetProb", number(0, 1), "How probable it is to start anywhere.", default=0.15)
    invalid: str = option(
        INVALID, one_of("error", "skip"), "Nulls are an error, or leave their edges out.", default="error"
    )


class Ranking(PredictsByColumns):
    """The ranks of the vertices of a table of edges."""

    options: ClassVar[type[RankOptions]] = RankOptions
    doc: ClassVar[str] = "Finds how important each vertex of a graph is, by who points at it."
    functions: ClassVar[str] = (
        "`register` makes `f(vertex)`, its rank; null for one that the graph did not have."
    )
    example: ClassVar[str] = """\
select id as edgeSrc, id * id % 7 as edgeDst from range(1, 7) as edges;
train edges as PageRank.`out/example/PageRank` where maxIter="5" as models;
register PageRank.`out/example/PageRank` as importance;
select edgeSrc, importance(edgeSrc) as rank from edges as ranked;
"""

    def train(self, call: Call[RankOptions], run: Run, /) -> DataFrame:
        """Rank the vertices, and store the ranks."""
        from pyspark.sql import functions as sf

        options, frame = call.options, call.frame
        path = run.policy.path(call.path.text, span=call.path.span, purpose="model")
        names = {key: found(frame.columns, name, key) for name, key in _edges(options)}
        kind = _kind(frame, names)
        edges = frame.select(*[sf.col(quoted(name)).cast(kind).alias(key) for key, name in names.items()])
        with kept_frames() as kept:
            data = examine(kept(edges), {key: key for key in names}, skips_nulls=options.invalid == "skip")
            training = Training(
                algorithm="PageRank",
                path=path,
                span=call.span,
                frame=data.frame,
                columns=Columns("columns", (Column(options.vertex, kind),)),
                data=data.record,
                candidates=(Candidate(0, {key: text.text for key, text in call.given.items()}),),
                keep_version=options.keep_version,
            )
            return fit_and_store(training, _Fits(options), run, self.store).result(run)


@dataclass(frozen=True, slots=True)
class _Fits:
    options: RankOptions

    def fit(self, frame: DataFrame, params: Mapping[str, str], run: Run) -> _Ranks:  # noqa: ARG002
        from pyspark.sql.types import LongType

        if isinstance(frame.schema[SOURCE].dataType, LongType):
            return _Ranks(_ranked(frame, self.options, run.spark))
        names = frame.select(SOURCE).union(frame.select(TARGET)).distinct().toDF(_VERTEX)
        with kept_frames() as kept:  # the numbers are made once
            numbered = kept(names.selectExpr(_VERTEX, "monotonically_increasing_id() as id"))
            sources, targets = (
                numbered.withColumnsRenamed({_VERTEX: key, "id": f"{key}_id"}) for key in (SOURCE, TARGET)
            )
            edges = frame.join(sources, SOURCE).join(targets, TARGET)
            numbers = edges.selectExpr(f"{SOURCE}_id as {SOURCE}", f"{TARGET}_id as {TARGET}")
            ranks = _ranked(numbers, self.options, run.spark).withColumnRenamed(_VERTEX, "id")
            return _Ranks(numbered.join(ranks, "id").select(_VERTEX, _RANK).localCheckpoint())


def _ranked(edges: DataFrame, options: RankOptions, spark: SparkSession) -> DataFrame:
    """The vertices, which are longs, with their ranks, by GraphX in Java: PySpark has no graphs."""
    from pyspark.sql import DataFrame

    jvm: Any = spark._jvm

    def module(name: str) -> Any:
        return getattr(getattr(jvm, f"{name}$"), "MODULE$")

    encoders, whole = jvm.org.apache.spark.sql.Encoders, module("scala.reflect.ClassTag").Int()
    in_memory = jvm.org.apache.spark.storage.StorageLevel.MEMORY_AND_DISK()
    pairs = edges.selectExpr(f"{SOURCE} as _1", f"{TARGET} as _2")._jdf
    typed = getattr(pairs, "as")(encoders.tuple(encoders.LONG(), encoders.LONG()))
    graph = module("org.apache.spark.graphx.Graph").fromEdgeTuples(
        typed.rdd(), 1, module("scala.None"), in_memory, in_memory, whole
    )
    rank = module("org.apache.spark.graphx.lib.PageRank")
    if options.iterations is not None:
        ranked = rank.run(graph, options.iterations, options.reset, whole, whole)
    else:
        tolerance = options.tolerance or _TOLERANCE
        ranked = rank.runUntilConvergence(graph, tolerance, options.reset, whole, whole)
    encoder = encoders.tuple(encoders.LONG(), encoders.DOUBLE())
    vertices = spark._jsparkSession.createDataset(ranked.vertices(), encoder).toDF()
    return DataFrame(vertices, spark).toDF(_VERTEX, _RANK)


@dataclass(frozen=True, slots=True)
class _Ranks:
    frame: DataFrame

    @property
    def traits(self) -> Traits:
        return Traits(kind="transformer", features=1, answer="double", libraries=libraries())

    def judge(self, frame: DataFrame, run: Run) -> Judgement:  # noqa: ARG002
        """Nothing tells how good ranks are."""
        return Judgement()

    def save(self, directory: Path, run: Run) -> None:
        """The ranks as a table, in plain numbers, and as a function of Python that MLflow loads."""
        import numpy as np

        from mlsql.bridge.trainers.script_models import Answering
        from mlsql.udf.predictors.plain.tables import Lookup

        folder = directory / RANKS
        with shared_folder(folder, run.spark) as written:
            self.frame.write.parquet(written)
        ranks = read_parts(folder).sort_by(_VERTEX)
        keys, values = ranks[_VERTEX].to_numpy(), ranks[_RANK].to_numpy()
        is_text = keys.dtype.kind == "O"
        shutil.rmtree(folder)  # MLflow takes an empty folder only
        known = dict(zip(keys.tolist(), values.tolist(), strict=True))
        needs = [f"{name}=={version}" for name, version in libraries().items() if name != "pyspark"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # when it is imported, MLflow complains of its own type hints
            import mlflow.pyfunc  # noqa: F401
        Answering(known, _looked_up()).save(directory, {"pip_requirements": needs})
        add_plain(directory, Lookup(keys.astype(str) if is_text else keys.astype(np.float64), values))


def _looked_up() -> Any:
    """A function that is stored with its code, since it is a local one."""

    def predict(ranks: Any, frame: Any) -> Any:
        return [ranks.get(each, float("nan")) for each in frame.iloc[:, 0].tolist()]

    return predict


def _edges(options: RankOptions) -> tuple[tuple[str, str], ...]:
    return (options.source, SOURCE), (options.target, TARGET)


def _kind(frame: DataFrame, names: Mapping[str, str]) -> str:
    """What vertices are: whole numbers, or texts."""
    from pyspark.sql.types import IntegralType, StringType

    kinds = {key: frame.schema[name].dataType for key, name in names.items()}
    for key, kind in kinds.items():
        if not isinstance(kind, IntegralType | StringType):
            message = (
                f"the column '{names[key]}' is {kind.simpleString()}; a vertex is a whole number or a text"
            )
            raise DataFault(message, option=key)
    return "bigint" if all(isinstance(kind, IntegralType) for kind in kinds.values()) else "string"
