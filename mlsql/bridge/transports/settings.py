"""Settings of a client library from text, read by the types of the library's own defaults."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlsql.bridge.errors import OptionFault
from mlsql.names import nearest

_TRUTH = {"true": True, "false": False}
Choices = Mapping[str, Collection[str]]
"""The only texts that a setting takes, by its name."""


def read_settings(
    raw: Mapping[str, str], defaults: Mapping[str, Any], choices: Choices | None = None
) -> dict[str, Any]:
    """The values of *raw*, whose names may be written with dots, by the names of *defaults*.

    >>> read_settings({"ssl.check.hostname": "false"}, {"ssl_check_hostname": True})
    {'ssl_check_hostname': False}

    Only plain ones are known: texts, numbers, truth values and those that default to None (text).
    """
    plain = {name: value for name, value in defaults.items() if value is None or isinstance(value, str | int)}
    return {name.replace(".", "_"): _read(name, text, plain, choices or {}) for name, text in raw.items()}


def _read(name: str, text: str, defaults: Mapping[str, Any], choices: Choices) -> Any:
    option, key = f"kafkaParam.{name}", name.replace(".", "_")
    if key not in defaults:
        near = nearest(key, defaults)
        hint = f"did you mean 'kafkaParam.{near.replace('_', '.')}'?" if near else None
        raise OptionFault(f"the Kafka client has no setting '{name}'", option=option, hint=hint)
    if text not in choices.get(key, (text,)):
        expected = " or ".join(sorted(choices[key]))
        raise OptionFault(f"the option '{option}' takes {expected}, not '{text}'", option=option)
    default = defaults[key]
    try:
        if isinstance(default, bool):
            return _TRUTH[text.lower()]
        return int(text) if isinstance(default, int) else text
    except (KeyError, ValueError) as error:
        expected = "true or false" if isinstance(default, bool) else "a whole number"
        raise OptionFault(f"the option '{option}' takes {expected}, not '{text}'", option=option) from error
