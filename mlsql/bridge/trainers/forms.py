"""Faster forms of a fitted estimator, stored beside it once they have answered as it does.

A form is compared on rows of the training, and on rows made of them: extreme numbers, zeros, NaN,
categories that were not there. Where the estimator refuses a row the form has to refuse it too.
"""

from __future__ import annotations

import shutil
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlsql.bridge.trainers.onnx_forms import NoGraph, write_graph
from mlsql.bridge.trainers.plain_forms import converted
from mlsql.bridge.trainers.plain_refusal import NoPlainForm
from mlsql.errors import DataError
from mlsql.forms import FormName, FormRecord
from mlsql.udf.predictors.onnx import ONNX
from mlsql.udf.predictors.plain import PLAIN, read_plain, write_plain
from mlsql.udf.predictors.plain_models import PlainPredictor

if TYPE_CHECKING:
    from mlsql.models.manifest import Predictor
    from mlsql.udf.predictors.plain import Step

TOLERANCE: dict[FormName, float] = {"plain": 1e-9, "onnx": 1e-6}
"""How far doubles may be from the library's, in shares of what is above 1."""
_FIRST_ROWS, _BULK_ROWS = 100, 1000
_BULK_SECONDS = 0.1
"""Where some rows take longer, they are enough to tell how long many take."""
_MOST_SECONDS = 0.02
"""So long one row is asked for again and again."""
_MOST_TIMES, _FEW_TIMES = 30, 3
"""Code that may tell something each time is asked few times."""


@dataclass(frozen=True, slots=True)
class Library:
    """A fitted estimator behind the encoder of its columns, if it has one: what forms are compared with."""

    estimator: Any
    encoder: Any = None
    method: str = "predict"

    def predict(self, rows: Any) -> Any:
        """One answer a row."""
        answers = getattr(self.estimator, self.method)(self._encoded(rows))
        return answers.toarray() if hasattr(answers, "toarray") else answers

    @property
    def has_probabilities(self) -> bool:
        """Whether it has, with its parameters."""
        return hasattr(self.estimator, "predict_proba")

    def probabilities(self, rows: Any) -> Any:
        """How probable each class is."""
        return self.estimator.predict_proba(self._encoded(rows))

    def width(self, rows: Any) -> int:
        """How many features the estimator gets of *rows*."""
        return int(self._encoded(rows[:1]).shape[1])

    def _encoded(self, rows: Any) -> Any:
        return rows if self.encoder is None else self.encoder.transform(rows)


