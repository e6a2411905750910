"""What goes into ``/chat`` and comes out of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fhirserver.ports.chats import MOST_TEXT, ChatEvent, ChatService, Conversation

MOST_COMMENT = 1000
Reason = Literal[
    "confirm", "reschedule", "insurance", "call_back", "follow_up", "rebook", "missing", "custom"
]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Message(_In):
    """What the user writes."""

    text: Annotated[str, Field(min_length=1, max_length=MOST_TEXT, pattern=r"\S")]


class Rating(_In):
    """How the user liked it: one star to five."""

    stars: Annotated[int, Field(ge=1, le=5)]
    comment: Annotated[str, Field(max_length=MOST_COMMENT)] = ""


class Seen(_In):
    """The user has read as far as this event."""

    number: Annotated[int, Field(ge=0, le=2**31)]


ORDER = r"^[A-Za-z0-9\-._:/]{1,128}$"
"""The name of an order."""


class OutreachOrder(_In):
    """The practice begins a conversation. ``id`` names this one order: the same again begins nothing."""

    id: Annotated[str, Field(pattern=ORDER)]
    patient: Annotated[str, Field(pattern=r"^Patient/[A-Za-z0-9\-.]{1,64}$")]
    reason: Reason
    user: Annotated[str, Field(max_length=200, description="By whom the app knows the patient (sub)")] = ""
    request: Annotated[str, Field(pattern=r"^(CommunicationRequest/[A-Za-z0-9\-.]{1,64})?$")] = ""
    run: Annotated[str, Field(pattern=r"^(Task/[A-Za-z0-9\-.]{1,64})?$")] = ""
    words: Annotated[
        str,
        Field(
            max_length=1600, description="Said once it is known who writes; empty: the reason's own sentence"
        ),
    ] = ""


class ServiceOut(BaseModel):
    """A chat service, as its users may know it."""

    id: str
    title: str
    languages: list[str]

    @classmethod
    def of(cls, service: ChatService) -> ServiceOut:
        return cls(id=service.id, title=service.title, languages=list(service.languages))


class ConversationOut(BaseModel):
    """A conversation. ``last`` is the number of its latest event, ``unread`` counts messages the user has not seen."""

    id: str
    service: str
    title: str
    started: datetime
    state: Literal["agent", "waiting", "person", "ended"]
    ended: str
    last: int
    unread: int
    stars: int
    reason: str

    @classmethod
    def of(cls, one: Conversation) -> ConversationOut:
        return cls(
            id=one.id,
            service=one.service,
            title=one.title,
            started=one.started,
            state="ended" if one.ended else one.state,  # type: ignore[arg-type]
            ended=one.ended,
            last=one.last,
            unread=one.unread,
            stars=one.stars,
            reason=one.reason,
        )


class ConversationsOut(BaseModel):
    """The user's conversations, the latest first."""

    conversations: list[ConversationOut]


class EventOut(BaseModel):
    """One event. Members beyond these are those of its kind; ``number`` counts from 1 without gaps."""

    model_config = ConfigDict(extra="allow")

    number: int
    kind: str
    at: datetime


class EventsOut(BaseModel):
    """Events in order; ``next`` is after which one to ask for more, ``ended`` whether there can be none."""

    events: list[EventOut]
    next: int
    ended: bool


class AnswerOut(EventsOut):
    """A message (the number of its event) and all that came of it."""

    message: int


class OutreachOut(BaseModel):
    """What the practice began. ``repeated``: it had been ordered before."""

    conversation: str
    repeated: bool


class Problem(BaseModel):
    """https://www.rfc-editor.org/rfc/rfc9457"""

    type: str
    status: int
    title: str
    errors: list[dict[str, Any]] = []


def events_json(events: list[ChatEvent], after: int, ended: bool) -> dict[str, Any]:
    """An :class:`EventsOut` as it is sent."""
    last = events[-1].number if events else after
    return {"events": [one.as_json() for one in events], "next": last, "ended": ended}
