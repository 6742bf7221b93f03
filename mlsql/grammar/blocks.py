"""Branches and loops: the commands that open, divide and close them, folded into a tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mlsql.errors import ScriptError
from mlsql.grammar.errors import shown
from mlsql.grammar.literals import is_bare_name
from mlsql.grammar.nodes import Branch, Command, For, If, Literal, Statement, Word
from mlsql.spans import Span

KEYWORDS = frozenset({"if", "then", "elif", "else", "fi", "for", "done"})
"""The commands that make blocks; nothing can shadow them."""

WITH_CONDITION = frozenset({"if", "elif"})
_CLOSES: Mapping[str, str] = {"if": "fi", "for": "done"}
_OPENS: Mapping[str, str] = {"fi": "if", "elif": "if", "else": "if", "done": "for"}
_LIKE_CLOSING = frozenset({"end", "endif", "endfor", "end_if", "end_for"})
"""How other languages close blocks."""
_DEEPEST = 64
_FORM = "!for name in '''select …''';"


def keyword_of(statement: Statement) -> str:
    """The word of a command that makes blocks, in lower case; empty for any other statement."""
    word = statement.name.text.lower() if isinstance(statement, Command) else ""
    return word if word in KEYWORDS else ""


def condition_of(command: Command) -> Literal:
    """The condition of an ``!if``: what its one string holds, or all of its arguments as written."""
    first, *others = command.arguments
    if not others and first.quote not in ("", "`"):
        return first
    span = first.span.to(others[-1].span) if others else first.span
    return Literal(span.text, span, "")


def loop_of(command: Command) -> tuple[Word, Literal, Literal | None]:
    """The variable, the query and the limit of a ``!for``."""
    name, _, query, *limit = command.arguments
    return Word(name.text, name.span, name.quote), query, limit[1] if limit else None


def fold(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """The tree of statements in which nothing is wrong by :func:`form_errors` and :func:`misplaced`."""
    return _Folder(statements).body()


class _Folder:
    """Takes statement after statement; ``_end`` is the command that ended the last body."""

    def __init__(self, statements: Iterable[Statement]) -> None:
        self._rest = iter(statements)
        self._end: Command

    def body(self) -> tuple[Statement, ...]:
        """The statements up to the command that closes or divides their block."""
        return tuple(self._statements())

    def _statements(self) -> Iterator[Statement]:
        for statement in self._rest:
            keyword = keyword_of(statement)
            if not isinstance(statement, Command) or not keyword:
                yield statement
            elif keyword in _OPENS:
                self._end = statement
                return
            elif keyword != "then":
                yield self._if(statement) if keyword == "if" else self._for(statement)

    def _if(self, opening: Command) -> If:
        branches = [Branch(condition_of(opening), self.body())]
        while keyword_of(self._end) == "elif":
            branches.append(Branch(condition_of(self._end), self.body()))
        otherwise = self.body() if keyword_of(self._end) == "else" else ()
        return If(tuple(branches), otherwise, opening.span.to(self._end.span))

    def _for(self, opening: Command) -> For:
        body = self.body()
        return For(*loop_of(opening), body, opening.span.to(self._end.span))


def form_errors(command: Command) -> list[ScriptError]:
    """What is wrong with a command that makes blocks, taken by itself."""
    keyword = keyword_of(command)
    if keyword in WITH_CONDITION:
        return [] if command.arguments else [_missing_condition(command)]
    if keyword == "for":
        return _loop_errors(command)
    return [_needless(command)] if keyword and command.arguments else []


def _missing_condition(command: Command) -> ScriptError:
    span = command.name.span
    hint = f"such as !{span.text} :n > 1;"
    behind = span.script.span(span.end, span.end)
    return ScriptError(f"missing the condition after `!{span.text}`", span=behind, hint=hint)


def _needless(command: Command) -> ScriptError:
    first, last = command.arguments[0], command.arguments[-1]
    span = first.span.to(last.span)
    condition = span.text.removeprefix("if").strip() if first.text.lower() == "if" else span.text
    branch = keyword_of(command) == "else"
    hint = f"a branch with a condition begins with !elif {condition};" if branch else None
    return ScriptError(f"`!{command.name.text}` stands alone", span=span, hint=hint)


def _loop_errors(command: Command) -> list[ScriptError]:
    """At most one: the first part of ``!for name in '''query''' [limit n]`` that is not there."""
    parts = command.arguments
    is_named = bool(parts) and (parts[0].quote == "`" or (not parts[0].quote and is_bare_name(parts[0].text)))
    left_out = is_named and _is_word(parts[0], "in") and not any(_is_word(each, "in") for each in parts[1:2])
    if left_out or not is_named:
        return [_misses(command, 0, "the name of a variable")]
    if len(parts) == 1 or not _is_word(parts[1], "in"):
        return [_misses(command, 1, "`in`")]
    if len(parts) == len(("name", "in")) or parts[2].quote in ("", "`"):
        return [_misses(command, 2, "a query in quotes")]
    rest = parts[3:]
    if rest and not (_is_word(rest[0], "limit") and len(rest) == len(("limit", "n"))):
        hint = f"behind the query nothing but a limit may stand: {_FORM[:-1]} limit 5000;"
        found = rest[0].span.to(rest[-1].span)
        return [ScriptError(f"unexpected {shown(found.text)}", span=found, hint=hint)]
    return []


def _misses(command: Command, index: int, what: str) -> ScriptError:
    before = command.arguments[index - 1].span if index else command.name.span
    after = f"`!{command.name.text}`" if index == 0 else shown(before.text)
    place = before.script.span(before.end, before.end)
    return ScriptError(f"missing {what} after {after}", span=place, hint=f"a loop begins with {_FORM}")


def _is_word(argument: Literal, word: str) -> bool:
    return not argument.quote and argument.text.lower() == word


def misplaced(statements: Iterable[Statement]) -> list[ScriptError]:
    """An error for each block that is not closed, and each command that stands outside its block."""
    check = _Check()
    for statement in statements:
        check.take(statement)
    return [*check.errors, *map(_unclosed, check.opened)]


@dataclass(slots=True)
class _Open:
    """A block that is not closed yet, its ``!else``, and what another language would close it with."""

    opening: Command
    otherwise: Command | None = None
    like_closing: Command | None = None

    @property
    def keyword(self) -> str:
        return keyword_of(self.opening)

    @property
    def line(self) -> int:
        return self.opening.span.line


class _Check:
    """Which blocks are open, statement after statement."""

    def __init__(self) -> None:
        self.opened: list[_Open] = []
        self.errors: list[ScriptError] = []
        self._count = dict.fromkeys(_CLOSES, 0)
        self._before = ""
        self._while = False

    def take(self, statement: Statement) -> None:
        """Open, divide or close a block when *statement* does."""
        keyword = keyword_of(statement)
        if isinstance(statement, Command) and keyword:
            self._take(statement, keyword)
        word = statement.name.text.lower() if isinstance(statement, Command) else ""
        self._while |= word == "while"
        if isinstance(statement, Command) and word in _LIKE_CLOSING and self.opened:
            self.opened[-1].like_closing = statement
        self._before = keyword

    def _take(self, command: Command, keyword: str) -> None:
        if keyword in _CLOSES:
            self._open(command)
        elif keyword == "then":
            self._then(command)
        elif not self._count[_OPENS[keyword]]:
            self._tell(command, f"without `!{_OPENS[keyword]}`", self._hint_of_stray(keyword))
        else:
            self._leave_to(_OPENS[keyword])
            self._divide(command, keyword) if keyword in ("elif", "else") else self._close()

    def _open(self, command: Command) -> None:
        block = _Open(command)
        self.opened.append(block)
        self._count[block.keyword] += 1
        if len(self.opened) == _DEEPEST + 1:
            self._tell(command, f"stands in more than {_DEEPEST} blocks", None)

    def _close(self) -> _Open:
        block = self.opened.pop()
        self._count[block.keyword] -= 1
        return block

    def _then(self, command: Command) -> None:
        if self._before not in WITH_CONDITION:
            self._tell(command, "stands only behind `!if` and `!elif`", "remove it")

    def _leave_to(self, keyword: str) -> None:
        """Give up the blocks inside the innermost one of *keyword*: they are not closed."""
        while self.opened[-1].keyword != keyword:
            self.errors.append(_unclosed(self._close()))

    def _divide(self, command: Command, keyword: str) -> None:
        block = self.opened[-1]
        if block.otherwise is not None:
            line = block.otherwise.span.line
            hint = f"put it before the !else of line {line}" if keyword == "elif" else f"line {line} has one"
            self._tell(command, "after `!else`", hint)
        elif keyword == "else":
            block.otherwise = command

    def _hint_of_stray(self, keyword: str) -> str:
        if keyword in _CLOSES.values() and self.opened:
            block = self.opened[-1]
            return f"the !{block.keyword} of line {block.line} ends with !{_CLOSES[block.keyword]};"
        if keyword == "done":
            return f"{'there is no !while: ' if self._while else ''}a loop begins with {_FORM}"
        return "branches begin with !if <condition>;"

    def _tell(self, command: Command, what: str, hint: str | None) -> None:
        place = _place(command)
        self.errors.append(ScriptError(f"{shown(place.text)} {what}", span=place, hint=hint))


def _unclosed(block: _Open) -> ScriptError:
    place = _place(block.opening)
    hint = f"close it with !{_CLOSES[block.keyword]};"
    if block.like_closing is not None:
        hint += f" line {block.like_closing.span.line} has !{block.like_closing.name.text} instead"
    return ScriptError(f"unclosed {shown(place.text)}", span=place, hint=hint)


def _place(command: Command) -> Span:
    """The ``!`` and the name."""
    return command.span.script.span(command.span.start, command.name.span.end)
