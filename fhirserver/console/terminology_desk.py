"""What the terminology pages share: who may see them, the way to what they ask, and their addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from fhirserver.console.desk import HOME, Desk, Page, from_htmx, words_of
from fhirserver.console.sessions import Session
from fhirserver.interactions.permitted import check_operation
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.terminology_browsing import Browsing

T = TypeVar("T")
PLACE = f"{HOME}/terminology"
_PAGES = {"CodeSystem": "system", "ValueSet": "value-set", "ConceptMap": "map"}


def address(type: str, url: str, version: str = "", **more: object) -> str:
    """The page of a resource; ``more`` are parameters, of which empty ones are left out."""
    return link(_PAGES[type], url=url, version=version, **more)


def link(page: str, **parameters: object) -> str:
    """A page of terminology with those of the parameters that are not empty."""
    given = [(name, value) for name, value in parameters.items() if value not in ("", None)]
    return f"{PLACE}/{page}?{urlencode(given)}"


class TerminologyDesk:
    """What the handlers of the terminology pages work with."""

    def __init__(self, desk: Desk):
        self.desk = desk

    async def ask(self, session: Session, type: str, question: Callable[[Browsing], T]) -> T:
        """What is answered to somebody who may ask about a type, knowing all that is stored by now.

        Asked in a thread, for it may take a while.
        """
        context, permissions = self.desk.context, session.principal.permissions
        if context.browsing is None:
            raise refuse(Category.NOT_SUPPORTED, "not-supported", "This server has no terminology service")
        if permissions is not None:
            check_operation(permissions, "read", type)
        await context.conformance.catch_up()
        return await asyncio.to_thread(question, context.browsing)

    def page(
        self,
        request: Request,
        session: Session,
        name: str,
        values: Mapping[str, object],
        status: int = 200,
    ) -> Response:
        """A page, or a part of one, by the name of its template."""
        given = {"address": self._address, "link": self._link, **values}
        return self.desk.page(request, f"terminology/{name}.html", session, status, **given)

    def _address(self, type: str, url: str, version: str = "", **more: object) -> str:
        return self.desk.beneath(address(type, url, version, **more))

    def _link(self, page: str, **parameters: object) -> str:
        return self.desk.beneath(link(page, **parameters))

    def refused(self, request: Request, session: Session, refusal: Refusal, canonical: str = "") -> Response:
        """What is said where there is no answer, also in the place of a part."""
        values = {"words": words_of(refusal), "canonical": canonical}
        name = "wrong_part" if from_htmx(request) else "wrong"
        return self.page(request, session, name, values, refusal.category.value)

    def about(self, page: Page) -> Page:
        """A page about a resource that its ``url`` names; what is refused is told, also in a part of the page."""

        async def handled(request: Request, session: Session) -> Response:
            if not request.query_params.get("url"):
                unnamed = refuse(
                    Category.NOT_FOUND, "required", "The address does not say which one is meant"
                )
                return self.refused(request, session, unnamed)
            try:
                return await page(request, session)
            except Refusal as refusal:
                return self.refused(request, session, refusal, request.query_params["url"])

        return handled

    def accepted(self, type: str, name: str) -> frozenset[str]:
        """The inputs that an operation of this server takes; none where there is no such operation."""
        fitting = (
            one for one in self.desk.registry.operations if one.name == name and one.fits("type", type)
        )
        return next((one.inputs for one in fitting), frozenset())


def number(request: Request, name: str, default: int = 0, most: int = 10_000_000) -> int:
    """A whole number of the address; the default for what is none."""
    text = request.query_params.get(name, "")
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 12 else default


def asked(request: Request, *names: str) -> dict[str, str]:
    """Texts of the address by name, without the spaces around them."""
    return {name: request.query_params.get(name, "").strip() for name in names}
