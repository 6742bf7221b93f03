"""What a script of the user's own works with: its rows, its parameters and its run."""

from __future__ import annotations

import math
import shutil
import sys
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from mlsql.bridge.dataset import Dataset
from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.request import RESOURCE, SCRIPT, SCRIPT_NAME
from mlsql.bridge.resources import own_resources
from mlsql.bridge.trainer import Params, Run
from mlsql.options import BOOLEAN, Kind, integer, number

T = TypeVar("T")

FORMAT, FILES = "dataLocalFormat", "dataLocalFileNum"
_NOT_OWN = (SCRIPT, SCRIPT_NAME, FORMAT, FILES)


class Workplace:
    """A folder of one candidate's own: its code, its rows as files, and what it leaves; gone with it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="candidate-"))
        self.code, self.data, self.kept = (self.folder / name for name in ("code", "data", "kept"))
        for each in (self.code, self.data, self.kept):
            each.mkdir()
        sys.path.insert(0, str(self.code))  # also that of processes which the script starts
        weakref.finalize(self, _leave, self.folder, str(self.code))


def _leave(folder: Path, code: str) -> None:
    # A new list: this may run while somebody goes through the old one, to look for a package.
    sys.path = [each for each in sys.path if each != code]
    shutil.rmtree(folder, ignore_errors=True)


class ScriptData(Dataset):
    """The rows as a script sees them: a Dataset, and with ``enableDataLocal`` a file of them."""

    def __init__(self, data: Dataset, params: Params, folder: Path) -> None:
        super().__init__(data.row_file, data.columns)
        vars(self).update(vars(data))
        self._params, self._folder = params, folder

    @cached_property
    def path(self) -> Path:
        """A file with all columns, or with ``dataLocalFileNum`` a folder of files; written when asked for."""
        kind = self._params.get(FORMAT)
        if kind is None:
            raise DataFault('data.path is there with enableDataLocal="true"')
        count = int(self._params.get(FILES, "0"))
        table = self.table()
        if not count:
            return _write(table, self._folder / f"data.{kind}")
        size = max(1, math.ceil(table.num_rows / count))
        for part in range(count):
            _write(table.slice(part * size, size), self._folder / f"part-{part:05}.{kind}")
        return self._folder


def _write(table: pa.Table, file: Path) -> Path:
    """*table* as *file*, in the format that its suffix says; JSON is an object a line."""
    import pyarrow.csv
    import pyarrow.parquet

    if file.suffix == ".parquet":
        pyarrow.parquet.write_table(table, file)
    elif file.suffix == ".json":
        table.to_pandas().to_json(file, orient="records", lines=True, force_ascii=False)
    else:
        arrays = [each.name for each in table.schema if pa.types.is_nested(each.type)]
        if arrays:
            hint = 'dataLocalFormat="json" or "parquet" can, or plain columns in inputCols'
            raise DataFault(f"a CSV file cannot hold the arrays of the column '{arrays[0]}'", hint=hint)
        pyarrow.csv.write_csv(table, file)
    return file


class ScriptParams(dict[str, str]):
    """The parameters of a candidate as texts by name, and read as something else."""

    @classmethod
    def own(cls, params: Params) -> ScriptParams:
        """Those that the script knows of."""
        return cls(
            {
                name: text
                for name, text in params.items()
                if name not in _NOT_OWN and not name.startswith(RESOURCE)
            }
        )

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        return self._read(name, integer(), default)

    def number(self, name: str, default: float | None = None) -> float:
        """A number."""
        return self._read(name, number(), default)

    def boolean(self, name: str, default: bool | None = None) -> bool:  # noqa: FBT001 — as its siblings
        """``true`` or ``false``."""
        return self._read(name, BOOLEAN, default)

    def text(self, name: str, default: str | None = None) -> str:
        """The text itself."""
        return self._read(name, Kind("a text", str), default)

    def _read(self, name: str, kind: Kind[T], default: T | None) -> T:
        if name not in self:
            if default is None:
                raise OptionFault(f'it needs the parameter {name}: fitParam.{name}="…"', option=name)
            return default
        try:
            return kind.read(self[name])
        except ValueError as error:
            message = f"the parameter '{name}' takes {kind.expected}, not '{self[name]}'"
            raise OptionFault(message, option=name) from error


@dataclass(frozen=True, slots=True)
class ScriptRun:
    """What a script can tell while it fits, and what it finds."""

    run: Run
    directory: Path
    """What it leaves there is stored with the model."""
    resources: Mapping[str, Path]
    """The copies of what ``fitParam.N.resource.NAME`` names, by NAME."""
    measured: dict[str, float] = field(default_factory=dict)

    @classmethod
    def beside(cls, run: Run, workplace: Workplace, params: Params) -> ScriptRun:
        """The run of a script in *workplace*."""
        return cls(run, workplace.kept, own_resources(params, Path.cwd()))

    def progress(self, doing: str, share: float | None = None) -> None:
        """How far the fit has come; *share* from 0 to 1."""
        self.run.progress(doing, share)

    def log(self, message: Any, level: str = "info") -> None:
        """A line for the log of the run."""
        self.run.log(str(message), level)

    def metric(self, name: str, value: float) -> None:
        """A number that was measured; the last one of a name stands in the result."""
        self.measured[name] = float(value)
        self.run.metric(name, float(value))
