"""Models of Spark ML as MLflow models: a folder for ``mlflow.spark.load_model``, made without it.

MLflow would import itself (2 s) and look for the packages that a model needs (10 s). The Spark ML model
lies in ``sparkml``, in ``plain`` its weights where there is a plain form, by which functions answer.

Spark's executors write the files. Where they run on this machine they write into the folder itself; on a
cluster into a folder of its default file system, out of which they are copied. When that is no shared
one, as ``file:``, the files stay on the executors, and the model is refused.
"""

from __future__ import annotations

import shutil
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsql.errors import RunError
from mlsql.spark.sessions import is_local
from mlsql.udf.predictors.folder import DESCRIPTION, read_description

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.ml import Transformer
    from pyspark.sql import SparkSession

    from mlsql.udf.predictors.plain import PlainModel

DATA = "sparkml"
PLAIN_FLAVOR = "mlsql_plain"
"""The flavor of a model that has a plain form too."""
_PACKAGES = ("mlflow", "pyspark", "numpy", "pandas")


def libraries() -> dict[str, str]:
    """The versions that a stored model of Spark ML needs, by package."""
    return {name: version(name) for name in _PACKAGES}


def save_spark_model(
    model: Transformer, folder: Path, spark: SparkSession, plain: PlainModel | None = None
) -> None:
    """Store *model* in *folder*, which is there, as an MLflow model, with its *plain* form if it has one."""
    from pyspark.ml import PipelineModel

    pipeline = model if isinstance(model, PipelineModel) else PipelineModel([model])
    with shared_folder(folder / DATA, spark) as written:
        pipeline.write().session(spark).overwrite().save(written)
    write_description(folder, _description())
    if plain is not None:
        add_plain(folder, plain)


def add_plain(folder: Path, plain: PlainModel) -> None:
    """Put the *plain* form of the MLflow model in *folder* beside it."""
    from mlsql.udf.predictors.plain import PLAIN, write_plain

    write_plain(folder, plain)
    described = dict(read_description(folder))
    described["flavors"] = {**described["flavors"], PLAIN_FLAVOR: {"data": PLAIN}}
    _write_yaml(folder / DESCRIPTION, described)


def last_step(folder: Path) -> Path:
    """Where the last step of the pipeline lies that is stored in *folder*, as Spark ML has written it."""
    return max((folder / DATA / "stages").iterdir(), key=lambda step: int(step.name.partition("_")[0]))


def read_parts(folder: Path) -> pa.Table:
    """The table that Spark has written into *folder* as Parquet; it holds what was fitted, not the rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pa.concat_tables([pq.ParquetFile(part).read() for part in sorted(folder.glob("part-*.parquet"))])


def write_description(folder: Path, described: Mapping[str, Any]) -> None:
    """``MLmodel`` and the files that say which packages the model needs."""
    needs = [f"{name}=={number}" for name, number in libraries().items()]
    python = ".".join(map(str, sys.version_info[:3]))
    conda = {"name": "mlflow-env", "channels": ["conda-forge"], "dependencies": [f"python={python}", "pip"]}
    conda["dependencies"] = [*conda["dependencies"], {"pip": needs}]  # type: ignore[list-item]
    environment = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    (folder / "requirements.txt").write_text("\n".join(needs) + "\n", encoding="utf-8")
    _write_yaml(folder / DESCRIPTION, described)
    _write_yaml(folder / "conda.yaml", conda)
    _write_yaml(folder / "python_env.yaml", environment)


def _write_yaml(file: Path, content: Mapping[str, Any]) -> None:
    import yaml  # type: ignore[import-untyped]  # it ships no types

    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _description() -> dict[str, Any]:
    environment = {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}
    python = ".".join(map(str, sys.version_info[:3]))
    return {
        "flavors": {
            "python_function": {
                "data": DATA,
                "env": environment,
                "loader_module": "mlflow.spark",
                "python_version": python,
            },
            "spark": {
                "code": None,
                "model_class": "pyspark.ml.pipeline.PipelineModel",
                "model_data": DATA,
                "pyspark_version": version("pyspark"),
            },
        },
        "mlflow_version": version("mlflow"),
        "model_uuid": uuid.uuid4().hex,
        "utc_time_created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    }


@contextmanager
def shared_folder(target: Path, spark: SparkSession) -> Iterator[str]:
    """A folder that executors can write, and whose files are in *target* when the block ends."""
    if is_local(spark):
        yield target.as_uri()
        return
    with _transfer(spark) as (system, shared, path_of):
        yield str(shared)
        system.copyToLocalFile(False, shared, path_of(str(target)), True)
    if not any(target.rglob("part-*")):
        shutil.rmtree(target, ignore_errors=True)
        raise RunError(
            "the executors have kept the files of the model to themselves",
            hint="on a cluster the default file system (spark.hadoop.fs.defaultFS) has to be a shared one",
        )


@contextmanager
def _transfer(spark: SparkSession) -> Iterator[tuple[Any, Any, Any]]:
    """A temporary folder on the cluster's default file system: the system, the folder, how to name others."""
    hadoop: Any = spark._jvm.org.apache.hadoop.fs  # type: ignore[union-attr]
    system = hadoop.FileSystem.get(spark.sparkContext._jsc.hadoopConfiguration())
    shared = system.makeQualified(hadoop.Path(f"/tmp/mlsql-model-{uuid.uuid4().hex}"))  # noqa: S108 — of a cluster
    try:
        yield system, shared, hadoop.Path
    finally:
        system.delete(shared, True)
