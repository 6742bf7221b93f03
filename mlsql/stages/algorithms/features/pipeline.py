"""``register Pipeline.`` as f``: stored steps and a model one behind the other, as one function.

What the steps give is what they gave to the model in training, since they are the same functions.
Each stays callable too: ``f_t`` is the step called ``t``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from mlsql.bridge.errors import OptionFault
from mlsql.grammar.nodes import Word
from mlsql.models.manifest import CandidateRecord, ModelStore, StoredModel
from mlsql.options import Kind, option
from mlsql.registry import Registry
from mlsql.session import FunctionSignature, Run, Session, quoted
from mlsql.spans import Span
from mlsql.stages.algorithms.base import Algorithm, RegisterCall, Registers, Trains
from mlsql.stages.algorithms.choice import ModelAddress, ModelChoice, chosen_model
from mlsql.stages.algorithms.features.declaration import FeatureStep
from mlsql.stages.faults import span_of

STEPS = "steps"
_NUMBERS = ("array<double>", "array<float>", "array<int>", "vector")
_PLAIN = ("tinyint", "smallint", "int", "bigint", "float", "double", "boolean")


@dataclass(frozen=True, slots=True)
class Link:
    """A step as the statement names it: ``t:TfIdfInPlace:/models/t``."""

    name: str
    algorithm: str
    path: str


def _read_links(text: str) -> tuple[Link, ...]:
    links = tuple(map(_read_link, text.split(",")))
    names = [link.name.casefold() for link in links]
    if not all(name.isidentifier() for name in names) or len(set(names)) < len(names):
        raise ValueError(text)
    return links


def _read_link(text: str) -> Link:
    name, algorithm, path = (part.strip() for part in text.split(":", 2))
    if not (name and algorithm and path):
        raise ValueError(text)
    return Link(name, algorithm, path)


LINKS = Kind("steps as 'name:Algorithm:path, …', each with a name of its own", _read_links)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineOptions:
    """What is called one behind the other."""

    steps: tuple[Link, ...] = option(
        STEPS, LINKS, "Stored steps in their order, each `name:Algorithm:path`; of each the newest version."
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """A step that is callable, and how wide what it takes and gives is, where that is known."""

    link: Link
    signature: FunctionSignature
    takes: int | None
    gives: int | None

    def of(self, inner: str, kind: str) -> str:
        """The call with *inner*, which is SQL of this *kind*, as its argument or, of several, its numbers."""
        count = len(self.signature.parameters)
        if count == 1:
            return f"{self.signature.name}({inner})"
        array = f"vec_array({inner})" if kind == "vector" else inner
        return f"{self.signature.name}({', '.join(f'{array}[{place}]' for place in range(count))})"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """An algorithm that makes one function of several stored models."""

    algorithms: Registry[Algorithm]
    store: ModelStore
    define_options: ClassVar[type[PipelineOptions]] = PipelineOptions
    doc: ClassVar[str] = (
        "Makes one function of stored steps and a model: raw values in, the model's answer out."
    )
    example: ClassVar[str] = """\
select if(id % 2 = 0, "spark runs queries", "models answer") as text, cast(id % 2 as int) as label
from range(40) as texts;
train texts as TfIdfInPlace.`out/example/chain/terms` where inputCol="text" and split=" " as vectors;
train vectors as SKLearn.`out/example/chain/model` where featuresCol="text"
  and fitParam.0.alg="MultinomialNB" as models;
register Pipeline.`` as label_of where
  steps="terms:TfIdfInPlace:out/example/chain/terms, model:SKLearn:out/example/chain/model";
