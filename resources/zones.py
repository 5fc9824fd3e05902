"""How far the clocks of a time zone are ahead of UTC, for SQL: by the time zone data of Python.

Each engine has data of its own, as old as its release. A government changes its clocks within
months, and then the same call would be of one day to one of them and of another to the other.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pyarrow as pa

_DAY = timedelta(days=1)


@lru_cache(maxsize=16)
def ahead_of_utc(zone: str, first: date, last: date, local: bool = False) -> pa.Table:
    """Each `day`, and the `seconds` that the zone's clocks are ahead of UTC.

    On a day on which they change, up to `later_from`, and `later_seconds` from then on. Days and
    times are those of UTC, or `local` ones: then a time that the clocks show twice is the second,
    and one that they leave out is what they would show without the change.
    """
    changes = list(_changes(ZoneInfo(zone), first - _DAY, last + _DAY))
    if local:
        changes = [(at + timedelta(seconds=seconds), seconds) for at, seconds in changes]
    moments = [at for at, _ in changes]
    rows = []
    for number in range((last - first).days + 1):
        day = first + number * _DAY
        midnight = datetime.combine(day, time())
        begins, ends = (bisect_right(moments, at) - 1 for at in (midnight, midnight + _DAY))
        later = changes[ends] if ends > begins and moments[ends] < midnight + _DAY else None
        rows.append((day, changes[begins][1], *(later or (None, None))))
    days, seconds, later_from, later_seconds = zip(*rows, strict=True)
    return pa.table(
        {
            "day": pa.array(days, pa.date32()),
            "seconds": pa.array(seconds, pa.int64()),
            "later_from": pa.array(later_from, pa.timestamp("us")),
            "later_seconds": pa.array(later_seconds, pa.int64()),
        }
    )


def _changes(zone: ZoneInfo, first: date, last: date) -> Iterator[tuple[datetime, int]]:
    """The UTC times from which on the clocks are so many seconds ahead; the first is a beginning.

    Of clocks that change twice within a day of UTC only what is different a day later is seen.
    """
    at, end = datetime.combine(first, time()), datetime.combine(last, time())
    seconds = _ahead(zone, at)
    yield at, seconds
    while at < end:
        if (then := _ahead(zone, at + _DAY)) != seconds:
            low, high = at, at + _DAY
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
                low, high = (middle, high) if _ahead(zone, middle) == seconds else (low, middle)
            yield high, then
            seconds = then
        at += _DAY


def _ahead(zone: ZoneInfo, at: datetime) -> int:
    shown = at.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    return int((shown - at).total_seconds())
