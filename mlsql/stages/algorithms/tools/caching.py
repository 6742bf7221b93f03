"""CacheExt: keeps a table in memory, for the script or as long as the session lives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.options import BOOLEAN, one_of, option
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_SCRIPT = "script"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheOptions:
    """Whether to keep or to let go, and until when."""

    action: str = option(
        "execute", one_of("cache", "uncache"), "Whether to keep the table or to let it go.", default="cache"
    )
    lifetime: str = option(
        "lifeTime",
        one_of(_SCRIPT, "session", "application"),
        "Until when: the script's end, or that of the session (application is the same).",
        default=_SCRIPT,
    )
    is_eager: bool = option(
        "isEager", BOOLEAN, "Whether to evaluate the table now, not at its first use.", default=False
    )


@dataclass(frozen=True, slots=True)
class Cache:
    """The table itself, kept in memory from its first use on."""

    options: ClassVar[type[CacheOptions]] = CacheOptions
    doc: ClassVar[str] = (
        "Keeps a table in memory (and on disk what does not fit), for the script or the session."
    )
    example: ClassVar[str] = """\
select id as n from range(100) as numbers;
run numbers as CacheExt.`` where execute="cache" and isEager="true" as kept;
run numbers as CacheExt.`` where execute="uncache" as let_go;
"""

    def transform(self, call: Call[CacheOptions], run: Run, /) -> DataFrame:
        """The same table; starts a Spark job only when it is eager."""
        frame, options = call.frame, call.options
        is_kept = frame.storageLevel.useMemory
        if options.action == "uncache":
            return frame.unpersist()
        if options.lifetime == _SCRIPT and not is_kept:
            run.endings.callback(frame.unpersist)
        frame.persist()
        if options.is_eager:
            frame.count()
        return frame
