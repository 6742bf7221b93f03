"""``include format.path``: the statements of another script in the place of this one."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from mlsql.errors import ScriptError, UnknownName
from mlsql.grammar import parse
from mlsql.options import is_filled
from mlsql.plan import IncludeStep
from mlsql.policy.policy import Policy
from mlsql.session import UNCHANGED, Outcome, Passage, Run, Splice, read_local_text
from mlsql.spans import Script
from mlsql.stages.downloads import download
from mlsql.stages.libraries import declare_library, library_file

_PYTHON = ".py"


@dataclass(frozen=True, slots=True)
class IncludeStage:
    """Parse another script; errors in it show its own place and that of the include."""

    def run(self, step: IncludeStep, run: Run, /) -> Outcome:
        """The statements of the script; the options are variables in it."""
        return _kind(step)(step, run)

    def check(self, step: IncludeStep, /) -> Iterable[ScriptError]:
        """What is wrong with the kind of include."""
        if is_filled(step.format.text):
            _kind(step)
        return ()


def known_script(step: IncludeStep, policy: Policy) -> Script | None:
    """The script that an include means, before the run; None when it is no file of this machine."""
    if _kind(step) not in (_include_file, _include_beside):
        return None
    path = _path_beside(step, policy) if _kind(step) is _include_beside else _path(step, policy)
    _refuse_cycle(path, step)
    if "://" in path:
        return None
    return Script(path, read_local_text(path, span=step.path.span), origin=step.span)


def _kind(step: IncludeStep) -> Callable[[IncludeStep, Run], Outcome]:
    find = KINDS.get(step.format.text.casefold())
    if find is None:
        raise UnknownName("kind of include", step.format.text, KINDS, span=step.format.span)
    return find


def _path(step: IncludeStep, policy: Policy) -> str:
    return policy.path(step.path.text, span=step.path.span)


def _path_beside(step: IncludeStep, policy: Policy) -> str:
    folder = posixpath.dirname(including_file(step.span.script))
    return policy.path(posixpath.join(folder, step.path.text), span=step.path.span)


def _include_file(step: IncludeStep, run: Run) -> Outcome:
    """A file of the owner's, or on another file system that is allowed."""
    path = _path(step, run.policy)
    return _spliced(path, lambda: run.read_text(path, span=step.path.span), step)


def _include_beside(step: IncludeStep, run: Run) -> Outcome:
    """A file whose path starts at the folder of the including file."""
    path = _path_beside(step, run.policy)
    return _spliced(path, lambda: run.read_text(path, span=step.path.span), step)


def _include_url(step: IncludeStep, run: Run) -> Outcome:
    """What a host that is allowed answers."""
    url = run.policy.include_url(step.path.text, span=step.path.span)
    return _spliced(url, lambda: download(url, run.stop, span=step.path.span), step)


def _include_of_library(step: IncludeStep, run: Run) -> Outcome:
    """A file of a library; one in Python becomes the variable of its name."""
    path = library_file(step.path, run)
    if path.suffix != _PYTHON:
        return _spliced(str(path), lambda: run.read_text(str(path), span=step.path.span), step)
    run.scope.define(path.stem, run.read_text(str(path), span=step.path.span), template=False)
    return UNCHANGED


def _declare(step: IncludeStep, run: Run) -> Outcome:
    declare_library(step, run)
    return UNCHANGED


KINDS: Mapping[str, Callable[[IncludeStep, Run], Outcome]] = {
    "file": _include_file,
    "hdfs": _include_file,
    "project": _include_beside,
    "http": _include_url,
    "lib": _declare,
    "local": _include_of_library,
}
"""What each kind of include does, by its name."""


def including_file(script: Script) -> str:
    """The name of the file that a statement of *script* stands in, also inside a macro."""
    while script.name.startswith("!") and script.origin is not None:
        script = script.origin.script
    return script.name


def _spliced(path: str, text: Callable[[], str], step: IncludeStep) -> Splice:
    _refuse_cycle(path, step)
    bindings = {key: option.text for key, option in step.options.items()}
    return Splice((Passage(parse(Script(path, text(), origin=step.span)), bindings),))


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
