"""What a campaign is, as data: the document of a configuration of kind ``campaign``.

Read strictly: an unknown member, a value out of its bounds or an expression that cannot be is told with its place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from agent.campaigns.search_text import check_search
from agent.errand import PURPOSES
from fhirserver.kernel.json import JsonObject
from fhirserver.model.fhirpath import FhirPathError, compile_path
from fhirserver.ports.campaigns import Problem

CHANNELS = ("call", "sms", "chat", "form")
_ANY_TIME = datetime(2026, 1, 1)
_PLACES = re.compile(r"\{([a-z_]*)\}")
PLACES = frozenset({"practice", "date", "time", "link"})
"""What a text may have filled in; nothing that tells of anybody's health, and no name."""


NEEDED = {"confirm": "unconfirmed", "reschedule": "upcoming", "rebook": "not-rebooked"}


class InvalidCampaign(ValueError):
    """A document that is no campaign; ``problems`` say where and why."""

    def __init__(self, problems: Sequence[Problem]):
        super().__init__("; ".join(f"{one.pointer or '/'}: {one.detail}" for one in problems))
        self.problems = tuple(problems)


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is an IANA time zone, such as America/New_York") from None
    return text


def _cron(text: str) -> str:
    try:
        CronSim(text, _ANY_TIME)
    except CronSimError:
        raise ValueError(
            "is a cron expression of five fields (minute, hour, day, month, day of week), such as '0 9 * * 1-5'"
        ) from None
    return text


def _wording(text: str) -> str:
    for place in _PLACES.findall(text):
        if place not in PLACES:
            raise ValueError(f"has no place {{{place}}}; there are {', '.join(sorted(PLACES))}")
    if "{" in _PLACES.sub("", text) or "}" in _PLACES.sub("", text):
        raise ValueError("has a brace that belongs to no place")
    return text


def _purpose(text: str) -> str:
    if text not in PURPOSES:
        raise ValueError(f"is one of {', '.join(PURPOSES)}")
    return text


