"""What the simulated EHR answers with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from adapters.simulator.clinic import TYPES
from adapters.simulator.keys import PARAMETERS
from adapters.simulator.records import Stored
from fhirserver.kernel.json import Json, JsonObject, dumps

FHIR_JSON = "application/fhir+json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = FHIR_JSON


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
    headers = {"ETag": f'W/"{stored.version}"', "Last-Modified": _http_date(stored.updated)}
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


def capability_statement(software: str, date: str, conditional_create: bool) -> Answer:
    resources = [_resource_capabilities(type, conditional_create) for type in sorted(TYPES)]
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
                "rest": [{"mode": "server", "resource": resources}],
            }
        ),
    )


def _resource_capabilities(type: str, conditional_create: bool) -> JsonObject:
    names = ("read", "vread", "update", "delete", "history-instance", "history-type", "create", "search-type")
    fhir_types = {"phone": "token"}
    parameters = [
        {"name": name, "type": fhir_types.get(parameter.kind, parameter.kind)}
        for name, parameter in PARAMETERS.items()
        if parameter.places(type)
    ]
    parameters += [{"name": "_id", "type": "token"}, {"name": "_lastUpdated", "type": "date"}]
    return {
        "type": type,
        "interaction": [{"code": name} for name in names],
        "versioning": "versioned",
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


def _http_date(instant: str) -> str:
    return format_datetime(datetime.fromisoformat(instant), usegmt=True)
