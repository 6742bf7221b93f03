"""Scripts, conditions and templates made by the grammar: nearly all of them are right."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from .pieces import (
    COMMANDS,
    GAPS,
    HEADS,
    LEAVES,
    NAMES,
    OPERATORS,
    PLACEHOLDERS,
    QUOTES,
    SAVE_MODES,
    SQL,
    TEXTS,
    TYPES,
    VALUES,
    WORDS,
)

_FORMS = (
    "({0})",
    "not {0}",
    "!{0}",
    "-{0}",
    "f({0}, {leaf})",
    "cast({0} as {type})",
    "{0} in (1, {leaf})",
    "{0} not in (null)",
    "{0} is null",
    "{0} is not null",
    "{0} between 1 and {leaf}",
)


class Writer:
    """Writes one random piece of the language after the other."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._any = random.choice

    def script(self) -> str:
        """A whole script; sometimes the last ``;`` is missing, or the last select has no table."""
        text = "".join(self.statement() + self._gap() for _ in range(self._random.randint(1, 5)))
        return text + self._any(("", "", "", "select 1", "-- the end", "load csv.`x` as t", ";;"))

    def statement(self, depth: int = 2) -> str:
        """Any statement, with its ``;``."""
        if depth and self._rarely():
            return self._block(depth - 1)
        write = self._any((self._load, self._query, self._query, self._save, self._set, self._connect))
        if self._happens(1, 2):
            write = self._any((self._train, self._register, self._include, self._unregister, self._command))
        return write() + self._any((";", ";", ";", ";", " ;", "\n;"))

    def condition(self, depth: int = 4) -> str:
        """The condition of a branch, with what it may select first."""
        head = ""
        if self._rarely():
            head = f"select {self._expression(2)} as :v{self._any(('', ', :v as :w'))}; "
        return head + self._expression(depth)

    def template(self) -> str:
        """The body of a macro, or a value that names variables."""
        pieces = (self._any((*PLACEHOLDERS, *TEXTS, *SQL)) for _ in range(self._random.randint(1, 12)))
        return self._any(("", " ")).join(pieces)

    def _expression(self, depth: int) -> str:
        if not depth or self._happens(1, 3):
            return self._any(LEAVES)
        if self._happens(1, 2):
            return f"{self._expression(depth - 1)} {self._any(OPERATORS)} {self._expression(depth - 1)}"
        return self._any(_FORMS).format(
            self._expression(depth - 1), leaf=self._any(LEAVES), type=self._any(TYPES)
        )

    def _block(self, depth: int) -> str:
        body = "".join(self.statement(depth) + "\n" for _ in range(self._random.randint(0, 2)))
        if self._rarely():
            limit = self._any(("", " limit 5", " limit ${n}"))
            return f"!for v in {self._quoted()}{limit};{body}!done;"
        more = self._any(("", "!else;", f"!elif {self.condition(1)}; !then;", "!elif :a; !else;"))
        test = self._any((self.condition(2), f"'''{self.condition(3)}'''"))
        return f"!if {test};\n{body}{more}\n{body}!fi;"

    def _load(self) -> str:
        return self._joined("load", self._place(), *self._options(), "as", self._name())

    def _query(self) -> str:
        pieces = (self._any(SQL) for _ in range(self._random.randint(0, 6)))
        return self._joined(self._any(HEADS), *pieces, "1", *self._any(((), ("as", self._name()))))

    def _save(self) -> str:
        columns = self._any(
            ((), ("partitionBy", self._name()), ("partitionBy", self._name(), ",", self._name()))
        )
        return self._joined(
            "save", self._any(SAVE_MODES), self._name(), "as", self._place(), *self._options(), *columns
        )

    def _set(self) -> str:
        return self._joined("set", self._key(), "=", self._value(), *self._options())

    def _connect(self) -> str:
        return self._joined("connect", self._name(), *self._options(), *self._output())

    def _train(self) -> str:
        verb, joint = self._any(("train", "run", "predict")), self._any(("as", "into"))
        return self._joined(verb, self._name(), joint, self._place(), *self._options(), *self._output())

    def _register(self) -> str:
        return self._joined("register", self._place(), "as", self._name(), *self._options())

    def _include(self) -> str:
        return self._joined("include", self._place(), *self._options())

    def _unregister(self) -> str:
        return self._joined("unregister", self._name())

    def _command(self) -> str:
        arguments = (
            self._any((self._any(WORDS), self._quoted(), self._name()))
            for _ in range(self._random.randint(0, 4))
        )
        return " ".join(["!" + self._any(COMMANDS), *arguments])

    def _options(self) -> Sequence[str]:
        count = self._random.choice((0, 0, 1, 2, 4))
        pieces = [self._any(("where", "options", "WHERE", "where and"))] if count else []
        for index in range(count):
            pieces += ["and"] if index else []
            pieces += [self._key(), "=", self._value()]
        return pieces

    def _output(self) -> Sequence[str]:
        return ("as", self._name()) if self._happens(1, 2) else ()

    def _key(self) -> str:
        return self._any((self._name(), "fitParam.0.alg", "`kafka.bootstrap.servers`", f"{self._name()}.a"))

    def _place(self) -> str:
        path = self._any((f"`{self._any(TEXTS)}`", "``", self._name(), f"{self._name()}.b.c"))
        return f"{self._name()}.{path}"

    def _value(self) -> str:
        return self._any(VALUES) if self._happens(1, 3) else self._quoted()

    def _quoted(self) -> str:
        quote = self._any(QUOTES)
        return f"{quote}{self._any(TEXTS)}{quote}"

    def _name(self) -> str:
        return self._any(NAMES)

    def _joined(self, *tokens: str) -> str:
        """The tokens with blanks or comments between them."""
        return "".join(token + self._gap() for token in tokens[:-1]) + tokens[-1]

    def _gap(self) -> str:
        return self._any(GAPS) if self._happens(1, 6) else " "

    def _rarely(self) -> bool:
        return self._happens(1, 7)

    def _happens(self, times: int, of: int) -> bool:
        return self._random.randrange(of) < times
