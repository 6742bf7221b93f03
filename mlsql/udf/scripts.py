"""Python of the user's own as functions of SQL: how an executor runs it, and what it says when that fails."""

from __future__ import annotations

import ast
import hashlib
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from traceback import extract_tb
from types import CodeType, ModuleType
from typing import Any

from mlsql.errors import DataError
from mlsql.udf.column_types import ColumnType
from mlsql.udf.script_answers import exact

_KEPT = 64
"""How many texts a Python worker keeps loaded; it lives longer than a script."""
STATE_METHODS = ("initialize", "update", "evaluate")
"""What an aggregate row by row has to define. Spark hands over a group whole: ``merge`` is not called."""


@dataclass(frozen=True, slots=True)
class Code:
    """A text of Python with the name and the line that messages call its beginning by.

    A code in a script is called by the script's name, so that its lines are the script's.
    """

    text: str = field(repr=False)
    name: str
    line: int = 1

    def tree(self) -> ast.Module:
        """Its syntax; a SyntaxError has the line of the script."""
        return ast.parse(self._lowered, self.name)

    def compile(self) -> CodeType:
        """What a worker runs; fails as :meth:`tree`, and for a few mistakes more."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a warning of the compiler is no error of the script
            return compile(self._lowered, self.name, "exec")

    def line_at(self, number: int) -> str:
        """The line that messages call *number*; empty when it has none."""
        lines = self.text.splitlines()
        return lines[number - self.line].strip() if 0 <= number - self.line < len(lines) else ""

    @property
    def _lowered(self) -> str:
        return "\n" * (self.line - 1) + self.text


@dataclass(frozen=True, slots=True)
class Target:
    """Which function of a code is meant: of the module, or of an object of one of its classes."""

    code: Code
    method: str
    class_name: str | None = None
    takes_self: bool = False
    """Whether a function of the module begins with ``self``, as older engines had it."""

    def load(self, method: str | None = None) -> Callable[..., Any]:
        """The function, ready to be called; *method* is another one beside it."""
        home = _loaded(self.code, self.class_name)
        found: Callable[..., Any] = getattr(home, method or self.method)
        return (lambda *values: found(home, *values)) if self.takes_self else found

    @contextmanager
    def telling(self, function: str) -> Iterator[None]:
        """A block that runs the code as *function*; its errors tell the line of the code."""
        try:
            yield
        except DataError:
            raise
        except (Exception, SystemExit) as error:
            raise DataError(self._told(function, error)) from error

    def _told(self, function: str, error: BaseException) -> str:
        """``f fails in apply, etl.mlsql:4, at `a / b`: ZeroDivisionError: division by zero``, on one line."""
        said = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")
        frames = [each for each in extract_tb(error.__traceback__) if each.filename == self.code.name]
        if not frames:
            return f"{function} fails: {said}"
        inner = frames[-1]
        line = self.code.line_at(inner.lineno or 0)
        return f"{function} fails in {inner.name}, {inner.filename}:{inner.lineno}, at `{line}`: {said}"


@dataclass(frozen=True, slots=True)
class RowFunction:
    """A function that is called with the values of one row."""

    name: str
    target: Target
    output: ColumnType

    def __call__(self, *values: Any) -> Any:
        """The answer as the declared type has it."""
        with self.target.telling(self.name):
            return exact(self.target.load()(*values), self.output)


@dataclass(frozen=True, slots=True)
class SeriesFunction:
    """A function that is called with pandas series of many rows, and gives one as long."""

    name: str
    target: Target

    def __call__(self, *series: Any) -> Any:
        """The answers as a series."""
        import pandas as pd

        with self.target.telling(self.name):
            answers = self.target.load()(*series)
            answers = answers if isinstance(answers, pd.Series | pd.DataFrame) else pd.Series(answers)
            if len(answers) != len(series[0]):
                raise TypeError(f"it answers {len(answers)} values for {len(series[0])} rows")
            return answers


@dataclass(frozen=True, slots=True)
class GroupFunction:
    """A function that is called with the arguments of all rows of a group, as pandas series.

    Those in *frames* are structs, and come as pandas frames with a column a field.
    """

    name: str
    target: Target
    frames: tuple[bool, ...]
    output: ColumnType

    def __call__(self, rows: Any) -> Any:
        """The answer for a group whose *rows* are tuples of the arguments."""
        import pandas as pd

        columns = [[row[place] for row in rows] for place in range(len(self.frames))]
        with self.target.telling(self.name):
            given = [
                pd.DataFrame([each.asDict() for each in column]) if is_frame else pd.Series(column)
                for column, is_frame in zip(columns, self.frames, strict=True)
            ]
            return exact(self.target.load()(*given), self.output)


@dataclass(frozen=True, slots=True)
class StateFunction:
    """Functions that make the answer for a group row by row: initialize, update, evaluate."""

    name: str
    target: Target
    output: ColumnType

    def __call__(self, rows: Any) -> Any:
        """The answer for a group whose *rows* are tuples of the arguments."""
        with self.target.telling(self.name):
            initialize, update, evaluate = map(self.target.load, STATE_METHODS)
            state = initialize()
            for row in rows:
                state = update(state, *row)
            return exact(evaluate(state), self.output)


@dataclass(frozen=True, slots=True)
class TableFunction:
    """A function that makes rows of rows: of a group, or of a partition of a table."""

    name: str
    target: Target
    columns: tuple[str, ...]
    is_arrow: bool = False

    def __call__(self, rows: Any) -> Any:
        """The columns that were declared, of what the function makes of the rows."""
        with self.target.telling(self.name):
            return self._declared(self.target.load()(rows))

    def of_partition(self, pieces: Iterable[Any]) -> Iterator[Any]:
        """The same for all rows of a partition together; nothing of none."""
        together = [*pieces]
        if not together:
            return
        if not self.is_arrow:
            import pandas as pd

            yield self(pd.concat(together, ignore_index=True))
            return
        import pyarrow as pa

        yield from self(pa.Table.from_batches(together)).to_batches()

    def _declared(self, made: Any) -> Any:
        expected = "a table of Arrow" if self.is_arrow else "a pandas frame"
        if not hasattr(made, "column_names" if self.is_arrow else "columns"):
            raise TypeError(f"it answers {type(made).__name__}, not {expected}")
        named = list(made.column_names if self.is_arrow else made.columns)
        missing = [each for each in self.columns if each not in named]
        if missing:
            raise TypeError(f"it answers no column '{missing[0]}' but {', '.join(map(str, named)) or 'none'}")
        if self.is_arrow:
            return made.select(list(self.columns))
        chosen = made[list(self.columns)]
        # pandas makes doubles of a column without values, which Arrow takes for no texts.
        return chosen.astype({name: object for name in chosen.columns if chosen[name].isna().all()})


@lru_cache(maxsize=_KEPT)
def _loaded(code: Code, class_name: str | None) -> Any:
    """What a code defines, as a module, or an object of one of its classes; made once in a worker."""
    name = f"script_{hashlib.sha256(code.text.encode()).hexdigest()[:12]}"
    module = sys.modules[name] = ModuleType(name)  # dataclasses look their module up
    exec(code.compile(), vars(module))  # noqa: S102 - the policy has allowed it
    return module if class_name is None else getattr(module, class_name)()
