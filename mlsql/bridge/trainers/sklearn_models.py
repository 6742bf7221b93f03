"""A fitted estimator: what it is, what it says, and how MLflow stores it so that it answers without us."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsql.bridge.request import Columns
from mlsql.bridge.trainer import Answers, Traits
from mlsql.bridge.trainers import transforming
from mlsql.bridge.trainers.encoding import number_encoder
from mlsql.bridge.trainers.estimators import LIBRARIES
from mlsql.bridge.trainers.reading import check_nulls, read_encoded
from mlsql.forms import FormRecord
from mlsql.models.manifest import ANSWERS_BY, FITTED_ON_SPARSE, ModelKind

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import Model, ModelSignature

    from mlsql.bridge.dataset import Dataset, Matrix

REQUIRED = ("mlflow", "scikit-learn", "numpy", "scipy", "pandas", "cloudpickle")
"""What loading a stored model needs."""
LOADER = "mlsql_transforming"
"""The name of the module by which ``mlflow.pyfunc`` loads a transformer."""
_PANDAS: Mapping[str, str] = {"long": "int64", "double": "float64", "boolean": "bool", "string": "object"}


@dataclass(frozen=True, slots=True)
class FittedEstimator:
    """A fitted estimator, and the first rows of what it was fitted on.

    Where there are texts among the columns the *encoder* makes the matrix, which is *width* wide.
    """

    estimator: Any
    kind: ModelKind
    columns: Columns
    width: int
    example: Matrix | pd.DataFrame | None
    encoder: Any = None
    is_sparse: bool = False
    """Whether it was fitted on sparse vectors, and takes them."""
    sample: Matrix | pd.DataFrame | None = None
    """Some rows of the training, by which faster forms are compared; None: there will be none."""

    @property
    def traits(self) -> Traits:
        """What the estimator is."""
        classes = getattr(self.estimator, "classes_", None) if self.kind == "classifier" else None
        return Traits(
            kind=self.kind,
            features=self.width,
            answer=self._answer(),
            classes=None if classes is None else tuple(classes.tolist()),
            libraries={name: version(name) for name in self._required},
        )

    def answers(self, data: Dataset) -> Answers | None:
        """What the estimator says about the matrix of *data*."""
        if not hasattr(self.estimator, self._method):
            return None
        check_nulls(self.estimator, data)
        matrix, truth = read_encoded(data, self.encoder, sparse=self.is_sparse)
        probable = self.kind == "classifier" and hasattr(self.estimator, "predict_proba")
        return Answers(
            matrix=matrix,
            truth=truth,
            guess=getattr(self.estimator, self._method)(matrix),
            probabilities=self.estimator.predict_proba(matrix) if probable else None,
        )

    def save(self, directory: Path) -> None:
        """Store the estimator, in the columns form behind a step that makes the matrix of named columns."""
        import mlflow.sklearn
        from mlflow.models import Model

        _quicken_mlflow()
        named, described = self.columns.form == "columns", Model()
        mlflow.sklearn.save_model(
            self._behind_columns() if named else self.estimator,
            str(directory),
            mlflow_model=described,
            serialization_format="cloudpickle",
            pip_requirements=[f"{name}=={version(name)}" for name in self._required],
            signature=self._signature(),
            input_example=self._example_frame() if named else self.example,
            metadata=self._metadata() or None,
            pyfunc_predict_fn=self._method,
        )
        if self.kind == "transformer":
            _store_code(described, directory)

    def store_forms(self, directory: Path) -> tuple[FormRecord, ...]:
        """Store what answers as it does, and faster, beside it; what was found out of each form."""
        from mlsql.bridge.trainers.forms import Forms, Library
        from mlsql.udf.predictors.plain.encoding import Numbers

        if self.sample is None or not len(self.sample) or not hasattr(self.estimator, self._method):
            return ()
        library = Library(self.estimator, self.encoder, self._method)
        front = (Numbers(),) if self.columns.form == "columns" else ()
        return Forms(library, self.sample, front, self.is_sparse).store(directory)

    def _metadata(self) -> dict[str, Any]:
        """What our predictor has to know; MLflow itself has no ``predict`` for a transformer."""
        sparse = {FITTED_ON_SPARSE: True} if self.is_sparse else {}
        return {**sparse, **({ANSWERS_BY: self._method} if self.kind == "transformer" else {})}

    @property
    def _method(self) -> str:
        return "transform" if self.kind == "transformer" else "predict"

    @property
    def _required(self) -> tuple[str, ...]:
        """The packages to load it with; boosters within another estimator need theirs too."""
        parts = (self.estimator, *self.estimator.get_params().values())
        named = {type(part).__module__.partition(".")[0] for part in parts}
        return (*REQUIRED, *(library for library in LIBRARIES[1:] if library in named))

    def _answer(self) -> str:
        if self.kind in ("regressor", "transformer"):
            return "double" if self.kind == "regressor" else "array<double>"
        if self.kind == "clusterer" or self.columns.label is None:
            return "int"
        kind = self.columns.label.type
        return "double" if kind.startswith("decimal") else kind

    def _behind_columns(self) -> Any:
        """A pipeline that takes the columns by name; nothing of this package is in it."""
        from sklearn.pipeline import Pipeline

        matrix = self.encoder
        if matrix is None:
            frame = self._example_frame()
            matrix = number_encoder(list(frame.columns)).fit(frame)
        return Pipeline([("matrix", matrix), ("estimator", self.estimator)])

    def _example_frame(self) -> pd.DataFrame:
        import pandas as pd

        names = [column.name for column in self.columns.features]
        frame = pd.DataFrame(self.example, columns=names)
        if self.columns.invalid == "keep":  # pandas has no NaN among integers and booleans
            return frame
        return frame.astype({each.name: _PANDAS[_mlflow_type(each.type)] for each in self.columns.features})

    def _signature(self) -> ModelSignature:
        import numpy as np
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, Schema, TensorSpec

        if self.columns.form == "features":  # of which MLflow takes a CSR too
            inputs: list[Any] = [TensorSpec(np.dtype("float64"), (-1, self.width))]
        else:
            inputs = [ColSpec(self._input_type(column.type), column.name) for column in self.columns.features]
        if self.kind == "transformer":
            return ModelSignature(Schema(inputs), Schema([TensorSpec(np.dtype("float64"), (-1, -1))]))
        return ModelSignature(Schema(inputs), Schema([ColSpec(_mlflow_type(self._answer()))]))

    def _input_type(self, spark: str) -> Any:
        """MLflow's type of a column; it takes a null for no number and no boolean."""
        from mlflow.types.schema import AnyType

        if self.columns.invalid == "keep" and spark != "string":
            return AnyType()  # type: ignore[no-untyped-call]  # it has no types
        return _mlflow_type(spark)


