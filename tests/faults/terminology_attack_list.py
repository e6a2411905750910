"""The attacks by what they are. Those that are slow use up all the time that an answer may take."""

from __future__ import annotations

from tests.faults.terminology_attacks import (
    GENDER,
    GENDERS,
    REFUSED,
    URL,
    Attack,
    Json,
    brought,
    chain,
    code_system,
    contained,
    deep_json,
    expanded,
    fan,
    filtered,
    flat,
    imports,
    lists,
    looked_up,
    mapping,
    parameters,
    ring,
    supplement,
    text,
    translated,
    unknown,
    validated,
    value_set,
)

EXPAND, VALIDATE, LOOKUP = "ValueSet/$expand", "ValueSet/$validate-code", "CodeSystem/$lookup"
OK, COSTLY = frozenset({200}), frozenset({"too-costly"})
_ALL = {"system": URL}


def _named(url: str, *more: tuple[str, Json]) -> Json:
    return parameters(("url", {"valueUri": url}), *more)


def _coded(url: str, *resources: Json) -> Json:
    return _named(url, ("code", {"valueCode": "c0"}), ("system", {"valueUri": URL}), *brought(*resources))


def _regex(pattern: str) -> Json:
    texts = code_system([{"code": "a" * 5000 + "!"}, {"code": "b"}])
    return expanded(value_set("urn:x", filtered("regex", pattern, "code")), *brought(texts))


def _unit(code: str) -> Json:
    return looked_up("http://unitsofmeasure.org", code)


def _ecl(constraint: str) -> Json:
    snomed = "http://snomed.info/sct"
    limited = {"system": snomed, "filter": [{"property": "constraint", "op": "=", "value": constraint}]}
    return expanded(value_set("urn:x", limited), *brought(code_system([{"code": "100000"}], snomed)))


