"""Times as milliseconds of the epoch, in UTC whatever the zone of the session."""

from __future__ import annotations

from collections.abc import Sequence

from mlsql.udf.builtin.declaration import SqlFunction, function

_EPOCH = "timestamp_ntz'1970-01-01'"
_PERIOD = r"r'^\s*([0-9]+)\s*(ms|s|m|min|h|d|w)\s*$'"
_MILLISECONDS = (
    "map('ms', 1L, 's', 1000L, 'm', 60000L, 'min', 60000L, 'h', 3600000L, 'd', 86400000L, 'w', 604800000L)"
)
_LENGTH = (
    f"(case when period is null then null when not lower(period) rlike {_PERIOD}"
    " then raise_error(concat('a period is a number and ms, s, m, h, d or w, not ', period))"
    f" else cast(regexp_extract(lower(period), {_PERIOD}, 1) as bigint)"
    f" * {_MILLISECONDS}[regexp_extract(lower(period), {_PERIOD}, 2)] end)"
)

FUNCTIONS: Sequence[SqlFunction] = (
    function(
        "parseDateAsLong(text string, pattern string) -> bigint",
        f"timestampdiff(MILLISECOND, {_EPOCH}, to_timestamp_ntz(text, pattern))",
        "A date or time, written by a pattern of Spark's, in milliseconds of the epoch.",
        example="parseDateAsLong('2020-01-02', 'yyyy-MM-dd')",
        gives="1577923200000",
    ),
    function(
        "parseLongAsDate(milliseconds bigint, pattern string) -> string",
        f"date_format({_EPOCH} + milliseconds * interval '0.001' second, pattern)",
        "Milliseconds of the epoch written by a pattern of Spark's.",
        example="parseLongAsDate(1577923200000, 'yyyy-MM-dd')",
        gives="2020-01-02",
    ),
    function(
        "timeAgo(period string) -> bigint",
        f"unix_millis(current_timestamp()) - {_LENGTH}",
        "The time that lies so long back, in milliseconds of the epoch.",
        example="timeAgo('1h') between timeAgo('61m') and timeAgo('59m')",
        gives="true",
    ),
    function(
        "timePlus(milliseconds bigint, period string) -> bigint",
        f"milliseconds + {_LENGTH}",
        "The time so much later, in milliseconds of the epoch.",
        example="timePlus(0, '90s')",
        gives="90000",
    ),
    function(
        "timeMinus(milliseconds bigint, period string) -> bigint",
        f"milliseconds - {_LENGTH}",
        "The time so much earlier, in milliseconds of the epoch.",
        example="timeMinus(86400000, '1d')",
        gives="0",
    ),
)
