"""What a caller of the service is: an analyst works for himself, an operator for everybody."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A role that a token gives; who needs no token, because he sits at the machine, is an operator."""

    ANALYST = "analyst"
    OPERATOR = "operator"
