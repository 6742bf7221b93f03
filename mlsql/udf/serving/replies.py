"""What a scorer replies: answers and failures as frames; questions that came together, together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

from mlsql.errors import MlsqlError, ScriptError
from mlsql.udf.serving.answering import Answering
from mlsql.udf.serving.functions import Companion
from mlsql.udf.serving.protocol import Kind, expect_size, write_error, write_frame, write_json

log = logging.getLogger(__name__)

Reply = tuple[Kind, bytes]
TOGETHER = 8
"""From so many rows on a model is asked about all at once; fewer take longer to prepare than to answer."""


@dataclass(frozen=True, slots=True)
class Group:
    """The questions about one model that came together: their numbers, rows and companions."""

    answering: Answering
    asked: list[tuple[int, Sequence[object], Companion]] = field(default_factory=list)


def replies_to(group: Group) -> list[bytes]:
    """A reply to each question of a group."""
    plain = [each for each in group.asked if not each[2]]
    together: dict[int, object] = {}
    if len(plain) >= TOGETHER:
        with suppress(MlsqlError):  # a row is wrong: asked alone, each tells its own error
            answers = group.answering.many([values for _, values, _ in plain])
            together = {number: each for (number, _, _), each in zip(plain, answers, strict=True)}
    replies = []
    for number, values, companion in group.asked:
        try:
            answer = together[number] if number in together else group.answering.one(values, companion)
            replies.append(write_frame(number, *reply_of([answer])))
        except Exception as error:  # noqa: BLE001 -- as above
            replies.append(failure_frame(number, error))
    return replies


def reply_of(answers: Sequence[object]) -> Reply:
    """The answers as they are sent."""
    return Kind.ANSWER, write_json(answers)


def outcome_frame(number: int, outcome: Future[Reply], most: int) -> bytes:
    """The reply of a thread; one that is too large is an error too."""
    error = outcome.exception()
    if error is None:
        kind, body = outcome.result()
        try:
            expect_size(len(body), most)
            return write_frame(number, kind, body)
        except ScriptError as too_large:
            error = too_large
    return failure_frame(number, error)


def failure_frame(number: int, error: BaseException) -> bytes:
    """An error as the reply to a question; of one that is not ours the log has the traceback."""
    if not isinstance(error, MlsqlError):
        log.error("a question failed", exc_info=error)
    return write_frame(number, Kind.ERROR, write_error(error))
