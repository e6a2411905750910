"""What is noted of the authorization server for the audit: each token, decision and refusal; never a secret."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from fhirserver.access.audit.event import Audit, Event
from fhirserver.access.principals import Principal
from fhirserver.access.smart.authorizations import Decided
from fhirserver.access.smart.errors import OAuthError
from fhirserver.access.smart.grants import Grant
from fhirserver.interactions.noting import ORIGIN, Origin
from fhirserver.kernel.ids import new_id
from fhirserver.rest.beside import number_of

_LONGEST = 500


def comes_from(request: Request) -> None:
    """Have what is read from now on for this request noted with where it comes from."""
    address = request.client.host if request.client else ""
    ORIGIN.set(Origin(address, request.headers.get("x-request-id", "")[:100] or new_id()))


class Note:
    """What one request comes to: it is filled while the request is answered, and noted at its end."""

    def __init__(self, audit: Audit, what: str, request: Request):
        address = request.client.host if request.client else ""
        self._audit = audit
        self._event = Event(what, address=address, request=number_of(request))
        self._details: dict[str, str] = {}

    def asks(self, form: Mapping[str, str]) -> None:
        """What a form says; who it says it is is not believed, only noted."""
        self.tell(client_id=form.get("client_id", ""), grant_type=form.get("grant_type", ""))

    def by_client(self, client: str) -> None:
        """A client proved who it is."""
        self._event = self._event._replace(client=client, principal=self._event.principal or client)

    def by_principal(self, principal: Principal) -> None:
        """Somebody came with a bearer token."""
        self._event = self._event.by(principal)

    def by_user(self, login: str, fhir_user: str) -> None:
        """Somebody asks who is signed in."""
        self._event = self._event._replace(principal=login, user=fhir_user)

    def of_grant(self, grant: Grant, scope: str) -> None:
        """A token was given for some of a grant."""
        self._event = self._event._replace(
            principal=f"{grant.client}/{grant.fhir_user or grant.subject}" if grant.subject else grant.client,
            source=grant.source,
            client=grant.client,
            user=grant.fhir_user,
            grant=grant.id,
            patients=(grant.patient,) if grant.patient else (),
        )
        self.tell(scope=scope)

    def of_decision(self, decided: Decided, decision: str) -> None:
        """A user has decided, or nothing was left to be asked."""
        pending, user = decided.pending, decided.user
        self._event = self._event._replace(
            client=pending.client,
            principal=user.login if user else "",
            user=user.fhir_user if user else "",
            grant=decided.grant,
            patients=(pending.patient,) if pending.patient else (),
        )
        self.tell(decision=decision, scope=decided.scope)

    def about_patients(self, *patients: str) -> None:
        """Whose records it concerns."""
        self._event = self._event._replace(patients=tuple(one for one in patients if one))

    def tell(self, **details: str) -> None:
        """Say more of it: names and texts that are no secrets."""
        self._details |= {name: value[:_LONGEST] for name, value in details.items() if value}

    @property
    def says_something(self) -> bool:
        """Whether anything was decided, asked for or refused."""
        return bool(self._details)

    def refused(self, error: OAuthError) -> None:
        """It was refused."""
        self._event = self._event._replace(status=error.status, issue=error.code)
        self.tell(reason=error.description)

    def done(self, status: int) -> None:
        """Note it, answered with this status where it was not refused."""
        if self._event.issue == "":
            self._event = self._event._replace(status=status)
        self._audit.note(self._event._replace(details=self._details))


def note_of(request: Request) -> Note:
    """The note of a request that is being answered."""
    note: Note = request.state.note
    return note
