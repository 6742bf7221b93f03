"""What DataSummary computes of a column in one aggregate: types, extremes, moments, quantiles, shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from mlsql.stages.algorithms.published import family
from mlsql.stages.algorithms.tools.fields import STRING, column, is_number, present

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.types import StructField

_BYTES = MappingProxyType(
    {
        "tinyint": 1,
        "boolean": 1,
        "smallint": 2,
        "int": 4,
        "float": 4,
        "bigint": 8,
        "double": 8,
        "date": 8,
        "timestamp": 8,
    }
)
_COMPARED = ("number", "string", "boolean", "date", "timestamp", "timestamp_ntz")
_DECIMAL_BYTES = 16


@dataclass(frozen=True, slots=True)
class Look:
    """A column as the metrics look at it: without NaN, and with a way to its quantiles."""

    field: StructField
    is_exact: bool
    error: float

    @property
    def value(self) -> Column:
        """The value; null where there is none."""
        return present(self.field)

    @property
    def is_text(self) -> bool:
        """Whether the column holds texts."""
        return family(self.field.dataType) == STRING

    def of_number(self, metric: Callable[[Column], Column]) -> Column | None:
        """The *metric* of a column of numbers; of another there is none."""
        return metric(self.value.cast("double")) if is_number(self.field) else None

    def of_text(self, metric: Callable[[Column], Column]) -> Column | None:
        """The *metric* of the lengths of texts."""
        from pyspark.sql import functions as sf

        return metric(sf.length(column(self.field))) if self.is_text else None

    def of_compared(self, metric: Callable[[Column], Column]) -> Column | None:
        """The *metric* of a column whose values have an order, as text."""
        return metric(self.value).cast("string") if family(self.field.dataType) in _COMPARED else None

    def quantile(self, share: float) -> Column | None:
        """The value below which a *share* of the rows lies."""
        from pyspark.sql import functions as sf

        if self.is_exact:
            return self.of_number(lambda value: sf.percentile(value, share))
        return self.of_number(lambda value: sf.percentile_approx(value, share, round(1 / self.error)))

    def ratio(self, condition: Column) -> Column:
        """The share of rows for which the *condition* holds."""
        from pyspark.sql import functions as sf

        return sf.try_divide(sf.count_if(condition), sf.count(sf.lit(1)))


@dataclass(frozen=True, slots=True)
class Metric:
    """One column of the summary: its type, and the aggregate that makes it; None where there is none."""

    type: str
    of: Callable[[Look], Column | None]


def _length(look: Look) -> Column | None:
    """How many bytes a value takes; of texts, how many characters the longest has."""
    from pyspark.sql import functions as sf

    kind = look.field.dataType.simpleString()
    size = _DECIMAL_BYTES if kind.startswith("decimal") else _BYTES.get(kind)
    return look.of_text(sf.max) if size is None else sf.lit(size)


def _standard_error(value: Column) -> Column:
    from pyspark.sql import functions as sf

    return sf.stddev(value) / sf.sqrt(sf.count(value))


def all_metrics() -> Mapping[str, Metric]:
    """All metrics that one aggregate gives, in the order in which they are told."""
    from pyspark.sql import functions as sf

    return {
        "dataType": Metric("string", lambda look: sf.lit(look.field.dataType.simpleString())),
        "dataLength": Metric("bigint", _length),
        "max": Metric("string", lambda look: look.of_compared(sf.max)),
        "min": Metric("string", lambda look: look.of_compared(sf.min)),
        "maximumLength": Metric("bigint", lambda look: look.of_text(sf.max)),
        "minimumLength": Metric("bigint", lambda look: look.of_text(sf.min)),
        "mean": Metric("double", lambda look: look.of_number(sf.avg)),
        "standardDeviation": Metric("double", lambda look: look.of_number(sf.stddev)),
        "standardError": Metric("double", lambda look: look.of_number(_standard_error)),
        "skewness": Metric("double", lambda look: look.of_number(sf.skewness)),
        "nullValueRatio": Metric("double", lambda look: look.ratio(look.value.isNull())),
        "blankValueRatio": Metric(
            "double",
            lambda look: look.ratio(sf.trim(column(look.field)) == "") if look.is_text else sf.lit(0.0),
        ),
        "nonNullCount": Metric("bigint", lambda look: sf.count(look.value)),
        "%25": Metric("double", lambda look: look.quantile(0.25)),
        "median": Metric("double", lambda look: look.quantile(0.5)),
        "%75": Metric("double", lambda look: look.quantile(0.75)),
    }
