"""The user's own algorithm: a script with ``train(data, params, run)``, maybe ``predict(model, frame)``."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast, get_args

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import SCRIPT, SCRIPT_NAME, Columns
from mlsql.bridge.trainer import Answers, Fitted, Params, Run, Traits
from mlsql.bridge.trainers.script_text import ScriptText
from mlsql.errors import ScriptErrors
from mlsql.forms import FormRecord
from mlsql.models.manifest import ModelKind

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

    from mlsql.bridge.dataset import Dataset
    from mlsql.bridge.trainers.script_models import Returned
    from mlsql.bridge.trainers.script_tools import Workplace

KIND = "kind"
TRAIN = ("train", ("data", "params", "run"))
PREDICT = ("predict", ("model", "frame"))
EXAMPLE_ROWS = 20
"""So many rows are answered after the fit, to learn the type of an answer."""
SAMPLE_ROWS = 200
"""By so many, from all over the table, faster forms of the model are compared with it."""
_KINDS: tuple[ModelKind, ...] = get_args(ModelKind)
_PACKAGES: Mapping[str, str] = MappingProxyType({"sklearn": "scikit-learn", "yaml": "pyyaml"})
"""Packages by the modules that they bring, where looking it up (0.5 s) can be spared."""


@dataclass(frozen=True, slots=True)
class PythonAlg:
    """Runs scripts of the user's own."""

    flavor: str = "mlflow.pyfunc"

    def kind(self, params: Params) -> ModelKind:
        """The parameter ``kind``, which stands there by the label where the script does not give it."""
        return cast("ModelKind", params.get(KIND, "classifier"))

    def check(self, params: Params) -> None:
        """Raise what is wrong with the script, which is not run, and with the kind."""
        faults: list[OptionFault] = []
        for check in (_check_kind, _check_script):
            try:
                check(params)
            except OptionFault as fault:
                faults.append(fault)
        if faults:
            raise faults[0] if len(faults) == 1 else ScriptErrors(faults)

    def takes_list(self, params: Params, name: str) -> bool:  # noqa: ARG002
        """A script says nothing of its parameters: a list is a grid."""
        return False

    def prepare(self, params: Params) -> None:
        """Import what the script imports; what cannot be is told at its line when the script runs."""
        import pandas as pd  # noqa: F401

        script = ScriptText.given(params)
        for name in script.imports if script is not None else ():
            with suppress(ImportError):
                importlib.import_module(name)

    def continues(self, params: Params) -> bool:  # noqa: ARG002
        """No: a script gets no model to go on from."""
        return False

    def train(
        self,
        data: Dataset,
        params: Params,
        run: Run,
        initial: Fitted | None = None,  # noqa: ARG002
    ) -> FittedScript:
        """What the script's ``train`` returns, with its ``predict``, once it has answered some rows."""
        import numpy as np

        from mlsql.bridge.trainers.script_answers import answer_type, features_of, read_answers
        from mlsql.bridge.trainers.script_models import ReturnedEstimator, read_returned
        from mlsql.bridge.trainers.script_tools import ScriptData, ScriptParams, ScriptRun, Workplace

        script = ScriptText.given(params)
        assert script is not None  # the check has seen it
        workplace = Workplace()
        own_run = ScriptRun.beside(run, workplace, params)
        with script.telling():
            module = script.load(workplace.code)
            model = module.train(ScriptData(data, params, workplace.data), ScriptParams.own(params), own_run)
        returned = read_returned(model, getattr(module, PREDICT[0], None), script.name)
        example = features_of(data.only(np.arange(min(EXAMPLE_ROWS, data.rows))))
        sample = features_of(data.only(np.unique(np.linspace(0, data.rows - 1, SAMPLE_ROWS, dtype=int))))
        with script.telling():
            given = returned.answers(example)
        answers = read_answers(given, len(example), script.name)
        kind = self.kind(params)
        if isinstance(returned, ReturnedEstimator):
            kind = returned.kind(kind)
        traits = Traits(
            kind=kind,
            features=data.features,
            answer=answer_type(answers, script.name),
            classes=data.classes if kind == "classifier" else None,
            libraries=_libraries(script, returned),
            measured=own_run.measured,
        )
        return FittedScript(returned, traits, data.columns, script, example, workplace, sample)

    def load(self, directory: Path, columns: Columns) -> FittedScript:
        """The model with the code that it was stored with."""
        from mlsql.bridge.trainers.script_models import METADATA, load_returned, read_description

        told = dict(read_description(directory)["metadata"][METADATA])
        script = ScriptText((directory / _KEPT).read_text(encoding="utf-8"), told.pop(SCRIPT_NAME))
        classes = None if told["classes"] is None else tuple(told["classes"])
        traits = Traits(**{**told, "classes": classes})
        return FittedScript(load_returned(directory), traits, columns, script)