IMPORTS = {
    f"a circle of {n}, {name}": Attack(path, lambda n=n, make=make: make("urn:ring:0", *ring(n)), REFUSED)
    for n in (2, 3, 1000)
    for name, path, make in (
        ("expanded", EXPAND, lambda url, *all: _named(url, *brought(*all))),
        ("validated", VALIDATE, _coded),
    )
} | {
    "a circle through exclude": Attack(
        EXPAND,
        lambda: _named("urn:e", *brought(value_set("urn:e", _ALL, exclude=[imports("urn:e")]), flat(2))),
        codes=frozenset({"processing"}),
    ),
    "a circle of contained ones": Attack(
        EXPAND, lambda: expanded(contained(3, True)), codes=frozenset({"processing"})
    ),
    "a circle of contained ones, validated": Attack(
        VALIDATE, lambda: validated(contained(3, True), ["c0"]), codes=COSTLY
    ),
    "2 to the 38th contained imports, validated": Attack(
        VALIDATE, lambda: validated(contained(38, False), ["c9"], *brought(flat(2))), OK
    ),
    "2 to the 38th imports": Attack(EXPAND, lambda: _named("urn:fan:0", *brought(flat(2), *fan(38))), OK),
    "2 to the 38th imports, validated": Attack(VALIDATE, lambda: _coded("urn:fan:0", flat(2), *fan(38)), OK),
    "2 to the 38th contained imports": Attack(
        EXPAND, lambda: expanded(contained(38, False), *brought(flat(2))), OK
    ),
}
HIERARCHIES = {
    "a circle, is-a": Attack(
        EXPAND, lambda: expanded(value_set("urn:x", filtered("is-a", "c1")), *brought(chain(3, True))), OK
    ),
    "a circle, as a tree": Attack(
        EXPAND, lambda: expanded(value_set("urn:x", _ALL), *brought(chain(3, True))), OK
    ),
    "deep, is-a": Attack(
        EXPAND,
        lambda: expanded(
            value_set("urn:x", filtered("is-a", "c5")),
            ("count", {"valueInteger": 5}),
            *brought(chain(20_000)),
        ),
        OK,
    ),
    "deep, as a tree": Attack(
        EXPAND, lambda: expanded(value_set("urn:x", _ALL), *brought(chain(9000))), codes=COSTLY
    ),
    "5,000 nested in JSON": Attack(LOOKUP, deep_json, frozenset({400})),
}
REGEXES = {
    "nested repeats": Attack(EXPAND, lambda: _regex("(a+)+$"), OK),
    "a back-reference": Attack(EXPAND, lambda: _regex(r"(a)\1"), codes=frozenset({"not-supported"})),
    "huge repeats": Attack(EXPAND, lambda: _regex("(((a{100}){100}){100}){100}"), codes=COSTLY),
    "100 kB": Attack(EXPAND, lambda: _regex("x" * 100_000), codes=COSTLY),
    "no regex": Attack(EXPAND, lambda: _regex("["), codes=frozenset({"invalid"})),
}
LONG = {
    "a filter of 10 MB": Attack(
        EXPAND, lambda: _named(GENDERS, ("filter", text("x" * 10_000_000))), frozenset({400})
    ),
    "a filter's value of 10 MB": Attack(
        EXPAND, lambda: expanded(value_set("urn:x", filtered("=", "x" * 10_000_000))), frozenset({400})
    ),
    "a million in one list": Attack(
        EXPAND, lambda: expanded(value_set("urn:x", filtered("in", "c," * 500_000))), frozenset({400, 413})
    ),
    "a million concepts": Attack(
        EXPAND,
        lambda: expanded(value_set("urn:x", {"system": URL, "concept": [{"code": "c"}] * 1_000_000})),
        frozenset({413}),
    ),
    "a display of 10 MB": Attack(
        "CodeSystem/$validate-code",
        lambda: _named(GENDER, ("code", {"valueCode": "male"}), ("display", text("x" * 10_000_000))),
        frozenset({400}),
    ),
    "a code of 10 MB": Attack(LOOKUP, lambda: looked_up(GENDER, "x" * 10_000_000), frozenset({400})),
    "a resource of 30 MB": Attack(
        EXPAND, lambda: expanded(value_set("urn:x", _ALL), *brought(flat(500_000))), frozenset({413})
    ),
    "30,000 designations": Attack(
        LOOKUP,
        lambda: looked_up(
            URL, "a", *brought(code_system([{"code": "a", "designation": [{"value": "x"}] * 30_000}]))
        ),
        OK,
    ),
    "a language of 1 MB": Attack(
        LOOKUP, lambda: looked_up("urn:ietf:bcp:47", "en" + "-xxxxxxxx" * 100_000), frozenset({404})
    ),
    "units 10,000 deep": Attack(LOOKUP, lambda: _unit("(" * 10_000 + "m" + ")" * 10_000), frozenset({404})),
    "a huge power": Attack(LOOKUP, lambda: _unit("(10*99999)99999"), frozenset({404})),
    "ECL 10,000 deep": Attack(EXPAND, lambda: _ecl("(" * 10_000 + "*" + ")" * 10_000), codes=COSTLY),
    "ECL of 1 MB": Attack(EXPAND, lambda: _ecl("*" + " " * 1_000_000), codes=COSTLY),
}
MANY = {
    "10,000 codings": Attack(VALIDATE, lambda: validated(value_set("urn:x", _ALL), ["x"] * 10_000), OK),
    "9,000 resources": Attack(
        f"{EXPAND}?count=1000",
        lambda: expanded(
            value_set("urn:x", *({"system": f"urn:s{n}"} for n in range(9000))),
            *brought(*(code_system([{"code": "a"}], f"urn:s{n}") for n in range(9000))),
        ),
        OK,
    ),
    "10,000 unknown systems": Attack(EXPAND, lambda: expanded(value_set("urn:x", *unknown(10_000)))),
    "10,000 parts": Attack(
        f"{EXPAND}?count=1000",
        lambda: expanded(value_set("urn:x", *lists(10_000)), *brought(flat(10_000))),
        OK,
    ),
    "5,000 excludes": Attack(
        EXPAND, lambda: expanded(value_set("urn:x", *lists(5000), exclude=lists(5000)), *brought(flat(5000))), OK
    ),
    "maps in a circle": Attack(
        "ConceptMap/$translate", lambda: translated(mapping(0, 1), mapping(1, 0)), codes=frozenset({"business-rule"})
    ),
    "a long chain of maps": Attack(
        "ConceptMap/$translate", lambda: translated(*(mapping(n, n + 1) for n in range(1000))), codes=COSTLY
    ),
    "100,000 concepts for a closure": Attack(
        "$closure",
        lambda: parameters(
            ("name", text("t")), *[("concept", {"valueCoding": {"system": GENDER, "code": "male"}})] * 100_000
        ),
        codes=COSTLY,
    ),
    "a supplement of itself": Attack(LOOKUP, lambda: looked_up(URL, "c0", *brought(supplement(URL, URL)))),
    "supplements of supplements": Attack(
        LOOKUP,
        lambda: looked_up(
            "urn:b", "c0", ("useSupplement", {"valueCanonical": "urn:b"}),
            *brought(supplement("urn:a", "urn:b"), supplement("urn:b", "urn:a")),
        ),
    ),
}  # fmt: skip
ODD = {
    **{
        f"count={v[:9]}": Attack(f"{EXPAND}?url={GENDERS}&count={v}")
        for v in ("-1", "1e5", "9" * 500, "1.0", "%20")
    },
    **{f"offset={v[:9]}": Attack(f"{EXPAND}?url={GENDERS}&offset={v}") for v in ("-1", "x", "9" * 500)},
    "the whole of a grammar": Attack(
        EXPAND, lambda: expanded(value_set("urn:x", {"system": "urn:ietf:bcp:47"})), codes=COSTLY
    ),
    "nothing to translate": Attack(
        "ConceptMap/$translate", lambda: {"resourceType": "Parameters"}, frozenset({400})
    ),
    "many |": Attack(EXPAND, lambda: _named("|" * 5000)),
    "a version of 50,000 wildcards": Attack(
        EXPAND, lambda: _named(GENDERS, ("system-version", {"valueCanonical": f"{GENDER}|{'x.' * 50_000}"}))
    ),
    "no version": Attack(EXPAND, lambda: _named(GENDERS, ("system-version", {"valueCanonical": "|"}))),
    "implied, with brackets": Attack(
        EXPAND, lambda: _named("http://snomed.info/sct?fhir_vs=ecl/" + "(" * 5000)
    ),
    "NUL": Attack(f"{LOOKUP}?system={GENDER}&code=%00"),
    "not UTF-8": Attack(f"{LOOKUP}?system={GENDER}&code=%ff"),
    "a body that is not UTF-8": Attack(LOOKUP, lambda: b'{"resourceType":"Parameters\xff"}'),
    "half a surrogate": Attack(LOOKUP, lambda: b'{"resourceType":"Parameters","id":"\\ud800"}'),
    "a format of its own": Attack(
        f"{LOOKUP}?system={GENDER}&code=male&_format=evil", statuses=frozenset({406})
    ),
}
SLOW = {
    "2,000 regexes": Attack(
        EXPAND,
        lambda: expanded(
            value_set("urn:x", *(filtered("regex", f"(a|b){{1,200}}c{n}", "code") for n in range(2000))),
            *brought(flat(2000)),
        ),
        codes=COSTLY,
    ),
    "long lists by many codings": Attack(
        VALIDATE,
        lambda: validated(
            value_set("urn:x", {"system": URL, "concept": [{"code": f"d{n}"} for n in range(30_000)]}),
            [f"c{n}" for n in range(9000)],
            *brought(flat(9000)),
        ),
        codes=COSTLY,
    ),
    "a system for each of 10,000 parts": Attack(
        VALIDATE,
        lambda: expanded(
            value_set("urn:x", *unknown(10_000)),
            ("code", {"valueCode": "a"}),
            ("inferSystem", {"valueBoolean": True}),
        ),
        codes=COSTLY,
    ),
}
ATTACKS = {**IMPORTS, **HIERARCHIES, **REGEXES, **LONG, **MANY, **ODD}
