"""A fitted step before it is stored, and how: the plain form as an MLflow model."""

from __future__ import annotations

import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsql.bridge.trainer import Traits
from mlsql.stages.algorithms.judgement import Judgement

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from mlsql.session import Run
    from mlsql.udf.predictors.plain.stepping import FittedStep

FLAVOR = "mlsql_plain"
LOADER = "mlsql.udf.predictors.plain.loading"
_PACKAGES = ("mlsql", "mlflow", "numpy")


@dataclass(frozen=True, slots=True)
class FittedFeature:
    """A step that Spark has fitted."""

    step: FittedStep

    @property
    def traits(self) -> Traits:
        """What it is: a transformer, with the type of what its main function gives."""
        main = self.step.functions[0]
        return Traits(
            kind="transformer",
            features=main.width or len(main.parameters),
            answer=main.output,
            libraries={name: version(name) for name in _PACKAGES[1:]},
        )

    def judge(self, frame: DataFrame, run: Run, /) -> Judgement:  # noqa: ARG002
        """Nothing: a step is neither good nor bad."""
        return Judgement()

    def save(self, directory: Path, run: Run, /) -> None:  # noqa: ARG002
        """Store it as an MLflow model, which needs this package, written without MLflow: that takes 2 s."""
        import yaml  # type: ignore[import-untyped]  # it ships no types

        from mlsql.udf.predictors.plain import PLAIN, write_plain

        write_plain(directory, self.step)
        text = yaml.safe_dump(_description(PLAIN), sort_keys=False)
        (directory / "MLmodel").write_text(text, encoding="utf-8")
        needs = "".join(f"{name}=={version(name)}\n" for name in _PACKAGES)
        (directory / "requirements.txt").write_text(needs, encoding="utf-8")


def _description(data: str) -> dict[str, Any]:
    """What ``MLmodel`` says."""
    python = ".".join(map(str, sys.version_info[:3]))
    function = {"loader_module": LOADER, "data": data, "python_version": python, "env": {}}
    return {
        "flavors": {"python_function": function, FLAVOR: {"data": data}},
        "mlflow_version": version("mlflow"),
        "model_uuid": uuid.uuid4().hex,
        "utc_time_created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    }
