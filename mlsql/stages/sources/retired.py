"""Formats of older engines that are not, or not yet, part of this one: what a script writes instead."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_STREAMS = "streams are not part of this version; load kafka.`topic` reads what a topic holds by now"

RETIRED: Mapping[str, str] = MappingProxyType(
    {
        "modelExplain": "write !model describe `PATH` named t",
        "kafka8": "write kafka",
        "kafka9": "write kafka",
        "adHocKafka": "write kafka",
        "newParquet": "write parquet",
        "carbondata": "write parquet, or delta where rows are changed",
        "mockStream": _STREAMS,
        "mockTable": _STREAMS,
        "console": "the last table of a script is its result; !profile t and !desc t show what it holds",
        "crawlersql": "load rest.`https://…` reads what a server answers",
        "mlsqlApi": "load rest.`https://…` reads what a server answers",
    }
)
"""By format: the way out."""
