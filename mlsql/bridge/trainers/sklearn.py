"""scikit-learn: ``alg`` names a classifier, regressor or clusterer, the rest are its parameters."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.request import Columns
from mlsql.bridge.trainer import Answers, Fitted, Params, Run, Traits
from mlsql.bridge.trainers.encoding import encoder, number_encoder
from mlsql.bridge.trainers.estimators import Recipe, find_estimator, read_recipe, takes_list
from mlsql.errors import ScriptErrors
from mlsql.models import Label, ModelKind
from mlsql.names import listed

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

    from mlsql.bridge.dataset import Dataset, Matrix

OUTDATED = ("labelSize", "label", "inputCol")
"""Parameters of old scripts that say nothing any more."""
SEED = 0
"""Of NumPy's generator, which estimators use whose ``random_state`` is not given."""
LIBRARIES = ("mlflow", "scikit-learn", "numpy", "scipy", "pandas", "cloudpickle")
"""What loading a stored model needs."""
EXAMPLE_ROWS = 3


@dataclass(frozen=True, slots=True)
class SKLearn:
    """Fits estimators of scikit-learn."""

    flavor: str = "mlflow.sklearn"

    def kind(self, params: Params) -> ModelKind:
        """Classifier, regressor or clusterer, by ``alg``."""
        return _read(params).estimator.kind

    def check(self, params: Params) -> None:
        """Raise everything that is wrong with *params*, after the table of estimators."""
        _read(params)

    def takes_list(self, params: Params, name: str) -> bool:
        """By the constraints of the estimator that the parameter belongs to."""
        return takes_list(params, name)

    def prepare(self, params: Params) -> None:
        """Import scikit-learn with the estimator asked for."""
        import pandas as pd  # noqa: F401
        import sklearn.compose
        import sklearn.metrics  # noqa: F401

        _read(params).estimator.load()

    def continues(self, params: Params) -> bool:  # noqa: ARG002
        """Not yet."""
        return False

    def train(
        self,
        data: Dataset,
        params: Params,
        run: Run,
        initial: Fitted | None = None,  # noqa: ARG002
    ) -> FittedEstimator:
        """The estimator fitted on all rows, as if by hand on the same matrix."""
        import numpy as np

        for name in set(OUTDATED).intersection(params):
            run.log(f"the parameter '{name}' has no effect any more")
        recipe = _read(params)
        estimator = _with_class_weights(recipe.make(), data)
        weights = _weights(estimator, data)
        _check_nulls(estimator, data)
        given = _read_matrix(data, estimator)
        np.random.seed(SEED)
        estimator.fit(given.matrix, given.label, **weights)
        if not hasattr(estimator, "predict"):
            name = recipe.estimator.name
            run.log(f"{name} labels the rows that it is fitted on and cannot predict for others", "warning")
        width = given.matrix.shape[1]
        return FittedEstimator(
            estimator, recipe.estimator.kind, data.columns, width, given.example, given.encoder
        )

    def load(self, directory: Path, columns: Columns) -> FittedEstimator:
        """The estimator itself, also where it is stored behind a step that makes the matrix."""
        import mlflow.sklearn
        import numpy as np

        stored = mlflow.sklearn.load_model(str(directory))
        estimator = stored["estimator"] if columns.form == "columns" else stored
        width = getattr(estimator, "n_features_in_", len(columns.features))
        front = stored["matrix"] if columns.has_categories else None
        return FittedEstimator(estimator, _kind(estimator), columns, width, np.empty((0, width)), front)


TRAINER = SKLearn()


@dataclass(frozen=True, slots=True)
class FittedEstimator:
    """A fitted estimator, and the first rows of what it was fitted on.

    Where there are texts among the columns the *encoder* makes the matrix, which is *width* wide.
    """

    estimator: Any
    kind: ModelKind
    columns: Columns
    width: int
    example: Matrix | pd.DataFrame
    encoder: Any = None

    @property
    def traits(self) -> Traits:
        """What the estimator is."""
        classes = getattr(self.estimator, "classes_", None) if self.kind == "classifier" else None
        return Traits(
            kind=self.kind,
            features=self.width,
            answer=self._answer(),
            classes=None if classes is None else tuple(classes.tolist()),
            libraries={name: version(name) for name in LIBRARIES},
        )

    def answers(self, data: Dataset) -> Answers | None:
        """What the estimator says about the matrix of *data*."""
        if not hasattr(self.estimator, "predict"):
            return None
        _check_nulls(self.estimator, data)
        matrix, truth = _encoded(data, self.encoder)
        probable = self.kind == "classifier" and hasattr(self.estimator, "predict_proba")
        return Answers(
            matrix=matrix,
            truth=truth,
            guess=self.estimator.predict(matrix),
            probabilities=self.estimator.predict_proba(matrix) if probable else None,
        )

    def save(self, directory: Path) -> None:
        """Store the estimator, in the columns form behind a step that makes the matrix of named columns."""
        import mlflow.sklearn

        _quicken_mlflow()
        named = self.columns.form == "columns"
        mlflow.sklearn.save_model(
            self._behind_columns() if named else self.estimator,
            str(directory),
            serialization_format="cloudpickle",
            pip_requirements=[f"{name}=={version(name)}" for name in LIBRARIES],
            signature=self._signature(),
            input_example=self._example_frame() if named else self.example,
        )

    def _answer(self) -> str:
        if self.kind == "regressor":
            return "double"
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
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, Schema, TensorSpec

        if self.columns.form == "features":
            inputs: list[Any] = [TensorSpec(self.example.dtype, (-1, self.example.shape[1]))]
        else:
            inputs = [ColSpec(self._input_type(column.type), column.name) for column in self.columns.features]
        return ModelSignature(Schema(inputs), Schema([ColSpec(_mlflow_type(self._answer()))]))

    def _input_type(self, spark: str) -> Any:
        """MLflow's type of a column; it takes a null for no number and no boolean."""
        from mlflow.types.schema import AnyType

        if self.columns.invalid == "keep" and spark != "string":
            return AnyType()  # type: ignore[no-untyped-call]  # it has no types
        return _mlflow_type(spark)


