"""Options that Spark reads: judged here, handed on as they were written.

Spark itself ignores what it does not know and reads a value only when it gets to it. Here the
keys are Spark's, and each value is judged before Spark sees it.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from typing import Any

from mlsql.options import Kind, declared_options, option


@dataclass(frozen=True, slots=True)
class SparkText(Kind[str]):
    """The kind of an option that is handed on to Spark."""


def spark_option(
    key: str,
    kind: Kind[Any],
    doc: str,
    *,
    aliases: tuple[str, ...] = (),
    required: bool = False,
    secret: bool = False,
) -> Any:
    """Declare an option that Spark reads: its value is None or the text, judged by *kind*."""

    def judged(text: str) -> str:
        kind.read(text)
        return text

    default = MISSING if required else None
    return option(key, SparkText(kind.expected, judged), doc, default=default, secret=secret, aliases=aliases)


def spark_options(options: Any) -> dict[str, str]:
    """What of *options* was given and is Spark's, by Spark's key."""
    return {
        each.key: value
        for each in declared_options(type(options))
        if isinstance(each.kind, SparkText) and (value := getattr(options, each.field)) is not None
    }
