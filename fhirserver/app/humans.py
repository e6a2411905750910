"""The people of the authorization server: who signs in, and the pages they see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import BaseRoute

from fhirserver.access.audit.event import Audit
from fhirserver.access.current_people import CurrentPeople
from fhirserver.access.identity import Identity
from fhirserver.access.smart.server import AuthorizationServer
from fhirserver.app.securing import Humans
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.registry import Registry
from fhirserver.rest.smart.human_pages import HumanPages
from fhirserver.rest.smart.look import Look
from fhirserver.rest.smart.my_apps import MyApps
from fhirserver.rest.smart.patient_rows import Choices
from fhirserver.rest.smart.sign_in import SigningIn
from fhirserver.rest.smart.visitors import Visitors


@dataclass(frozen=True)
class PeopleDesk:
    """What their pages work with."""

    humans: Humans
    look: Look
    visitors: Visitors
    choices: Choices
    signing_in: SigningIn
    audit: Audit

    def routes(self, server: AuthorizationServer) -> list[BaseRoute]:
        """The routes that are not of an authorization: signing in, the person's apps, the style sheet."""
        apps = MyApps(self.look, self.visitors, self.choices, server.clients, server.grants, self.audit)
        return [*self.signing_in.routes(), *apps.routes(), self.look.static()]


def people_desk(identity: Identity, context: Context, registry: Callable[[], Registry]) -> PeopleDesk:
    """``registry`` is asked for when the first page is."""
    people = CurrentPeople(identity, context.store, context.clock)
    look, visitors = Look(), Visitors(identity, people.read, context.clock)
    signing_in, choices = SigningIn(identity, visitors, look, context.audit), Choices(context, registry)
    pages = HumanPages(look, signing_in, visitors, choices)
    return PeopleDesk(Humans(people, visitors, pages), look, visitors, choices, signing_in, context.audit)
