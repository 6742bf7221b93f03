"""The bins that Binning has made, found again by those who use them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsql.bridge.errors import DataFault
from mlsql.grammar.nodes import Word
from mlsql.options import TEXT, option
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.bins import Bin, FeatureBins
from mlsql.stages.algorithms.tools.outcomes import read_below

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FEATURES, TABLE, PATH = "selectedFeatures", "binningTable", "binningPath"
FOLDER = "binning"
_MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BinsOptions:
    """Where the bins are that Binning has made."""

    table: str | None = option(TABLE, TEXT, "Table that Binning has made.", default=None)
    path: str | None = option(
        PATH, TEXT, "Path that Binning was given, when there is no table.", default=None
    )


def binning_table(call: Call[Any], run: Run) -> DataFrame | None:
    """The table of bins that the options name; None when they name none."""
    options: BinsOptions = call.options
    if options.table is not None:
        return run.table(Word(options.table, call.given[TABLE].span or call.span))
    if options.path is not None:
        return read_below(run, Word(options.path, call.given[PATH].span or call.span), FOLDER)
    return None


def read_bins(table: DataFrame, features: Sequence[str] | None) -> list[FeatureBins]:
    """The bins that *table* holds, in its order, of the *features* or of all; another table is refused."""
    bins: dict[str, list[Bin]] = {}
    for name, *place in rows_of(table, ("featureName", "bin_id", "start", "end", "category")):
        bins.setdefault(name, []).append(Bin(*place))
    known = {name: FeatureBins.of(name, own) for name, own in bins.items()}
    folded = {name.casefold(): name for name in known}
    for name in features or ():
        if name.casefold() not in folded:
            raise DataFault(f"there are no bins of '{name}'", option=FEATURES, hint="Binning makes them")
    return [known[folded[name.casefold()]] for name in features or known]


def rows_of(table: DataFrame, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """What a small table holds in *columns*; one that lacks some was not made by Binning."""
    if not set(columns) <= set(table.columns):
        raise DataFault(
            "this is no table of bins", option=TABLE, hint="run … as Binning.`…` as bins makes one"
        )
    return [
        tuple(row) for row in table.select(*(f"`{name}`" for name in columns)).limit(_MOST_ROWS).collect()
    ]
