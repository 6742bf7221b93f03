"""Stored models ready to answer one row or many, each in its fastest exact form, without Spark."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mlsql.errors import DataError, MissingModel
from mlsql.file_systems import is_remote, open_folder
from mlsql.forms import FormName, answers_as_data, bulk_form, data_forms, serving_form
from mlsql.models.choice import choose
from mlsql.models.manifest import (
    MANIFEST,
    CandidateRecord,
    Column,
    Label,
    Manifest,
    ModelRef,
    StoredModel,
    read_manifest,
    version_of,
)
from mlsql.udf.predictors.plain import PLAIN, read_plain
from mlsql.udf.predictors.plain.base import NotFinite
from mlsql.udf.predictors.rows import Rows, WrongRow

_BULK_ROWS = 1000
"""From so many rows on another form than that for one row may be faster, once it is loaded."""


class Engine(Protocol):
    """What answers: a plain model, one of ONNX Runtime, or a library."""

    def predict(self, features: Any, /) -> Any:
        """Answers for rows, or for one row its answer."""
        ...

    @property
    def has_probabilities(self) -> bool:
        """Whether it can tell :meth:`probabilities`."""
        ...

    def probabilities(self, features: Any, /) -> Any:
        """How probable each class is, on the last axis."""
        ...


@dataclass(frozen=True, slots=True)
class ReadyModel:
    """A stored model that answers; threads may share it."""

    manifest: Manifest
    candidate: CandidateRecord
    form: FormName
    """In which it answers."""
    nbytes: int
    """The size of its files, about what it takes in memory."""
    rows: Rows
    engine: Engine
    bulk: Callable[[], Engine]
    """What answers many rows; it is loaded when they come."""

    @property
    def inputs(self) -> tuple[Column, ...]:
        """The columns that it takes, in the order of the arguments."""
        return self.manifest.inputs

    @property
    def output(self) -> str:
        """The Spark type of an answer."""
        return self.manifest.output

    @property
    def classes(self) -> tuple[Label, ...] | None:
        """A classifier's classes, in the order of the probabilities."""
        return self.manifest.classes

    @property
    def has_probabilities(self) -> bool:
        """Whether it can tell how probable each class is."""
        return self.engine.has_probabilities

    def answer(self, values: Sequence[object], /) -> object:
        """The answer for one row, by position; None where a null among *values* leaves it without one.

        One that would be NaN is None too, as on Spark. Raises WrongRow for another number or type of
        values, DataError for numbers that are not finite.
        """
        features = self.rows.one(values)
        if features is None:
            return None
        answer = self._asked(self.engine.predict, features)
        if type(answer) not in _PLAIN:
            answer = plain_value(answer)
        return None if type(answer) is float and isnan(answer) else answer

    def probabilities(self, values: Sequence[object], /) -> list[float] | None:
        """How probable each class is for one row, in the order of :attr:`classes`."""
        features = self.rows.one(values)
        if features is None:
            return None
        found: list[float] = self._asked(self.engine.probabilities, features).tolist()
        return found

    def answers(self, columns: Mapping[str, Sequence[object]], /) -> list[object]:
        """The answers for many rows, whose values come by the names of the columns."""
        return self._many(columns, lambda engine: engine.predict)

    def many_probabilities(self, columns: Mapping[str, Sequence[object]], /) -> list[list[float] | None]:
        """The probabilities for many rows."""
        return self._many(columns, lambda engine: engine.probabilities)

    def _many(
        self, columns: Mapping[str, Sequence[object]], method: Callable[[Engine], Callable[[Any], Any]]
    ) -> list[Any]:
        features, present = self.rows.many(columns)
        count = len(features) if isinstance(features, np.ndarray) else len(features[0])
        engine = self.bulk() if count >= _BULK_ROWS else self.engine
        found = plain_value(_without_nan(self._asked(method(engine), features))) if count else []
        if present is None:
            return found
        answers = iter(found)
        return [next(answers) if is_there else None for is_there in present.tolist()]

    @np.errstate(all="ignore")
    def _asked(self, method: Callable[[Any], Any], features: Any) -> Any:
        """What *method* says; a feature that is not finite is told by the name of its column.

        Without warnings: numbers that are too large have answers as others do.
        """
        try:
            return method(features)
        except NotFinite as error:
            if self.manifest.form == "columns" and self.rows.is_matrix and len(self.inputs) > error.position:
                name = self.inputs[error.position].name
                raise WrongRow(f"argument {error.position + 1}, '{name}', is NaN or infinite") from error
            raise
        except OverflowError as error:
            raise WrongRow("a number among its values is beyond a double") from error


