"""The commands that come with mlsql: ``!desc``, ``!show``, ``!assert`` …, looked up by name."""

from __future__ import annotations

from mlsql.models.manifest import ModelStore
from mlsql.registry import Registry
from mlsql.stages.algorithms.base import Algorithm
from mlsql.stages.commands import (
    assertions,
    checks,
    databases,
    files,
    output,
    profile,
    refused,
    runs,
    save_file,
    tables,
)
from mlsql.stages.commands.base import Command
from mlsql.stages.commands.models import Models
from mlsql.stages.commands.show import Show
from mlsql.stages.sources.base import Source

_MODULES = (tables, profile, files, save_file, databases, assertions, checks, output, runs, refused)


def builtins(
    sources: Registry[Source], algorithms: Registry[Algorithm], store: ModelStore
) -> Registry[Command]:
    """The built-in commands, by the name behind the ``!``; some tell what is in what they are given."""
    registry: Registry[Command] = Registry("command")
    for module in _MODULES:
        for name, command in module.COMMANDS.items():
            registry.add(name, command)
    registry.add("show", Show(sources, algorithms, registry))
    registry.add("model", Models(store))
    registry.add_plugins("mlsql.commands")
    return registry
