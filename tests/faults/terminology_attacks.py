"""Questions to the terminology service that mean harm: what is sent, and what may be answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
URL = "urn:hostile"
GENDER = "http://hl7.org/fhir/administrative-gender"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
PARENT = {"code": "parent", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"}
REFUSED = frozenset({400, 404, 413, 422})


@dataclass(frozen=True)
class Attack:
    """``body`` is made when it is sent; without one the path is got. ``codes``: the issue codes that a refusal may
    have, ``statuses`` what may be answered."""

    path: str
    body: Callable[[], Json | bytes] | None = None
    statuses: frozenset[int] = REFUSED
    codes: frozenset[str] = frozenset()
    headers: Mapping[str, str] = field(default_factory=dict)


def parameters(*given: tuple[str, Json]) -> Json:
    return {"resourceType": "Parameters", "parameter": [{"name": name, **value} for name, value in given]}


def text(value: str) -> Json:
    return {"valueString": value}


def brought(*resources: Json) -> list[tuple[str, Json]]:
    return [("tx-resource", {"resource": one}) for one in resources]


def value_set(url: str, *include: Json, **compose: Any) -> Json:
    found = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [*include], **compose}}
    return {**found, "url": url} if url else found


def code_system(concepts: Iterable[Json], url: str = URL, **members: Any) -> Json:
    base = {"resourceType": "CodeSystem", "url": url, "status": "active", "content": "complete"}
    return {**base, "concept": [*concepts], **members}


def flat(size: int) -> Json:
    return code_system({"code": f"c{n}", "display": f"Concept {n}"} for n in range(size))


def chain(size: int, circle: bool = False) -> Json:
    """Each below the one before it; in a circle the first below the last."""
    above = {n: n - 1 for n in range(size)} | ({0: size - 1} if circle else {})
    related = ({"code": "parent", "valueCode": f"c{above[n]}"} for n in range(size))
    concepts = ({"code": f"c{n}", "property": [one]} for n, one in enumerate(related))
    return code_system(concepts, property=[PARENT])


def filtered(op: str, value: str, property: str = "concept") -> Json:
    return {"system": URL, "filter": [{"property": property, "op": op, "value": value}]}


def imports(*urls: str) -> Json:
    return {"valueSet": [*urls]}


def ring(size: int) -> list[Json]:
    return [value_set(f"urn:ring:{n}", imports(f"urn:ring:{(n + 1) % size}")) for n in range(size)]


def fan(depth: int) -> list[Json]:
    """Each imports the next twice, and takes it away once more."""
    twice = [imports(f"urn:fan:{n + 1}") for n in range(depth)]
    last = value_set(f"urn:fan:{depth}", {"system": URL})
    return [*(value_set(f"urn:fan:{n}", one, one, exclude=[one]) for n, one in enumerate(twice)), last]


def contained(depth: int, circle: bool) -> Json:
    """Value sets within one, each with two imports of the next."""
    following = [f"#v{(n + 1) % depth if circle else n + 1}" for n in range(depth)]
    within = [{**value_set("", imports(one), imports(one)), "id": f"v{n}"} for n, one in enumerate(following)]
    last = {**value_set("", {"system": URL}), "id": f"v{depth}"}
    return {**value_set("urn:outer", imports("#v0")), "contained": [*within, last]}


def expanded(made: Json, *more: tuple[str, Json]) -> Json:
    return parameters(("valueSet", {"resource": made}), *more)


def validated(made: Json, codes: list[str], *more: tuple[str, Json]) -> Json:
    codings = {"coding": [{"system": URL, "code": code} for code in codes]}
    concept = ("codeableConcept", {"valueCodeableConcept": codings})
    return parameters(("valueSet", {"resource": made}), concept, *more)


def deep_json() -> bytes:
    inner = b"".join(b'{"code":"c%d","concept":[' % n for n in range(5000)) + b'{"code":"z"}' + b"]}" * 5000
    system = b'{"resourceType":"CodeSystem","url":"urn:d","status":"active","content":"complete","concept":['
    return (
        b'{"resourceType":"Parameters","parameter":[{"name":"tx-resource","resource":'
        + system
        + inner
        + b"]}}]}"
    )


def mapping(number: int, following: int) -> Json:
    group = {
        "source": URL,
        "target": "urn:other",
        "element": [{"code": "none", "target": [{"code": "x", "equivalence": "equal"}]}],
        "unmapped": {"mode": "other-map", "url": f"urn:map:{following}"},
    }
    return {
        "resourceType": "ConceptMap",
        "url": f"urn:map:{number}",
        "status": "active",
        "group": [group, group],
    }


def translated(*maps: Json) -> Json:
    asked = [("url", {"valueUri": "urn:map:0"}), ("code", {"valueCode": "a"}), ("system", {"valueUri": URL})]
    return parameters(*asked, *brought(*maps))


def supplement(url: str, of: str) -> Json:
    named = {"code": "c0", "designation": [{"value": "other"}]}
    return {**code_system([named], url), "content": "supplement", "supplements": of}


def looked_up(system: str, code: str, *more: tuple[str, Json]) -> Json:
    return parameters(("system", {"valueUri": system}), ("code", {"valueCode": code}), *more)


def lists(count: int) -> list[Json]:
    return [{"system": URL, "concept": [{"code": f"c{n}"}]} for n in range(count)]


def unknown(count: int) -> list[Json]:
    return [{"system": f"urn:unknown:{n}"} for n in range(count)]
