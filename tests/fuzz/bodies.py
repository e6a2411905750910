"""Cases with a body: mutated resources by every way in, bundles, patches, operations."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from random import Random
from urllib.parse import quote

from fhirserver.interactions.registry import Operation
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.operations.all import all_operations
from tests.fuzz import odd
from tests.fuzz.case import Case
from tests.fuzz.mutate import Raw, encoded, gently, mutated, write
from tests.fuzz.queries import header_text, query
from tests.fuzz.seeds import seeds

JSON = {"content-type": "application/fhir+json"}
PRINCIPALS = ("admin", "admin", "admin", "ehr", "voice-agent")
_TYPES = tuple(sorted(definitions().resource_types))
_OPERATIONS = tuple(all_operations())


def body_case(rng: Random) -> Case:
    """Any request with a body."""
    made = rng.choice(_WAYS)(rng)
    made.principal = rng.choice(PRINCIPALS)
    if rng.random() < 0.1:
        made.headers["prefer"] = rng.choice(
            (
                "return=minimal",
                "return=representation",
                "return=OperationOutcome",
                "handling=lenient",
                odd.text(rng)[:60],
            )
        )
        made.headers["prefer"] = header_text(made.headers["prefer"])
    if rng.random() < 0.04:
        made.headers["x-provenance"] = header_text(write(_provenance(rng)))
    return made


def resource(rng: Random) -> JsonObject:
    """A seed, mutated more often than not."""
    chosen = rng.choice(seeds().resources)
    if rng.random() < 0.4:
        return gently(rng, chosen)
    return mutated(rng, chosen, seeds().resources) if rng.random() < 0.9 else dict(chosen)


def _typed(rng: Random) -> tuple[str, str, JsonObject]:
    made = resource(rng)
    type, id = made.get("resourceType"), made.get("id")
    path = type if isinstance(type, str) and type in definitions().resource_types else rng.choice(_TYPES)
    good = isinstance(id, str) and 0 < len(id) < 60 and id.isascii() and id.isalnum()
    return path, id if isinstance(id, str) and good else f"f{rng.randrange(200)}", made


def _create(rng: Random) -> Case:
    type, _, made = _typed(rng)
    headers = dict(JSON)
    if rng.random() < 0.1:
        headers["if-none-exist"] = header_text(query(rng, type))
    return Case("create", "POST", f"/{type}", headers, encoded(rng, made))


def _update(rng: Random) -> Case:
    type, id, made = _typed(rng)
    if rng.random() < 0.8 and "id" in made:
        made["id"] = id
    headers = dict(JSON)
    if rng.random() < 0.1:
        headers["if-match"] = header_text(rng.choice(('W/"1"', '"x"', "*", odd.text(rng)[:60])))
    return Case("update", "PUT", f"/{type}/{id}", headers, encoded(rng, made))


def _conditional_update(rng: Random) -> Case:
    type, _, made = _typed(rng)
    return Case("conditional update", "PUT", f"/{type}?{query(rng, type)}", dict(JSON), encoded(rng, made))


def _entry(rng: Random) -> JsonObject:
    type, id, made = _typed(rng)
    method = rng.choice(("POST", "PUT", "PUT", "DELETE", "GET", "PATCH", "HEAD", "NOPE"))
    url = {
        "POST": type,
        "PUT": rng.choice((f"{type}/{id}", f"{type}?{query(rng, type)}")),
        "DELETE": f"{type}/{id}",
        "GET": rng.choice(
            (f"{type}?{query(rng, type)}", f"{type}/{id}", f"{type}/{id}/_history", "metadata", "$x")
        ),
        "PATCH": f"{type}/{id}",
    }.get(method, type)
    request: JsonObject = {"method": method, "url": url if rng.random() < 0.93 else odd.text(rng)}
    if rng.random() < 0.08:
        request[rng.choice(("ifMatch", "ifNoneMatch", "ifNoneExist", "ifModifiedSince"))] = odd.text(rng)
    entry: JsonObject = {"request": request}
    if method in ("POST", "PUT", "PATCH"):
        entry["resource"] = _patch_binary(rng) if method == "PATCH" else made
    if rng.random() < 0.6:
        entry["fullUrl"] = rng.choice(("urn:uuid:5f0c0c5e-0001-4000-8000-000000000001", odd.text(rng)))
    return entry


def _patch_binary(rng: Random) -> JsonObject:
    data = base64.b64encode(write(_json_patch(rng)).encode("utf-8", "replace")).decode()
    whole = rng.random() < 0.8
    return {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": data if whole else data[:-1],
    }


def _bundle(rng: Random) -> Case:
    kind = rng.choice(("batch", "transaction", "batch", "transaction", "collection", "document", "nope"))
    made: JsonObject = {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [_entry(rng) for _ in range(rng.choice((0, 1, 2, 5)))],
    }
    if rng.random() < 0.3:
        made = mutated(rng, made, seeds().resources)
    return Case("bundle", "POST", rng.choice(("", "/", "/Bundle")), dict(JSON), encoded(rng, made))


def _json_patch(rng: Random) -> Json:
    paths = (
        "/",
        "",
        "/name",
        "/name/0/family",
        "/name/-",
        "/active",
        "/meta",
        "/id",
        "/resourceType",
        "/~2",
        "/text/div",
        "/_birthDate",
    )
    values: tuple[Json, ...] = (True, 1, "x", {}, [], None, {"family": "y"}, [{"family": "z"}])

    def step() -> Json:
        made: JsonObject = {
            "op": rng.choice(("add", "remove", "replace", "move", "copy", "test", "nope")),
            "path": rng.choice(paths) if rng.random() < 0.9 else odd.text(rng),
            "value": rng.choice(values) if rng.random() < 0.8 else odd.text(rng),
            "from": rng.choice(paths),
        }
        if rng.random() < 0.2:
            made.pop(rng.choice(list(made)))
        return made

    steps = [step() for _ in range(rng.choice((0, 1, 1, 2, 4)))]
    return steps if rng.random() < 0.95 else rng.choice(({}, None, [[]], [1], steps * 400))


def _fhirpath_patch(rng: Random) -> JsonObject:
    def part(name: str) -> JsonObject:
        value = odd.text(rng)
        return rng.choice(
            (
                {"name": name, "valueString": value},
                {"name": name, "valueCode": rng.choice(("add", "insert", "delete", "replace", "move"))},
                {"name": name, "valueInteger": rng.randrange(-3, 10)},
                {"name": name, "valueHumanName": {"family": value}},
                {"name": name, "part": [{"name": "family", "valueString": value}]},
                {"name": name},
            )
        )

    paths = (
        "Patient",
        "Patient.name",
        "Patient.name[0].given",
        "Patient.birthDate",
        "Patient.nope",
        "name",
        "Patient.contact",
    )

    def operation() -> JsonObject:
        kind = rng.choice(("add", "insert", "delete", "replace", "move"))
        path = rng.choice(paths) if rng.random() < 0.6 else rng.choice(odd.EXPRESSIONS)
        parts: list[JsonObject] = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
        parts += [
            part(name) for name in rng.sample(("name", "value", "index", "source", "destination", "nope"), 3)
        ]
        if kind in ("add",):
            parts.append(
                {"name": "name", "valueString": rng.choice(("name", "contact", "birthDate", "nope"))}
            )
        return {"name": "operation", "part": parts}

    made: JsonObject = {
        "resourceType": "Parameters",
        "parameter": [operation() for _ in range(rng.choice((1, 1, 2)))],
    }
    return mutated(rng, made, seeds().resources) if rng.random() < 0.2 else made


def _patch(rng: Random) -> Case:
    type, id, _ = _typed(rng)
    if rng.random() < 0.5:
        type, id = "Patient", "p1"
    target = f"/{type}/{id}" if rng.random() < 0.9 else f"/{type}?{query(rng, type)}"
    if rng.random() < 0.5:
        media, body = "application/json-patch+json", encoded(rng, _json_patch(rng))
    else:
        media, body = (
            rng.choice(("application/fhir+json", "application/fhir+json", "text/plain")),
            encoded(rng, _fhirpath_patch(rng)),
        )
    return Case("patch", "PATCH", target, {"content-type": media}, body)


def _values(rng: Random, type: str) -> tuple[str, Json]:
    """The member and value of a parameter: of the right type or of another."""
    value = odd.text(rng) if rng.random() < 0.4 else rng.choice(seeds().texts)
    if type == "Coding":
        return "valueCoding", {"system": value, "code": rng.choice(seeds().texts)}
    if type == "CodeableConcept":
        return "valueCodeableConcept", {"coding": [{"system": value, "code": "x"}]}
    if type in definitions().resource_types or type in ("Resource", "Any"):
        return "resource", resource(rng)
    if type in ("integer", "unsignedInt", "positiveInt", "decimal"):
        return f"value{type[0].upper()}{type[1:]}", Raw(rng.choice(odd.NUMBERS))
    if type == "boolean":
        return "valueBoolean", rng.random() < 0.5
    kind = rng.choice((type or "string", "string", "code", "uri"))
    return f"value{kind[0].upper()}{kind[1:]}", value


def invocation(rng: Random) -> tuple[Operation, str]:
    """An operation and the path to invoke it at, existing resources preferred."""
    operation = rng.choice(_OPERATIONS)
    types = _TYPES if "*" in operation.types else operation.types or _TYPES
    type = rng.choice((rng.choice(types), "Patient" if "Patient" in types else rng.choice(types)))
    known = [one["id"] for one in seeds().of_type(type) if "id" in one] or ["p1"]
    id = rng.choice(known)
    places = {
        "system": "",
        "type": f"/{type}",
        "instance": f"/{type}/{quote(id)}",
        "version": f"/{type}/{quote(id)}/_history/1",
    }
    at = places[rng.choice(operation.levels)]
    return operation, f"{at}/${operation.name}"


def _operation(rng: Random) -> Case:
    operation, target = invocation(rng)
    given = [one for one in operation.parameters if one.use == "in"]
    parameters: list[JsonObject] = []
    for one in given:
        if rng.random() < 0.7:
            member, value = _values(rng, one.type)
            parameters.append({"name": one.name, member: value})
    if rng.random() < 0.1:
        parameters.append({"name": odd.text(rng)[:80], "valueString": "x"})
    made: JsonObject = {"resourceType": "Parameters", "parameter": parameters}
    if not parameters:
        del made["parameter"]
    if rng.random() < 0.1:
        made = resource(rng)
    return Case(f"${operation.name}", "POST", target, dict(JSON), encoded(rng, made))


def _validate(rng: Random) -> Case:
    """A resource to ``$validate``, bare or in Parameters."""
    type, id, made = _typed(rng)
    target = rng.choice((f"/{type}/$validate", f"/{type}/{id}/$validate", "/$validate"))
    if rng.random() < 0.3:
        target += "?profile=" + quote(
            rng.choice(("http://hl7.org/fhir/StructureDefinition/bmi", odd.text(rng)))[:500], safe=""
        )
    if rng.random() < 0.4:
        made = {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "resource", "resource": made},
                {"name": "mode", "valueCode": rng.choice(("create", "update", "delete", "profile", "x"))},
            ],
        }
    return Case("$validate", "POST", target, dict(JSON), encoded(rng, made))


def _definition(rng: Random) -> Case:
    """A definition that the server may act on: its expressions are hostile."""
    expression, code = rng.choice(odd.EXPRESSIONS), f"c{rng.randrange(40)}"
    parameter: JsonObject = {
        "resourceType": "SearchParameter",
        "id": code,
        "url": f"http://example.org/SearchParameter/{code}",
        "name": code,
        "status": rng.choice(("active", "draft")),
        "description": "d",
        "code": rng.choice((code, "_id", "name", odd.text(rng)[:40])),
        "base": [rng.choice(("Patient", "Observation", "Resource", "Nope"))],
        "type": rng.choice(("string", "token", "reference", "date", "number", "composite", "special")),
        "expression": expression,
    }
    profile: JsonObject = {
        "resourceType": "StructureDefinition",
        "id": code,
        "url": f"http://example.org/StructureDefinition/{code}",
        "name": code,
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint",
        "differential": {
            "element": [
                {
                    "id": "Patient",
                    "path": "Patient",
                    "constraint": [
                        {"key": "x-1", "severity": "error", "human": "h", "expression": expression}
                    ],
                }
            ]
        },
    }
    values: JsonObject = {
        "resourceType": "ValueSet",
        "id": code,
        "url": f"http://example.org/ValueSet/{code}",
        "status": "active",
        "compose": {
            "include": [
                {
                    "system": "http://hl7.org/fhir/administrative-gender",
                    "filter": [{"property": "code", "op": "regex", "value": expression or "x"}],
                },
                {"valueSet": [f"http://example.org/ValueSet/{code}"]},
            ]
        },
    }
    made = rng.choice((parameter, profile, values))
    made = mutated(rng, made, seeds().resources) if rng.random() < 0.3 else made
    stated = str(made.get("resourceType"))
    type = stated if stated in definitions().resource_types else "SearchParameter"
    return Case("definition", "PUT", f"/{type}/{code}", dict(JSON), encoded(rng, made))


def _media(rng: Random) -> Case:
    """A good body under another name: media types, charsets, compression."""
    made = _create(rng)
    media = (
        "application/fhir+xml",
        "application/xml",
        "text/xml",
        "text/plain",
        "application/octet-stream",
        "multipart/form-data",
    )
    media += (
        "application/json; charset=utf-16",
        "application/fhir+json; fhirVersion=3.0",
        "",
        ";",
        "a/b/c",
        "application/x-ndjson",
    )
    made.headers["content-type"] = rng.choice(media)
    if rng.random() < 0.3:
        made.headers["content-encoding"] = rng.choice(("gzip", "deflate", "br", "gzip, gzip", "x"))
        if rng.random() < 0.5:
            made.body = gzip.compress(made.body)[: rng.choice((5, 10**6))]
    made.kind = "media"
    return made


def _xml(rng: Random) -> Case:
    """XML, mostly wrong: mutated text of a resource written as XML by a naive writer."""
    type, id, made = _typed(rng)
    text = f'<{type} xmlns="http://hl7.org/fhir">{_as_xml(made)}</{type}>'
    if rng.random() < 0.5:
        text = (
            rng.choice(_XML_ATTACKS).replace("TYPE", type)
            if rng.random() < 0.5
            else text.replace(rng.choice(text), odd.text(rng)[:50], 1)
        )
    data = text.encode(rng.choice(("utf-8", "utf-8", "utf-8", "utf-16", "latin-1")), "replace")
    if rng.random() < 0.2:
        data = data[: rng.randrange(len(data) + 1)]
    method, target = rng.choice(
        (("POST", f"/{type}"), ("PUT", f"/{type}/{id}"), ("POST", f"/{type}/$validate"))
    )
    return Case("xml", method, target, {"content-type": "application/fhir+xml"}, data)


_XML_ATTACKS = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    '<TYPE xmlns="http://hl7.org/fhir"><language value="&b;"/></TYPE>',
    '<!DOCTYPE x SYSTEM "file:///etc/passwd"><TYPE xmlns="http://hl7.org/fhir"/>',
    "<TYPE/>",
    '<TYPE xmlns="http://example.org"/>',
    '<f:TYPE xmlns:f="http://hl7.org/fhir"><f:id value="a"/><f:id value="b"/></f:TYPE>',
    '<TYPE xmlns="http://hl7.org/fhir"><contained>' + "<a>" * 5000 + "</a>" * 5000 + "</contained></TYPE>",
    '<TYPE xmlns="http://hl7.org/fhir">' + "<extension url='u'>" * 5000 + "</extension>" * 5000 + "</TYPE>",
    '<TYPE xmlns="http://hl7.org/fhir"><text><div xmlns="http://www.w3.org/1999/xhtml">'
    + "<p>" * 5000
    + "</p>" * 5000
    + "</div></text></TYPE>",
    '<TYPE xmlns="http://hl7.org/fhir"><?php x?><!-- c --><![CDATA[x]]></TYPE>',
    '<?xml version="1.0" encoding="utf-7"?><TYPE xmlns="http://hl7.org/fhir"/>',
    '<TYPE xmlns="http://hl7.org/fhir" a="1" a="2"/>',
)


def _as_xml(value: Json) -> str:
    from xml.sax.saxutils import escape, quoteattr

    made = []
    for name, part in value.items() if isinstance(value, dict) else ():
        if name in ("resourceType",) or not str(name).isidentifier():
            continue
        for one in part if isinstance(part, list) else (part,):
            if name == "div":
                made.append(str(one))
            elif isinstance(one, dict) and "resourceType" in one:
                made.append(
                    f"<{name}><{escape(str(one['resourceType']))}>{_as_xml(one)}</{escape(str(one['resourceType']))}></{name}>"
                )
            elif isinstance(one, dict):
                made.append(f"<{name}>{_as_xml(one)}</{name}>")
            else:
                made.append(
                    f"<{name} value={quoteattr(json.dumps(one, default=str) if not isinstance(one, str) else one)}/>"
                )
    return "".join(made)


def _provenance(rng: Random) -> JsonObject:
    base = "https://credence.health/fhir/StructureDefinition"
    made: JsonObject = {
        "resourceType": "Provenance",
        "extension": [
            {"url": f"{base}/confidence", "valueDecimal": Raw(rng.choice((*odd.NUMBERS, "0.5", "0.3")))},
            {"url": f"{base}/assertion-method", "valueCode": odd.text(rng)[:50]},
            {"url": f"{base}/assertion-mode", "valueCode": rng.choice(("full", "partial", "x"))},
        ],
        "occurredDateTime": rng.choice(odd.DATES),
    }
    return mutated(rng, made, seeds().resources) if rng.random() < 0.5 else made


def _binary(rng: Random) -> Case:
    """Raw bytes to Binary."""
    media = rng.choice(("application/pdf", "text/plain", "image/png", "x", "", "application/fhir+json; a"))
    body = rng.randbytes(rng.choice((0, 1, 100, 5000)))
    method, target = rng.choice((("POST", "/Binary"), ("PUT", "/Binary/b1")))
    return Case(
        "binary",
        method,
        target,
        {"content-type": media, "x-security-context": header_text(rng.choice(odd.REFERENCES)[:200])},
        body,
    )


_WAYS: tuple[Callable[[Random], Case], ...] = (
    *(_create,) * 6,
    *(_update,) * 7,
    _conditional_update,
    *(_bundle,) * 4,
    *(_patch,) * 4,
    *(_operation,) * 3,
    *(_validate,) * 3,
    _definition,
    _media,
    *(_xml,) * 2,
    _binary,
)
