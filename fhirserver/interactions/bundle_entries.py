"""The entries of a batch or transaction: requests in, responses out."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote

from fhirserver.access.principals import Principal
from fhirserver.interactions.bundles import entry as encode_entry
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.patch_bodies import FHIR_JSON
from fhirserver.interactions.paths import locate
from fhirserver.interactions.preconditions import http_date
from fhirserver.kernel.instants import comparable
from fhirserver.kernel.json import Json, JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, Issue, Refusal, operation_outcome, refuse
from fhirserver.model.validation import validate
from fhirserver.world.vocabulary import ENTRY_PROVENANCE

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class EntryRequest:
    """One entry as a request. ``provenance`` is the entry's own X-Provenance, which wins over the header's."""

    number: int
    method: str
    type: str
    id: str
    rest: str
    query: str
    full_url: str
    resource: JsonObject | None
    if_match: str | None
    if_none_match: str | None
    if_none_exist: str
    if_modified_since: str
    provenance: str

    @property
    def reads(self) -> bool:
        """Whether nothing is written: GET, HEAD, and the searches and operations that are posted."""
        asked = any(part[:1] in ("$", "_") for part in (self.type, self.id, *self.rest.split("/")))
        return self.method in ("GET", "HEAD") or (self.method == "POST" and asked)

    def path(self, member: str) -> str:
        return f"Bundle.entry[{self.number}].{member}"

    @contextmanager
    def named(self) -> Iterator[None]:
        """Make refusals from inside point at this entry."""
        try:
            yield
        except Refusal as refusal:
            raise Refusal(
                refusal.category, [self._within(i) for i in refusal.issues], refusal.headers
            ) from None

    def _within(self, issue: Issue) -> Issue:
        if self.method == "PATCH" and issue.expression and issue.expression[0].startswith(f"{self.type}."):
            # what the patch made is not in the Bundle: the text has to say where it is wrong
            text = f"{issue.expression[0]} after the patch: {issue.diagnostics}"
            return replace(issue, diagnostics=text, expression=(self.path("resource"),))
        if issue.expression == (self.type,) and (self.resource is None or issue.code in _OF_THE_REQUEST):
            return replace(issue, expression=(self.path(f"request.{self._asking(issue.code)}"),))
        paths = tuple(self._full_path(path) for path in issue.expression) or (f"Bundle.entry[{self.number}]",)
        return replace(issue, expression=paths)

    def _asking(self, code: str) -> str:
        """Which part of the request asked for what was refused with this code."""
        if code == "conflict" and self.if_match is not None:
            return "ifMatch"
        if code == "duplicate" and self.if_none_match is not None:
            return "ifNoneMatch"
        return "ifNoneExist" if code == "multiple-matches" and self.if_none_exist else "url"

    def _full_path(self, path: str) -> str:
        if path.startswith("Bundle.entry["):
            return path
        if path.startswith("http."):
            return self.path(_place_of_header(path))
        if path == "resource" or path.startswith(("request.", "resource.")):
            return self.path(path)
        head, dot, tail = path.partition(".")
        if head == "Parameters" and (self.resource or {}).get("resourceType") == head:
            return self.path(f"resource.{tail}")
        if head == "Provenance" != self.type:
            return self.path("request.extension")
        if path == "resourceType":
            return self.path("resource.resourceType")
        return self.path(f"resource.{tail}") if dot and head == self.type else self.path("resource")

    def as_request(self, principal: Principal) -> Request:
        """The entry as if it had come over HTTP by itself."""
        headers = {
            "if-match": self.if_match,
            "if-none-match": self.if_none_match,
            "if-none-exist": self.if_none_exist or None,
            "if-modified-since": http_date(comparable(since)) if (since := self.if_modified_since) else None,
            "x-provenance": self.provenance or None,
        }
        body: bytes | JsonObject | None = self.resource
        if self.method == "PATCH":
            headers["content-type"], body = patch_body(self)
        request = Request(
            principal,
            self.method,
            params=parse_qsl(self.query, keep_blank_values=True),
            headers={name: value for name, value in headers.items() if value is not None},
            body=body,
        )
        return locate(request, [part for part in (self.type, self.id, *self.rest.split("/")) if part])


_OF_THE_REQUEST = frozenset({"conflict", "deleted", "duplicate", "multiple-matches", "not-found"})
"""Codes of refusals of a whole resource that are about which one, not about what it says."""
_PLACES = {
    "http.method": "request.method",
    "http.If-Match": "request.ifMatch",
    "http.If-None-Exist": "request.ifNoneExist",
    "http.If-Modified-Since": "request.ifModifiedSince",
    "http.X-Provenance": "request.extension",
    "http.If-None-Match": "request.ifNoneMatch",
    "http.Content-Type": "resource.contentType",
    "http.body": "resource",
}


def _place_of_header(path: str) -> str:
    """What a header or part of the URL is in an entry: ``http.If-Match`` is ``request.ifMatch``."""
    return _PLACES.get(path.partition("[")[0], "request.url")


def bundle_entries(body: JsonObject) -> tuple[list[Json], dict[int, Refusal]]:
    """The entries of a Bundle, and what is wrong with the frame of some, by number.

    Raises a refusal (400) where the Bundle around them is not sound.
    """
    entries = body.get("entry", [])
    if not isinstance(entries, list):
        raise refuse(Category.INVALID, "structure", "entry is an array", "Bundle.entry")
    wrong = {number: flaw for number, entry in enumerate(entries) if (flaw := _flaw(number, entry))}
    around = {name: value for name, value in body.items() if name != "entry"}
    frames = [{"request": {}} if n in wrong else _without_resource(e) for n, e in enumerate(entries)]
    found: dict[int, list[Issue]] = {}
    for issue in validate({**around, "entry": frames} if frames else around):
        if issue.severity in ("error", "fatal"):
            found.setdefault(_entry_number(issue), []).append(issue)
    if -1 in found:
        raise Refusal(Category.INVALID, found[-1])
    return entries, {**{n: Refusal(Category.INVALID, all) for n, all in found.items()}, **wrong}


_NUMBER = re.compile(r"Bundle\.entry\[(\d+)\]")


def _entry_number(issue: Issue) -> int:
    """Which entry an issue is about; -1 for the Bundle itself."""
    match = _NUMBER.match(issue.expression[0]) if issue.expression else None
    return int(match[1]) if match else -1


def _flaw(number: int, entry: Json) -> Refusal | None:
    where = f"Bundle.entry[{number}]"
    if not isinstance(entry, dict):
        return refuse(Category.INVALID, "structure", "An entry is an object", where)
    if not isinstance(entry.get("resource", {}), dict):
        return refuse(Category.INVALID, "structure", "A resource is an object", f"{where}.resource")
    if not isinstance(entry.get("request"), dict):
        text = "Every entry of a batch or transaction has a request"
        return refuse(Category.INVALID, "required", text, f"{where}.request")
    return None


def _without_resource(entry: JsonObject) -> JsonObject:
    return {name: value for name, value in entry.items() if name != "resource"}


def entry_request(number: int, entry: JsonObject, base_url: str) -> EntryRequest:
    """Read one entry. Raises a refusal (400) that names what is missing."""
    request = entry["request"]
    where = f"Bundle.entry[{number}].request"
    method, url = str(request.get("method", "")), str(request.get("url", ""))
    if method not in METHODS:
        raise refuse(
            Category.INVALID, "value", f"method is one of {', '.join(sorted(METHODS))}", f"{where}.method"
        )
    path, _, query = _relative(url, base_url).partition("?")
    if "://" in path:
        raise refuse(Category.INVALID, "value", "url is on another server than this", f"{where}.url")
    type, _, tail = path.partition("/")
    if not type and not (query and method in ("GET", "HEAD")):
        raise refuse(Category.INVALID, "required", "url is Type, Type/id or Type?criteria", f"{where}.url")
    id, _, rest = tail.partition("/")
    return EntryRequest(
        number=number,
        method=method,
        type=unquote(type),
        id=unquote(id),
        rest=unquote(rest),
        query=query,
        full_url=str(entry.get("fullUrl", "")),
        resource=entry.get("resource"),
        if_match=request.get("ifMatch"),
        if_none_match=request.get("ifNoneMatch"),
        if_none_exist=str(request.get("ifNoneExist", "")),
        if_modified_since=str(request.get("ifModifiedSince", "")),
        provenance=_own_provenance(request),
    )


def _relative(url: str, base_url: str) -> str:
    """The URL of an entry without the server's own base, which it may have."""
    return url.removeprefix(base_url).lstrip("/")


