"""Since when a message holds: by this its statements are ordered, whatever the order of arrival."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from adapters.hl7v2.message import Message
from fhirserver.kernel.instants import instant

_TIME = re.compile(
    r"(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)?(\d\d)?(?:\.(\d{1,6}))?)?([+-]\d{4})?\Z",
)


def effective(message: Message, received: str, zone: tzinfo = UTC) -> str:
    """The instant from which a message holds: EVN-2, else MSH-7, else when it was received.

    A sender whose clock is ahead does not make what follows late: nothing holds from later than its receipt. An
    EVN-2 that is a mere date gives way to MSH-7.
    """
    recorded, made = message.value("EVN", 2) or "", message.header.value(7) or ""
    if len(recorded.partition("+")[0].partition("-")[0]) < 12 and moment(made, zone):
        recorded = made
    found = moment(recorded, zone) or moment(made, zone)
    return received if found is None else min(instant(found), received)


def moment(text: str, zone: tzinfo = UTC) -> datetime | None:
    """An HL7 time stamp as the moment at which it begins; None for what is none. ``zone`` where it states none.

    https://www.hl7.eu/HL7v2x/v251/std251/ch02a.html (2.A.22, DTM).
    """
    found = _TIME.match(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    days = (int(year), int(month or 1), int(day or 1))
    clock = (int(hour or 0), int(minute or 0), int(second or 0), int((fraction or "").ljust(6, "0")))
    try:
        return datetime(*days, *clock, _zone(offset, zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(offset: str | None, zone: tzinfo) -> tzinfo:
    if not offset:
        return zone
    sign = -1 if offset[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[3:])))