@dataclass(frozen=True, slots=True)
class Forms:
    """Finds the forms of *library*, by the rows of *sample*: a matrix, or a frame where it has an encoder."""

    library: Library
    sample: Any
    front: tuple[Step, ...] = ()
    """What makes a matrix of columns, where that is no encoder's affair."""
    is_sparse: bool = False
    """Whether many rows are a sparse matrix, which only the library takes."""

    def store(self, directory: Path) -> tuple[FormRecord, ...]:
        """What was found out of each form; those that are exact are stored in *directory*."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                return tuple(self._found(directory))
            except Exception as error:  # noqa: BLE001 — a fit is kept, whatever becomes of its faster forms
                for name in (PLAIN, ONNX):
                    shutil.rmtree(directory / name, ignore_errors=True)
                reason = f"{type(error).__name__}: {error}"
                return (
                    FormRecord(name="plain", exact=False, reason=reason),
                    FormRecord(name="library", exact=True),
                )

    def _found(self, directory: Path) -> Iterator[FormRecord]:
        plain = self._plain(directory)
        yield plain
        has_own_columns = hasattr(self.sample, "columns") and self.library.encoder is None
        if not plain.exact and self.library.method == "predict" and not has_own_columns:
            yield self._onnx(directory)
        yield self._measured("library", self.library, 0.0)

    def _plain(self, directory: Path) -> FormRecord:
        """The plain form, as it is read again."""
        try:
            model = converted(self.library.estimator, self.library.encoder, self.front)
        except NoPlainForm as refusal:
            return FormRecord(name="plain", exact=False, reason=refusal.message)
        place = write_plain(directory, model)
        predictor = PlainPredictor(read_plain(directory))
        reason, difference = compared(self.library, predictor, trials(self.sample), TOLERANCE["plain"])
        if reason:
            shutil.rmtree(place)
            return FormRecord(name="plain", exact=False, reason=reason, difference=difference)
        return self._measured("plain", predictor, difference)

    def _onnx(self, directory: Path) -> FormRecord:
        """A graph of ONNX Runtime, which takes 2 s to import: only where there is no plain form."""
        library, width = self.library, self.library.width(self.sample)
        try:
            graph = PlainPredictor(write_graph(directory, library.estimator, library.encoder, width))
            reason, difference = compared(library, graph, iter([self.sample]), TOLERANCE["onnx"])
        except NoGraph as refusal:
            reason, difference = str(refusal), None
        else:
            if not reason:
                return self._measured("onnx", graph, difference)
        shutil.rmtree(directory / ONNX, ignore_errors=True)
        return FormRecord(name="onnx", exact=False, reason=reason, difference=difference)

    def _measured(self, name: FormName, predictor: Predictor, difference: float | None) -> FormRecord:
        one = self.sample[:1]
        if isinstance(predictor, PlainPredictor):
            row = _row(self.sample)
            single = _median(lambda: predictor.model.predict(row))
        else:
            single = _median(lambda: predictor.predict(one))
        bulk = None
        if name == "library" or (name == "plain" and not self.is_sparse):
            bulk = _bulk(predictor, self.sample)
        return FormRecord(
            name=name,
            exact=True,
            difference=difference,
            microseconds=_micro(single),
            bulk=None if bulk is None else _micro(bulk),
        )


def forms_of_code(answers: Callable[[Any], Any], sample: Any) -> tuple[FormRecord, ...]:
    """What there is of a model that only code of its author *answers*, and how long that takes for a row."""
    taken = None
    with suppress(Exception):  # a fit is kept, whatever its code says to one row
        taken = _micro(_median(lambda: answers(sample[:1]), _FEW_TIMES))
    return (
        FormRecord(name="plain", exact=False, reason="code of its author answers"),
        FormRecord(name="library", exact=True, microseconds=taken),
    )


def compared(
    library: Predictor, form: Predictor, tries: Iterator[Any], tolerance: float
) -> tuple[str, float | None]:
    """Why *form* does not answer as *library* does, if so, and the greatest difference of doubles."""
    worst = 0.0
    methods = ["predict"] + ["probabilities"] * library.has_probabilities
    if form.has_probabilities != library.has_probabilities:
        return "it tells probabilities, or does not, where the library does otherwise", None
    for rows in tries:
        for method in methods:
            wanted, found = _answers(library, method, rows), _answers(form, method, rows)
            if (wanted is None) != (found is None):
                return f"it {'answers' if wanted is None else 'refuses'} rows that the library does not", None
            if wanted is None or found is None:
                continue
            if wanted.shape != found.shape:
                return f"its answers have the shape {found.shape}, those of the library {wanted.shape}", None
            if wanted.dtype.kind != "f" or (method == "predict" and _are_labels(library)):
                if not np.array_equal(wanted, found):
                    return f"{np.mean(wanted != found):.2%} of the labels are others", None
                continue
            worst = max(worst, _difference(wanted, found))
    if worst > tolerance:
        return f"its doubles differ by up to {worst:.2g}", worst
    return "", worst


def trials(sample: Any) -> Iterator[Any]:
    """Rows to compare by: the *sample*, and what is made of it."""
    yield sample
    rows = sample.iloc[:20] if hasattr(sample, "columns") else sample[:20]
    for change in (lambda each: each * 1e3, lambda each: each * 0.0, lambda each: each * -1e12):
        yield _changed(rows, change)
    yield _changed(rows, _with_gaps)
    if hasattr(rows, "columns"):
        texts = [name for name in rows.columns if rows[name].dtype == object]
        yield rows.assign(**dict.fromkeys(texts, "no such category"))


def _changed(rows: Any, change: Callable[[Any], Any]) -> Any:
    """*rows* with their doubles changed; whole numbers and texts stay."""
    if not hasattr(rows, "columns"):
        return change(rows)
    return rows.assign(**{name: change(rows[name]) for name in rows.columns if rows[name].dtype == float})


def _with_gaps(numbers: Any) -> Any:
    """Some of them NaN."""
    gaps = (np.arange(numbers.size) % 3 == 0).reshape(numbers.shape)
    return np.where(gaps, np.nan, numbers)


def _answers(predictor: Predictor, method: str, rows: Any) -> Any:
    """What it says; None where it refuses."""
    try:
        return np.asarray(getattr(predictor, method)(rows))
    except (ValueError, TypeError, DataError):
        return None


def _are_labels(library: Predictor) -> bool:
    return isinstance(library, Library) and hasattr(library.estimator, "classes_")


def _difference(wanted: Any, found: Any) -> float:
    """The greatest difference, in shares of what is above 1; infinite where only one is a number."""
    same = (wanted == found) | (np.isnan(wanted) & np.isnan(found))
    apart = np.abs(wanted - found) / np.maximum(1.0, np.abs(wanted))
    worst = np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart))
    return float(worst.max(initial=0.0))


def _bulk(predictor: Predictor, sample: Any) -> float:
    """The seconds that it takes for each of many rows."""
    taken, count = 0.0, 0
    while count < _BULK_ROWS and taken < _BULK_SECONDS:
        count = 10 * count or _FIRST_ROWS
        many = _repeated(sample, count)
        start = time.perf_counter()
        predictor.predict(many)
        taken = time.perf_counter() - start
    return taken / count


def _row(sample: Any) -> Any:
    """The first row as a plain model takes one."""
    if not hasattr(sample, "columns"):
        return np.array(sample[0], dtype=np.float64)
    return [sample[name].iloc[0] for name in sample.columns]


def _repeated(sample: Any, count: int) -> Any:
    places = np.resize(np.arange(len(sample)), count)
    return sample.iloc[places] if hasattr(sample, "columns") else sample[places]


def _median(ask: Callable[[], object], most: int = _MOST_TIMES) -> float:
    """The median of the seconds that it takes, once it has been asked for the first time."""
    ask()
    taken: list[float] = []
    while len(taken) < most and sum(taken) < _MOST_SECONDS:
        start = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _micro(seconds: float) -> float:
    return round(seconds * 1e6, 3)
