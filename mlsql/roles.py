"""Who calls the service: an owner by his name, as an analyst, for himself, or an operator, for everybody."""

from __future__ import annotations

import re
from enum import StrEnum

from mlsql.errors import ScriptError

OWNER = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Role(StrEnum):
    """A role that a token gives; who needs no token, because he sits at the machine, is an operator."""

    ANALYST = "analyst"
    OPERATOR = "operator"


def expect_owner(name: str) -> str:
    """*name*, which can be an owner's; else a ScriptError."""
    if not OWNER.fullmatch(name):
        raise ScriptError(
            f"'{name}' cannot be an owner",
            hint="lower-case letters, digits, '.', '_', '-'; at most 64, the first a letter or digit",
        )
    return name
