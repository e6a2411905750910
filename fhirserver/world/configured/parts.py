"""What the documents have in common: strict parts, and the words for days, hours, places and people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from functools import cache
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.agents import Fault

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PLAIN = "[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?"
ID, ID_OR_NONE = f"^{_PLAIN}$", f"^(?:{_PLAIN})?$"
"""The id of a configuration: it becomes part of a FHIR id, with ``.draft`` or ``.v12`` behind it."""


class Part(BaseModel):
    """A part of a document: what is unknown in it is an error, and once read it does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


Document = TypeVar("Document", bound=Part)


class InvalidDocument(ValueError):
    """A document is not as it must be; the message is of the first fault."""

    def __init__(self, faults: Sequence[Fault]):
        self.faults = tuple(faults)
        first = self.faults[0]
        super().__init__(f"{first.pointer or '/'}: {first.detail}")


def read(kind: type[Document], document: JsonObject) -> Document:
    """A document as its model. Raises :class:`InvalidDocument` with every fault."""
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise InvalidDocument([_fault(one) for one in error.errors(include_input=False)]) from None


def written(document: Part) -> JsonObject:
    """A document as it is kept: what was not said in it is left out."""
    kept: JsonObject = document.model_dump(mode="json", exclude_unset=True)
    return kept


def _fault(error: Any) -> Fault:
    words = {"extra_forbidden": "this is not known here; docs/platform has what is"}
    detail = words.get(error["type"], str(error["msg"]).removeprefix("Value error, "))
    return Fault(pointer(*error["loc"]), detail)


def pointer(*path: str | int) -> str:
    """``("a", 0, "b/c")`` as ``/a/0/b~1c``."""
    return "".join("/" + str(one).replace("~", "~0").replace("/", "~1") for one in path)


@cache
def _zone_is_known(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _zone(name: str) -> str:
    if name and not _zone_is_known(name):
        raise ValueError("it is an IANA time zone, such as America/New_York")
    return name


def _clock(text: str) -> str:
    hour, _, minute = text.partition(":")
    if int(hour) * 60 + int(minute) > 24 * 60:
        raise ValueError("a time of day is at most 24:00")
    return text


def _day(text: str) -> str:
    try:
        date.fromisoformat(text or "2000-01-01")
    except ValueError:
        raise ValueError("there is no such day") from None
    return text


Zone = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_zone)]
Clock = Annotated[str, StringConstraints(pattern=r"^(?:[01]\d|2[0-4]):[0-5]\d$"), AfterValidator(_clock)]
"""A time of day, ``09:00``; ``24:00`` is the end of the day."""
_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
Day = Annotated[str, StringConstraints(pattern=f"^{_DAY}$"), AfterValidator(_day)]
DayOrNone = Annotated[str, StringConstraints(pattern=f"^(?:{_DAY})?$"), AfterValidator(_day)]
ZoneOrNone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)]
"""The same, or empty."""
Practitioner = Annotated[str, StringConstraints(pattern=r"^Practitioner/[A-Za-z0-9\-.]{1,64}$")]
Location = Annotated[str, StringConstraints(pattern=r"^Location/[A-Za-z0-9\-.]{1,64}$")]
Service = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
"""The code of a serviceType or appointmentType, alone or as ``system|code``."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]


class Scope(Part):
    """Which slots are meant; what is not said holds for all."""

    practitioners: list[Practitioner] = Field(default_factory=list, max_length=200)
    locations: list[Location] = Field(default_factory=list, max_length=200)
    services: list[Service] = Field(default_factory=list, max_length=100)

    @property
    def narrowness(self) -> int:
        """By how many of the three it is said: the narrower one goes before the wider."""
        return sum(bool(one) for one in (self.practitioners, self.locations, self.services))


class Hours(Part):
    """Days of the week and hours of the day. ``to`` at or before ``from`` is an error: split what crosses midnight."""

    days: list[Weekday] = Field(default_factory=lambda: list(WEEKDAYS), min_length=1, max_length=7)
    begins: Clock = Field(default="00:00", alias="from")
    ends: Clock = Field(default="24:00", alias="to")

    def model_post_init(self, context: Any, /) -> None:
        if minutes(self.begins) >= minutes(self.ends):
            raise ValueError("'from' is before 'to'; hours that cross midnight are two entries")

    def on(self, at: datetime) -> bool:
        """Whether this is a day of theirs, by the clock on the wall."""
        return WEEKDAYS[at.weekday()] in self.days

    def hold(self, begins: datetime, ends: datetime) -> bool:
        """Whether the span lies within them, by the clock on the wall, on one day of theirs."""
        return self.on(begins) and self.spans(begins, ends)

    def spans(self, begins: datetime, ends: datetime) -> bool:
        """The same, whatever the day."""
        first, last = of_day(begins), of_day(ends)
        if ends.date() > begins.date():
            last += 24 * 60 * (ends.date() - begins.date()).days
        return minutes(self.begins) <= first and last <= minutes(self.ends)


def minutes(clock: str) -> int:
    """``09:30`` as the minutes since midnight."""
    return int(clock[:2]) * 60 + int(clock[3:])


def of_day(at: datetime) -> int:
    """Minutes since midnight by the clock on the wall."""
    return at.hour * 60 + at.minute


def clock(at: int) -> time:
    """Minutes since midnight as a time of day; the end of the day as its beginning."""
    return time(at // 60 % 24, at % 60)