def _own_provenance(request: JsonObject) -> str:
    for extension in request.get("extension", ()):
        if extension.get("url") == ENTRY_PROVENANCE:
            return str(extension.get("valueString", ""))
    return ""


def patch_body(entry: EntryRequest) -> tuple[str, bytes | Json]:
    """Media type and body of a PATCH entry: a Parameters resource, or what a Binary carries."""
    resource = entry.resource or {}
    if resource.get("resourceType") == "Parameters":
        return FHIR_JSON, resource
    try:
        if resource.get("resourceType") != "Binary":
            raise ValueError
        return str(resource.get("contentType", "")), base64.b64decode(resource.get("data", ""), validate=True)
    except (TypeError, ValueError, binascii.Error):
        text = "PATCH takes a Parameters resource, or a Binary with contentType and data of a patch"
        raise refuse(Category.INVALID, "invalid", text, "resource") from None


def entry_result(context: Context, result: Result, method: str, preferred: str = "") -> bytes:
    """One entry of the response Bundle. ``preferred`` is what is to be returned of a write."""
    response: JsonObject = {"status": str(result.status)}
    location = result.headers.get("Location") or result.headers.get("Content-Location")
    if location:
        response["location"] = location
    version = result.version
    if version is not None:
        response["etag"], response["lastModified"] = f'W/"{version.version}"', version.recorded
    content = b"" if method in ("HEAD", "DELETE") else result.resource
    issues = result.issues
    if content and result.content_type:
        content = _as_binary(result)
    elif preferred == "OperationOutcome" and method in ("POST", "PUT", "PATCH", "DELETE") and result.body:
        issues, content = loads(result.body).get("issue", ()), b""
    if issues:
        response["outcome"] = {"resourceType": "OperationOutcome", "issue": list(issues)}
    url = ""  # what was only read may stand in several entries (bdl-7)
    if location and version is not None:
        url = f"{context.base_url}/{version.type}/{version.id}"
    return encode_entry(url, content, response=response)


def _as_binary(result: Result) -> bytes:
    """What is no FHIR, such as the answer to ``$graphql``, as a resource."""
    data = base64.b64encode(result.body).decode()
    return dumps({"resourceType": "Binary", "contentType": result.content_type, "data": data})


def entry_refused(refusal: Refusal) -> bytes:
    """One entry of a batch response that was refused."""
    response = {"status": str(refusal.category.value), "outcome": operation_outcome(refusal.issues)}
    return encode_entry("", b"", response=response)
