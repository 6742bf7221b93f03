"""CorpusExplainInPlace: how the labels of a table are distributed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.options import TEXT, option
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.fields import column, field_of
from mlsql.stages.algorithms.tools.outcomes import save_below

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusOptions:
    """Which column is looked at."""

    label: str = option("labelCol", TEXT, "Column of the labels; a null is a label too.", default="label")


@dataclass(frozen=True, slots=True)
class CorpusExplain:
    """A row a label: how many rows have it, their share, and the weight that would even them out."""

    options: ClassVar[type[CorpusOptions]] = CorpusOptions
    doc: ClassVar[str] = (
        "Tells how the labels are distributed; with a path the table is saved below it as data."
    )
    example: ClassVar[str] = """\
select if(id % 4 = 0, "spam", "fine") as label from range(40) as corpus;
run corpus as CorpusExplainInPlace.`` where labelCol="label" as explained;
select label, labelCount, percent from explained as shown;
"""

    def transform(self, call: Call[CorpusOptions], run: Run, /) -> DataFrame:
        """The label's column, ``labelCount``, ``weight``, ``percent``, ``total``; lazy without a path."""
        from pyspark.sql import Window
        from pyspark.sql import functions as sf

        label = column(field_of(call.frame, call.options.label, "labelCol"))
        total = sf.sum("labelCount").over(Window.partitionBy())
        counted = call.frame.groupBy(label).agg(sf.count(sf.lit(1)).alias("labelCount"))
        explained = counted.withColumns(
            {"weight": total / sf.col("labelCount"), "percent": sf.col("labelCount") / total, "total": total}
        )
        save_below(run, call.path, "data", explained)
        return explained