Zone = Annotated[str, Field(max_length=64), AfterValidator(_zone)]
Cron = Annotated[str, Field(max_length=100), AfterValidator(_cron)]
Wording = Annotated[str, Field(min_length=1, max_length=640), AfterValidator(_wording)]
Search = Annotated[str, Field(min_length=3, max_length=2000), AfterValidator(check_search)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
Expression = Annotated[str, Field(min_length=1, max_length=2000)]


class Part(BaseModel):
    """One object of the document."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Audience(Part):
    """Who is meant: everyone whom one of ``searches`` finds and none of ``except_``.

    A search is ``Type?…`` over patients or over what is about one (Appointment, Encounter …); ``{today+3d}`` in it is
    a day in the campaign's zone. A ``snapshot`` is taken when a run begins; ``rolling`` is looked at again
    every ``every_minutes`` while the run goes on.
    """

    searches: Annotated[list[Search], Field(min_length=1, max_length=10)]
    except_: Annotated[list[Search], Field(max_length=10, alias="except")] = []
    mode: Literal["snapshot", "rolling"] = "snapshot"
    every_minutes: Annotated[int, Field(ge=5, le=10_080)] = 60
    most: Annotated[int, Field(ge=1, le=100_000)] = 20_000


class Once(Part):
    """At one moment; without ``at`` when the campaign is started."""

    kind: Literal["once"]
    at: AwareDatetime | None = None


class ByCron(Part):
    """Again and again. An hour that a change of clocks leaves out or repeats is met once. An occurrence
    that nobody was there for is still made up for within ``grace_minutes``."""

    kind: Literal["cron"]
    expression: Cron
    zone: Zone
    grace_minutes: Annotated[int, Field(ge=1, le=1440)] = 120


class ByEvent(Part):
    """Whenever a resource of ``type`` comes to satisfy ``filter`` (FHIRPath), having not satisfied it before.

    The outreach is due ``days`` and ``minutes`` after that, or relative to the moment that ``at`` (FHIRPath) gives.
    """

    kind: Literal["event"]
    type: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]{2,40}$")]
    filter: Expression
    at: Expression | None = None
    days: Annotated[int, Field(ge=-365, le=365)] = 0
    minutes: Annotated[int, Field(ge=-1440, le=1440)] = 0

    @model_validator(mode="after")
    def _compiles(self) -> ByEvent:
        for name in ("filter", "at"):
            text = getattr(self, name)
            if text is not None:
                try:
                    compile_path(text, context=self.type)
                except (FhirPathError, ValueError, KeyError) as error:
                    raise ValueError(f"{name} is no FHIRPath of {self.type}: {error}") from None
        return self

    @property
    def offset(self) -> timedelta:
        return timedelta(days=self.days, minutes=self.minutes)


Trigger = Annotated[Once | ByCron | ByEvent, Field(discriminator="kind")]


class Step(Part):
    """One channel: how often it is tried, and how long until the next attempt whatever its channel."""

    channel: Literal["call", "sms", "chat", "form"]
    attempts: Annotated[int, Field(ge=1, le=10)] = 1
    then_minutes: Annotated[int, Field(ge=1, le=43_200)] = 1440
    service: Annotated[str, Field(max_length=64)] = ""
    """Of ``chat``: the chat service."""


class Limits(Part):
    """How often a patient may be contacted over *all* campaigns, and how far apart."""

    per_day: Annotated[int, Field(ge=1, le=10)] = 2
    per_week: Annotated[int, Field(ge=1, le=30)] = 5
    per_month: Annotated[int, Field(ge=1, le=60)] = 12
    spacing_minutes: Annotated[int, Field(ge=0, le=10_080)] = 60


class Quiet(Part):
    """The hours of the patient's own day in which nothing goes out; the same time twice: none."""

    begin: time = time(21)
    end: time = time(8)
    days: Annotated[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Field(max_length=7)] = []
    """Days of the week that are quiet altogether."""

    @model_validator(mode="after")
    def _some_day(self) -> Quiet:
        if len(set(self.days)) == 7:
            raise ValueError("days: at least one day of the week is not quiet")
        if self.begin.tzinfo or self.end.tzinfo:
            raise ValueError("begin and end are times of the patient's day, without an offset")
        return self


class Machine(Part):
    """What an answering machine is left: ``message`` (in the language of the script), or nothing. ``retry``:
    whether the patient is still called again."""

    leave: Literal["message", "nothing"] = "nothing"
    retry: bool = True


class Pacing(Part):
    """How fast: attempts in a minute, and calls at once.

    ``operators``: only as many calls as operators are free for, where ``transfers_percent`` of calls need one.
    """

    per_minute: Annotated[int, Field(ge=1, le=6000)] = 60
    lines: Annotated[int, Field(ge=1, le=1000)] = 5
    operators: bool = False
    transfers_percent: Annotated[int, Field(ge=1, le=100)] = 100


class Dates(Part):
    """The days, in the campaign's zone, on which the campaign is carried out; both count."""

    first: Annotated[date | None, Field(alias="from")] = None
    last: Annotated[date | None, Field(alias="to")] = None

    @model_validator(mode="after")
    def _in_order(self) -> Dates:
        if self.first and self.last and self.last < self.first:
            raise ValueError("'to' is not before 'from'")
        return self


class Script(Part):
    """The words of one language."""

    sms: Wording | None = None
    chat: Wording | None = None
    form: Wording | None = None
    call: Wording | None = None
    """Said on a call when the patient is identified, in place of the purpose's own sentence."""
    voicemail: Wording | None = None


class Campaign(Part):
    """The whole document.

    ``needed``: what must still be so at the moment of dialling. ``unconfirmed``: the appointment is to come and the
    patient has not accepted it; ``upcoming``: it is to come; ``not-rebooked``: the patient has no appointment to come;
    ``always``. Without it what the purpose wants (:data:`NEEDED`).
    """

    goal: Annotated[str, Field(min_length=1, max_length=500)]
    purpose: Annotated[str, AfterValidator(_purpose)]
    zone: Zone = "America/New_York"
    audience: Audience | None = None
    channels: Annotated[list[Step], Field(min_length=1, max_length=6)]
    triggers: Annotated[list[Trigger], Field(min_length=1, max_length=5)]
    script: Annotated[dict[Language, Script], Field(max_length=10)] = {}
    needed: Literal["unconfirmed", "upcoming", "not-rebooked", "always"] | None = None
    consent: Literal["required", "not-denied"] = "required"
    attempts: Annotated[int, Field(ge=1, le=20)] = 4
    limits: Limits = Limits()
    quiet: Quiet = Quiet()
    machine: Machine = Machine()
    pacing: Pacing = Pacing()
    dates: Dates = Dates()
    expires_hours: Annotated[int, Field(ge=1, le=8760)] = 168
    """How long after it is due an outreach is still made."""
    follow_up: bool = False
    """Whether staff get a Task for who was not reached."""
    questions: Annotated[str, Field(max_length=64)] = ""
    """Of the channel ``form``: the requirement set that is asked for; empty: the one that fits."""

    @model_validator(mode="after")
    def _whole(self) -> Campaign:
        events = sum(isinstance(one, ByEvent) for one in self.triggers)
        if self.audience is None and events < len(self.triggers):
            raise ValueError("audience is needed for triggers of kind 'once' and 'cron'")
        channels = [step.channel for step in self.channels]
        if len(set(channels)) < len(channels):
            raise ValueError("channels: each is named once")
        for step in self.channels:
            if step.channel == "chat" and not step.service:
                raise ValueError("channels: the channel 'chat' needs its service")
        said = [script.sms for script in self.script.values()]
        if "sms" in channels and self.purpose == "custom" and not any(said):
            raise ValueError("script: a custom purpose needs the words of its messages")
        if self.machine.leave == "message" and not any(one.voicemail for one in self.script.values()):
            raise ValueError("script: a message for answering machines (voicemail) is needed")
        return self

    @property
    def need(self) -> str:
        return self.needed or NEEDED.get(self.purpose, "always")

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.script)

    def words(self, kind: str, language: str = "en") -> str:
        """The script's words in a language, else in its first one; empty where it has none."""
        script = self.script.get(language) or self.script.get(language.partition("-")[0])
        found = getattr(script, kind) if script else None
        return found or next((w for s in self.script.values() if (w := getattr(s, kind))), "")


def campaign(document: JsonObject) -> Campaign:
    """Read a document. Raises :class:`InvalidCampaign` with everything that is wrong."""
    try:
        return Campaign.model_validate(document)
    except ValidationError as error:
        raise InvalidCampaign([_problem(one["loc"], one["msg"]) for one in error.errors()]) from None


_KINDS = frozenset({"once", "cron", "event"})


def _problem(location: tuple[int | str, ...], message: str) -> Problem:
    kept = [p for i, p in enumerate(location) if not (p in _KINDS and i and isinstance(location[i - 1], int))]
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in kept)
    return Problem(pointer, message.removeprefix("Value error, "))
