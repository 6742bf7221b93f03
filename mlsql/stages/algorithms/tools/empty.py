"""EmptyTable and EmptyTableWithSchema: tables without rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from mlsql.bridge.errors import OptionFault
from mlsql.options import TEXT, option
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.numbering import NoOptions
from mlsql.stages.rows import local_table
from mlsql.udf.column_types import EXPECTED, read_schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

_SCHEMA = "schema"
_FILE = "start bigint, offset bigint, value binary"


@dataclass(frozen=True, slots=True)
class EmptyTable:
    """A table of nothing."""

    options: ClassVar[type[NoOptions]] = NoOptions
    doc: ClassVar[str] = "A table without rows and columns."
    example: ClassVar[str] = "run command as EmptyTable.`` as nothing;\n"

    def transform(self, call: Call[NoOptions], run: Run, /) -> DataFrame:  # noqa: ARG002
        """No rows, no columns."""
        return local_table(run.spark, [], "")


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaOptions:
    """Which columns there are."""

    schema: str = option(
        _SCHEMA, TEXT, "Columns: st(field(a,string)), a string, b array<long>, or Spark's JSON of a schema."
    )


@dataclass(frozen=True, slots=True)
class EmptyTableWithSchema:
    """A table that has columns, but no rows."""

    options: ClassVar[type[SchemaOptions]] = SchemaOptions
    doc: ClassVar[str] = "A table without rows, whose columns are given."
    example: ClassVar[str] = """\
run command as EmptyTableWithSchema.`` where schema='''st(field(content,binary),field(status,integer))'''
  as responses;
"""

    def transform(self, call: Call[SchemaOptions], run: Run, /) -> DataFrame:
        """No rows."""
        from pyspark.sql import functions as sf

        columns = [
            sf.lit(None).cast(each.dataType).alias(each.name) for each in _schema(call.options.schema.strip())
        ]
        return run.spark.range(0).select(columns)


def _schema(written: str) -> StructType:
    from pyspark.sql.types import DataType, StructType

    try:
        if written.startswith("{"):
            return StructType.fromJson(json.loads(written))
        return cast("StructType", DataType.fromDDL(_FILE if written == "file" else str(read_schema(written))))
    except (ValueError, KeyError) as error:
        hint = f"each has a name and {EXPECTED}"
        raise OptionFault(f"'{written}' tells no columns", option=_SCHEMA, hint=hint) from error
