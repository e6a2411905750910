"""The world after a call: what was written, and whether what must be true is true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from agent.evaluation.practice import ZONE
from agent.evaluation.scenario import Find
from agent.tools.client import FhirClient, next_page
from agent.tools.provenance import CANONICAL
from fhirserver.kernel.json import JsonObject, dumps

_OWN_RECORD = frozenset(
    {"Communication", "DocumentReference", "Composition", "MeasureReport", "Observation", "Binary"}
)
"""What a call may leave as its own record: transcript, summary, quality, how the voice sounded, pictures. Only if it is
new."""
_DERIVED = frozenset({"Provenance", "AuditEvent"})


@dataclass(frozen=True, slots=True)
class Change:
    """A resource that was written during the call; ``created`` names the patient of a new one."""

    reference: str
    created: str = ""

    @property
    def type(self) -> str:
        return self.reference.partition("/")[0]

    def allowed(self, patterns: Iterable[str]) -> bool:
        """By its reference, or ``Type/+patient`` for a new one."""
        names = [f"{self.type}/+{self.created}"] if self.created else [self.reference]
        return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


class WorldAfter:
    """The server as an operator sees it; ``since`` is the server's time when the call began."""

    def __init__(self, client: FhirClient, since: str):
        self._client, self._since = client, since

    async def changes(self) -> list[Change]:
        """Everything that was written since, besides what the server derives."""
        found: dict[str, Change] = {}
        path = f"_history?_since={self._since}&_count=500"
        while path:
            answer = await self._client.get(path)
            for entry in answer.body.get("entry", ()):
                change = _change(entry)
                if change is not None:
                    kept = found.get(change.reference)
                    found[change.reference] = change if kept is None or change.created else kept
            path = next_page(path, answer.body)
        return sorted(found.values(), key=lambda c: c.reference)

    async def wrong_writes(self, allowed: tuple[str, ...], others: tuple[str, ...] = ()) -> list[str]:
        """What was written and may not have been. ``others`` were written by the scenario itself."""
        changes = [c for c in await self.changes() if not (c.created and c.type in _OWN_RECORD)]
        return [
            f"{c.reference}{f' (new, of {c.created})' if c.created else ''}"
            for c in changes
            if not c.allowed(allowed) and c.reference not in others
        ]

    async def check(self, find: Find) -> str:
        """Why what must be true is not, or nothing."""
        type, _, query = find.search.partition("?")
        pairs = [(k, v) for k, _, v in (p.partition("=") for p in query.split("&") if p)]
        found = [r for r in await self._client.search(type, pairs) if r["resourceType"] == type]
        if len(found) != find.count:
            return f"{find.search}: {len(found)} found, {find.count} expected"
        for resource in found:
            for path, wanted in find.where.items():
                values = [_comparable(v) for v in _at(resource, path.split("."))]
                if _comparable(wanted) not in values:
                    return f"{find.search}: {path} is {values}, not {_comparable(wanted)!r}"
            if find.confidence is not None:
                first = await self._client.read(f"{type}/{resource['id']}/_history/1") or {}
                if _confidence(first) != find.confidence:
                    return f"{find.search}: confidence is {_confidence(first)}, not {find.confidence}"
        return ""

    async def stated(self, reference: str, text: str) -> str:
        """Why ``text`` is not among what the lineage of a resource has, or nothing."""
        lineage = await self._client.read(f"{reference}/$lineage") or {}
        return "" if text in dumps(lineage).decode() else f"{reference}: nobody stated {text!r}"


def _change(entry: JsonObject) -> Change | None:
    resource, request = entry.get("resource", {}), entry.get("request", {})
    url = str(entry.get("fullUrl", "") or request.get("url", ""))
    reference = "/".join(url.partition("/_history")[0].split("/")[-2:])
    if resource:
        reference = f"{resource['resourceType']}/{resource['id']}"
    type = reference.partition("/")[0]
    if type in _DERIVED or _by_the_server(resource):
        return None
    created = str(resource.get("meta", {}).get("versionId", "")) == "1"
    return Change(reference, _patient(resource) if created else "")


def _by_the_server(resource: JsonObject) -> bool:
    """Review and writeback tasks, and what the server publishes of itself."""
    return str(resource.get("meta", {}).get("source", "")).partition("#")[0].endswith("credence")


def _patient(resource: JsonObject) -> str:
    """The id of the patient a resource is about, or ``nobody``."""
    named = [resource.get(n, {}).get("reference", "") for n in ("subject", "beneficiary", "patient", "for")]
    named += [p.get("actor", {}).get("reference", "") for p in resource.get("participant", ())]
    found = [r.removeprefix("Patient/") for r in named if r.startswith("Patient/")]
    return found[0] if found else "nobody"


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    """Every value at a dotted path, lists walked through."""
    if isinstance(value, list):
        for inner in value:
            yield from _at(inner, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _comparable(value: Any) -> str:
    """Times as the practice's own to the minute, everything else as its text."""
    text = str(value)
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(text)
    except ValueError:
        return text
    if len(text) < 16:
        return text
    local = at.astimezone(ZONE) if at.tzinfo else at
    return local.strftime("%Y-%m-%dT%H:%M")


def _confidence(resource: JsonObject) -> float | None:
    url = f"{CANONICAL}/StructureDefinition/confidence"
    marks = [e for e in resource.get("meta", {}).get("extension", ()) if e.get("url") == url]
    return float(marks[0]["valueDecimal"]) if marks else None
