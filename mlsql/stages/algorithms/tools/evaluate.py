"""Evaluate: how good a stored model is on a table that it has perhaps never seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.errors import ScriptError
from mlsql.models.manifest import METRICS, USUAL_METRICS, ModelKind, ModelStore
from mlsql.names import listed, nearest
from mlsql.options import NAMES, OptionText, option, option_family
from mlsql.registry import Registry
from mlsql.session import Run
from mlsql.stages.algorithms.base import Algorithm, Call, Judges
from mlsql.stages.algorithms.choice import ModelChoice, model_at
from mlsql.stages.algorithms.descriptions import EVALUATE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

WANTED = "metrics"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateOptions(ModelChoice):
    """Which model is judged, and by what."""

    metrics: tuple[str, ...] | None = option(
        WANTED, NAMES, "Metrics, each a column of the result; else all that can be computed.", default=None
    )
    kafka: Mapping[str, OptionText] = option_family(
        "kafkaParam.", "Kafka to send the data through: `bootstrap.servers`, and settings of its client."
    )


@dataclass(frozen=True, slots=True)
class Evaluate:
    """An algorithm that judges what the other ones have trained, as each of them does."""

    store: ModelStore
    algorithms: Registry[Algorithm]
    options: ClassVar[type[EvaluateOptions]] = EvaluateOptions
    doc: ClassVar[str] = EVALUATE.doc
    example: ClassVar[str] = EVALUATE.example

    def transform(self, call: Call[EvaluateOptions], run: Run, /) -> DataFrame:
        """One row with a column a metric; it is computed now, since the columns depend on it."""
        stored, candidate = model_at(self.store, call.path, call.options, call.given, run)
        name = stored.manifest.algorithm
        algorithm = self.algorithms.get(name, span=call.path.span)
        if not isinstance(algorithm, Judges) or stored.manifest.kind not in USUAL_METRICS:
            raise ScriptError(f"no metric judges models of {name}", span=call.path.span)
        asked = call.options.metrics
        names = None if asked is None else list(_known(asked, stored.manifest.kind))
        computed = algorithm.judge(call, stored, candidate, run)
        missing = [name for name in names or () if name not in computed]
        if missing or not computed:
            raise DataFault(
                f"of these rows and this model there is no {', '.join(missing) or 'metric'}",
                option=WANTED,
                hint=f"there is {listed(computed)}" if computed else "the log says why",
            )
        values = {name: computed[name] for name in names or computed}
        return run.spark.createDataFrame(
            [tuple(values.values())], ", ".join(f"{name} double" for name in values)
        )


def _known(names: tuple[str, ...], kind: ModelKind) -> Iterator[str]:
    """The metrics as they are written properly, each once."""
    metrics = {metric.name.casefold(): metric.name for metric in METRICS.values() if kind in metric.kinds}
    for name in dict.fromkeys(map(str.casefold, names)):
        if name not in metrics:
            near = nearest(name, metrics.values())
            hint = f"did you mean '{near}'?" if near else f"it has {listed(metrics.values())}"
            raise OptionFault(f"'{name}' does not judge a {kind}", option=WANTED, hint=hint)
        yield metrics[name]
