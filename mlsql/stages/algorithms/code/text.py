"""Python in an option of a statement: judged without running it, its mistakes placed in the script."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from mlsql.bridge.errors import OptionFault
from mlsql.errors import ScriptError, UnknownName
from mlsql.models.manifest import Column
from mlsql.options import OptionText
from mlsql.spans import Script, Span
from mlsql.udf.scripts import Code, Target

CODE, CLASS, METHOD = "code", "className", "methodName"
_SELF = "self"
_SCALA = re.compile(r"\bdef \w+\([^)]*\)\s*(?::\s*[A-Z][^=\n]*)?=")
_NO_SCALA = "it looks like Scala; a class of it in a jar: register JavaUDF.`com.example.Function` as f"
_ANNOTATED: Mapping[str, str] = MappingProxyType(
    {"int": "bigint", "float": "double", "str": "string", "bool": "boolean", "bytes": "binary"}
)


@dataclass(frozen=True, slots=True)
class WrittenCode:
    """A code, and where in the script it stands, when it stands there as it is."""

    code: Code
    script: Script | None = field(default=None, repr=False)

    @classmethod
    def of_option(cls, given: OptionText) -> WrittenCode:
        """The code in the text of an option."""
        span, text = given.span, given.text
        at = span.text.find(text) if span is not None and text.strip() else -1
        if span is None or at < 0:
            return cls(Code(textwrap.dedent(text), CODE))
        begin = Span(span.script, span.start + at, span.end)
        return cls(Code(textwrap.dedent(text), span.script.name, begin.line), span.script)

    def tree(self) -> ast.Module:
        """Its syntax; what is no Python is an error at its line."""
        if not self.code.text.strip():
            raise OptionFault("there is no Python in it", option=CODE)
        try:
            self.code.compile()
            return self.code.tree()
        except (SyntaxError, ValueError) as error:
            raise self._refusal(error) from error

    def functions(self, class_name: str | None = None) -> Mapping[str, ast.FunctionDef]:
        """The functions that it defines, or those of one of its classes."""
        home: ast.Module | ast.ClassDef = self.tree()
        if class_name is not None:
            classes = {each.name: each for each in home.body if isinstance(each, ast.ClassDef)}
            if class_name not in classes:
                raise self.missing("class", class_name, CLASS, [*classes])
            home = classes[class_name]
        return {each.name: each for each in home.body if isinstance(each, ast.FunctionDef)}

    def target(self, method: str, class_name: str | None) -> tuple[Target, ast.FunctionDef]:
        """The function that is called, with its syntax; one that is not there is an error."""
        functions = self.functions(class_name)
        if method not in functions:
            raise self.missing("function", method, METHOD, [*functions])
        named = _arguments(functions[method])
        takes_self = class_name is None and bool(named) and named[0].arg == _SELF
        return Target(self.code, method, class_name, takes_self), functions[method]

    def missing(self, kind: str, name: str, option: str, known: Sequence[str]) -> ScriptError:
        """The error of a name that the code does not define."""
        hint = UnknownName(kind, name, known).hint
        return OptionFault(f"{self.code.name} defines no {kind} '{name}'", option=option, hint=hint)

    def _refusal(self, error: SyntaxError | ValueError) -> ScriptError:
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        hint = _NO_SCALA if _SCALA.search(self.code.text) else None
        number = getattr(error, "lineno", None)
        if number is None:
            return OptionFault(f"no Python: {said}", option=CODE, hint=hint)
        if self.script is not None:
            return ScriptError(f"no Python: {said}", span=_line_of(self.script, number), hint=hint)
        line = self.code.line_at(number)
        return OptionFault(
            f"{self.code.name}:{number}: no Python: {said} in `{line}`", option=CODE, hint=hint
        )


def parameters(function: ast.FunctionDef, target: Target) -> tuple[Column, ...]:
    """How SQL calls a function of a code: its parameters without ``self``, with the types that are noted.

    An ``int`` is a bigint, a ``float`` a double and so on, to which arguments are cast; the others
    are taken as they come.
    """
    given = function.args
    if given.vararg or given.kwarg or given.kwonlyargs:
        message = f"{target.method}({ast.unparse(given)}) has parameters that SQL cannot give"
        raise OptionFault(message, option=CODE, hint="name each: def apply(a, b): …")
    named = _arguments(function)
    is_bound = target.class_name is not None and "staticmethod" not in map(
        ast.unparse, function.decorator_list
    )
    named = named[1:] if target.takes_self or is_bound else named
    return tuple(Column(each.arg, _type(each.annotation)) for each in named)


def doc_of(function: ast.FunctionDef) -> str | None:
    """The first line of what a function says of itself."""
    return (ast.get_docstring(function) or "").partition("\n")[0] or None


def _arguments(function: ast.FunctionDef) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args]


def _type(annotation: ast.expr | None) -> str:
    """The type of SQL that an annotation stands for; ``any`` when there is none that says one."""
    match annotation:
        case ast.Name(id=name) if name in _ANNOTATED:
            return _ANNOTATED[name]
        case ast.Subscript(value=ast.Name(id="list"), slice=element) if _type(element) != "any":
            return f"array<{_type(element)}>"
        case ast.BinOp(left=kind, op=ast.BitOr(), right=ast.Constant(value=None)):
            return _type(kind)
        case _:
            return "any"


def _line_of(script: Script, number: int) -> Span:
    """The line of that number without the blanks around it."""
    lines = script.text.split("\n")
    index = min(number, len(lines)) - 1
    start = sum(len(each) + 1 for each in lines[:index])
    line = lines[index]
    return script.span(start + len(line) - len(line.lstrip()), start + len(line.rstrip()))
