"""``!model …``: what lies at the path of a model, version by version."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from mlsql.errors import ScriptError
from mlsql.grammar.literals import write_name
from mlsql.grammar.nodes import Word
from mlsql.models.choice import choose
from mlsql.models.manifest import (
    USUAL_METRICS,
    CandidateRecord,
    DataRecord,
    ModelRef,
    ModelStore,
    StoredModel,
    best_of,
)
from mlsql.models.summaries import ClassDetail, ColumnSummary
from mlsql.options import integer
from mlsql.session import FunctionSignature, Outcome, Run, Table, quoted
from mlsql.stages.commands.forms import Given, read_arguments
from mlsql.stages.rows import local_table
from mlsql.udf.scoring import signature_of

_NUMBER = integer(0)
_MOST_VALUES = 10
_HISTORY = """
    version int, modelPath string, algIndex int, alg string,
    metrics array<struct<name: string, value: double>>, status string, message string,
    startTime timestamp, endTime timestamp, trainParams map<string, string>
"""
_LIST = """
    version int, created timestamp, algorithm string, kind string, candidates int, metric string, best double
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a call asks for, and of which version."""

    form: str
    path: Word
    version: Word | None

    @property
    def number(self) -> int | None:
        return None if self.version is None else int(self.version.text)

    @property
    def version_or_path(self) -> Word:
        """What is wrong when there is no such version."""
        return self.version or self.path


@dataclass(frozen=True, slots=True)
class Models:
    """Small tables about stored models, and the end of a version; no Spark job is started."""

    store: ModelStore
    doc: str = "Tells the versions of a model and how their training went, or deletes one."

    @property
    def forms(self) -> tuple[str, ...]:
        """One for each thing that can be asked."""
        return tuple(_ACTIONS)

    def read(self, name: Word, arguments: Sequence[Word], /) -> _Asked:
        """What is asked; a version is a number."""
        given = read_arguments(name, self.forms, arguments)
        return _Asked(given.form, given["PATH"], _version(given))

    def run(self, call: _Asked, run: Run, /) -> Outcome:
        """The table."""
        path = run.policy.path(call.path.text, span=call.path.span, purpose="model")
        with run.guard(call.version_or_path.span):
            rows, schema = _ACTIONS[call.form](self.store, path, call)
        return Table(None, local_table(run.spark, rows, schema))


_Rows = tuple[list[tuple[object, ...]], str]


def _version(given: Given) -> Word | None:
    word = given.get("VERSION")
    if word is not None:
        try:
            _NUMBER.read(word.text)
        except ValueError as error:
            message = f"a version is {_NUMBER.expected}, not '{word.text}'"
            raise ScriptError(message, span=word.span) from error
    return word


def _history(store: ModelStore, path: str, _: _Asked) -> _Rows:
    """A row a candidate of every version."""
    versions = _newest_first(store, path)
    return [_candidate(one, each) for one in versions for each in one.manifest.candidates], _HISTORY


def _list(store: ModelStore, path: str, _: _Asked) -> _Rows:
    """A row a version."""
    return [_summary(each) for each in _newest_first(store, path)], _LIST


def _describe(store: ModelStore, path: str, asked: _Asked) -> _Rows:
    """A row a fact about one version."""
    stored = store.open(path, asked.number)
    chosen = choose(stored)
    facts = {**_facts(stored, chosen, asked), **_figures(stored.manifest.data), **_by_class(chosen.detail)}
    return list(facts.items()), "name string, value string"


def _delete(store: ModelStore, path: str, asked: _Asked) -> _Rows:
    """A row that tells what was removed."""
    assert asked.number is not None
    ref = ModelRef(path, asked.number)
    store.delete(ref)
    return [(str(ref), ref.version)], "removed string, version int"


def _newest_first(store: ModelStore, path: str) -> list[StoredModel]:
    """Every version; MissingModel when there is none."""
    newest = store.open(path)
    older = [each for each in store.versions(path) if each < newest.ref.version]
    return [newest, *(store.open(path, each) for each in reversed(older))]


def _candidate(stored: StoredModel, one: CandidateRecord) -> tuple[object, ...]:
    return (
        stored.ref.version,
        stored.directory(one.index) if one.status == "success" else None,
        one.index,
        one.algorithm,
        [{"name": name, "value": value} for name, value in one.metrics.items()],
        one.status,
        one.message,
        _time(one.started),
        _time(one.ended),
        list(one.params.items()),
    )


def _summary(stored: StoredModel) -> tuple[object, ...]:
    manifest = stored.manifest
    metric = USUAL_METRICS.get(manifest.kind)
    best = best_of(manifest.candidates, metric) if metric else None
    measured = (metric, best.metrics[metric]) if metric and best else (None, None)
    return (
        stored.ref.version,
        _time(manifest.created),
        manifest.algorithm,
        manifest.kind,
        len(manifest.candidates),
        *measured,
    )


def _facts(stored: StoredModel, chosen: CandidateRecord, asked: _Asked) -> dict[str, str | None]:
    """What is known of a version, in the order in which it is shown; None for what does not apply."""
    manifest = stored.manifest
    signature = signature_of("f", manifest)
    evaluation = manifest.evaluation
    return {
        "path": str(stored.ref),
        "signature": str(signature),
        "columns": ", ".join(f"{quoted(each.name)} {each.type}" for each in manifest.inputs),
        "label": f"{quoted(manifest.label.name)} {manifest.label.type}" if manifest.label else None,
        "classes": None if manifest.classes is None else ", ".join(map(str, manifest.classes)),
        "algorithm": manifest.algorithm,
        "kind": manifest.kind,
        "candidates": str(len(manifest.candidates)),
        "chosen": f"{chosen.index}: {chosen.algorithm}",
        "metrics": _pairs(chosen.metrics) or None,
        "rows": str(manifest.data.rows),
        "evaluated": None if evaluation is None else str(evaluation.rows),
        "checksum": manifest.data.checksum,
        "libraries": _pairs(manifest.libraries),
        "engine": _pairs(manifest.engine) or None,
        "owner": manifest.owner,
        "job": manifest.job or None,
        "created": manifest.created,
        "statement": manifest.statement,
        "example": _example(asked, manifest.algorithm, signature),
    }


def _figures(data: DataRecord) -> dict[str, str]:
    """A fact a column of the training data."""
    return {f"column {quoted(name)}": ", ".join(_told(each)) for name, each in data.columns.items()}


def _told(column: ColumnSummary) -> Iterator[str]:
    yield f"{column.type}, {_counted(column.count, 'value')}"
    if column.nulls:
        yield _counted(column.nulls, "null")
    if column.not_finite:
        yield f"{column.not_finite:,} not finite"
    figures = {"min": column.min, "max": column.max, "mean": column.mean, "deviation": column.deviation}
    yield from (f"{name} {_short(value)}" for name, value in figures.items() if value is not None)
    if column.distinct is not None:
        values = ", ".join(f"{value} ({count:,})" for value, count in column.frequent[:_MOST_VALUES])
        yield f"{column.distinct:,} distinct: {values}{' …' if column.distinct > _MOST_VALUES else ''}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _by_class(detail: ClassDetail | None) -> dict[str, str]:
    """A fact a class: how well the chosen candidate knows it, and what it took its rows for."""
    if detail is None:
        return {}
    figures = zip(detail.precision, detail.recall, detail.f1, detail.support, strict=True)
    named = [dict(zip(("precision", "recall", "f1", "rows"), each, strict=True)) for each in figures]
    rows = detail.confusion or [()] * len(named)
    return {
        f"class {name}": _pairs(each) + _answers(detail.classes, row)
        for name, each, row in zip(detail.classes, named, rows, strict=True)
    }


def _answers(classes: Sequence[object], counts: Sequence[int]) -> str:
    """What the rows of a class were taken for, the most frequent first."""
    taken = sorted(zip(counts, classes, strict=False), key=lambda each: -each[0])
    told = ", ".join(f"{name} ({count:,})" for count, name in taken if count)
    return f", taken for {told}" if told else ""


def _example(asked: _Asked, algorithm: str, signature: FunctionSignature) -> str:
    """Statements that call the model for the rows of a table ``t``."""
    which = f" where modelVersion={asked.number}" if asked.number is not None else ""
    arguments = ", ".join(quoted(each.name) for each in signature.parameters)
    path = write_name(asked.path.text, quoted=True)
    call = f"select *, f({arguments}) as answer from t as answered;"  # noqa: S608 - the names are quoted
    return f"register {algorithm}.{path} as f{which}; {call}"


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in values.items())


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


_ACTIONS: Mapping[str, Callable[[ModelStore, str, _Asked], _Rows]] = MappingProxyType(
    {
        "history PATH": _history,
        "list PATH": _list,
        "describe PATH [VERSION]": _describe,
        "delete PATH VERSION": _delete,
    }
)
"""What each form does."""
