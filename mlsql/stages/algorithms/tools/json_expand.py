"""JsonExpandExt: the fields of JSON texts as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.errors import DataFault
from mlsql.options import BOOLEAN, TEXT, number, option
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.fields import column, expect_free, field_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField, StructType

_INPUT = "inputCol"
_CORRUPT = "_corrupt_record"
_NAMES_CORRUPT = {"columnNameOfCorruptRecord": _CORRUPT}
_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonExpandOptions:
    """Which column, and into what."""

    input: str = option(_INPUT, TEXT, "Column of JSON objects as text, or of structs.")
    sampling: float = option(
        "samplingRatio",
        number(1e-9, 1),
        "Share of the rows that are looked at to find the fields.",
        default=1.0,
    )
    keeps_struct: bool = option(
        "structColumn", BOOLEAN, "Whether the column becomes one struct, not a column a field.", default=False
    )


@dataclass(frozen=True, slots=True)
class JsonExpand:
    """The table with a column a field in place of the column of JSON."""

    options: ClassVar[type[JsonExpandOptions]] = JsonExpandOptions
    doc: ClassVar[str] = "Makes columns of the fields of JSON texts; rows that are no JSON are an error."
    example: ClassVar[str] = """\
select '{"name":"Ann","address":{"city":"Bern","zip":3000}}' as person as texts;
run texts as JsonExpandExt.`` where inputCol="person" as people;
run people as JsonExpandExt.`` where inputCol="address" as addresses;
"""

    def transform(self, call: Call[JsonExpandOptions], run: Run, /) -> DataFrame:
        """The other columns and the fields, typed; the texts are looked at now to find these."""
        field = field_of(call.frame, call.options.input, _INPUT)
        struct, names = _struct(call, field, run)
        others = [name for name in call.frame.columns if name != field.name]
        if call.options.keeps_struct:
            return call.frame.withColumns({field.name: struct})
        expect_free(
            call.frame.select(*map(quoted, others)),
            names,
            option=_INPUT,
            hint='structColumn="true" keeps the fields apart from the other columns',
        )
        return call.frame.select(*map(quoted, others), *(struct[name].alias(name) for name in names))


def _struct(call: Call[JsonExpandOptions], field: StructField, run: Run) -> tuple[Column, list[str]]:
    """The column as a struct, and the names of its fields."""
    from pyspark.sql.types import StringType, StructType

    if isinstance(field.dataType, StructType):
        return column(field), field.dataType.fieldNames()
    if not isinstance(field.dataType, StringType):
        kind = field.dataType.simpleString()
        raise DataFault(
            f"the column '{field.name}' is {kind}; it has to hold JSON texts or structs", option=_INPUT
        )
    schema = _schema(call, field, run)
    return _parsed(field, schema), schema.fieldNames()


def _schema(call: Call[JsonExpandOptions], field: StructField, run: Run) -> StructType:
    """The fields that Spark finds in the texts; it looks at them in a job, and corrupt ones are an error."""
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    texts = call.frame.select(column(field).cast("string").alias("text")).where("text is not null")
    # PySpark reads records from texts through a Python worker only; Spark itself needs none.
    encoder = run.spark._jvm.org.apache.spark.sql.Encoders.STRING()  # type: ignore[union-attr] # noqa: SLF001
    dataset = getattr(texts._jdf, "as")(encoder)  # noqa: SLF001
    reader = run.spark.read.options(samplingRatio=call.options.sampling, **_NAMES_CORRUPT)
    schema = DataFrame(reader._jreader.json(dataset), run.spark).schema  # noqa: SLF001
    if _CORRUPT in schema.fieldNames():
        raise _corrupted(texts, field, schema)
    if not schema.fields:
        raise DataFault(f"there is no JSON object in column `{field.name}`", option=_INPUT)
    return StructType(schema.fields)


def _corrupted(texts: DataFrame, field: StructField, schema: StructType) -> DataFault:
    """The error that shows a text which is no JSON object."""
    from pyspark.sql import functions as sf

    parsed = sf.from_json("text", schema, _NAMES_CORRUPT)
    shown = texts.where(parsed[_CORRUPT].isNotNull()).select(sf.left("text", sf.lit(_SHOWN))).first()
    sample = f": {shown[0]}" if shown else ""
    return DataFault(
        f"corrupted JSON in column `{field.name}`{sample}",
        option=_INPUT,
        hint="leave such rows out before: where try_parse_json(…) is not null",
    )


def _parsed(field: StructField, schema: StructType) -> Column:
    """The texts read as *schema*; one that is corrupt after all, as the sample lacked it, fails the query."""
    from pyspark.sql import functions as sf
    from pyspark.sql.types import StringType, StructField, StructType

    text = column(field).cast("string")
    watched = StructType([*schema.fields, StructField(_CORRUPT, StringType())])
    parsed = sf.from_json(text, watched, _NAMES_CORRUPT)
    told = sf.concat(sf.lit(f"corrupted JSON in column `{field.name}`: "), sf.left(text, sf.lit(_SHOWN)))
    whole = sf.struct(*(parsed[name].alias(name) for name in schema.fieldNames()))
    return (
        sf.when(text.isNull(), None).when(parsed[_CORRUPT].isNotNull(), sf.raise_error(told)).otherwise(whole)
    )
