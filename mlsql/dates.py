"""The date in ``${date.plusDays(1).toString("yyyyMMdd")}``: a small calculation and Java's patterns."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_SHORT = 3
_CALL = re.compile(r"""\.\s*(\w+)\s*\(\s*(?:(-?[0-9]+)|"([^"]*)"|'([^']*)')?\s*\)\s*""")
_OFFSET = re.compile(
    r"(?:UTC|GMT|UT)?(?P<sign>[+-])(?P<hours>[0-9]{1,2})(?::?(?P<minutes>[0-9]{2})(?::?(?P<seconds>[0-9]{2}))?)?"
)
_FIELD = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*")


def zone_of(name: str) -> tzinfo:
    """The time zone that Spark calls so: a region, or a distance from UTC.

    >>> zone_of("UTC+01:30").utcoffset(None)
    datetime.timedelta(seconds=5400)
    """
    match = _OFFSET.fullmatch(name)
    if match is None:
        return ZoneInfo(name)
    distance = timedelta(
        hours=int(match["hours"]), minutes=int(match["minutes"] or 0), seconds=int(match["seconds"] or 0)
    )
    return timezone(-distance if match["sign"] == "-" else distance)


def is_date(expression: str) -> bool:
    """Whether *expression* calculates with the date: ``date.plusDays(1).toString("yyyy")``."""
    return re.match(r"date\s*\.", expression) is not None


def evaluate_date(expression: str, now: datetime) -> str:
    """The text of a date expression; a ValueError says what it cannot do.

    >>> evaluate_date('date.minusMonths(1).toString("yyyyMMdd")', datetime(2026, 3, 31))
    '20260228'
    """
    calls = [(match[1], match[2], match[3] or match[4]) for match in _CALL.finditer(expression)]
    if not calls or _CALL.sub("", expression).strip() != "date" or calls[-1][0] != "toString":
        raise ValueError('a date is written as in ${date.plusDays(1).toString("yyyyMMdd")}')
    *shifts, (_, _, pattern) = calls
    for name, amount, _ in shifts:
        if name not in _SHIFTS or amount is None:
            raise ValueError(f"a date has no '{name}' with a whole number; it has {', '.join(_SHIFTS)}")
        now = _shifted(now, name, int(amount))
    return now.isoformat() if pattern is None else format_date(now, pattern)


def format_date(moment: datetime, pattern: str) -> str:
    """*moment* written by a pattern of Java's (``yyyy-MM-dd HH:mm:ss.SSS``); names are English.

    >>> format_date(datetime(2026, 1, 2, 15, 4), "EEE d MMM ''yy 'at' h:mm a")
    "Fri 2 Jan '26 at 3:04 PM"
    """

    def written(match: re.Match[str]) -> str:
        if match[2] is None:
            return match[1].replace("''", "'") or "'"
        field = _FIELDS.get(match[2])
        if field is None:
            raise ValueError(f"the letter '{match[2]}' means nothing in the date pattern '{pattern}'")
        return field(moment, len(match[0]))

    return _FIELD.sub(written, pattern)


def _shifted(moment: datetime, name: str, amount: int) -> datetime:
    try:
        return _SHIFTS[name](moment, amount)
    except (OverflowError, ValueError) as error:
        raise ValueError(f"{name}({amount}) leaves the calendar") from error


def _plus_months(moment: datetime, months: int) -> datetime:
    """The same day of another month, or the last one that the month has."""
    years, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return moment.replace(year=years, month=month + 1, day=min(moment.day, monthrange(years, month + 1)[1]))


_SHIFTS: Mapping[str, Callable[[datetime, int], datetime]] = {
    "plusMinutes": lambda moment, n: moment + timedelta(minutes=n),
    "minusMinutes": lambda moment, n: moment - timedelta(minutes=n),
    "plusHours": lambda moment, n: moment + timedelta(hours=n),
    "minusHours": lambda moment, n: moment - timedelta(hours=n),
    "plusDays": lambda moment, n: moment + timedelta(days=n),
    "minusDays": lambda moment, n: moment - timedelta(days=n),
    "plusWeeks": lambda moment, n: moment + timedelta(weeks=n),
    "minusWeeks": lambda moment, n: moment - timedelta(weeks=n),
    "plusMonths": _plus_months,
    "minusMonths": lambda moment, n: _plus_months(moment, -n),
    "plusYears": lambda moment, n: _plus_months(moment, 12 * n),
    "minusYears": lambda moment, n: _plus_months(moment, -12 * n),
}


def _number(value: int, width: int) -> str:
    return str(value).zfill(width)


def _year(moment: datetime, width: int) -> str:
    return _number(moment.year % 100, 2) if width == len("yy") else _number(moment.year, width)


def _month(moment: datetime, width: int) -> str:
    name = _MONTHS[moment.month - 1]
    return _number(moment.month, width) if width < _SHORT else name[:_SHORT] if width == _SHORT else name


def _weekday(moment: datetime, width: int) -> str:
    name = _DAYS[moment.weekday()]
    return name[:_SHORT] if width <= _SHORT else name


_FIELDS: Mapping[str, Callable[[datetime, int], str]] = {
    "y": _year,
    "u": _year,
    "Y": _year,  # of the era, as in Joda-Time, whose patterns old scripts are written in
    "M": _month,
    "L": _month,
    "d": lambda moment, width: _number(moment.day, width),
    "D": lambda moment, width: _number(moment.timetuple().tm_yday, width),
    "E": _weekday,
    "H": lambda moment, width: _number(moment.hour, width),
    "h": lambda moment, width: _number(moment.hour % 12 or 12, width),
    "a": lambda moment, _: "AM" if moment.hour < 12 else "PM",  # noqa: PLR2004
    "m": lambda moment, width: _number(moment.minute, width),
    "s": lambda moment, width: _number(moment.second, width),
    "S": lambda moment, width: f"{moment.microsecond:06}".ljust(width, "0")[:width],
    "Z": lambda moment, _: moment.strftime("%z"),
}