def open_ready(version_folder: str, index: int) -> ReadyModel:
    """Candidate *index* of the version in *version_folder*, ``…/_model_N`` on any file system."""
    stored = _stored(version_folder)
    return ready(stored, choose(stored, index=index))


def open_data(version_folder: str, index: int) -> ReadyModel:
    """The same in a form that is nothing but numbers, so that no code of its owner is run.

    DataError for a model that only its library answers: loading it unpickles what its folder holds.
    """
    stored = _stored(version_folder)
    candidate = choose(stored, index=index)
    if not answers_as_data(candidate.forms, _folder(stored.directory(index))):
        raise DataError(f"candidate {index} of {stored.ref} is answered by its library alone")
    return ready(stored, replace(candidate, forms=tuple(data_forms(candidate.forms))))


def ready(stored: StoredModel, candidate: CandidateRecord) -> ReadyModel:
    """*candidate* of *stored* in its fastest exact form."""
    folder = _folder(stored.directory(candidate.index))
    rows, form = Rows.of(stored.manifest), _form(folder, candidate)
    engine = _engine(folder, form, rows)
    if functions := getattr(engine, "functions", ()):  # of a fitted step
        rows = replace(rows, width=functions[0].width, are_columns=True)
    most = bulk_form(candidate.forms) or form
    return ReadyModel(
        manifest=stored.manifest,
        candidate=candidate,
        form=form,
        nbytes=_size(folder, form),
        rows=rows,
        engine=engine,
        bulk=(lambda: engine) if most == form else (lambda: _engine(folder, most, rows)),
    )


def plain_value(answer: Any) -> Any:
    """*answer* in values of Python: of an array a list."""
    if hasattr(answer, "dense"):
        answer = answer.dense()
    if isinstance(answer, list):
        return [plain_value(each) for each in answer]
    return answer.tolist() if isinstance(answer, np.ndarray | np.generic) else answer


_PLAIN = (str, int, float, bool)


def _without_nan(answers: Any) -> Any:
    """None for each NaN among the numbers that are answers."""
    if not (isinstance(answers, np.ndarray) and answers.ndim == 1 and answers.dtype.kind == "f"):
        return answers
    told = answers.astype(object)
    told[np.isnan(answers)] = None
    return told


def _stored(version_folder: str) -> StoredModel:
    path, _, name = version_folder.rstrip("/").rpartition("/")
    version = version_of(name)
    if version is None:
        raise DataError(f"'{version_folder}' is no version of a model: its folder is called _model_N")
    ref = ModelRef(path, version)
    return StoredModel(ref, read_manifest(ref, _manifest(ref)))


def _manifest(ref: ModelRef) -> bytes:
    if is_remote(ref.path):
        return open_folder(str(ref)).read(MANIFEST)
    try:
        return Path(str(ref), MANIFEST).read_bytes()
    except OSError as error:
        raise MissingModel(ref.path, version=ref.version, found=str(error.strerror)) from error


def _folder(directory: str) -> Path:
    """The folder *directory*, or its copy on this machine."""
    if not is_remote(directory):
        return Path(directory)
    from mlsql.models.cache import local_folder

    return local_folder(directory)


def _form(folder: Path, candidate: CandidateRecord) -> FormName:
    """The form to answer in: as measured; else the plain one, where there is one."""
    return serving_form(candidate.forms) or ("plain" if (folder / PLAIN).is_dir() else "library")


def _engine(folder: Path, form: FormName, rows: Rows) -> Engine:
    if form == "plain":
        return read_plain(folder)
    if form == "onnx":
        from mlsql.udf.predictors.onnx import read_onnx

        return read_onnx(folder)
    from mlsql.udf.predictors.library import read_library

    return read_library(folder, rows)


def _size(folder: Path, form: FormName) -> int:
    place = folder if form == "library" else folder / form
    return sum(each.stat().st_size for each in place.rglob("*") if each.is_file())
