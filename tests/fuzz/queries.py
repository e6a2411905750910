"""Cases without a body: searches by every parameter and modifier, history, paths, headers, methods."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from urllib.parse import quote

from fhirserver.model.definitions import SearchParameter, definitions
from fhirserver.search.parameters import searchable
from tests.fuzz import odd
from tests.fuzz.case import Case
from tests.fuzz.seeds import seeds

_TYPES = tuple(sorted(definitions().resource_types))
_COMMON = (
    "Patient",
    "Observation",
    "Encounter",
    "Condition",
    "Questionnaire",
    "ValueSet",
    "Location",
    "Task",
)
_MODIFIERS = (
    "",
    "exact",
    "contains",
    "missing",
    "not",
    "text",
    "in",
    "not-in",
    "above",
    "below",
    "of-type",
    "identifier",
    "iterate",
    "Patient",
    "nope",
    "",
)
_PREFIXES = ("", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "xx")
_COMPARTMENTS = ("Patient", "Encounter", "Practitioner", "RelatedPerson", "Device")
_FILTERS = (
    "name eq a",
    'name eq "a" and (birthdate lt 2000 or not (active eq true))',
    "(" * 300,
    "a eq b and " * 2000,
    "name",
    "name zz a",
    'subject.name co "x"',
    "name eq 'a",
)


def query_case(rng: Random) -> Case:
    """Any request without a body."""
    made = rng.choice(_WAYS)(rng)
    made.principal = rng.choice(("admin", "ehr", "voice-agent"))
    if rng.random() < 0.1:
        name, values = rng.choice(_HEADERS)
        made.headers[name] = header_text(rng.choice(values) if rng.random() < 0.7 else odd.text(rng))
    return made


def a_type(rng: Random) -> str:
    return rng.choice(_COMMON) if rng.random() < 0.6 else rng.choice(_TYPES)


def query(rng: Random, type: str) -> str:
    """One to four parameters of a search, encoded; now and then a lot, or badly encoded."""
    pairs = [_pair(rng, type) for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 4)))]
    if rng.random() < 0.01:
        pairs *= 400
    text = "&".join(f"{_quote(name)}={_quote(value)}" for name, value in pairs)
    if rng.random() < 0.02:
        text += rng.choice(("&", "&&=", "=x", "%zz", "%ff=%fe", "a%00=b", ";", "&name", "&=", "%"))
    return text


def header_text(text: str) -> str:
    """What can be sent in a header: no line breaks nor control characters, which are HTTP's own."""
    return "".join(c for c in text if c >= " " and c != "\x7f")[:4000].strip()


