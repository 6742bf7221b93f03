"""``include format.path``: the statements of another file in the place of this one."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from mlsql.errors import ScriptError, UnknownName
from mlsql.grammar import parse
from mlsql.options import read_options
from mlsql.plan import IncludeStep
from mlsql.session import Outcome, Part, Run, Splice
from mlsql.spans import Script

_FROM_WORKING_FOLDER = ("file", "hdfs")
_FROM_INCLUDING_FILE = "project"
_NOT_YET = ("http", "lib", "local")


@dataclass(frozen=True, slots=True)
class IncludeOptions:
    """An include takes no options yet."""


@dataclass(frozen=True, slots=True)
class IncludeStage:
    """Parse another script; errors in it show its own place and that of the include."""

    def run(self, step: IncludeStep, run: Run, /) -> Outcome:
        """The statements of the file."""
        read_options(IncludeOptions, step.options, owner="include", span=step.span)
        path = run.policy.path(_path(step), span=step.path.span)
        _refuse_cycle(path, step)
        script = Script(path, run.read_text(path, span=step.path.span), origin=step.span)
        return Splice((Part(parse(script)),))


def _path(step: IncludeStep) -> str:
    kind = step.format.text.casefold()
    if kind in _FROM_WORKING_FOLDER:
        return step.path.text
    if kind == _FROM_INCLUDING_FILE:
        return posixpath.join(posixpath.dirname(step.span.script.name), step.path.text)
    if kind in _NOT_YET:
        raise ScriptError(
            f"include {kind} is not part of this version yet",
            span=step.format.span,
            hint="copy the file and include it with file.`path`",
        )
    raise UnknownName(
        "kind of include", step.format.text, (*_FROM_WORKING_FOLDER, "project"), span=step.format.span
    )


def _refuse_cycle(path: str, step: IncludeStep) -> None:
    """Raise when *path* is among the files that led here."""
    chain = [path]
    script: Script | None = step.span.script
    while script is not None:
        chain.append(script.name)
        if script.name == path:
            raise ScriptError(
                f"a file that includes itself: {' → '.join(reversed(chain))}", span=step.path.span
            )
        script = script.origin.script if script.origin else None
