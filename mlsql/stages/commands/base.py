"""What a built-in command is: ``!name arguments``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from mlsql.grammar.nodes import Word
from mlsql.session import Outcome, Run


class Command(Protocol):
    """Reads its arguments, which needs no Spark, and does what they say.

    A command that makes a table returns it without a name: ``named t`` behind any command names it.
    One that makes none returns ``UNCHANGED``, and the result of the script stays what it was.
    """

    @property
    def forms(self) -> tuple[str, ...]:
        """How it is called, behind its name: ``TABLE by COLUMN with SHARES``."""
        ...

    @property
    def doc(self) -> str:
        """What it does, in one sentence."""
        ...

    def read(self, name: Word, arguments: Sequence[Word], /) -> Any:
        """What the arguments say; a ScriptError placed at the one that is wrong.

        The static check calls it too, with arguments that hold no ``${…}``.
        """
        ...

    def run(self, call: Any, run: Run, /) -> Outcome:
        """Do what *call*, which :meth:`read` gave, says."""
        ...
