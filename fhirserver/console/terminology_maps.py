"""The page of a concept map: its rows, and a translation to try."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from fhirserver.console.desk import words_of
from fhirserver.console.sessions import Session
from fhirserver.console.terminology_desk import TerminologyDesk, asked, number
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Refusal

SHOWN = 100
"""Rows on a page."""


@dataclass(frozen=True, slots=True)
class MapRow:
    """One source with one of its targets; ``first``: the row tells the source, and those after it only more targets."""

    source_system: str
    target_system: str
    source: JsonObject
    target: JsonObject
    first: bool


class MapPages:
    """Handlers of the page of a concept map."""

    def __init__(self, desk: TerminologyDesk):
        self._desk = desk

    async def map(self, request: Request, session: Session) -> Response:
        """The map, and what it translates a code to."""
        given, offset = (
            asked(request, "url", "version", "text", "system", "code", "reverse"),
            number(request, "offset"),
        )
        canonical = f"{given['url']}|{given['version']}" if given["version"] else given["url"]
        resource = await self._desk.ask(
            session, "ConceptMap", lambda browsing: browsing.concept_map(canonical)
        )
        rows = await asyncio.to_thread(_found, resource, given["text"].casefold())
        values: dict[str, object] = {
            "resource": resource,
            "rows": rows[offset : offset + SHOWN],
            "total": len(rows),
            "offset": offset,
            "step": SHOWN,
            "given": given,
            "unmapped": [*_unmapped(resource)],
            "systems": list(dict.fromkeys(str(one.get("source", "")) for one in resource.get("group", ()))),
            "translates": self._translates,
            "translated": await self._translated(session, given),
        }
        return self._desk.page(request, session, "map", values)

    @property
    def _translates(self) -> bool:
        return {"url", "system", "code"} <= self._desk.accepted("ConceptMap", "translate")

    async def _translated(self, session: Session, given: dict[str, str]) -> dict[str, object] | None:
        if not given["code"] or not self._translates:
            return None
        inputs: list[JsonObject] = [
            {"name": "url", "valueUri": given["url"]},
            {"name": "conceptMapVersion", "valueString": given["version"]},
            {"name": "system", "valueUri": given["system"]},
            {"name": "code", "valueCode": given["code"]},
            {"name": "reverse", "valueBoolean": given["reverse"] == "true"},
        ]
        accepted = self._desk.accepted("ConceptMap", "translate")
        sent = [one for one in inputs if one["name"] in accepted and "" not in one.values()]
        try:
            answer = await self._desk.desk.invoke(session, "ConceptMap", "", "translate", *sent)
        except Refusal as refusal:
            return {"wrong": words_of(refusal)}
        return _told(loads(answer.body))


def _told(parameters: JsonObject) -> dict[str, object]:
    """The answer of ``$translate``, flat."""
    told: dict[str, object] = {"matches": []}
    matches: list[dict[str, Json]] = []
    for one in parameters.get("parameter", ()):
        if one["name"] == "match":
            matches.append({part["name"]: _value(part) for part in one.get("part", ())})
        else:
            told[one["name"]] = _value(one)
    return {**told, "matches": matches}


def _value(part: JsonObject) -> Json:
    return next((value for name, value in part.items() if name.startswith("value")), None)


def _rows(resource: JsonObject) -> Iterator[MapRow]:
    for group in resource.get("group", ()):
        systems = str(group.get("source", "")), str(group.get("target", ""))
        for element in group.get("element", ()):
            for number_, target in enumerate(element.get("target") or [{"equivalence": "unmatched"}]):
                yield MapRow(*systems, element, target, number_ == 0)


def _found(resource: JsonObject, text: str) -> list[MapRow]:
    return [row for row in _rows(resource) if _has(row, text)]


def _unmapped(resource: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """What each group does with codes that it does not have."""
    for group in resource.get("group", ()):
        if group.get("unmapped"):
            yield str(group.get("source", "")), group["unmapped"]


def _has(row: MapRow, text: str) -> bool:
    names = (one.get(member, "") for one in (row.source, row.target) for member in ("code", "display"))
    return any(text in str(name).casefold() for name in names)
