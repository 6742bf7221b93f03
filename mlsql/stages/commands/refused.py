"""Commands of older engines that are not, or not yet, part of this one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mlsql.stages.commands.base import Command
from mlsql.stages.commands.calls import Refusal

_LATER = "is not part of this version yet"
_PYTHON = "train … as SKLearn.`path` fits a model in Python; whatever else a script does is SQL"

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "python": Refusal("does not run Python code", _PYTHON),
        "pyInclude": Refusal(
            "does not run Python code", "include local.`alias.file` makes a variable of a Python file"
        ),
        "ray": Refusal("does not run Python code", _PYTHON),
        "elseif": Refusal("is not known here", "write !elif CONDITION;"),
        "elsif": Refusal("is not known here", "write !elif CONDITION;"),
        "endif": Refusal("is not known here", "a branch ends with !fi;"),
        "while": Refusal(_LATER, "!for name in '''select …'''; … !done; repeats statements"),
        "byzerllm": Refusal("does not run language models", "a function of your own can call one: ScriptUDF"),
        "delta": Refusal(
            "is not known here", "load delta.`PATH` reads a table, save … as delta.`PATH` writes one"
        ),
        "kafkaTool": Refusal("is not known here", "load kafka.`TOPIC` where … reads what a topic holds"),
        "saveThenLoad": Refusal(
            "is not known here", "save overwrite t as parquet.`PATH`; load parquet.`PATH` as t; or !cache t"
        ),
        "sh": Refusal("does not run shell commands", "!fs works on files"),
        "plugin": Refusal("does not install plug-ins", "pip install them where the engine runs"),
        "scheduler": Refusal("does not plan runs", "cron, or any scheduler, runs `mlsql run FILE`"),
        "callback": Refusal(_LATER, "the exit code of `mlsql run` tells how a script ended"),
        "profiler": Refusal("is not known here", "write !profile TABLE, !explain TABLE or !show conf/list"),
    }
)
"""By the name behind the ``!``."""
