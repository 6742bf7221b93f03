"""What a source needs beside Spark: found on the classpath, or among the connectors that were fetched."""

from __future__ import annotations

from mlsql.errors import ConfigError
from mlsql.session import Run
from mlsql.spans import Span
from mlsql.spark.connectors import Connectors
from mlsql.spark.jars import has_class, use_jars


def need_connector(run: Run, name: str, known_by: str, span: Span) -> None:
    """Have Spark know the class *known_by*, which the connector *name* brings; ConfigError without it.

    What is fetched is taken in by the Spark that runs, unless it has to be there from the start.
    """
    if has_class(run.spark, known_by):
        return
    connectors = Connectors.from_settings(run.settings, run.spark.version)
    try:
        jars = connectors.needed(name)
    except ConfigError as error:
        raise error.at(span) from error.__cause__
    if connectors.get(name).at_start:
        raise ConfigError(
            f"Spark was started without the connector '{name}'",
            span=span,
            hint="it was fetched later, or Spark was started by somebody else: start it again, or give it"
            f" {','.join(map(str, jars))} as spark.jars",
        )
    use_jars(run.spark, jars)
