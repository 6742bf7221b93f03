"""Evaluate: how good a stored model is on a table that it has perhaps never seen."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.launcher import Launcher
from mlsql.bridge.request import Candidate, Columns, TrainingRequest
from mlsql.bridge.trainer import Trainer
from mlsql.models.cache import local_folder
from mlsql.models.manifest import METRICS, ModelKind, ModelStore, StoredModel
from mlsql.names import listed, nearest
from mlsql.options import NAMES, OptionText, option, option_family
from mlsql.registry import Registry
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.carrier import carrier_for
from mlsql.stages.algorithms.choice import ModelChoice, model_at
from mlsql.stages.algorithms.columns import prepare_stored
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
    """An algorithm that judges what the other ones have trained, in a worker process."""

    store: ModelStore
    trainers: Registry[Trainer]
    launcher: Launcher
    options: ClassVar[type[EvaluateOptions]] = EvaluateOptions
    doc: ClassVar[str] = EVALUATE.doc
    example: ClassVar[str] = EVALUATE.example

    def transform(self, call: Call[EvaluateOptions], run: Run, /) -> DataFrame:
        """One row with a column a metric; it is computed now, since the columns depend on it."""
        stored, candidate = model_at(self.store, call.path, call.options, call.given, run)
        asked = call.options.metrics
        names = None if asked is None else list(_known(asked, stored.manifest.kind))
        computed = self._judge(call, stored, Candidate(candidate.index, candidate.params), run)
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

    def _judge(
        self, call: Call[EvaluateOptions], stored: StoredModel, candidate: Candidate, run: Run
    ) -> Mapping[str, float]:
        from mlsql.bridge.judging import judge
        from mlsql.bridge.spark_launcher import open_launcher

        settings, manifest = run.settings, stored.manifest
        model = local_folder(stored.directory(candidate.index))
        request = TrainingRequest(
            job=uuid.uuid4().hex,
            trainer=manifest.algorithm,
            candidates=(candidate,),
            columns=Columns(manifest.form, manifest.inputs, manifest.label, invalid=manifest.invalid),
            output=model,
            timeout=settings.train.timeout,
        )
        return judge(
            prepare_stored(call.frame, request.columns),
            request,
            model,
            transport=carrier_for(run, call.options.kafka),
            trainers=self.trainers,
            launcher=open_launcher(settings.train.launcher, run.spark, local=self.launcher),
            message_bytes=settings.bridge.message_bytes,
            emit=run.emit,
            stop=run.stop,
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