def load_fitted(directory: Path, columns: Columns, kind_of: Callable[[Any], ModelKind]) -> FittedEstimator:
    """What :meth:`FittedEstimator.save` stored; *kind_of* says what kind of model an estimator is."""
    import mlflow.sklearn
    import numpy as np
    from mlflow.models import Model

    stored = mlflow.sklearn.load_model(str(directory))
    estimator = stored["estimator"] if columns.form == "columns" else stored
    width = getattr(estimator, "n_features_in_", len(columns.features))
    front = stored["matrix"] if columns.has_categories else None
    is_sparse = bool((Model.load(str(directory)).metadata or {}).get(FITTED_ON_SPARSE))
    example = None if is_sparse else np.empty((0, width))
    return FittedEstimator(estimator, kind_of(estimator), columns, width, example, front, is_sparse)


def _store_code(described: Model, directory: Path) -> None:
    """Have ``mlflow.pyfunc`` load the transformer by our code, which is put beside it."""
    source, code = Path(transforming.__file__), directory / "code"
    code.mkdir()
    (code / f"{LOADER}.py").write_bytes(source.read_bytes())
    described.flavors["python_function"] |= {"loader_module": LOADER, "code": code.name}
    described.save(str(directory / "MLmodel"))


def _quicken_mlflow() -> None:
    """Keep MLflow from what costs 1.3 s a model, and from its advice against cloudpickle."""
    from mlflow.utils import requirements_utils

    # 3.17 lists the files of every installed package to compare our pinned versions with them.
    vars(requirements_utils)["_MODULES_TO_PACKAGES"] = {}
    logging.getLogger("mlflow.sklearn").setLevel(logging.ERROR)


def _mlflow_type(spark: str) -> str:
    """MLflow's word for a Spark type; it lets narrower numbers pass for ``long`` and ``double``."""
    if spark in ("tinyint", "smallint", "int", "bigint"):
        return "long"
    return spark if spark in ("boolean", "string") else "double"