select label_of("spark answers queries") as label as answers;
"""

    def define(self, call: RegisterCall[PipelineOptions], run: Run, /) -> FunctionSignature:
        """Make the function callable, with ``f_proba`` where the model has it, and ``f_NAME`` a step."""
        from mlsql.udf.companions import forget_functions

        name, span, session = call.function.text, span_of(call.given, STEPS) or call.span, run.session
        before = dict(session.functions)
        try:
            parts = [self._part(name, link, span, run) for link in call.options.steps]
            for earlier, later in pairwise(parts):
                _check_fit(earlier, later)
            made = _define(session, name, parts)
        except BaseException:
            forget_functions(session, name)  # its steps may be others by now
            _forget_new(session, before)
            raise
        companions = [*made[1:], *_functions_of(session, parts)]
        for each in companions:
            session.functions[each] = dataclasses.replace(session.functions[each], companion_of=name)
        forget_functions(session, name, kept={name, *companions})
        return session.functions[name]

    def _part(self, function: str, link: Link, span: Span, run: Run) -> _Part:
        """The step, made callable."""
        from mlsql.udf.companions import register_functions

        algorithm = self.algorithms.get(link.algorithm, span=span)
        if not isinstance(algorithm, Trains):
            raise OptionFault(f"'{link.algorithm}' of step '{link.name}' stores no models", option=STEPS)
        address = ModelAddress(Word(link.algorithm, span), Word(link.path, span))
        stored, candidate = chosen_model(self.store, address, ModelChoice(), {}, run)
        register = algorithm.register if isinstance(algorithm, Registers) else register_functions
        signature = register(run.session, f"{function}_{link.name}", stored, candidate)
        return _Part(link, signature, *_widths(algorithm, stored, candidate))


def _widths(
    algorithm: Algorithm, stored: StoredModel, candidate: CandidateRecord
) -> tuple[int | None, int | None]:
    """How many numbers a step takes, and gives."""
    if isinstance(algorithm, FeatureStep):
        main = algorithm.main_function(stored, candidate)
        return main.width, main.gives
    return stored.manifest.features or None, None


def _check_fit(earlier: _Part, later: _Part) -> None:
    """OptionFault where the answers of *earlier* are nothing for *later*."""
    given, parameters = earlier.signature.output, later.signature.parameters
    titles = f"step '{later.link.name}'", f"step '{earlier.link.name}'"
    kinds = {each.type for each in parameters}
    spreads = len(parameters) > 1 and given in _NUMBERS and kinds == {"double"}
    if len(parameters) > 1 and not spreads:
        message = (
            f"{titles[0]} takes {len(parameters)} values ({later.signature}), {titles[1]} gives one {given}"
        )
        raise OptionFault(
            message, option=STEPS, hint="VectorAssemble or a scaler in front gives an array of numbers"
        )
    if not spreads and not _is_taken(given, parameters[0].type):
        raise OptionFault(f"{titles[0]} takes {parameters[0].type}, {titles[1]} gives {given}", option=STEPS)
    takes = len(parameters) if spreads else later.takes
    if given in _NUMBERS and None not in (takes, earlier.gives) and takes != earlier.gives:
        message = f"{titles[0]} takes {takes} numbers, {titles[1]} gives {earlier.gives}"
        raise OptionFault(message, option=STEPS, hint="train the later step on what the earlier one gives")


def _is_taken(given: str, taken: str) -> bool:
    if taken in (given, "any"):
        return True
    if taken == "array<double>":
        return given in _NUMBERS
    return given in _PLAIN and taken in (*_PLAIN, "string")


def _define(session: Session, name: str, parts: Sequence[_Part]) -> list[str]:
    """Make the chain callable, and the chain to the probabilities of its model; their names."""
    from mlsql.udf.catalyst import Functions

    functions, first, last = Functions(session.spark), parts[0], parts[-1]
    probabilities = session.functions.get(f"{last.signature.name}_proba")
    ends = [(name, last)]
    if probabilities is not None:
        ends.append((f"{name}_proba", dataclasses.replace(last, signature=probabilities)))
    for function, end in ends:
        signature = FunctionSignature(function, first.signature.parameters, end.signature.output)
        # Spark's optimizer unwraps no call that is the whole of another.
        body = functions.call("coalesce", functions.sql(_nested([*parts[:-1], end])))
        takes_vector = [each.type for each in signature.parameters] == ["array<double>"]
        functions.define(signature, body, body if takes_vector else None)
        session.functions[function] = signature
    return [function for function, _ in ends]


def _nested(parts: Sequence[_Part]) -> str:
    """The calls one in the other, over the parameters of the first."""
    first, *others = parts
    parameters = (quoted(each.name) for each in first.signature.parameters)
    text, kind = f"{first.signature.name}({', '.join(parameters)})", first.signature.output
    for part in others:
        text, kind = part.of(text, kind), part.signature.output
    return text


def _functions_of(session: Session, parts: Sequence[_Part]) -> list[str]:
    """The functions of *parts*, and those that came with them."""
    names = {part.signature.name for part in parts}
    known = session.functions.values()
    return [each.name for each in known if each.name in names or each.companion_of in names]


def _forget_new(session: Session, before: Mapping[str, FunctionSignature]) -> None:
    """Take away what was not there *before*."""
    from mlsql.udf.catalyst import Functions

    for each in [name for name, known in session.functions.items() if before.get(name) is not known]:
        Functions(session.spark).forget(each)
        del session.functions[each]