def _quote(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _pair(rng: Random, type: str) -> tuple[str, str]:
    if rng.random() < 0.3:
        return _control(rng, type)
    name, parameter = _criterion(rng, type, 0)
    modifier = rng.choice(_MODIFIERS) if rng.random() < 0.4 else ""
    value = _value(rng, parameter, modifier)
    return (f"{name}:{modifier}" if modifier else name), value


def _criterion(rng: Random, type: str, depth: int) -> tuple[str, SearchParameter]:
    """A parameter's name, chained or reversed now and then, and the parameter at its end."""
    known = searchable(type)
    parameter = known[rng.choice(sorted(known))]
    name = parameter.code
    if depth < rng.choice((0, 1, 2, 4)):
        if rng.random() < 0.3:
            source = a_type(rng)
            references = [one.code for one in searchable(source).values() if one.type == "reference"]
            inner, last = _criterion(rng, source, depth + 1)
            return f"_has:{source}:{rng.choice([*references, 'nope'])}:{inner}", last
        references = [one.code for one in known.values() if one.type == "reference"]
        if references:
            code = rng.choice(references)
            target = rng.choice(
                [t for t in known[code].targets if t in definitions().resource_types] or ["Patient"]
            )
            inner, last = _criterion(rng, target, depth + 1)
            return f"{code}{rng.choice(('', f':{target}'))}.{inner}", last
    if rng.random() < 0.03:
        name = rng.choice((odd.text(rng)[:100], f"{name}.", f".{name}", f"{name}:", "_has:", "_has:a:b:c"))
    return name, parameter


def _value(rng: Random, parameter: SearchParameter, modifier: str) -> str:
    if modifier == "missing":
        return rng.choice(("true", "false", "x"))
    if rng.random() < 0.1:
        return odd.text(rng)
    values = [_one(rng, parameter.type) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
    if parameter.type == "composite":
        values = ["$".join(_one(rng, part.type) for part in parameter.components)]
    return ",".join(values) if rng.random() < 0.99 else ",".join(values * 500)


def _one(rng: Random, kind: str) -> str:
    texts = seeds().texts
    if kind == "date":
        return rng.choice(_PREFIXES) + rng.choice(odd.DATES)
    if kind == "number":
        return rng.choice(_PREFIXES) + rng.choice(odd.NUMBERS)
    if kind == "quantity":
        unit = rng.choice(
            ("", "||mg", "|http://unitsofmeasure.org|mg", "|http://unitsofmeasure.org|m/s2", "|||", "|x|")
        )
        return rng.choice(_PREFIXES) + rng.choice(odd.NUMBERS) + unit
    if kind == "reference":
        own = rng.choice(seeds().resources)
        return rng.choice(
            (f"{own['resourceType']}/{own.get('id', 'x')}", str(own.get("id")), rng.choice(odd.REFERENCES))
        )
    if kind == "token":
        one, two = rng.choice(texts), rng.choice(texts)
        return rng.choice((one, f"{one}|{two}", f"|{one}", f"{one}|", f"{one}|{two}|{one}"))
    if kind == "special":
        return rng.choice(("42.2|-71.1|10|km", "91|181|-1|x", "42.2|-71.1", "|||", rng.choice(texts)))
    return rng.choice(texts)


def _control(rng: Random, type: str) -> tuple[str, str]:
    codes = sorted(searchable(type))
    code = rng.choice(codes)
    include = rng.choice(
        (
            f"{type}:{code}",
            f"{type}:{code}:Patient",
            "*",
            f"{type}:*",
            f"{type}:nope",
            "Nope:x",
            ":",
            odd.text(rng)[:60],
        )
    )
    choices = {
        "_sort": rng.choice(
            (code, f"-{code}", f"{code},-_lastUpdated", "_id", "-", ",", "nope", odd.text(rng)[:60])
        ),
        "_count": rng.choice(("0", "1", "2", "50", "100000", "-1", "x", "99999999999999999999", "1.5", "٣")),
        "_include": include,
        "_revinclude": rng.choice(
            (include, f"{a_type(rng)}:subject", "Observation:patient", "Provenance:target")
        ),
        "_include:iterate": include,
        "_revinclude:iterate": include,
        "_include:recurse": include,
        "_summary": rng.choice(("true", "text", "data", "count", "false", "x")),
        "_elements": rng.choice(("id", "name,status", f"{type}.id", "nope", ",", odd.text(rng)[:60])),
        "_total": rng.choice(("none", "estimate", "accurate", "x")),
        "_cursor": odd.text(rng),
        "_format": rng.choice(
            ("json", "xml", "application/fhir+json", "application/fhir+xml", "ttl", "html", "x", "json; q=1")
        ),
        "_pretty": rng.choice(("true", "false", "x")),
        "_filter": rng.choice(_FILTERS),
        "_text": rng.choice(seeds().texts),
        "_content": rng.choice(seeds().texts),
        "_query": "x",
        "_list": rng.choice(("x", "$current-problems", "List/x", odd.text(rng)[:60])),
        "_type": rng.choice(("Patient", "Patient,Observation", "Nope", "", ",")),
        "_contained": rng.choice(("true", "false", "both", "x")),
        "_containedType": rng.choice(("container", "contained", "x")),
        "_explain": rng.choice(("true", "x")),
        "_lastUpdated": rng.choice(_PREFIXES) + rng.choice(odd.DATES),
        "_id": rng.choice(("p1", "p1,o1", "x" * 65, odd.text(rng)[:80])),
        "_tag": rng.choice(seeds().texts),
        "_profile": rng.choice(odd.REFERENCES),
        "_security": "http://x|R",
        "_source": rng.choice(odd.REFERENCES),
        "near": "42.2|-71.1|10|km",
        odd.text(rng)[:60]: odd.text(rng)[:60],
    }
    return rng.choice(list(choices.items()))


def _search(rng: Random) -> Case:
    type = a_type(rng)
    return Case("search", "GET", f"/{type}?{query(rng, type)}")


def _post_search(rng: Random) -> Case:
    type = a_type(rng)
    form = {
        "content-type": rng.choice(
            ("application/x-www-form-urlencoded",) * 8 + ("application/json", "", "text/plain")
        )
    }
    target = f"/{type}/_search" if rng.random() < 0.9 else "/_search"
    return Case("post search", "POST", f"{target}?{query(rng, type)}", form, query(rng, type).encode())


def _system_search(rng: Random) -> Case:
    return Case(
        "system search", "GET", f"{rng.choice(('', '/'))}?_type=Patient,Observation&{query(rng, 'Patient')}"
    )


def _an_instance(rng: Random) -> str:
    own = rng.choice(seeds().resources)
    id = str(own.get("id", "x")) if rng.random() < 0.9 else odd.text(rng)[:80]
    return f"/{own['resourceType']}/{_quote(id)}"


def _compartment(rng: Random) -> Case:
    type, id = rng.choice(_COMPARTMENTS), rng.choice(("p1", "example", "x", _quote(odd.text(rng)[:60])))
    inner = rng.choice((a_type(rng), "*"))
    return Case(
        "compartment", "GET", f"/{type}/{id}/{inner}?{query(rng, 'Observation' if inner == '*' else inner)}"
    )


def _read(rng: Random) -> Case:
    tail = rng.choice(
        ("", "", "", "/_history/1", "/_history/0", f"/_history/{_quote(odd.text(rng)[:40])}", "/_history")
    )
    shape = rng.choice(
        (
            "",
            "",
            "?_summary=true",
            "?_elements=id",
            "?_format=xml",
            "?_summary=x",
            "?_pretty=true",
            f"?{query(rng, 'Patient')}",
        )
    )
    return Case("read", rng.choice(("GET", "GET", "HEAD", "DELETE")), f"{_an_instance(rng)}{tail}{shape}")


def _conditional_delete(rng: Random) -> Case:
    type = a_type(rng)
    return Case("conditional delete", "DELETE", f"/{type}?_id=none&{query(rng, type)}")


def _history(rng: Random) -> Case:
    at = rng.choice((_an_instance(rng), f"/{a_type(rng)}", "")) + "/_history"
    names = ("_since", "_at", "_count", "_before", "_list", "_cursor", "_sort", "_format", "nope")
    values = (*odd.DATES, *odd.NUMBERS, "1", "2", "ge2020", "List/x", "-_lastUpdated")
    pairs = [f"{rng.choice(names)}={_quote(rng.choice(values))}" for _ in range(rng.choice((0, 1, 2)))]
    return Case("history", "GET", f"{at}?{'&'.join(pairs)}")


def _path(rng: Random) -> Case:
    parts = (
        "Patient",
        "p1",
        "_history",
        "1",
        "_search",
        "$lineage",
        "$validate",
        "$everything",
        "metadata",
        "openapi.json",
        "",
        ".",
        "..",
        "*",
        "_async",
        "$graphql",
        "Nope",
        "$",
    )
    steps = [
        rng.choice(parts) if rng.random() < 0.85 else _quote(odd.text(rng)[:60])
        for _ in range(rng.randrange(6))
    ]
    method = rng.choice(
        ("GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "FOO", "get")
    )
    return Case("path", method, "/" + "/".join(steps))


def _operation(rng: Random) -> Case:
    from tests.fuzz.bodies import invocation

    operation, target = invocation(rng)
    names = [one.name for one in operation.parameters if one.use == "in"] + ["nope"]
    pairs = []
    for _ in range(rng.choice((0, 1, 2, 3))):
        value = rng.choice(seeds().texts) if rng.random() < 0.5 else odd.text(rng)
        pairs.append(f"{_quote(rng.choice(names))}={_quote(value)}")
    return Case(f"${operation.name}", "GET", f"{target}?{'&'.join(pairs)}")


_GRAPHQL = (
    '{Patient(id:"p1"){id name{family}}}',
    '{PatientList(name:"a"){id}}',
    "{PatientConnection(_count:2){count edges{resource{id}}}}",
    "{" * 2000,
    "{a:id b:id c:nope}",
    "query($x:ID!){Patient(id:$x){id}}",
    'fragment f on Patient{...f} {Patient(id:"p1"){...f}}',
    '{Patient(id:"p1"){generalPractitioner{resource{...on Practitioner{id}}}}}',
    '{Patient(id:"p1"){' + "a:name{family}" * 500 + "}}",
    "mutation{x}",
    '{Patient(id:"p1"){name(fhirpath:"((((("){family}}}',
    '{Patient(id:"p1")@include(if:$x){id}}',
    '"""',
    '{id @flatten name @flatten @first @singleton {given @slice(path:"a")}}',
)


def _graphql(rng: Random) -> Case:
    at = rng.choice(("/$graphql", "/Patient/p1/$graphql", f"{_an_instance(rng)}/$graphql"))
    text = rng.choice(_GRAPHQL) if rng.random() < 0.8 else odd.text(rng)
    if rng.random() < 0.4:
        spot = rng.randrange(len(text) + 1)
        text = text[:spot] + rng.choice(("{", "}", "(", '"', "$", "@", "\x00", "é", "...")) + text[spot + 1 :]
    return Case("graphql", "GET", f"{at}?query={_quote(text)}")


_HEADERS = (
    (
        "accept",
        (
            "application/fhir+json",
            "application/fhir+xml",
            "text/html",
            "*/*;q=0",
            ",",
            "application/json;q=x",
            "application/fhir+json; fhirVersion=5.0",
        ),
    ),
    ("if-none-match", ('W/"1"', "*", '"', "W/", "x,y")),
    ("if-match", ('W/"1"', "*", "1")),
    (
        "if-modified-since",
        (
            "Sun, 22 Nov 2026 14:47:00 GMT",
            "x",
            "Sun, 99 Nov 2026",
            "Mon, 01 Jan 0001 00:00:00 GMT",
            "2020-01-01",
            "Sun, 31 Dec 9999 23:59:59 -2359",
        ),
    ),
    ("prefer", ("handling=lenient", "handling=strict", "respond-async", "return=minimal", ";;==", "return=")),
    ("accept-encoding", ("gzip", "gzip;q=0", "br", "identity;q=0, *;q=0")),
    ("origin", ("http://evil.example", "null", "x")),
    ("access-control-request-method", ("PUT", "x")),
    ("range", ("bytes=0-1", "x")),
    ("x-http-method-override", ("DELETE",)),
    ("content-type", ("application/fhir+json", "x")),
    ("content-encoding", ("gzip",)),
    ("x-provenance", ("{}", "[", '{"resourceType":"Provenance"}')),
    ("x-request-id", ("a" * 4000, "x")),
)

_WAYS: tuple[Callable[[Random], Case], ...] = (
    *(_search,) * 12,
    *(_post_search,) * 3,
    _system_search,
    _compartment,
    *(_read,) * 3,
    _conditional_delete,
    *(_history,) * 2,
    *(_path,) * 2,
    *(_operation,) * 2,
    _graphql,
)
