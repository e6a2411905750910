"""The functions that mapping files have beside those of JMESPath.

A value that a function cannot read (a date in another form, a code that the map does not have) is passed on as it is:
the resource then breaks the standard at that element, and whoever takes it in shows the record with the place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from datetime import date as Date
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jmespath import functions

from adapters.rest.codes import CodeMap
from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.json import Json, JsonObject

WRITEBACK = "https://credence.health/fhir/identifier/writeback"
MARK = "credence:"
_DIGITS = re.compile(r"\D+")

Lookup = Callable[[str, str], Json]


_Function = TypeVar("_Function", bound=Callable[..., Any])


def _takes(count: int) -> Callable[[_Function], _Function]:
    """So many arguments of any type."""
    made: Callable[[_Function], _Function] = functions.signature(*[{"types": []}] * count)
    return made


def _nothing(type: str, id: str) -> Json:
    return None


class Functions(functions.Functions):  # type: ignore[misc]
    """See docs/connectors-rest.md for what each is for."""

    def __init__(
        self,
        codes: Mapping[str, CodeMap],
        zone: str = "UTC",
        date_format: str = "%Y-%m-%d",
        time_format: str = "%H:%M",
        clock: Clock | None = None,
    ):
        super().__init__()
        self.codes, self.zone, self.date_format, self.time_format = codes, zone, date_format, time_format
        self.clock = clock or SystemClock()
        self.scope: Mapping[str, Json] = {}
        self.lookup: Lookup = _nothing

    @classmethod
    def names(cls) -> frozenset[str]:
        """All that an expression may call."""
        return frozenset(cls.FUNCTION_TABLE)

    # What is beside the record

    @_takes(1)
    def _func_given(self, path: str) -> Json:
        found: Json = dict(self.scope)
        for step in path.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        return found

    @_takes(2)
    def _func_lookup(self, type: str, id: Json) -> Json:
        return self.lookup(type, str(id)) if id not in (None, "") else None

    # Values

    @_takes(1)
    def _func_text(self, value: Json) -> str | None:
        if value is None or isinstance(value, list | dict | bool):
            return None
        return str(value).strip() or None

    @_takes(1)
    def _func_number(self, value: Json) -> Json:
        """Text of digits as a whole number; anything else as it is."""
        text = str(value).strip()
        return int(text) if re.fullmatch(r"-?\d+", text) else value

    @_takes(2)
    def _func_when(self, condition: Json, value: Json) -> Json:
        return value if condition not in (None, False, "", [], {}) else None

    @_takes(1)
    def _func_words(self, parts: Json) -> str | None:
        return " ".join(str(part).strip() for part in parts if part not in (None, "")) or None

    @_takes(2)
    def _func_capture(self, value: Json, pattern: str) -> str | None:
        """The first group of a regular expression that is found in the text."""
        found = re.search(pattern, value) if isinstance(value, str) else None
        return (found[1] if found.re.groups else found[0]) if found else None

    @_takes(2)
    def _func_part(self, value: Json, number: int) -> str | None:
        """One of the words of a text, from 0."""
        words = str(value or "").split()
        return words[int(number)] if int(number) < len(words) else None

    # Codes, ids, references

    @_takes(2)
    def _func_code(self, name: str, value: Json) -> Json:
        return self.codes[name].inward(value)

    @_takes(2)
    def _func_vendor_code(self, name: str, value: Json) -> Json:
        return self.codes[name].outward(value)

    @_takes(2)
    def _func_ref(self, type: str, id: Json) -> str | None:
        """``Type/id``; nothing without an id. A list is the parts of a composite id."""
        parts = id if isinstance(id, list) else [id]
        if any(part in (None, "", 0, "0") for part in parts):
            return None
        return f"{type}/{'.'.join(str(part) for part in parts)}"

    @_takes(1)
    def _func_id_of(self, reference: Json) -> str | None:
        """The id in ``Type/id``."""
        return str(reference).rpartition("/")[2] or None if reference else None

    @_takes(2)
    def _func_actor(self, participants: Json, type: str) -> str | None:
        """The id of the first participant of that type."""
        for one in participants or ():
            reference = one.get("actor", {}).get("reference", "") if isinstance(one, dict) else ""
            if reference.startswith(f"{type}/"):
                return str(reference).rpartition("/")[2]
        return None

    @_takes(2)
    def _func_identifier(self, identifiers: Json, system: str) -> str | None:
        for one in identifiers or ():
            if isinstance(one, dict) and one.get("system") == system:
                return one.get("value")
        return None

    @_takes(1)
    def _func_writeback(self, text: Json) -> JsonObject | None:
        """The identifier of our own create, where its mark stands in the vendor's text."""
        found = re.search(re.escape(MARK) + r"([A-Za-z]+/[A-Za-z0-9\-.]{1,64})", str(text or ""))
        return {"system": WRITEBACK, "value": found[1]} if found else None

    @_takes(1)
    def _func_mark(self, key: str) -> str:
        """What our create leaves in a text field of the vendor's, to be found by."""
        return f"{MARK}{key}"

    # Telephone, e-mail

    @_takes(1)
    def _func_phone(self, value: Json) -> Json:
        """A number of the North American plan as ``+1`` and ten digits; any other as it is."""
        digits = _DIGITS.sub("", str(value or ""))
        ten = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
        return f"+1{ten}" if len(ten) == 10 else value

    @_takes(1)
    def _func_ten_digits(self, value: Json) -> Json:
        """The ten digits of a number of the North American plan; any other as it is."""
        digits = _DIGITS.sub("", str(value or ""))
        return digits[-10:] if len(digits) in (10, 11) else value

    @_takes(3)
    def _func_contact(self, system: str, value: Json, use: Json) -> JsonObject | None:
        """A ContactPoint; nothing without a value."""
        if value in (None, ""):
            return None
        return {"system": system, "value": str(value), **({"use": use} if use else {})}

    @_takes(3)
    def _func_telecom(self, telecom: Json, system: str, use: Json) -> str | None:
        """The value of the first ContactPoint of that system and use; a use of null takes any."""
        for one in telecom or ():
            if isinstance(one, dict) and one.get("system") == system and use in (None, one.get("use")):
                return one.get("value")
        return None

    # Dates and times

    @_takes(1)
    def _func_date(self, value: Json) -> Json:
        """A date of the vendor's as FHIR writes it."""
        try:
            return datetime.strptime(str(value).strip(), self.date_format).date().isoformat()
        except ValueError:
            return value

    @_takes(1)
    def _func_vendor_date(self, value: Json) -> Json:
        """A FHIR date as the vendor writes it."""
        try:
            return Date.fromisoformat(str(value)[:10]).strftime(self.date_format)
        except ValueError:
            return value

    @_takes(3)
    def _func_local(self, date: Json, time: Json, zone: Json) -> Json:
        """A vendor's date and time of day in a zone (null: the API's own) as an instant."""
        if date in (None, "") or time in (None, ""):
            return None
        text, form = f"{date} {time}".strip(), f"{self.date_format} {self.time_format}"
        try:
            at = datetime.strptime(text, form)
        except ValueError:
            return text
        return at.replace(tzinfo=self._zone(zone)).isoformat()

    @_takes(2)
    def _func_local_time(self, value: Json, format: str) -> Json:
        """A local time of the API's zone, in a format of its own, as an instant."""
        try:
            at = datetime.strptime(str(value).strip(), format)
        except ValueError:
            return value
        return at.replace(tzinfo=self._zone(None)).isoformat()

    @_takes(1)
    def _func_instant(self, value: Json) -> Json:
        """An ISO time as an instant: one without offset is in the API's zone."""
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            return value
        return (at if at.tzinfo else at.replace(tzinfo=self._zone(None))).isoformat()

    @_takes(2)
    def _func_later(self, value: Json, minutes: Json) -> Json:
        """An instant some minutes later."""
        try:
            return (datetime.fromisoformat(str(value)) + timedelta(minutes=float(minutes))).isoformat()
        except (TypeError, ValueError):
            return None

    @_takes(2)
    def _func_minutes(self, start: Json, end: Json) -> Json:
        """The minutes from one instant to another."""
        try:
            length = datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))
        except (TypeError, ValueError):
            return None
        return int(length.total_seconds() // 60)

    @_takes(4)
    def _func_overlap(self, start: Json, minutes: Json, other_start: Json, other_end: Json) -> bool:
        """Whether a time that lasts so many minutes shares some with another; False where one is not known."""
        try:
            first, second = (datetime.fromisoformat(str(one)) for one in (start, other_start))
            return first < datetime.fromisoformat(str(other_end)) and second < first + timedelta(
                minutes=float(str(minutes))
            )
        except (TypeError, ValueError):
            return False

    @_takes(3)
    def _func_format(self, value: Json, format: str, zone: Json) -> Json:
        """An instant in a format, in a zone (null: the API's own)."""
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            return None
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(self._zone(zone)).strftime(format)

    @_takes(1)
    def _func_day(self, ahead: Json) -> str:
        """The day so many days from today, as the vendor writes dates."""
        today = self.local(self.clock.now()).date()
        return (today + timedelta(days=int(ahead))).strftime(self.date_format)

    def local(self, at: datetime) -> datetime:
        """An instant as the API's own zone has it."""
        return at.astimezone(self._zone(None))

    def _zone(self, name: Json) -> ZoneInfo:
        try:
            return ZoneInfo(str(name or self.zone))
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo(self.zone)
