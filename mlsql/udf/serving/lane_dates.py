"""Functions of dates that give what Spark's give, a row at a time.

What Spark refuses, or is not plainly the same here, is a ValueError: then the query is asked of Spark.
A null argument never comes in.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def date_of(text: str) -> date:
    """The day that is written out."""
    if _DAY.fullmatch(text) is None:
        raise ValueError(text)
    return date.fromisoformat(text)


def days_after(day: date, count: int) -> date:
    """So many days later."""
    return day + timedelta(days=count)


def days_before(day: date, count: int) -> date:
    """So many days earlier."""
    return day - timedelta(days=count)


def days_between(later: date, earlier: date) -> int:
    """How many days lie between two."""
    return (later - earlier).days


def last_day(day: date) -> date:
    """The last one of its month."""
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return following - timedelta(days=1)


def quarter(day: date) -> int:
    """Of the year."""
    return (day.month + 2) // 3


def week(day: date) -> int:
    """Of the year, as ISO 8601 counts."""
    return day.isocalendar().week


def day_of_week(day: date) -> int:
    """From Sunday, which is 1."""
    return day.isoweekday() % 7 + 1


def day_of_year(day: date) -> int:
    """From 1."""
    return day.timetuple().tm_yday
