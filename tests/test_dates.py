"""Time zones as Spark names them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import pytest

from mlsql.dates import zone_of


@pytest.mark.parametrize(
    ("name", "hours"),
    [("UTC", 0), ("Asia/Shanghai", 8), ("+01:00", 1), ("-05:30", -5.5), ("GMT+2", 2), ("UTC-03:00:00", -3)],
)
def test_a_zone_is_a_region_or_a_distance(name, hours):
    """Whatever ``set time zone`` takes."""
    assert datetime(2026, 1, 1, tzinfo=zone_of(name)).utcoffset() == timedelta(hours=hours)


def test_an_unknown_region_is_an_error():
    """Spark refuses it before."""
    with pytest.raises(ZoneInfoNotFoundError):
        zone_of("Middle/Earth")
