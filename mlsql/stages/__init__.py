"""What each step does: one module a statement, one stage a type of step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlsql.bridge.launcher import Launcher
from mlsql.models.manifest import ModelStore
from mlsql.plan import (
    CommandStep,
    ConnectStep,
    ForStep,
    IfStep,
    IncludeStep,
    LoadStep,
    RegisterStep,
    SaveStep,
    SelectStep,
    SetStep,
    SqlStep,
    Step,
    TrainStep,
    UnregisterStep,
)
from mlsql.registry import Registry
from mlsql.stages import algorithms as _algorithms
from mlsql.stages import commands as _commands
from mlsql.stages import sources as _sources
from mlsql.stages.algorithms.base import Algorithm
from mlsql.stages.base import Stage
from mlsql.stages.branch import ForStage, IfStage
from mlsql.stages.commands.base import Command
from mlsql.stages.connect import ConnectStage
from mlsql.stages.include import IncludeStage
from mlsql.stages.load import LoadStage
from mlsql.stages.macro import CommandStage
from mlsql.stages.register import RegisterStage
from mlsql.stages.save import SaveStage
from mlsql.stages.select import SelectStage
from mlsql.stages.set import SetStage
from mlsql.stages.sources.base import Source
from mlsql.stages.sql import SqlStage
from mlsql.stages.train import TrainStage
from mlsql.stages.unregister import UnregisterStage


def builtins(
    store: ModelStore,
    *,
    sources: Registry[Source] | None = None,
    algorithms: Registry[Algorithm] | None = None,
    commands: Registry[Command] | None = None,
    launcher: Launcher | None = None,
    formats: Iterable[str] = (),
) -> Mapping[type[Step], Stage[Any]]:
    """A stage for every type of step, on the registries given or else those that come with mlsql.

    *launcher* starts the workers of a training beside the driver; *formats* are further ones of Spark.
    """
    algorithms = algorithms if algorithms is not None else _algorithms.builtins(store, launcher)
    sources = sources if sources is not None else _sources.builtins(algorithms, formats)
    commands = commands if commands is not None else _commands.builtins(sources, algorithms, store)
    return {
        LoadStep: LoadStage(sources),
        SelectStep: SelectStage(),
        SaveStep: SaveStage(sources),
        SetStep: SetStage(),
        ConnectStep: ConnectStage(sources),
        TrainStep: TrainStage(algorithms),
        RegisterStep: RegisterStage(algorithms, store),
        UnregisterStep: UnregisterStage(),
        SqlStep: SqlStage(),
        IncludeStep: IncludeStage(),
        CommandStep: CommandStage(commands),
        IfStep: IfStage(),
        ForStep: ForStage(),
    }