@dataclass(frozen=True, slots=True)
class _Given:
    """What an estimator is fitted on, and its first rows as they are before the *encoder*."""

    matrix: Any
    label: Matrix | None
    example: Matrix | pd.DataFrame
    encoder: Any = None


def _read_matrix(data: Dataset, estimator: Any) -> _Given:
    if not data.columns.has_categories:
        matrix, label = data.arrays()
        return _Given(matrix, label, matrix[:EXAMPLE_ROWS].copy())
    front, frame = encoder(data.columns, estimator), data.inputs()
    return _Given(front.fit_transform(frame), data.labels(), frame.head(EXAMPLE_ROWS).copy(), front)


def _encoded(data: Dataset, front: Any) -> tuple[Any, Matrix | None]:
    """The matrix and the labels of *data*, through the fitted encoder where there is one."""
    return data.arrays() if front is None else (front.transform(data.inputs()), data.labels())


def _check_nulls(estimator: Any, data: Dataset) -> None:
    """Raise DataFault for nulls that are kept as NaN, when *estimator* takes none."""
    from sklearn.utils import get_tags

    if data.columns.invalid != "keep" or get_tags(estimator).input_tags.allow_nan:
        return
    numbers = [each.name for each in data.columns.features if each.type != "string"]
    nulls = [name for name in numbers if data.has_null(name)]
    if nulls:
        raise DataFault(
            f"{type(estimator).__name__} takes no NaN, which nulls in {listed(nulls)} are with "
            'handleInvalid="keep"; handleInvalid="skip" leaves such rows out'
        )


def _kind(estimator: Any) -> ModelKind:
    """What kind of model a fitted *estimator* is."""
    from sklearn.base import is_classifier, is_regressor

    if is_classifier(estimator):
        return "classifier"
    return "regressor" if is_regressor(estimator) else "clusterer"


def _read(params: Params) -> Recipe:
    named = params.get("alg")
    if named is None:
        hint = 'name one of scikit-learn\'s: fitParam.alg="RandomForestClassifier"'
        raise OptionFault("SKLearn needs an estimator", option="alg", hint=hint)
    texts = {name: text for name, text in params.items() if name not in ("alg", *OUTDATED)}
    recipe, faults = read_recipe(find_estimator(named, option="alg"), texts, option="alg")
    if faults:
        raise faults[0] if len(faults) == 1 else ScriptErrors(faults)
    return recipe


def _weights(estimator: Any, data: Dataset) -> dict[str, Any]:
    """The argument of ``fit`` that weighs the rows, where the table has weights."""
    from sklearn.utils.validation import has_fit_parameter

    weights = data.weights()
    if weights is None:
        return {}
    if not has_fit_parameter(estimator, "sample_weight"):
        message = f"{type(estimator).__name__} takes no weights of rows: leave out weightCol"
        raise OptionFault(message, option="weightCol")
    return {"sample_weight": weights}


def _with_class_weights(estimator: Any, data: Dataset) -> Any:
    """*estimator*, the keys of its class weights in the type of the label."""
    given = estimator.get_params()
    weights = {name: value for name, value in given.items() if name.endswith("class_weight")}
    return estimator.set_params(
        **{
            name: {_class_called(str(key), data.classes or ()): weight for key, weight in value.items()}
            for name, value in weights.items()
            if isinstance(value, dict)
        }
    )


def _class_called(text: str, classes: Sequence[Label]) -> Label:
    """The class that *text* means: ``1`` is 1 as well as 1.0, ``true`` is True."""
    for each in classes:
        if text.casefold() == str(each).casefold() or (isinstance(each, float) and text == f"{each:g}"):
            return each
    raise OptionFault(
        f"class_weight names the class '{text}', which the label does not have",
        option="class_weight",
        hint=f"its classes: {listed(map(str, classes))}",
    )


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


_PANDAS: Mapping[str, str] = {"long": "int64", "double": "float64", "boolean": "bool", "string": "object"}
