"""What is passed on to formats of Spark that are not known here: all of it, or what begins as it must.

A family comes last: it takes every option that none before it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlsql.options import NAMES, TEXT, OptionText, declared_options, option, option_family

CLASS = "implClass"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ForeignOptions:
    """Whatever the format takes."""

    implementation: str | None = option(
        CLASS, TEXT, "Class that reads and writes it, when that is not the format's own.", default=None
    )
    partition_by: tuple[str, ...] = option(
        "partitionBy", NAMES, "Columns that a save partitions by; as the clause.", default=()
    )
    passed: Mapping[str, OptionText] = option_family("", "What the format takes, by its own names.")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EsOptions:
    """What Elasticsearch's connector takes."""

    passed: Mapping[str, OptionText] = option_family(
        "es.", "What the connector takes, by its own names: `es.nodes`, `es.port`, `es.query`."
    )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HbaseOptions:
    """What HBase's connector takes."""

    passed: Mapping[str, OptionText] = option_family(
        "hbase.", "What the connector takes, by its own names: `hbase.columns.mapping`."
    )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StoreOptions:
    """What the connectors of MongoDB, Redis and Solr take, whose options begin in no common way."""

    passed: Mapping[str, OptionText] = option_family("", "What the connector takes, by its own names.")


AnyOptions = ForeignOptions | EsOptions | HbaseOptions | StoreOptions


def passed_on(options: AnyOptions) -> dict[str, OptionText]:
    """What is passed on, by the names that the script gives."""
    (prefix,) = (each.key for each in declared_options(type(options)) if each.prefix)
    return {prefix + key: value for key, value in options.passed.items()}
