"""The page of a value set: its expansion, tried with parameters, and why a code is in it or out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from fhirserver.console.desk import words_of
from fhirserver.console.sessions import Session
from fhirserver.console.terminology_desk import TerminologyDesk, asked, number
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.terminology_browsing import Explanation

SHOWN = 100
"""Codes on a page of an expansion."""
_MOST_VERSIONS = 20
_FIELDS = ("url", "version", "filter", "activeOnly", "displayLanguage", "date", "system-version", "view")
_WHY = ("system", "code")


@dataclass(frozen=True, slots=True)
class Row:
    """A code of an expansion, or a heading: ``depth`` is how deep it is nested."""

    depth: int
    item: JsonObject


@dataclass(frozen=True, slots=True)
class Expanded:
    """A page of an expansion; or why there is none (``wrong``, with the issue's code)."""

    rows: tuple[Row, ...] = ()
    total: int | None = None
    offset: int = 0
    parameters: tuple[tuple[str, str], ...] = ()
    timestamp: str = ""
    wrong: str = ""
    code: str = ""
    more: bool = False


class ValueSetPages:
    """Handlers of the page of a value set."""

    def __init__(self, desk: TerminologyDesk):
        self._desk = desk

    async def value_set(self, request: Request, session: Session) -> Response:
        """The value set, its expansion, and why the code that is asked about is in it or not."""
        given = asked(request, *_FIELDS)
        resource = await self._resource(session, given)
        versions = await self._desk.ask(
            session, "ValueSet", lambda browsing: browsing.value_set_versions(given["url"])
        )
        expanded = await self._expand(request, session, given)
        explained = await self._explain(request, session, given)
        known = {"resource": resource, "versions": versions, "systems": _systems(resource)}
        values = {**known, "expanded": expanded, **explained, **self._shared(given)}
        return self._desk.page(request, session, "value_set", values)

    async def expansion(self, request: Request, session: Session) -> Response:
        """The expansion alone, as one types."""
        given = asked(request, *_FIELDS)
        expanded = await self._expand(request, session, given)
        return self._desk.page(request, session, "expansion", {"expanded": expanded, **self._shared(given)})

    async def why(self, request: Request, session: Session) -> Response:
        """The explanation alone."""
        given = asked(request, *_FIELDS)
        explained = await self._explain(request, session, given)
        return self._desk.page(request, session, "why", {**explained, **self._shared(given)})

    def _shared(self, given: Mapping[str, str]) -> dict[str, object]:
        parameters = {name: value for name, value in given.items() if value}
        return {
            "given": given,
            "parameters": parameters,
            "accepted": self._desk.accepted("ValueSet", "expand"),
            "step": SHOWN,
        }

    async def _resource(self, session: Session, given: Mapping[str, str]) -> JsonObject:
        canonical = _canonical(given)
        return await self._desk.ask(session, "ValueSet", lambda browsing: browsing.value_set(canonical))

    # The expansion

    async def _expand(self, request: Request, session: Session, given: Mapping[str, str]) -> Expanded:
        offset = number(request, "offset")
        parameters = _inputs(given, offset, self._desk.accepted("ValueSet", "expand"))
        try:
            answer = await self._desk.desk.invoke(session, "ValueSet", "", "expand", *parameters)
        except Refusal as refusal:
            return Expanded(wrong=words_of(refusal), code=refusal.issues[0].code if refusal.issues else "")
        return _expanded(loads(answer.body), offset)

    # Why a code is in or out

    async def _explain(
        self, request: Request, session: Session, given: Mapping[str, str]
    ) -> dict[str, object]:
        wanted = asked(request, *_WHY)
        system, code = wanted["system"], wanted["code"]
        if not code:
            return {"asked": wanted, "explained": None, "unexplained": ""}
        try:
            explained = await self._desk.ask(
                session,
                "ValueSet",
                lambda browsing: browsing.explain(
                    _canonical(given),
                    system,
                    code,
                    versions=_versions(given),
                    active_only=given["activeOnly"] == "true",
                ),
            )
        except Refusal as refusal:
            return {"asked": wanted, "explained": None, "unexplained": words_of(refusal)}
        return {"asked": wanted, "explained": explained, "unexplained": "", "word": _word(explained)}


def _word(explained: Explanation) -> str:
    return {True: "in", False: "out", None: "unknown"}[explained.result]


def _canonical(given: Mapping[str, str]) -> str:
    return f"{given['url']}|{given['version']}" if given["version"] else given["url"]


def _versions(given: Mapping[str, str]) -> list[str]:
    """The canonicals of ``system-version``: one in a line, or with spaces between."""
    return [one for one in given["system-version"].split() if "|" in one][:_MOST_VERSIONS]


def _inputs(given: Mapping[str, str], offset: int, accepted: frozenset[str]) -> list[JsonObject]:
    """The parameters of ``$expand``: those that this server takes."""
    is_flat = given["view"] != "nested"
    inputs: list[JsonObject] = [
        {"name": "url", "valueUri": given["url"]},
        {"name": "valueSetVersion", "valueString": given["version"]},
        {"name": "filter", "valueString": given["filter"]},
        {"name": "displayLanguage", "valueCode": given["displayLanguage"]},
        {"name": "date", "valueDateTime": given["date"]},
        {"name": "activeOnly", "valueBoolean": given["activeOnly"] == "true"},
        {"name": "excludeNested", "valueBoolean": is_flat},
        *({"name": "system-version", "valueUri": one} for one in _versions(given)),
        {"name": "offset", "valueInteger": offset},
        {"name": "count", "valueInteger": SHOWN},
    ]
    paged = is_flat or given["filter"] or offset
    inputs = [one for one in inputs if paged or one["name"] not in ("offset", "count")]
    return [one for one in inputs if one["name"] in accepted and "" not in one.values()]


def _expanded(resource: JsonObject, offset: int) -> Expanded:
    expansion = resource.get("expansion", {})
    rows = [*_rows(expansion.get("contains", ()))]
    total = expansion.get("total")
    shown = tuple(rows[:SHOWN]) if len(rows) > 5 * SHOWN else tuple(rows)
    listed = sum(1 for row in rows if "code" in row.item and not row.item.get("abstract"))
    return Expanded(
        shown,
        total,
        offset,
        tuple((str(one.get("name", "")), _text(one)) for one in expansion.get("parameter", ())),
        str(expansion.get("timestamp", "")),
        more=len(shown) < len(rows) or (total is not None and offset + listed < total and listed >= SHOWN),
    )


def _rows(contains: Sequence[JsonObject]) -> Iterator[Row]:
    """Every item with its depth, in order, without recursion."""
    waiting = [(0, one) for one in reversed(contains)]
    while waiting:
        depth, item = waiting.pop()
        yield Row(depth, item)
        waiting.extend((depth + 1, inner) for inner in reversed(item.get("contains", ())))


def _text(parameter: JsonObject) -> str:
    value: Json = next((value for name, value in parameter.items() if name.startswith("value")), "")
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _systems(resource: JsonObject) -> list[str]:
    """The code systems that the value set itself names."""
    compose = resource.get("compose", {})
    parts = [*compose.get("include", ()), *compose.get("exclude", ())]
    return list(dict.fromkeys(str(one["system"]) for one in parts if "system" in one))
