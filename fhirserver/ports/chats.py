"""Conversations by text, as the apps of patients hold them.

Whoever calls these has been let in already: a :class:`ChatUser` is who the token proved somebody to be.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject

MOST_TEXT = 4000
"""Characters of one message."""
ATTACHMENT_TYPES = ("image/jpeg", "image/png", "application/pdf")
EVENT_KINDS = (
    "message", "token", "typing", "attachment", "state", "answered", "seen", "rating", "ended",
)  # fmt: skip
"""``message``: whole, by ``from`` (``user``, ``agent``, ``operator``); ``token``: a piece of what the agent says in
turn ``turn``, of which the whole ``message`` comes after its last; ``typing``: the agent works on an answer; ``state``:
``agent``, ``waiting`` (for a person) or ``person``; ``answered``: nothing more comes until the user writes; ``seen``:
how far the user has read."""

ARCHIVED = "archived"
"""Why a conversation is over of which only the record is left."""


@dataclass(frozen=True, slots=True)
class AppUsers:
    """Whose tokens, signed by an app's backend, say who its users are. ``jwks`` is a JWK Set of public keys, or it is
    fetched from ``jwks_url``. ``trusts_patient``: whether its claim ``patient`` is believed."""

    issuer: str
    audience: str
    jwks: JsonObject | None = None
    jwks_url: str = ""
    trusts_patient: bool = False


@dataclass(frozen=True, slots=True)
class ChatService:
    """One service. ``greeting``, ``practice`` and ``agent`` (a configuration's id) are empty for those of the settings.
    ``smart``: whether patients may come by SMART; ``origins`` are those of web pages that may ask."""

    id: str
    title: str
    greeting: str = ""
    practice: str = ""
    agent: str = ""
    origins: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("en",)
    smart: bool = True
    users: AppUsers | None = None
    document: JsonObject = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ChatUser:
    """``key`` is who that is for the service. ``patient`` is a reference where the token proves it, ``phone`` (E.164)
    and ``name`` what the app's backend says of them. ``related`` is the RelatedPerson who speaks for the patient, where
    the token is theirs; empty for the patient's own."""

    service: str
    key: str
    patient: str = ""
    phone: str = ""
    name: str = ""
    related: str = ""


@dataclass(frozen=True, slots=True)
class ChatEvent:
    """One thing that happened; ``number`` counts from 1 within the conversation, without gaps."""

    number: int
    at: datetime
    kind: str
    data: JsonObject = field(default_factory=dict)

    def as_json(self) -> JsonObject:
        named = {"number": self.number, "kind": self.kind, "at": instant(self.at)}
        return {**named, **self.data, **named}  # nothing of the data hides which event it is


@dataclass(frozen=True, slots=True)
class Conversation:
    """How a conversation is. ``ended`` is why it is over: ``user``, ``agent``, ``operator``, ``idle``, or ``archived``
    where it is so long ago that only its record is left; empty while it goes on. ``last`` is the number of its latest
    event, ``unread`` how many messages the user has not seen; ``reason`` why the practice began it, empty where the
    user did."""

    id: str
    service: str
    title: str
    started: datetime
    state: str = "agent"
    ended: str = ""
    last: int = 0
    unread: int = 0
    stars: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture or document that a user sends."""

    content: bytes
    content_type: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Outreach:
    """The practice begins: ``id`` is the name of this one order (the same again begins nothing), ``patient`` a
    reference, ``user`` whom the service knows the patient by (empty: by the patient, who signs in by SMART),
    ``reason`` one of the agent's purposes; of a campaign ``request`` is the CommunicationRequest, ``run`` its Task.
    ``words`` are said once it is known who writes; empty for the purpose's own sentence."""

    id: str
    service: str
    patient: str
    reason: str
    user: str = ""
    request: str = ""
    run: str = ""
    words: str = ""


class Chats(Protocol):
    """All conversations of a tenant. Refuses what there is not (404), what is over (409), what is too much (503), and
    to go on (410) where only the record is left: that is told from its first message."""

    async def services(self) -> Sequence[ChatService]:
        """Those that are active."""
        ...

    async def service(self, id: str) -> ChatService:
        """One that is active. Refuses (404)."""
        ...

    async def begin(
        self, user: ChatUser, new: Callable[[], None] = lambda: None
    ) -> tuple[Conversation, bool]:
        """The user's active conversation, and whether it is new. ``new`` is asked before one is begun: what it raises
        is raised, and none is."""
        ...

    async def reach(self, order: Outreach, by: str) -> tuple[Conversation, bool]:
        """Begin a conversation with a patient for the operator (or the campaign) ``by``. False where the order was
        carried out before. Refuses (409) while the user is in another conversation."""
        ...

    async def ordered(self, id: str) -> str:
        """The conversation that an order has led to, whatever has died meanwhile; empty where it led to none."""
        ...

    async def of_user(self, user: ChatUser, limit: int = 50) -> Sequence[Conversation]:
        """The user's conversations, the latest first."""
        ...

    async def read(self, user: ChatUser, id: str) -> Conversation: ...

    async def say(self, user: ChatUser, id: str, text: str, key: str = "") -> int:
        """Take a message; the number of its event, when that is durable. The same ``key`` again says nothing again."""
        ...

    async def attach(self, user: ChatUser, id: str, attachment: Attachment, key: str = "") -> int:
        """Take an attachment; the number of its event."""
        ...

    async def see(self, user: ChatUser, id: str, number: int) -> Conversation:
        """The user has read as far as ``number``."""
        ...

    async def finish(self, user: ChatUser, id: str) -> Conversation: ...

    async def rate(self, user: ChatUser, id: str, stars: int, comment: str = "") -> Conversation: ...

    async def events(self, user: ChatUser, id: str, after: int = 0, limit: int = 1000) -> Sequence[ChatEvent]:
        """What has happened after event ``after``, in order."""
        ...

    def follow(self, user: ChatUser, id: str, after: int = 0) -> AsyncIterator[Sequence[ChatEvent]]:
        """The same, and what happens from then on, in lots as they come, until nothing more can happen. How slowly it
        is read delays nobody else. Refuses when it is first asked."""
        ...
