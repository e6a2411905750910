"""A small FHIR server in memory, spoken to over HTTP: enough of R4 for the agent's tools."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx

Resource = dict[str, Any]

_PATHS: dict[str, Callable[[Resource], list[str]]] = {
    "phone": lambda r: [t["value"] for t in r.get("telecom", ()) if t.get("system") == "phone"],
    "birthdate": lambda r: [r.get("birthDate", "")],
    "patient": lambda r: [
        *(p["actor"]["reference"] for p in r.get("participant", ()) if "actor" in p),
        *(r[n]["reference"] for n in ("beneficiary", "subject") if n in r),
    ],
    "actor": lambda r: [a["reference"] for a in r.get("actor", ())],
    "schedule": lambda r: [r["schedule"]["reference"]],
    "status": lambda r: [r.get("status", "")],
    "identifier": lambda r: [f"{i['system']}|{i['value']}" for i in r.get("identifier", ())],
}
_DATES = {"start": "start", "date": "start"}


class StandIn:
    """Stores resources by reference; ``requests`` keeps every request; ``faults`` run before each one."""

    def __init__(self, resources: list[Resource]):
        self.store: dict[str, Resource] = {}
        self.requests: list[tuple[str, str, Any, dict[str, str]]] = []
        self.faults: list[Callable[[httpx.Request], httpx.Response | None]] = []
        self.cut_after_writing = False
        for resource in resources:
            self.put(resource)

    def put(self, resource: Resource) -> Resource:
        key = f"{resource['resourceType']}/{resource['id']}"
        version = int(self.store.get(key, {}).get("meta", {}).get("versionId", "0")) + 1
        self.store[key] = resource | {"meta": {"versionId": str(version)}}
        return self.store[key]

    def of(self, type: str) -> list[Resource]:
        return [r for k, r in self.store.items() if k.startswith(f"{type}/")]

    def writes(self) -> list[tuple[str, str, Any, dict[str, str]]]:
        return [r for r in self.requests if r[0] != "GET"]

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    def handle(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/fhir").strip("/")
        body = json.loads(request.content) if request.content else None
        self.requests.append((request.method, path, body, dict(request.headers)))
        for fault in self.faults:
            answer = fault(request)
            if answer is not None:
                return answer
        answer = self._answer(request, path, body)
        if self.cut_after_writing and request.method == "POST" and path == "" and answer.status_code < 300:
            self.cut_after_writing = False
            raise httpx.RemoteProtocolError("cut")
        return answer

    def _answer(self, request: httpx.Request, path: str, body: Any) -> httpx.Response:
        if request.method == "POST" and path == "":
            return self._transaction(body)
        if request.method == "POST":
            return self._create(path, body, request.headers.get("if-none-exist", ""))
        if request.method == "PUT":
            return reply(200 if path in self.store else 201, self.put(body))
        if path not in self.store and "/" in path:
            return reply(404, {"resourceType": "OperationOutcome"})
        if request.method == "PATCH":
            return self._patch(request, path, body)
        return (
            reply(200, self.store[path])
            if "/" in path
            else self._search(path, request.url.params.multi_items())
        )

    def _create(self, type: str, body: Resource, unless: str = "") -> httpx.Response:
        there = [r for r in self.of(type) if unless and self._holds(r, *parse_qsl(unless)[0])]
        if there:
            return reply(200, there[0])
        made = self.put(body | {"id": f"n{len(self.store) + 1}"})
        location = f"http://test/fhir/{type}/{made['id']}/_history/1"
        return reply(201, made, {"Location": location})

    def _search(self, type: str, params: list[tuple[str, str]]) -> httpx.Response:
        found = [r for r in self.of(type) if all(self._holds(r, n, v) for n, v in params)]
        return reply(200, {"resourceType": "Bundle", "entry": [{"resource": r} for r in found]})

    def _holds(self, resource: Resource, name: str, text: str) -> bool:
        if name.startswith("_"):
            return True
        if name in _DATES:
            value = resource.get("start") or resource.get("period", {}).get("start", "")
            return value[:10] >= text[2:12] if text.startswith("ge") else value[:10] <= text[2:12]
        if name == "name":
            return resource.get("name", "").lower().startswith(text.lower())
        return any(v in text.split(",") for v in _PATHS[name](resource))

    def _patch(self, request: httpx.Request, path: str, body: Any) -> httpx.Response:
        now = self.store[path]
        if request.headers.get("if-match") not in (None, f'W/"{now["meta"]["versionId"]}"'):
            return reply(412, {})
        changed = json.loads(json.dumps(now))
        for operation in body:
            name, _, place = operation["path"].strip("/").partition("/")
            if operation["op"] == "replace":
                changed[name][int(place)] = operation["value"]
            elif place == "-":
                changed[name].append(operation["value"])
            else:
                changed[name] = operation["value"]
        return reply(200, self.put(changed))

    def _transaction(self, bundle: Resource) -> httpx.Response:
        for entry in bundle["entry"]:
            wanted = entry["request"].get("ifMatch")
            now = self.store.get(entry["request"]["url"], {}).get("meta", {}).get("versionId")
            if wanted is not None and wanted != f'W/"{now}"':
                return reply(412, {"resourceType": "OperationOutcome"})
        out = []
        for entry in bundle["entry"]:
            resource, created = entry["resource"], entry["request"]["method"] == "POST"
            made = self.put(resource | {"id": f"n{len(self.store) + 1}"} if created else resource)
            location = f"{made['resourceType']}/{made['id']}/_history/{made['meta']['versionId']}"
            out.append({"response": {"status": "201 Created" if created else "200 OK", "location": location}})
        return reply(200, {"resourceType": "Bundle", "type": "transaction-response", "entry": out})


def reply(status: int, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    content = json.dumps(body).encode()
    return httpx.Response(
        status, content=content, headers={"Content-Type": "application/fhir+json", **(headers or {})}
    )
