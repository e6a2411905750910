"""What is noted of signing in and out for the audit: who, from where, how, and what came of it; never a secret."""

from __future__ import annotations

from dataclasses import dataclass

from fhirserver.access.audit.event import LOGIN, LOGOUT, Audit, Event
from fhirserver.access.principals import Principal
from fhirserver.access.users import User, Users
from fhirserver.kernel.correlation import REQUEST

PASSWORD, TOKEN, PROVIDER, FORM = "password", "token", "OpenID provider", "form of another page"


@dataclass(frozen=True, slots=True)
class SignInNotes:
    """Notes for the sign-in of one place: ``console`` or ``apps``. ``address``: the IP address that asked."""

    audit: Audit
    users: Users
    place: str

    def signed_in(self, address: str, user: User, how: str) -> None:
        """A user has proved who they are, and has a session."""
        self._note(_by(Event(LOGIN, address=address), user), how)

    def let_in(self, address: str, principal: Principal) -> None:
        """A token of the settings has opened a session."""
        self._note(Event(LOGIN, address=address).by(principal), TOKEN)

    async def refused(self, address: str, how: str, status: int, issue: str, login: str = "") -> None:
        """Nobody was let in. ``login`` is noted where somebody has it: a password may have been typed in its place."""
        user = await self.users.find(login) if login else None
        self._note(_by(Event(LOGIN, status=status, issue=issue, address=address), user), how)

    def from_elsewhere(self, address: str, what: str = LOGIN, user: User | None = None) -> None:
        """A form came that no page of ours had, or a page of another place: nothing was done."""
        self._note(_by(Event(what, status=403, issue="forbidden", address=address), user), FORM)

    def signed_out(self, address: str, user: User | None, principal: Principal | None = None) -> None:
        """A session was ended by who had it."""
        event = _by(Event(LOGOUT, address=address), user)
        self._note(event.by(principal) if principal else event, "")

    def _note(self, event: Event, how: str) -> None:
        details = {"place": self.place, **({"by": how} if how else {})}
        self.audit.note(event._replace(details=details, request=REQUEST.get()))


def _by(event: Event, user: User | None) -> Event:
    if user is None:
        return event
    return event._replace(principal=user.called, source=user.source, user=user.fhir_user)
