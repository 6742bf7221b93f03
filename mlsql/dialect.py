"""What scripts of older engines expect otherwise: one record of switches, read where each behaviour lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a script is understood; the defaults are the language as it is documented."""

    name: str
    dollar_names: bool = False
    """``$name`` stands for a variable too, when one is called so."""
    keeps_undefined: bool = False
    """``${name}`` without such a variable stays as it is; otherwise it is an error."""
    tolerates_unknown_options: bool = False
    """An option that nobody knows is a warning; otherwise it is an error."""
    report_in_pairs: bool = False
    """A train gives rows of name and value; otherwise one row a model."""
    omits_nulls: bool = False
    """Rows as JSON leave out what is null."""
    lenient_sql: bool = False
    """What SQL cannot convert or divide is null; otherwise it is an error."""
    usual_metric_instead: bool = False
    """Where ``autoSelectByMetric`` names one that was not computed, the usual one decides; else an error."""


MLSQL = Dialect("mlsql")
BYZER = Dialect(
    "byzer",
    dollar_names=True,
    keeps_undefined=True,
    tolerates_unknown_options=True,
    report_in_pairs=True,
    omits_nulls=True,
    lenient_sql=True,
    usual_metric_instead=True,
)
DIALECTS: Mapping[str, Dialect] = MappingProxyType({each.name: each for each in (MLSQL, BYZER)})
"""Every dialect by its name, as ``--dialect`` takes it."""
