"""What a script's model answers: the features that it is given, and the Spark type of what it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mlsql.bridge.errors import WorkerError
from mlsql.bridge.matrix import Matrix

if TYPE_CHECKING:
    from mlsql.bridge.dataset import Dataset

ARRAYS = "array<double>"
_BY_KIND = {"b": "boolean", "i": "bigint", "u": "bigint", "f": "double", "U": "string"}


def features_of(data: Dataset) -> Any:
    """The features as functions are called with them: a frame of the columns, or the matrix.

    Numbers are doubles, whatever the table has; texts and booleans stay what they are.
    """
    if data.columns.form == "features":
        return data.arrays()[0]
    frame = data.inputs()
    kinds = {"string": "object", "boolean": "float64" if data.columns.invalid == "keep" else "bool"}
    return frame.astype({each.name: kinds.get(each.type, "float64") for each in data.columns.features})


def read_answers(given: Any, rows: int, script: str) -> Matrix:
    """One answer a row: numbers, texts or booleans, or a matrix of numbers; WorkerError for anything else."""
    try:
        answers = np.asarray(given)
    except ValueError as error:
        raise WorkerError(f"{script}: predict gave lists of different lengths") from error
    if answers.ndim == 0 or len(answers) != rows:
        count = "one answer" if answers.ndim == 0 else f"{len(answers):,} answers"
        raise WorkerError(f"{script}: predict gave {count} for {rows:,} rows; it gives one a row")
    if answers.ndim == 2 and answers.shape[1] == 1:  # noqa: PLR2004 — a matrix of one column
        answers = answers[:, 0]
    if answers.dtype == object:
        answers = _plain(answers)
    return answers


def answer_type(answers: Matrix, script: str) -> str:
    """The Spark type of answers."""
    kind = _BY_KIND.get(answers.dtype.kind)
    is_text = answers.dtype == object and all(isinstance(each, str) for each in answers)
    if answers.ndim == 2 and kind not in (None, "string"):  # noqa: PLR2004 — a matrix
        return ARRAYS
    if answers.ndim != 1 or (kind is None and not is_text):
        what = type(answers.flat[0]).__name__ if answers.size else str(answers.dtype)
        hint = "a number, a text, a boolean or a list of numbers for each row"
        raise WorkerError(f"{script}: predict gave answers of the type {what}; it gives {hint}")
    return kind or "string"


def _plain(answers: Matrix) -> Matrix:
    """Objects that are all numbers, booleans or lists of numbers as what they are."""
    distinct = {type(each) for each in answers.flat}
    if not distinct or distinct <= {str}:
        return answers
    try:
        plain = np.asarray(answers.tolist())
    except ValueError:
        return answers
    return answers if plain.dtype.kind == "U" else plain
