"""HL7v2 dates and times as FHIR's: precision kept, a zone where FHIR asks for one.

https://www.hl7.eu/HL7v2x/v251/std251/ch02a.html (2.A.22, DTM), https://hl7.org/fhir/R4/datatypes.html#dateTime
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_DTM = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d\d)(?:(?P<day>\d\d)(?:(?P<hour>\d\d)(?:(?P<minute>\d\d)"
    r"(?:(?P<second>\d\d)(?P<fraction>\.\d+)?)?)?)?)?)?(?P<zone>[+-]\d{4})?\Z"
)
_TM = re.compile(r"(\d\d)(?:(\d\d)(?:(\d\d)(\.\d+)?)?)?(?:[+-]\d{4})?\Z")


@lru_cache(maxsize=4096)
def date_time(text: str, zone: str) -> str | None:
    """A FHIR dateTime as precise as the text; None where it is no date. A time without a zone is of ``zone``."""
    match = _DTM.match(text.strip())
    if match is None or not _exists(match):
        return None
    if match["hour"] is None:
        return _date(match)
    return _moment(match, zone)


def date(text: str) -> str | None:
    """A FHIR date; a time is cut off."""
    match = _DTM.match(text.strip())
    return _date(match) if match is not None and _exists(match) else None


@lru_cache(maxsize=4096)
def instant(text: str, zone: str) -> str | None:
    """A FHIR instant: what is not said is the first moment of what is."""
    match = _DTM.match(text.strip())
    if match is None or not _exists(match):
        return None
    return _moment(match, zone)


def time(text: str) -> str | None:
    """A FHIR time; the zone, which FHIR's has not, is left out."""
    match = _TM.match(text.strip())
    if match is None:
        return None
    hour, minute, second, fraction = match.groups()
    if int(hour) > 23 or int(minute or 0) > 59 or int(second or 0) > 59:
        return None
    return f"{hour}:{minute or '00'}:{second or '00'}{fraction or ''}"


def later(moment: str, seconds: int) -> str:
    """A FHIR dateTime with a zone, so many seconds on; one without a time unchanged."""
    if "T" not in moment:
        return moment
    return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).isoformat()


def _exists(match: re.Match[str]) -> bool:
    try:
        _datetime(match)
    except ValueError:
        return False
    return True


def _datetime(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = match.group(1, 2, 3, 4, 5, 6)
    clock = int(hour or 0), int(minute or 0), int(second or 0)
    return datetime(int(year), int(month or 1), int(day or 1), *clock)


def _date(match: re.Match[str]) -> str:
    return "-".join(part for part in (match["year"], match["month"], match["day"]) if part)


def _moment(match: re.Match[str], zone: str) -> str:
    local = _datetime(match)
    return f"{local.isoformat()}{match['fraction'] or ''}{_offset(match['zone'], local, zone)}"


def _offset(given: str | None, local: datetime, zone: str) -> str:
    if given:
        return f"{given[:3]}:{given[3:]}"
    if zone == "UTC":
        return "+00:00"
    offset = f"{local.replace(tzinfo=ZoneInfo(zone)):%z}"
    return f"{offset[:3]}:{offset[3:5]}"
