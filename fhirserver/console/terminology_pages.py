"""The terminology pages: everything that is known, and a code system as a tree with search and each concept."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from fhirserver.console.desk import words_of
from fhirserver.console.sessions import Session
from fhirserver.console.terminology_desk import TerminologyDesk, asked, number
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.terminology_browsing import Browsing, ConceptInTree, Found, Level, SystemFacts

KINDS = {"CodeSystem": "Code systems", "ValueSet": "Value sets", "ConceptMap": "Concept maps"}
LISTED, SIBLINGS, FOUND = 50, 100, 50
"""What a page has: resources of the list, concepts of a level, concepts found."""


class TerminologyPages:
    """Handlers of the list and of code systems."""

    def __init__(self, desk: TerminologyDesk):
        self._desk = desk

    # Everything

    async def everything(self, request: Request, session: Session) -> Response:
        """What is known here, by type, and found by name and url."""
        return await self._list(request, session, "everything")

    async def listed(self, request: Request, session: Session) -> Response:
        """The list alone, as one types."""
        return await self._list(request, session, "everything_list")

    async def _list(self, request: Request, session: Session, name: str) -> Response:
        given, offset = asked(request, "kind", "text"), number(request, "offset")
        kind = given["kind"] if given["kind"] in KINDS else "CodeSystem"
        try:
            page = await self._desk.ask(
                session, kind, lambda browsing: browsing.known(kind, given["text"], offset, LISTED)
            )
        except Refusal as refusal:
            return self._desk.refused(request, session, refusal)
        values = {"kind": kind, "kinds": KINDS, "text": given["text"], "offset": offset, "step": LISTED}
        return self._desk.page(request, session, name, {**values, "page": page})

    # A code system

    async def system(self, request: Request, session: Session) -> Response:
        """The system with its tree, opened down to ``code``; or, without scripts, what ``text`` finds."""
        url, version, code, text = _system_of(request)
        facts = await self._desk.ask(session, "CodeSystem", lambda browsing: browsing.system(url, version))
        values: dict[str, object] = {"facts": facts, "url": url, "version": version, "text": text}
        wrong = ""
        try:
            values |= await self._desk.ask(
                session, "CodeSystem", lambda browsing: _opened(browsing, facts.size, request)
            )
        except Refusal as refusal:
            wrong = words_of(refusal)
            values |= await self._desk.ask(session, "CodeSystem", lambda browsing: _top(browsing, facts))
        status = 404 if wrong else 200
        values |= {"code": code, "wrong": wrong, "step": SIBLINGS}
        return self._desk.page(request, session, "system", values, status)

    async def level(self, request: Request, session: Session) -> Response:
        """What is below a concept, or more siblings ``toward`` one side of those that are there: items of the tree."""
        url, version, _, _ = _system_of(request)
        parent, offset = request.query_params.get("parent", ""), number(request, "offset")
        level = await self._desk.ask(
            session, "CodeSystem", lambda browsing: browsing.level(url, version, parent, offset, SIBLINGS)
        )
        depth = number(request, "depth", 1, 1000)
        values = {"url": url, "version": version, "level": level, "depth": depth, "step": SIBLINGS}
        values["toward"] = request.query_params.get("toward", "")
        return self._desk.page(request, session, "level", values)

    async def found(self, request: Request, session: Session) -> Response:
        """What a search finds, as one types."""
        url, version, _, text = _system_of(request)
        found: Found | None = None
        if text:
            found = await self._desk.ask(
                session, "CodeSystem", lambda browsing: browsing.search(url, version, text, FOUND)
            )
        values = {"url": url, "version": version, "found": found, "text": text}
        return self._desk.page(request, session, "found", values)

    async def concept(self, request: Request, session: Session) -> Response:
        """One concept, as a part of the page."""
        url, version, code, _ = _system_of(request)
        one = await self._desk.ask(
            session, "CodeSystem", lambda browsing: browsing.concept(url, version, code)
        )
        apart = bool(request.query_params.get("apart"))  # from where the tree does not show it
        return self._desk.page(
            request, session, "concept", {"url": url, "version": version, "one": one, "apart": apart}
        )


def _system_of(request: Request) -> tuple[str, str, str, str]:
    given = asked(request, "url", "version", "text")
    return given["url"], given["version"], request.query_params.get("code", ""), given["text"]


def _top(browsing: Browsing, facts: SystemFacts) -> dict[str, object]:
    """The top of the tree, where a code that is asked for is none."""
    if facts.size is None:
        return {}
    return {"levels": [browsing.level(facts.known.url, facts.known.version, "", 0, SIBLINGS)]}


def _opened(browsing: Browsing, size: int | None, request: Request) -> dict[str, object]:
    """The levels to the concept that is asked for, the concept, what a search finds."""
    url, version, code, text = _system_of(request)
    one: ConceptInTree | None = browsing.concept(url, version, code) if code else None
    levels: list[Level] = []
    if size is not None:
        if one is not None:
            levels = [*browsing.way(url, version, code, SIBLINGS)]
        else:
            parent, offset = request.query_params.get("parent", ""), number(request, "offset")
            levels = [browsing.level(url, version, parent, offset, SIBLINGS)]
    found = browsing.search(url, version, text, FOUND) if text else None
    return {"one": one, "levels": levels, "found": found}
