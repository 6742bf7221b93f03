"""Networks of TensorFlow as trainers: each by its own name, and all of them as ``TensorFlow`` by ``alg``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import SCRIPT, SCRIPT_NAME, Columns
from mlsql.bridge.trainer import Fitted, Params, Run
from mlsql.bridge.trainers.estimators import Estimator
from mlsql.bridge.trainers.parameters import Parameter
from mlsql.bridge.trainers.script_text import ScriptText
from mlsql.bridge.trainers.tensorflow.networks import NETWORKS, Layers, Network, find_network
from mlsql.bridge.trainers.tensorflow.options import (
    OUTDATED,
    FitOptions,
    OptionsT,
    OwnOptions,
    read_params,
    takes_list,
)
from mlsql.bridge.trainers.tensorflow.own import OwnNetwork
from mlsql.bridge.trainers.tensorflow.runtime import INSTALL, MISSING, is_installed, start
from mlsql.errors import ScriptErrors
from mlsql.models.manifest import ModelKind
from mlsql.options import declared_options

if TYPE_CHECKING:
    from mlsql.bridge.dataset import Dataset
    from mlsql.bridge.trainers.tensorflow.fitted import FittedNetwork

ALG = "alg"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the parameters of a candidate ask for."""

    kind: ModelKind
    options: FitOptions
    layers: Layers | None = None
    own: OwnNetwork | None = None


@dataclass(frozen=True, slots=True)
class TensorFlow:
    """Fits a network that ``alg`` names, or one that the user's script builds."""

    flavor: str = "mlflow.pyfunc"
    network: str | None = None
    """The one network that it fits; None: the one that ``alg`` names."""

    def kind(self, params: Params) -> ModelKind:
        """Classifier or regressor, by the network."""
        return self._plan(params).kind

    def check(self, params: Params) -> None:
        """Raise everything that is wrong with *params*, and that TensorFlow is not installed."""
        self._plan(params)
        if not is_installed():
            raise OptionFault(
                f"{self.network or 'this network'} cannot be fitted: {MISSING}", option=ALG, hint=INSTALL
            )

    def takes_list(self, params: Params, name: str) -> bool:
        """Sizes of layers and windows are lists."""
        try:
            return takes_list(self._options(params), name)
        except OptionFault:
            return False

    def prepare(self, params: Params) -> None:  # noqa: ARG002 — all networks need the same
        """Import TensorFlow."""
        start()
        import pandas as pd  # noqa: F401

        from mlsql.bridge.trainers.tensorflow import assembly  # noqa: F401

    def continues(self, params: Params) -> bool:  # noqa: ARG002 — all networks can
        """Always, from a network of the same layers."""
        return True

    def train(self, data: Dataset, params: Params, run: Run, initial: Fitted | None = None) -> FittedNetwork:
        """The network fitted on all rows, from new weights or those of *initial*."""
        self.prepare(params)
        from mlsql.bridge.trainers.tensorflow.assembly import Assembly

        for name in set(OUTDATED).intersection(params):
            run.log(f"the parameter '{name}' has no effect any more")
        plan = self._plan(params)
        assembly = Assembly(plan.kind, plan.options, plan.own, plan.layers, run)
        return assembly.fitted(data, cast("FittedNetwork | None", initial))

    def load(self, directory: Path, columns: Columns) -> FittedNetwork:
        """The network that lies in *directory*."""
        self.prepare({})
        from mlsql.bridge.trainers.tensorflow.assembly import load

        return load(directory, columns)

    def _plan(self, params: Params) -> Plan:
        """What *params* ask for; raises what is wrong with them."""
        given = {name: text for name, text in params.items() if name not in (ALG, *OUTDATED)}
        if self._is_own(params):
            return _own_plan(given)
        network = self._named(params)
        options = _read(network.options, given, network.name)
        return Plan(network.kind, options, layers=network.layers)

    def _is_own(self, params: Params) -> bool:
        return self.network is None and (SCRIPT in params or SCRIPT_NAME in params)

    def _options(self, params: Params) -> type[FitOptions]:
        return OwnOptions if self._is_own(params) else self._named(params).options

    def _named(self, params: Params) -> Network:
        named = params.get(ALG, self.network)
        if named is None:
            hint = (
                f'name one: `fitParam.0.alg`="{next(iter(NETWORKS))}"; or your own: pythonScriptPath="net.py"'
            )
            raise OptionFault("TensorFlow needs a network", option=ALG, hint=hint)
        network = find_network(named)
        if self.network not in (None, network.name):
            hint = "leave out alg, or train … as TensorFlow, which fits any of them"
            raise OptionFault(f"{self.network} is no {network.name}", option=ALG, hint=hint)
        return network


@dataclass(frozen=True, slots=True)
class FCClassify(TensorFlow):
    """Classifies by layers in which each unit sees all of the layer before."""

    network: str | None = "FCClassify"


@dataclass(frozen=True, slots=True)
class FCRegress(TensorFlow):
    """Finds a number by the same layers."""

    network: str | None = "FCRegress"


@dataclass(frozen=True, slots=True)
class CNNClassify(TensorFlow):
    """Classifies texts by patterns of words that stand together."""

    network: str | None = "CNNClassify"


@dataclass(frozen=True, slots=True)
class AttentionLSTMClassify(TensorFlow):
    """Classifies texts by reading them word for word, and weighing the words."""

    network: str | None = "AttentionLSTMClassify"


@dataclass(frozen=True, slots=True)
class LSTMRegress(TensorFlow):
    """Finds a number by reading the last values of a series."""

    network: str | None = "LSTMRegress"


def surveyed(*names: str) -> Callable[[], Mapping[str, Estimator]]:
    """What the parameters of the networks called *names* are, asked when it is needed."""

    def survey() -> Mapping[str, Estimator]:
        networks = (NETWORKS[name] for name in names)
        return {
            each.name: Estimator(each.name, __name__, each.kind, _parameters(each.options))
            for each in networks
        }

    return survey


def _own_plan(given: Params) -> Plan:
    if given.get("kind") == "transformer":
        raise OptionFault(
            "a network learns from a label", option="kind", hint='name its column: labelCol="…"'
        )
    known = {each.key for each in declared_options(OwnOptions)}
    told = {name: text for name, text in given.items() if name not in known}
    options = _read(OwnOptions, {name: given[name] for name in given if name in known}, "TensorFlow")
    script = ScriptText.given(given)
    own = None if script is None else OwnNetwork(script, told)
    if own is not None:
        own.check()
    return Plan(cast("ModelKind", options.kind), options, own=own)


def _read(kind: type[OptionsT], given: Params, owner: str) -> OptionsT:
    options, faults = read_params(kind, given, owner)
    if options is None or faults:
        raise faults[0] if len(faults) == 1 else ScriptErrors(faults)
    return options


def _parameters(kind: type[FitOptions]) -> dict[str, Parameter]:
    """What the options class declares, as estimators show theirs."""
    return {
        each.key: Parameter(each.key, _written(each.default), (each.kind,)) for each in declared_options(kind)
    }


def _written(default: object) -> str:
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return str(default).lower() if isinstance(default, bool) else str(default)


NETWORK, FC_CLASSIFY, FC_REGRESS = TensorFlow(), FCClassify(), FCRegress()
CNN_CLASSIFY, ATTENTION_LSTM_CLASSIFY, LSTM_REGRESS = CNNClassify(), AttentionLSTMClassify(), LSTMRegress()
