"""ChiSqSelector, PCA, MinHashLSH: vectors made smaller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mlsql.bridge.errors import DataFault
from mlsql.options import TEXT, integer, number, one_of, option
from mlsql.session import quoted
from mlsql.stages.algorithms.features.declaration import INPUT, InputOptions, Lesson
from mlsql.stages.algorithms.features.vectors import (
    VectorStep,
    as_vector,
    to_vectors,
    vector_widths,
    vectors_in,
)

if TYPE_CHECKING:
    from mlsql.udf.predictors.plain.numbers import Prepared

LABEL = "labelCol"


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectorOptions(InputOptions):
    """Which features are kept."""

    input: str = option(INPUT, TEXT, "Column of vectors of categories.", aliases=("featuresCol",))
    label: str = option(LABEL, TEXT, "Column of the classes.", default="label")
    selector: str = option(
        "selectorType",
        one_of("numTopFeatures", "percentile", "fpr", "fdr", "fwe"),
        "Whether the best ones are kept, or those that pass a test.",
        default="numTopFeatures",
    )
    count: int = option("numTopFeatures", integer(1), "So many are kept.", default=50)
    percentile: float = option("percentile", number(0, 1), "This share is kept.", default=0.1)
    fpr: float = option("fpr", number(0, 1), "The highest p-value.", default=0.05)
    fdr: float = option("fdr", number(0, 1), "The highest expected share of false discoveries.", default=0.05)
    fwe: float = option("fwe", number(0, 1), "The highest p-value of the whole family.", default=0.05)


class ChiSqSelector(VectorStep[SelectorOptions]):
    """The features on which the label depends, by the chi-squared test."""

    name: ClassVar[str] = "ChiSqSelector"
    options: ClassVar[type[SelectorOptions]] = SelectorOptions
    doc: ClassVar[str] = (
        "Keeps those features of a vector on which a label depends most, by the chi-squared test."
    )
    example: ClassVar[str] = """\
select vec_dense(array(id % 2, id % 3, id % 5)) as features, id % 3 as label from range(60) as points;
train points as ChiSqSelector.`out/example/chosen` where inputCol="features" and numTopFeatures="1" as chosen;
register ChiSqSelector.`out/example/chosen` as choose;
select choose(array(7, 8, 9)) as vector as answers;
"""

    def also_learns_from(self, options: SelectorOptions) -> Mapping[str, str]:
        """The label."""
        return {options.label: LABEL}

    def learn(self, lesson: Lesson[SelectorOptions]) -> Prepared:
        """The features that Spark's ChiSqSelector chooses."""
        from pyspark.ml.feature import ChiSqSelector as SparkSelector

        from mlsql.udf.predictors.plain.preparation import Select

        options = lesson.options
        label = f"double({quoted(options.label)}) as l"
        frame = lesson.frame.selectExpr(f"{as_vector(lesson.frame, options.input)} as v", label)
        selector = SparkSelector(
            featuresCol="v",
            labelCol="l",
            outputCol="o",
            selectorType=options.selector,
            numTopFeatures=options.count,
            percentile=options.percentile,
            fpr=options.fpr,
            fdr=options.fdr,
            fwe=options.fwe,
        )
        positions = tuple(selector.fit(frame).selectedFeatures)
        width = vector_widths(lesson.frame, [options.input])[options.input]
        return to_vectors(Select(positions), width, len(positions))


@dataclass(frozen=True, slots=True, kw_only=True)
class PcaOptions(InputOptions):
    """How many components."""

    k: int = option("k", integer(1), "How many principal components.", default=2)


class PCA(VectorStep[PcaOptions]):
    """Vectors on their principal components; as in Spark they are not centred."""

    name: ClassVar[str] = "PCA"
    options: ClassVar[type[PcaOptions]] = PcaOptions
    doc: ClassVar[str] = (
        "Projects vectors on their principal components, the directions in which they differ most."
    )
    example: ClassVar[str] = """\
select vec_dense(array(id, id * 2 + id % 2, id % 3)) as features from range(20) as points;
train points as PCA.`out/example/components` where inputCol="features" and k="2" as projected;
register PCA.`out/example/components` as project;
select project(array(1, 2, 0)) as vector as answers;
"""

    def learn(self, lesson: Lesson[PcaOptions]) -> Prepared:
        """The components that Spark's PCA finds."""
        from pyspark.ml import feature

        from mlsql.udf.predictors.plain.preparation import Project

        options = lesson.options
        width = vector_widths(lesson.frame, [options.input])[options.input]
        if options.k > width:
            raise DataFault(f"vectors of {width} numbers have no {options.k} components", option="k")
        pca = feature.PCA(k=options.k, inputCol="v", outputCol="o")
        model = pca.fit(vectors_in(lesson.frame, options.input))
        return to_vectors(Project(model.pc.toArray().T, None), width, options.k)


@dataclass(frozen=True, slots=True, kw_only=True)
class MinHashOptions(InputOptions):
    """How many hashes."""

    tables: int = option("numHashTables", integer(1), "How many hash functions.", default=1)
    seed: int = option(
        "seed", integer(-(2**63), 2**63 - 1), "Another seed gives other functions.", default=42
    )


class MinHashLSH(VectorStep[MinHashOptions]):
    """Least hashes of the places that are not zero: alike sets of places share many of them."""

    name: ClassVar[str] = "MinHashLSH"
    options: ClassVar[type[MinHashOptions]] = MinHashOptions
    doc: ClassVar[str] = (
        "Hashes vectors, as sets of the places that are not 0, so that similar ones share hashes."
    )
    example: ClassVar[str] = """\
select vec_dense(array(1, id % 2, id % 3)) as features from range(9) as points;
train points as MinHashLSH.`out/example/hashes` where inputCol="features" and numHashTables="3" as hashed;
register MinHashLSH.`out/example/hashes` as hashes_of;
select hashes_of(array(1, 0, 1)) as hashes as answers;
"""

    def learn(self, lesson: Lesson[MinHashOptions]) -> Prepared:
        """The hash functions that Spark's MinHashLSH draws."""
        import numpy as np
        from pyspark.ml.feature import MinHashLSH as SparkMinHash

        from mlsql.udf.predictors.plain.numbers import MinHashes, Prepared

        options = lesson.options
        width = vector_widths(lesson.frame, [options.input])[options.input]
        lsh = SparkMinHash(inputCol="v", outputCol="o", numHashTables=options.tables, seed=options.seed)
        model: Any = lsh.fit(vectors_in(lesson.frame, options.input).limit(1))
        drawn = [(pair._1(), pair._2()) for pair in model._java_obj.randCoefficients()]  # noqa: SLF001 — of Scala
        factors, offsets = np.array(drawn, dtype=np.int64).T
        return Prepared((MinHashes(factors, offsets),), width, options.tables)
