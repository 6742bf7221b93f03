"""What a statement asks Spark ML to fit, and everything that is wrong with it, before Spark is asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import Candidate
from mlsql.errors import ScriptErrors
from mlsql.models.manifest import ModelKind
from mlsql.names import listed, nearest
from mlsql.options import Options, OptionText, is_filled
from mlsql.stages.algorithms.candidates import FAMILY, read_candidates, read_groups
from mlsql.stages.algorithms.columns import EVALUATE, FEATURES, LABEL, WEIGHT
from mlsql.stages.algorithms.mllib.params import SparkParam
from mlsql.stages.algorithms.tuning import (
    SEED,
    TuningOptions,
    check_tuning,
    metric_faults,
    tuning_of,
)

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "inputCol": FEATURES,
        "featureCol": FEATURES,
        FEATURES: FEATURES,
        "label": LABEL,
        LABEL: LABEL,
        WEIGHT: WEIGHT,
    }
)
"""Old scripts name columns as parameters of each model; here they are options of the statement."""


@dataclass(frozen=True, slots=True)
class ParamReader:
    """Reads the candidates of an estimator of this kind with these Params."""

    name: str
    kind: ModelKind
    params: Mapping[str, SparkParam]
    columns: Mapping[str, str] = field(default_factory=lambda: COLUMNS)

    def check(self, given: Options) -> None:
        """Raise what is known to be wrong; a value with ``${…}`` is not judged."""
        tuning = self.tuning(given)
        if tuning is None:
            return
        grids = [key for key, text in given.items() if not is_filled(text.text)]
        faults = metric_faults(tuning, self.kind) or self._faults(given, tuning)
        faults = [each for each in faults if each.option not in grids]
        if faults:
            raise faults[0] if len(faults) == 1 else ScriptErrors(faults)

    def read(self, given: Options) -> tuple[Candidate, ...]:
        """What is to be fitted, once nothing is wrong with it."""
        self.check(given)
        return self._candidates(given, self.tuning(given) or TuningOptions())

    def tuning(self, given: Options) -> TuningOptions | None:
        """How the best is found; None while a variable hides it. It raises what does not go together."""
        options = tuning_of(given, self.name)
        if options is not None:
            own = dict(given)
            if SEED in self.params and options.selection is None:
                own.pop(SEED, None)  # it is the model's
            check_tuning(options, own, evaluates=EVALUATE in given)
        return options

    def modern(self, given: Options) -> Options:
        """The options with the columns that groups name as options of the statement."""
        found: dict[str, OptionText] = {}
        for key, text in _family(given).items():
            option = self.columns.get(_name(key))
            if option is None:
                continue
            if found.setdefault(option, text).text != text.text:
                raise OptionFault(
                    f"the groups name different columns: '{found[option].text}' and '{text.text}'",
                    option=FAMILY + key,
                    hint=f'all models of a training learn from the same columns: {option}="…"',
                )
        return {**found, **given}

    def _candidates(self, given: Options, tuning: TuningOptions) -> tuple[Candidate, ...]:
        params = self._params(given, tuning)
        usual = [
            Candidate(number, {}, f"{FAMILY}{number}.")
            for number in _groups(_family(given)) - _groups(params)
        ]
        if usual and not params:
            return tuple(sorted(usual, key=lambda one: one.index))
        search = tuning.random_search
        candidates = [*read_candidates(params, lambda _, name: self._takes_list(name), search), *usual]
        if len({one.index for one in candidates}) < len(candidates):  # the grids have numbers of their own
            return tuple(dataclasses.replace(one, index=index) for index, one in enumerate(candidates))
        return tuple(sorted(candidates, key=lambda one: one.index))

    def _takes_list(self, name: str) -> bool:
        return name in self.params and self.params[name].takes_list

    def _params(self, given: Options, tuning: TuningOptions) -> dict[str, OptionText]:
        """Those of the groups, and the bare names, which are those of the one model.

        Where the best is searched for, the bare seed is that of the search.
        """
        own = [name for name in self.params if name != SEED or tuning.selection is None]
        own = [name for name in own if name not in self.columns]
        grouped = {key: text for key, text in _family(given).items() if _name(key) not in self.columns}
        bare = {name: given[name] for name in own if name in given}
        if bare and any(_number(key) for key in grouped):
            name = next(iter(bare))
            hint = f"write it in each group: `{FAMILY}0.{name}`"
            raise OptionFault(f"'{name}' belongs to no group, but others do", option=name, hint=hint)
        return {**bare, **grouped}

    def _faults(self, given: Options, tuning: TuningOptions) -> list[OptionFault]:
        """Each by its whole key; what a group and its grids share is told once."""
        self.modern(given)
        params = self._params(given, tuning)
        unknown = list(self._unknown(params))
        if unknown:
            return unknown
        faults = (each for one in self._candidates(given, tuning) for each in self._unread(one, given))
        return list({(each.option, each.message): each for each in faults}.values())

    def _unknown(self, given: Mapping[str, OptionText]) -> Iterator[OptionFault]:
        for group in read_groups(given):
            for name in group.params:
                if name not in self.params:
                    yield self._no_param(name, group.prefix + name)

    def _no_param(self, name: str, option: str) -> OptionFault:
        near = nearest(name, self.params)
        hint = f"did you mean '{near}'?" if near else f"its parameters: {listed(self.params)}"
        return OptionFault(f"{self.name} has no parameter '{name}'", option=option, hint=hint)

    def _unread(self, candidate: Candidate, given: Options) -> Iterator[OptionFault]:
        for name, text in candidate.params.items():
            try:
                self.params[name].kind.read(text)
            except ValueError:
                key = name if name in given else candidate.prefix + name
                expected = self.params[name].kind.expected
                message = f"the parameter '{name}' of {self.name} takes {expected}, not '{text}'"
                yield OptionFault(message, option=key)


def _family(given: Options) -> dict[str, OptionText]:
    return {key.removeprefix(FAMILY): text for key, text in given.items() if key.startswith(FAMILY)}


def _groups(family: Mapping[str, OptionText]) -> set[int]:
    """The numbers of the groups that are named; one may name nothing but columns."""
    return {int(key.partition(".")[0]) for key in family if _number(key)}


def _name(key: str) -> str:
    return key.partition(".")[2] if _number(key) else key


def _number(key: str) -> bool:
    return key.partition(".")[0].isdigit()
