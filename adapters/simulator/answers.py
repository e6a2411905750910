"""What the simulated EHR answers with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from adapters.simulator.clinic import TYPES
from adapters.simulator.habits import Habits
from adapters.simulator.keys import PARAMETERS
from adapters.simulator.records import Stored
from fhirserver.kernel.json import Json, JsonObject, dumps, loads
from fhirserver.model.xml import write_xml

if TYPE_CHECKING:
    from adapters.simulator.call import Call

_BULK = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition"
_VERSIONING = {"checked": "versioned-update", "unchecked": "versioned", "none": "no-version"}
FHIR_JSON = "application/fhir+json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response; of one that is ``cut`` half arrives, and the connection ends."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = FHIR_JSON
    cut: bool = False


def outcome(status: int, code: str, text: str, **headers: str) -> Answer:
    """An error with an OperationOutcome."""
    issue = {"severity": "error", "code": code, "diagnostics": text}
    body = dumps({"resourceType": "OperationOutcome", "issue": [issue]})
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def plain(value: Json) -> Answer:
    """JSON that is not FHIR."""
    return Answer(200, dumps(value), media_type="application/json")


def record(stored: Stored, status: int = 200, location: str = "", bare: bool = False) -> Answer:
    """One version of a record."""
    headers = {"Last-Modified": http_date(datetime.fromisoformat(stored.updated))}
    if b'"versionId"' in stored.content:
        headers["ETag"] = f'W/"{stored.version}"'
    if location:
        headers["Location"] = f"{location}/{stored.type}/{stored.id}/_history/{stored.version}"
    return Answer(status, b"" if bare else stored.content, headers)


def bundle(kind: str, base: str, entries: Sequence[Stored], total: int, links: dict[str, str]) -> Answer:
    """A searchset or history Bundle. Contents go out as they are stored, without parsing."""
    head = dumps({"resourceType": "Bundle", "type": kind, "total": total, "link": _links(links)})
    if not entries:
        return Answer(200, head)
    render = _history_entry if kind == "history" else _match_entry
    joined = b",".join(render(base, stored) for stored in entries)
    return Answer(200, head[:-1] + b',"entry":[' + joined + b"]}")


def capability_statement(software: str, date: str, conditional_create: bool, habits: Habits) -> Answer:
    types = sorted(TYPES | ({"Subscription"} if habits.subscriptions != "none" else set()))
    resources = [_resource_capabilities(type, conditional_create, habits) for type in types]
    if habits.export in ("patient", "group"):
        name = {"patient": "Patient", "group": "Group"}[habits.export]
        resources += [{"type": name, "interaction": [{"code": "read"}]}] if name not in types else []
        exporting = next(each for each in resources if each["type"] == name)
        exporting["operation"] = [{"name": "export", "definition": f"{_BULK}/{habits.export}-export"}]
    server: JsonObject = {"mode": "server", "resource": resources}
    if habits.export == "system":
        server["operation"] = [{"name": "export", "definition": f"{_BULK}/export"}]
    if habits.history == "system":
        server["interaction"] = [{"code": "history-system"}]
    return Answer(
        200,
        dumps(
            {
                "resourceType": "CapabilityStatement",
                "status": "active",
                "date": date,
                "kind": "instance",
                "software": {"name": software},
                "fhirVersion": "4.0.1",
                "format": ["json"],
                "rest": [server],
            }
        ),
    )


def _resource_capabilities(type: str, conditional_create: bool, habits: Habits) -> JsonObject:
    names: tuple[str, ...] = (
        "read",
        "vread",
        "update",
        "delete",
        "history-instance",
        "create",
        "search-type",
    )
    names += ("history-type",) if habits.history == "type" else ()
    fhir_types = {"phone": "token"}
    parameters = [
        {"name": name, "type": fhir_types.get(parameter.kind, parameter.kind)}
        for name, parameter in PARAMETERS.items()
        if parameter.places(type)
    ]
    parameters.append({"name": "_id", "type": "token"})
    if habits.last_updated == "searched":
        parameters.append({"name": "_lastUpdated", "type": "date"})
    return {
        "type": type,
        "interaction": [{"code": name} for name in names],
        "versioning": _VERSIONING[habits.versions],
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": conditional_create,
        "searchParam": parameters,
    }


def _links(links: dict[str, str]) -> list[JsonObject]:
    return [{"relation": relation, "url": url} for relation, url in links.items()]


def _match_entry(base: str, stored: Stored) -> bytes:
    address = f"{base}/{stored.type}/{stored.id}".encode()
    return b'{"fullUrl":"%b","resource":%b,"search":{"mode":"match"}}' % (address, stored.content)


def _history_entry(base: str, stored: Stored) -> bytes:
    method = "DELETE" if stored.deleted else "POST" if stored.version == 1 else "PUT"
    status = "204" if stored.deleted else "201" if stored.version == 1 else "200"
    url = f"{stored.type}/{stored.id}" if method != "POST" else stored.type
    response = {"status": status, "etag": f'W/"{stored.version}"', "lastModified": stored.updated}
    entry: JsonObject = {
        "fullUrl": f"{base}/{stored.type}/{stored.id}",
        "request": {"method": method, "url": url},
        "response": response,
    }
    head = dumps(entry)
    return head if stored.deleted else head[:-1] + b',"resource":' + stored.content + b"}"


def http_date(at: datetime) -> str:
    return format_datetime(at, usegmt=True)


def link(call: Call, query: Sequence[tuple[str, str]]) -> str:
    """The address of the request with another query."""
    return f"{call.root}/{'/'.join(call.path)}?{urlencode(query)}"


def refused(answer: Answer, manner: str) -> Answer:
    """A refusal as EHRs and what stands before them word it."""
    if manner == "html":
        page = b"<!DOCTYPE html><html><body><h1>Something went wrong</h1></body></html>"
        return replace(answer, body=page, media_type="text/html")
    if manner == "empty":
        return replace(answer, body=b"")
    if manner == "success" and answer.status not in (401, 429):
        return replace(answer, status=200)
    return answer


def as_xml(answer: Answer) -> Answer:
    """The same in XML, for an EHR that knows nothing else."""
    if not answer.body or answer.media_type != FHIR_JSON:
        return answer
    return replace(answer, body=write_xml(loads(answer.body)), media_type="application/fhir+xml")
