"""What the workers of a train statement are started with: a program, an environment, copies of files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import RESOURCE, Candidate, Equipment
from mlsql.bridge.resources import place_of
from mlsql.options import Options
from mlsql.session import Run
from mlsql.stages.algorithms.external_options import ENVIRONMENT, PYTHON, ExternalOptions
from mlsql.stages.faults import span_of

_OWN_PYTHON = ("python", "python3")


def read_equipment(
    options: ExternalOptions, given: Options, candidates: Sequence[Candidate], run: Run
) -> Equipment:
    """The equipment that the statement asks for, as far as the policy allows it."""
    python = None
    if options.python not in _OWN_PYTHON:
        python = run.policy.program(options.python, span=span_of(given, PYTHON))
    if options.environment:
        run.policy.python(span=span_of(given, ENVIRONMENT))  # a variable can bring code, as LD_PRELOAD does
    paths = {path for each in candidates for name, path in each.params.items() if name.startswith(RESOURCE)}
    return Equipment(python, options.environment or {}, {place_of(path): path for path in sorted(paths)})


def with_resources(candidates: Sequence[Candidate], given: Options, run: Run) -> tuple[Candidate, ...]:
    """The candidates with their resources by the paths that the policy makes of them; all are there."""
    return tuple(
        dataclasses.replace(each, params={**each.params, **dict(_paths(each, given, run))})
        for each in candidates
    )


def _paths(candidate: Candidate, given: Options, run: Run) -> Iterator[tuple[str, str]]:
    for name, text in candidate.params.items():
        if not name.startswith(RESOURCE):
            continue
        option = candidate.prefix + name
        path = run.policy.path(text, span=span_of(given, option)).removeprefix("file://")
        if not Path(path).exists():
            hint = "a file or a folder of this machine" if "://" in path else None
            raise OptionFault(f"nothing lies at '{text}'", option=option, hint=hint)
        yield name, path
