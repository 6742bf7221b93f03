"""Python of the user's own: its text judged without running it, and run as a module in a worker."""

from __future__ import annotations

import ast
import hashlib
import linecache
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from symtable import symtable
from types import ModuleType
from typing import Self

from mlsql.bridge.control import ChannelClosed
from mlsql.bridge.errors import OptionFault, WorkerError
from mlsql.bridge.request import SCRIPT, SCRIPT_NAME
from mlsql.bridge.trainer import Params

_UNNAMED = "<script>"
_OLD = ("fit_param", "internal_system_param")
"""What scripts of older engines read from their module ``mlsql``."""


@dataclass(frozen=True, slots=True)
class ScriptText:
    """A script and the name that messages call it by."""

    text: str = field(repr=False)
    name: str

    @classmethod
    def given(cls, params: Params) -> Self | None:
        """The script among the parameters; None without one, or where its text is not known yet."""
        text = params.get(SCRIPT)
        return None if text is None else cls(text, params.get(SCRIPT_NAME, _UNNAMED))

    def expect(self, function: str, arguments: Sequence[str]) -> None:
        """Raise OptionFault unless the text is Python and defines *function*, callable with *arguments*."""
        tree = self._tree()
        if not self.defines(function):
            raise OptionFault(
                f"{self.name} defines no {function}({', '.join(arguments)})",
                option=SCRIPT,
                hint=self._hint(function, arguments),
            )
        for each in tree.body:
            if isinstance(each, ast.FunctionDef) and each.name == function:
                self._expect_arguments(each, arguments)

    def defines(self, name: str) -> bool:
        """Whether a module of the text has *name*; the text is known to be Python."""
        return name in _bound_names(self.text, self.name)

    @property
    def imports(self) -> tuple[str, ...]:
        """The modules that it imports by absolute names, wherever it does so."""
        names: list[str] = []
        for each in ast.walk(self._tree()):
            if isinstance(each, ast.Import):
                names += [alias.name for alias in each.names]
            elif isinstance(each, ast.ImportFrom) and each.module and not each.level:
                names.append(each.module)
        return tuple(dict.fromkeys(names))

    def load(self, folder: Path) -> ModuleType:
        """Run the script as a module; what it defines is pickled with its code.

        It lies in *folder* too, where processes find it that the script starts itself.
        """
        import cloudpickle

        name = f"script_{hashlib.sha256(self.text.encode()).hexdigest()[:12]}"
        file = folder / f"{name}.py"
        file.write_text(self.text, encoding="utf-8")
        linecache.cache[self.name] = (len(self.text), None, self.text.splitlines(keepends=True), self.name)
        module = sys.modules[name] = ModuleType(name)
        module.__file__ = str(file)
        cloudpickle.register_pickle_by_value(module)
        exec(compile(self.text, self.name, "exec"), vars(module))  # noqa: S102 — the policy has allowed it
        return module

    @contextmanager
    def telling(self) -> Iterator[None]:
        """A block that runs the script; what it raises is told with the script's own line."""
        try:
            yield
        except ChannelClosed:
            raise
        except (Exception, SystemExit) as error:
            message = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
            raise WorkerError(f"{self._place(error)}: {message}") from error

    def _place(self, error: BaseException) -> str:
        """``train.py:12 in train``: the innermost line of the script on the way to *error*."""
        frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename == self.name]
        return f"{self.name}:{frames[-1].lineno} in {frames[-1].name}" if frames else self.name

    def _tree(self) -> ast.Module:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what a compiler warns of is told when the script runs
                return ast.parse(self.text, self.name)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            place = self.name if line is None else f"{self.name}:{line}"
            excerpt = (getattr(error, "text", None) or "").strip()
            said = error.msg if isinstance(error, SyntaxError) else str(error)
            message = f"{place}: no Python: {said}" + (f" in `{excerpt}`" if excerpt else "")
            raise OptionFault(message, option=SCRIPT) from error

    def _expect_arguments(self, function: ast.FunctionDef, arguments: Sequence[str]) -> None:
        given = function.args
        most = len(given.posonlyargs) + len(given.args)
        least = most - len(given.defaults)
        left_over = given.kw_defaults.count(None)
        if least <= len(arguments) and (given.vararg or len(arguments) <= most) and not left_over:
            return
        raise OptionFault(
            f"{self.name}:{function.lineno}: {function.name}({ast.unparse(given)}) "
            f"is called with ({', '.join(arguments)})",
            option=SCRIPT,
        )

    def _hint(self, function: str, arguments: Sequence[str]) -> str:
        if any(each in self.text for each in _OLD):
            return f"a script of older engines: docs/training/old-scripts.md makes it a {function}"
        return f"write def {function}({', '.join(arguments)}): …"


def _bound_names(text: str, file: str) -> set[str]:
    """The names that a module has once it was run."""
    symbols = symtable(text, file, "exec").get_symbols()
    return {each.get_name() for each in symbols if each.is_assigned() or each.is_imported()}
