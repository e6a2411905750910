"""What is noted: one event for each access and each decision about one.

Noting is on the way of every request, so an event is a plain tuple; what AuditEvent it makes is worked out when
somebody asks (:mod:`fhirserver.access.audit.derived`).
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeAlias

from fhirserver.access.principals import Principal
from fhirserver.kernel.wall import seconds

LOGIN, LOGOUT = "login", "logout"
AUTHORIZE, CONSENT = "authorize", "consent"
TOKEN, INTROSPECT, REVOKE, REGISTER = "token", "introspect", "revoke", "register"
USERINFO = "userinfo"
LISTEN = "listen"
PAGE, LIVE = "page", "live"
PLATFORM = "platform"
FORM = "form"
SOCKET = "socket"
BESIDE = "beside"
RUN = "run"
START, STOP = "start", "stop"
KEPT = "kept"
KEY_CHANGED = "key-changed"
NOTIFICATION, WRITEBACK = "notification", "writeback"
"""``what`` of events that are no FHIR interactions: sign-in and sign-out, steps of the authorization server,
listening to a recording, a page of the console, a live call, a request to ``/platform``, a patient's form, a websocket,
what else is refused beside FHIR, a command of the operator's, start and stop of a process, the end of old entries,
another key, and what was sent to others."""
DISCLOSURES: Final = frozenset({NOTIFICATION, WRITEBACK})
"""What leaves without being asked for at that moment. ``address`` is then where it was sent to, and the detail
``recipient`` is to whom."""


NO_DETAILS: Final[dict[str, str]] = {}
"""Never written to."""


Shown: TypeAlias = tuple[str, str, int]


class Event(NamedTuple):
    """One event. All members but ``what`` may be left out.

    ``what`` is the code of a FHIR interaction (``read``, ``search-type`` …), an operation's name with its ``$``, or
    one of the words above. ``type``, ``id``, ``version`` are what it was about, ``query`` the parameters as they
    came; ``shown`` the versions that were given out (type, id, version); ``patients`` the ids of patients who are
    known to be concerned where that does not follow from these. ``status`` is the HTTP status, ``issue`` the code of
    the OperationOutcome's first issue (or of an OAuth error) where it was refused. ``principal``, ``source``,
    ``client`` (OAuth client id), ``user`` (``Practitioner/1``), ``grant`` and ``address`` say who; ``purpose`` why,
    where that was stated; ``request`` is the X-Request-Id. ``commits`` are the positions in the log of the commits
    that it made. ``details`` are names and texts of its own; never a secret, never a token.
    """

    what: str
    at: int = 0
    type: str = ""
    id: str = ""
    version: str = ""
    query: str = ""
    shown: tuple[Shown, ...] = ()
    patients: tuple[str, ...] = ()
    status: int = 200
    issue: str = ""
    principal: str = ""
    source: str = ""
    client: str = ""
    user: str = ""
    grant: str = ""
    address: str = ""
    purpose: str = ""
    request: str = ""
    commits: tuple[int, ...] = ()
    details: dict[str, str] = NO_DETAILS

    def by(self, principal: Principal) -> Event:
        """The same, done by a principal."""
        return self._replace(
            principal=principal.name,
            source=principal.source.id,
            client=principal.client,
            user=principal.user,
            grant=principal.grant,
            purpose=self.purpose or (principal.permissions.broken if principal.permissions else ""),
        )


class Audit(Protocol):
    """Where events are noted. Never waits, never fails; ``at`` is now where the event does not say."""

    def note(self, event: Event) -> None: ...

    @property
    def is_full(self) -> bool:
        """Whether so much waits to be written that who can wait should (:meth:`room`) before going on."""
        ...

    async def room(self) -> None:
        """Wait until there is room for more. Raises a refusal (503) where there is none for long."""
        ...


@dataclass(slots=True)
class Noted:
    """Whether anything was noted of a request that is being answered."""

    any: bool = False


ANSWERING: Final[ContextVar[Noted | None]] = ContextVar("answering", default=None)
"""Of a request to what is served beside FHIR: what refuses there need not note it by itself."""


class NoAudit:
    """Notes nothing: for commands and tests that serve nobody."""

    is_full = False

    def note(self, event: Event) -> None:
        """Nothing is noted."""

    async def room(self) -> None:
        """There is always room."""


def now_microseconds() -> int:
    """The present, in microseconds since 1970."""
    return int(seconds() * 1_000_000)
