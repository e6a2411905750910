"""The pages of agents and scheduling rules: what is in force, what would change, and why a slot is not offered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from fhirserver.console.desk import Desk, Endpoint, words_of
from fhirserver.console.graph_picture import HIGH, WIDE, graph_picture
from fhirserver.console.sessions import Session
from fhirserver.interactions.configured.comparing import differences
from fhirserver.interactions.configured.libraries import Libraries
from fhirserver.interactions.configured.versions import Versions
from fhirserver.kernel.json import Json, JsonObject, dumps
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.agents import Agents, Explanation, Fault, Looked
from fhirserver.world.configuration import Configured
from fhirserver.world.configured.parts import InvalidDocument, read
from fhirserver.world.configured.rule_words import Sentence, sentences
from fhirserver.world.configured.scheduling_rules import SchedulingRules

RULES, NUMBER, SERVICE = "scheduling-rules", "phone-number", "chat-service"
_SHOWN = 200
_ZONE = "America/New_York"


@dataclass(frozen=True, slots=True)
class Row:
    """An agent in the list. ``answers``: the numbers and chat services that it answers."""

    agent: Configured
    answers: Sequence[str]
    rules: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the documents that are compared."""

    value: str
    label: str


def agent_routes(desk: Desk) -> list[tuple[str, str, Endpoint]]:
    """The pages by their addresses; none where there is no agent."""
    if desk.context.agents is None:
        return []
    pages = AgentPages(desk, desk.context.agents)
    return [
        ("GET", "/agents", desk.signed_in(pages.agents)),
        ("GET", "/agents/{id}", desk.signed_in(pages.agent)),
        ("GET", "/rules/{id}", desk.signed_in(pages.rules)),
    ]


class AgentPages:
    """Handlers of the pages; they change nothing."""

    def __init__(self, desk: Desk, agents: Agents):
        self._desk, self._agents = desk, agents

    async def agents(self, request: Request, session: Session) -> Response:
        """All agents and all rule sets."""
        libraries, kept = self._libraries(session), self._versions(session)
        found, _ = await kept.agents(_SHOWN)
        answers = await _answers(libraries)
        rows = [
            Row(one, answers.get(one.id, []), str(one.document.get("scheduling_rules", ""))) for one in found
        ]
        rules = sorted(await libraries.all(RULES), key=lambda one: one.id)
        return self._desk.page(request, "agents.html", session, rows=rows, rules=rules)

    async def agent(self, request: Request, session: Session) -> Response:
        """One agent: its graph, its versions, and what differs between two of its documents."""
        id, kept = request.path_params["id"], self._versions(session)
        try:
            head = await kept.agent(id)
        except Refusal:
            return self._desk.page(request, "nothing.html", session, 404)
        versions = await kept.published(id)
        numbers = [one.version for one in versions]
        shown, before, after = _asked(request, head, numbers)
        documents = {name: await kept.document(id, name) for name in {shown, before, after}}
        return self._desk.page(
            request, "agent.html", session,
            agent=head,
            versions=versions,
            history=await kept.history(id),
            answers=(await _answers(self._libraries(session))).get(id, []),
            choices=_choices(head, numbers),
            shown=shown, before=before, after=after,
            document=documents[shown],
            picture=graph_picture(self._agents.graph(documents[shown])),
            box=(WIDE, HIGH),
            faults=self._agents.check("agent", documents[shown]),
            differences=list(differences(documents[before], documents[after])),
            said=_said,
        )  # fmt: skip

    async def rules(self, request: Request, session: Session) -> Response:
        """One rule set in words, and what it does to the calendar."""
        try:
            found = await self._libraries(session).read(RULES, request.path_params["id"])
        except Refusal:
            return self._desk.page(request, "nothing.html", session, 404)
        asked = {n: request.query_params.get(n, "") for n in ("day", "days", "practitioner", "patient")}
        explained, wrong = None, ""
        if "day" in request.query_params:
            try:
                explained = await self._explained(session, found, asked)
            except (Refusal, ValueError) as error:
                wrong = words_of(error) if isinstance(error, Refusal) else str(error)
        told, faults = _sentences(found.document)
        return self._desk.page(
            request, "rules.html", session, 422 if wrong else 200,
            rules=found, told=told, faults=faults, asked=asked, explained=explained, wrong=wrong,
            today=self._desk.context.clock.now().date().isoformat(),
            history=await self._libraries(session).history(found.id),
        )  # fmt: skip

    async def _explained(self, session: Session, rules: Configured, asked: dict[str, str]) -> Explanation:
        """Raises ValueError for what cannot be read."""
        zone = str(rules.document.get("zone") or _ZONE)
        try:
            day = datetime.combine(datetime.fromisoformat(asked["day"]).date(), time(), ZoneInfo(zone))
            days = int(asked["days"] or 7)
        except ValueError:
            raise ValueError("A day is written as 2026-12-24, and days are a number") from None
        if not 1 <= days <= 60:
            raise ValueError("At most 60 days are looked at")
        last = (day + timedelta(days=days)).replace(fold=0)
        looked = Looked(
            day,
            last,
            self._desk.context.clock.now(),
            zone,
            _reference("Practitioner", asked["practitioner"]),
            _reference("Patient", asked["patient"]),
            most=_SHOWN,
        )
        return await self._agents.explain(rules.document, looked, session.principal)

    def _libraries(self, session: Session) -> Libraries:
        return Libraries(self._desk.context, self._desk.registry, session.principal)

    def _versions(self, session: Session) -> Versions:
        return Versions(self._libraries(session), self._agents.check)


async def _answers(libraries: Libraries) -> dict[str, list[str]]:
    """By agent: the numbers and chat services that it answers."""
    found: dict[str, list[str]] = {}
    for kind in (NUMBER, SERVICE):
        for one in await libraries.all(kind, ("status", "active")):
            name = one.document.get("number", "") if kind == NUMBER else f"chat: {one.title}"
            found.setdefault(str(one.document.get("agent", "")), []).append(str(name))
    return found


def _asked(request: Request, head: Configured, numbers: Sequence[str]) -> tuple[str, str, str]:
    """Which document is shown, and which two are compared: what is in force and the draft where nothing is said."""
    known = {one.value for one in _choices(head, numbers)}
    base = "active" if head.status == "active" else "draft"
    given = request.query_params
    shown = given.get("of", base)
    before, after = given.get("before", base), given.get("after", "draft")
    return tuple(one if one in known else base for one in (shown, before, after))  # type: ignore[return-value]


def _choices(head: Configured, numbers: Sequence[str]) -> list[Choice]:
    active = [Choice("active", f"in force (version {head.version})")] if head.status == "active" else []
    return [Choice("draft", "draft"), *active, *(Choice(one, f"version {one}") for one in numbers)]


def _sentences(document: JsonObject) -> tuple[Sequence[Sentence], Sequence[Fault]]:
    try:
        return sentences(read(SchedulingRules, document)), ()
    except InvalidDocument as wrong:
        return (), wrong.faults


def _reference(type: str, given: str) -> str:
    """A reference, given whole or as an id."""
    text = given.strip()
    return text if not text or "/" in text else f"{type}/{text}"


def _said(value: Json) -> str:
    """A value as it stands in a document, short."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else dumps(value).decode()
    return text if len(text) <= 300 else f"{text[:299]}…"
