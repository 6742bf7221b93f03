"""Plain models in files: ``plain/model.json`` says what a model is, ``plain/arrays.npz`` holds its numbers.

Nothing in them is run when they are read. Arrays stay in their file and are mapped into memory, so
that all processes of a machine share one copy of a model.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlsql.errors import DataError
from mlsql.udf.predictors.plain.archive import read_arrays, write_arrays
from mlsql.udf.predictors.plain.base import PlainModel
from mlsql.udf.predictors.plain.families import class_of, family_of

PLAIN = "plain"
"""The folder, in that of a stored MLflow model."""
MODEL, ARRAYS = "model.json", "arrays.npz"
VERSION = 1
"""Of the form of the files; a reader takes none that is newer."""


def write_plain(folder: Path, model: PlainModel) -> Path:
    """Store *model* in ``folder/plain``, which must not be there yet; that folder."""
    arrays: dict[str, Any] = {}
    told = {"version": VERSION, "model": _told(model, "model", arrays)}
    place = folder / PLAIN
    place.mkdir(parents=True)
    checksums = write_arrays(place / ARRAYS, arrays)
    text = json.dumps({**told, "arrays": checksums}, ensure_ascii=False)
    (place / MODEL).write_text(text, encoding="utf-8")
    return place


def read_plain(folder: Path) -> PlainModel:
    """The model in ``folder/plain``; DataError when its files are damaged, or of a newer form."""
    place = folder / PLAIN
    try:
        told = json.loads((place / MODEL).read_text(encoding="utf-8"))
        if told["version"] > VERSION:
            raise DataError(
                f"{place / MODEL} has form {told['version']}, this version of mlsql reads {VERSION}",
                hint="upgrade mlsql: pip install -U mlsql",
            )
        arrays = read_arrays(place / ARRAYS, told["arrays"])
        model: PlainModel = _made(told["model"], arrays)
    except OSError as error:
        raise DataError(f"a part of the model cannot be read: {place}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"the model in {place} is damaged: {error}") from error
    return model


def _told(value: Any, name: str, arrays: dict[str, Any]) -> Any:
    """*value* in words of JSON; *arrays* gets the arrays in it, by their places."""
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {"array": name}
    if dataclasses.is_dataclass(value):
        fields = (field.name for field in dataclasses.fields(value) if field.init)
        told = {field: _told(getattr(value, field), f"{name}.{field}", arrays) for field in fields}
        return {"family": family_of(value), "fields": told}
    if isinstance(value, tuple):
        return [_told(each, f"{name}.{number}", arrays) for number, each in enumerate(value)]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _made(told: Any, arrays: Mapping[str, Any]) -> Any:
    """The inverse of :func:`_told`."""
    if isinstance(told, list):
        return tuple(_made(each, arrays) for each in told)
    if not isinstance(told, dict):
        return told
    if "array" in told:
        return arrays[told["array"]]
    return class_of(told["family"])(**{name: _made(each, arrays) for name, each in told["fields"].items()})