TRAINER = PythonAlg()
_KEPT = "script.py"


@dataclass(frozen=True, slots=True)
class FittedScript:
    """What a script returned, and the first rows that it has answered."""

    returned: Returned
    traits: Traits
    columns: Columns
    script: ScriptText
    example: Any = None
    workplace: Workplace | None = None
    """Where the script has run; kept as long as the model may need its files."""
    sample: Any = None
    """Some rows of the training, by which faster forms are compared; None: there will be none."""

    def answers(self, data: Dataset) -> Answers:
        """What the model says of every row."""
        import numpy as np

        from mlsql.bridge.trainers.script_answers import features_of, read_answers

        features = features_of(data)
        with self.script.telling():
            given = self.returned.answers(features)
        probabilities = getattr(self.returned, "probabilities", None)
        is_clusterer = self.traits.kind == "clusterer"
        return Answers(
            matrix=data.arrays()[0] if is_clusterer else np.empty((data.rows, 0)),
            truth=data.labels(),
            guess=read_answers(given, data.rows, self.script.name),
            probabilities=probabilities(features)
            if probabilities is not None and self.traits.kind == "classifier"
            else None,
        )

    def save(self, directory: Path) -> None:
        """Store the model, its script beside it, and what the script left in ``run.directory``."""
        import mlflow.pyfunc  # noqa: F401 — first, by the name by which a thread is importing it

        from mlsql.bridge.trainers.script_models import METADATA, keep_files

        told = dataclasses.asdict(self.traits) | {SCRIPT_NAME: self.script.name}
        described = {
            "signature": self._signature(),
            "input_example": self.example,
            "pip_requirements": [f"{name}=={found}" for name, found in self.traits.libraries.items()],
            "metadata": {METADATA: told},
        }
        self.returned.save(directory, described)
        (directory / _KEPT).write_text(self.script.text, encoding="utf-8")
        if self.workplace is not None:
            keep_files(self.workplace.kept, directory)

    def store_forms(self, directory: Path) -> tuple[FormRecord, ...]:
        """Those of an estimator of scikit-learn that is asked as it is; other models have their own alone."""
        from mlsql.bridge.trainers.forms import Forms, Library, forms_of_code
        from mlsql.bridge.trainers.script_models import ReturnedEstimator
        from mlsql.udf.predictors.plain.encoding import Numbers

        if self.sample is None:
            return ()
        if not isinstance(self.returned, ReturnedEstimator):
            return forms_of_code(self.returned.answers, self.sample)
        estimator, given = self.returned.estimator, list(getattr(self.sample, "columns", ()))
        if list(getattr(estimator, "feature_names_in_", given)) != given:
            return ()
        front = (Numbers(),) if given and not self.columns.has_categories else ()
        return Forms(Library(estimator), self.sample, front).store(directory)

    def _signature(self) -> ModelSignature:
        import numpy as np
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, Schema, TensorSpec
        from mlflow.types.schema import AnyType

        if self.columns.form == "features":
            return ModelSignature(Schema([TensorSpec(np.dtype("float64"), (-1, self.traits.features))]))
        keeps = self.columns.invalid == "keep"
        inputs: list[Any] = [
            ColSpec(
                AnyType() if keeps and each.type == "boolean" else _MLFLOW.get(each.type, "double"),  # type: ignore[no-untyped-call]  # it has no types
                each.name,
            )
            for each in self.columns.features
        ]
        return ModelSignature(Schema(inputs))


_MLFLOW: Mapping[str, str] = MappingProxyType({"string": "string", "boolean": "boolean"})


def _check_kind(params: Params) -> None:
    if KIND in params and params[KIND] not in _KINDS:
        message = f"kind takes one of {', '.join(_KINDS)}, not '{params[KIND]}'"
        raise OptionFault(message, option=KIND)


def _check_script(params: Params) -> None:
    script = ScriptText.given(params)
    if script is not None:
        script.expect(*TRAIN)
        if script.defines(PREDICT[0]):
            script.expect(*PREDICT)
    elif SCRIPT_NAME not in params:
        hint = 'name its file: pythonScriptPath="train.py", or the variable that holds it: scripts="name"'
        raise OptionFault("PythonAlg needs a script", option=SCRIPT, hint=hint)


def _libraries(script: ScriptText, returned: Returned) -> dict[str, str]:
    """The versions of the packages that the model may need."""
    names = dict.fromkeys([*returned.packages, *_imported(script)])
    return {name: version(name) for name in names}


def _imported(script: ScriptText) -> Iterator[str]:
    """The packages that the script imports; a module that no package brought is not among them."""
    modules = {each.partition(".")[0] for each in script.imports} - sys.stdlib_module_names
    for module in sorted(modules):
        name = _PACKAGES.get(module, module)
        try:
            version(name)
        except PackageNotFoundError:
            yield from packages_distributions().get(module, [])[:1]
        else:
            yield name
