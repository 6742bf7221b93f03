"""Tokens: what callers of the service show, kept as digests in its database.

A token reads ``mlsql_ID_SECRET``. The id finds it, in lists too; the secret has 256 random bits,
so one round of SHA-256 is all that it needs. Each request looks the token up anew: one that
another process makes or revokes counts at once.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine, Row, bindparam, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from mlsql.database import reading
from mlsql.errors import UnknownName
from mlsql.jobs.tables import TOKENS
from mlsql.roles import Role, expect_owner

log = logging.getLogger(__name__)

_FORM = re.compile(r"mlsql_(?P<id>[0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_SECRET_BYTES = 32
_FIND = select(TOKENS).where(TOKENS.c.id == bindparam("id"))
_NOBODYS = hashlib.sha256(b"").hexdigest()
_USED_SECONDS = 600.0
"""How often it is written down that a token is used: each request would make the disk wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Whom a token stands for; times are seconds of the epoch, None for what has not been or never is."""

    id: str
    owner: str
    role: Role
    made: float
    expires: float | None = None
    used: float | None = None
    revoked: float | None = None

    def is_good(self, now: float) -> bool:
        """Whether it still opens the service."""
        return self.revoked is None and (self.expires is None or now < self.expires)


@dataclass(frozen=True, slots=True)
class TokenStore:
    """The tokens of one database."""

    engine: Engine
    clock: Callable[[], float] = time.time

    def create(self, owner: str, role: Role, *, lasts: float | None = None) -> str:
        """A new token, which can be read nowhere later; it lasts so many seconds, by default for ever."""
        now = self.clock()
        made = Token(
            id=secrets.token_hex(6),
            owner=expect_owner(owner),
            role=role,
            made=now,
            expires=None if lasts is None else now + lasts,
        )
        text = f"mlsql_{made.id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        with self.engine.begin() as connection:
            connection.execute(insert(TOKENS).values(digest=_digest(text), **_columns(made)))
        return text

    def find(self, text: str) -> Token | None:
        """The token that *text* is; None when it is none, or good no more.

        How long that takes tells nothing of the secret.
        """
        form = _FORM.fullmatch(text)
        with reading(self.engine) as connection:
            row = connection.execute(_FIND, {"id": form["id"] if form else ""}).one_or_none()
        is_same = hmac.compare_digest(row.digest if row else _NOBODYS, _digest(text))
        if row is None or not is_same:
            return None
        found, now = _token(row), self.clock()
        if not found.is_good(now):
            return None
        if found.used is None or found.used < now - _USED_SECONDS:
            self._note_use(found, now)
        return found

    def listed(self) -> Sequence[Token]:
        """Every token that was ever made, the oldest first."""
        with reading(self.engine) as connection:
            return [_token(row) for row in connection.execute(select(TOKENS).order_by(TOKENS.c.made))]

    def has_good_ones(self) -> bool:
        """Whether anybody can sign in."""
        now = self.clock()
        return any(each.is_good(now) for each in self.listed())

    def revoke(self, token: str) -> Token:
        """The token with this id, which opens nothing from now on; UnknownName when there is none."""
        change = update(TOKENS).where(TOKENS.c.id == token, TOKENS.c.revoked.is_(None))
        with self.engine.begin() as connection:
            connection.execute(change.values(revoked=self.clock()))
            row = connection.execute(_FIND, {"id": token}).one_or_none()
        if row is None:
            raise UnknownName("token", token, [each.id for each in self.listed()])
        return _token(row)

    def _note_use(self, token: Token, now: float) -> None:
        try:
            with self.engine.begin() as connection:
                connection.execute(update(TOKENS).where(TOKENS.c.id == token.id).values(used=now))
        except SQLAlchemyError as error:  # the request is as good without
            log.warning("the use of the token %s is not noted: %s", token.id, type(error).__name__)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _columns(token: Token) -> dict[str, Any]:
    return {**asdict(token), "role": token.role.value}


def _token(row: Row[Any]) -> Token:
    columns = {name: value for name, value in row._mapping.items() if name != "digest"}  # noqa: SLF001 -- public
    return Token(**columns | {"role": Role(row.role)})
