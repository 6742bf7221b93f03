"""Names of older engines in a train statement: what they mean here, and which mean nothing any more."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from mlsql.bridge.errors import OptionFault
from mlsql.events import Log, Sink
from mlsql.options import Options, OptionText
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.candidates import FAMILY
from mlsql.stages.algorithms.columns import FEATURES, LABEL
from mlsql.stages.algorithms.external_options import ExternalOptions
from mlsql.stages.algorithms.inputs import INPUTS

_OUTDATED: Mapping[str, str] = MappingProxyType(
    {
        "systemParam.pythonVer": "workers run with the engine's Python, or the one of systemParam.pythonPath",
        "systemParam.pythonParam": "what workers print is in the log at once",
        "distributeEveryExecutor": "each machine gets the rows once",
        "keepLocalDirectory": "a worker's folder goes with it; what is left in run.directory is kept",
    }
)
"""Options that have no effect, and why none is needed."""
_WARNED = ("systemParam.pythonVer",)
_OF_SCRIPTS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        ("enableDataLocal", "dataLocalFormat", "dataLocalFileNum"), "only a script of one's own reads files"
    )
)
_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"inputCol": FEATURES, "featureCol": FEATURES, "label": LABEL, "labelCol": LABEL}
)
"""Columns were parameters of a model; here they are those of the statement."""
_MODULE, _CLASS, _ALGORITHM = "moduleName", "className", "alg"
_KEY = re.compile(r"(?P<group>(?:\d+\.)?)(?P<name>.+)")


def tell_outdated(given: Options, emit: Sink, *, scripted: bool) -> None:
    """Log each option of the statement that has no effect, or none without a script."""
    for key, reason in {**_OUTDATED, **({} if scripted else _OF_SCRIPTS)}.items():
        if key in given:
            level = "warning" if key in _WARNED else "info"
            emit(Log(f"the option '{key}' has no effect: {reason}", level))


def modern_call(call: Call[ExternalOptions]) -> Call[ExternalOptions]:
    """The call as it would be written today: parameters of a model that are options of the statement."""
    columns = dict(_columns(call.options.params))
    if {FEATURES, INPUTS} & set(call.given):
        columns.pop(FEATURES, None)
    given = {**columns, **call.given}
    options = dataclasses.replace(
        call.options,
        params=modern_params(call.options.params),
        features=given[FEATURES].text if FEATURES in given else call.options.features,
        label=given[LABEL].text if LABEL in given else call.options.label,
    )
    return dataclasses.replace(call, options=options, given=given)


def modern_params(params: Mapping[str, OptionText]) -> Mapping[str, OptionText]:
    """The parameters, without ``fitParam.``, with ``alg`` for module and class, and without columns.

    >>> given = {"0.moduleName": OptionText("sklearn.svm"), "0.className": OptionText("SVC")}
    >>> {key: value.text for key, value in modern_params(given).items()}
    {'0.alg': 'SVC'}
    """
    modern = {key: value for key, value in params.items() if _name(key) not in (*_COLUMNS, _MODULE, _CLASS)}
    for key, value in params.items():
        group = key.removesuffix(_CLASS)
        if _name(key) == _CLASS:
            module = params.get(group + _MODULE, OptionText("")).text
            package = module.partition(".")[0]
            named = value.text if package in ("", "sklearn") else f"{package}.{value.text}"
            modern.setdefault(group + _ALGORITHM, dataclasses.replace(value, text=named))
        elif _name(key) == _MODULE and key.removesuffix(_MODULE) + _CLASS not in params:
            hint = 'name the class: `fitParam.0.alg`="SVC"'
            raise OptionFault("a module alone names no model", option=FAMILY + key, hint=hint)
    return modern


def placed_at_class(fault: OptionFault, given: Options) -> OptionFault:
    """The fault, that of an ``alg`` which the statement writes as a class at the class."""
    written = fault.option.removesuffix(_ALGORITHM) + _CLASS
    if fault.option in given or not fault.option.endswith(f".{_ALGORITHM}") or written not in given:
        return fault
    return OptionFault(fault.message, option=written, hint=fault.hint)


def _columns(params: Mapping[str, OptionText]) -> Iterator[tuple[str, OptionText]]:
    """The options that old parameters mean; groups that disagree are a fault."""
    found: dict[str, OptionText] = {}
    for key, value in params.items():
        option = _COLUMNS.get(_name(key))
        if option is None:
            continue
        if found.setdefault(option, value).text != value.text:
            raise OptionFault(
                f"the groups name different columns: '{found[option].text}' and '{value.text}'",
                option=FAMILY + key,
                hint=f'all models of a training learn from the same columns: {option}="…"',
            )
    yield from found.items()


def _name(key: str) -> str:
    match = _KEY.fullmatch(key)
    return match["name"] if match else key
