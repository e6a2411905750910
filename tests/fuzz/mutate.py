"""A resource to one that is slightly, or very, wrong. Every choice comes from the case's own random numbers."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from random import Random
from typing import Any

from fhirserver.kernel.json import Json, JsonObject
from tests.fuzz import odd

Place = tuple[Any, Any]
"""A container and the key or index of one of its members."""


class Raw(str):
    """JSON text to be written as it is."""


def places(value: Json) -> Iterator[Place]:
    """Every member of every object and list."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(pairs):
        yield value, key
        yield from places(part)


def mutated(rng: Random, resource: JsonObject, donors: tuple[JsonObject, ...]) -> JsonObject:
    """A copy with one to four mutations."""
    made = copy.deepcopy(resource)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        rng.choice(_MUTATIONS)(rng, made, donors)
    return made


_FREE = frozenset(
    {"text", "display", "family", "given", "title", "description", "comment", "note", "value", "name", "city"}
)
_EXACT = (
    "1.00",
    "1.0e2",
    "-0.0",
    "0.000000000000000000000000001",
    "123456789012345678901234567890.5",
    "1E-5",
    "7",
)


def gently(rng: Random, resource: JsonObject) -> JsonObject:
    """A copy that is as valid as the resource most of the time: free texts, decimals, repetitions, extensions."""
    made = copy.deepcopy(resource)
    for _ in range(rng.choice((1, 2, 3))):
        rng.choice((_free_text, _exact_decimal, _repeat, _extend, _label))(rng, made)
    return made


def _free_text(rng: Random, made: JsonObject) -> None:
    found = [(box, key) for box, key in places(made) if key in _FREE and isinstance(box[key], str)]
    _put(rng.choice(found) if found else None, rng.choice(odd.STRINGS) or "x")


def _exact_decimal(rng: Random, made: JsonObject) -> None:
    found = [
        (box, key) for box, key in places(made) if key == "value" and isinstance(box[key], int | Decimal)
    ]
    _put(rng.choice(found) if found else None, Raw(rng.choice(_EXACT)))


def _repeat(rng: Random, made: JsonObject) -> None:
    found = [box[key] for box, key in places(made) if isinstance(box[key], list) and box[key]]
    if found:
        items = rng.choice(found)
        items.insert(rng.randrange(len(items) + 1), copy.deepcopy(rng.choice(items)))


def _extend(rng: Random, made: JsonObject) -> None:
    """An extension, nested or plain, on the resource, a complex element or a primitive."""
    inner: JsonObject = {"url": "http://example.org/x", "valueString": rng.choice(odd.STRINGS) or "x"}
    for _ in range(rng.choice((0, 0, 1, 30))):
        inner = {"url": "http://example.org/y", "extension": [inner]}
    boxes = [made, *(box[key] for box, key in places(made) if isinstance(box[key], dict))]
    box = rng.choice(boxes)
    texts = [
        key
        for key, value in box.items()
        if isinstance(value, str) and not key.startswith("_") and key != "resourceType"
    ]
    if texts and rng.random() < 0.6:
        box[f"_{rng.choice(texts)}"] = {"extension": [inner]}
    else:
        box["extension"] = (
            [*box.get("extension", ()), inner] if isinstance(box.get("extension", []), list) else []
        )


def _label(rng: Random, made: JsonObject) -> None:
    tag = {
        "system": "http://example.org/tags",
        "code": rng.choice("abc"),
        "display": rng.choice(odd.STRINGS) or "x",
    }
    made["meta"] = {"tag": [tag], "profile": ["http://example.org/StructureDefinition/x|1"]}


def encoded(rng: Random, resource: Json) -> bytes:
    """As JSON; now and then the text itself is damaged."""
    data = write(resource).encode("utf-8", "surrogatepass")
    return rng.choice(_DAMAGES)(rng, data) if rng.random() < 0.08 else data


def write(value: Json) -> str:
    """JSON text, with :class:`Raw` as it is and decimals exact."""
    if isinstance(value, Raw):
        return str.__str__(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(name))}:{write(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    if isinstance(value, Decimal):
        return getattr(value, "text", None) or str(value)
    return json.dumps(value, ensure_ascii=False)


def _somewhere(rng: Random, made: JsonObject, fits: Callable[[Json], bool] = lambda _: True) -> Place | None:
    found = [(box, key) for box, key in places(made) if fits(box[key])]
    return rng.choice(found) if found else None


def _put(place: Place | None, value: Json) -> None:
    if place is not None:
        box, key = place
        box[key] = value


def _drop(rng: Random, made: JsonObject, donors: tuple[JsonObject, ...]) -> None:
    if place := _somewhere(rng, made):
        del place[0][place[1]]


def _twice(rng: Random, made: JsonObject, donors: tuple[JsonObject, ...]) -> None:
    """The same member twice in an object, or the same item twice in a list."""
    place = _somewhere(rng, made)
    if place and isinstance(place[0], list):
        place[0].extend([place[0][place[1]]] * rng.choice((1, 2, 500)))
    elif place:
        text = write(place[0][place[1]])
        _put(place, Raw(f"{text},{json.dumps(str(place[1]))}:{text}"))


def _rename(rng: Random, made: JsonObject, donors: tuple[JsonObject, ...]) -> None:
    place = _somewhere(rng, made)
    if place and isinstance(place[0], dict):
        box, key = place
        value = box.pop(key)
        names = (
            f"_{key}",
            str(key)[1:],
            f"{key}x",
            str(key).upper(),
            "__proto__",
            "fhir_comments",
            "value[x]",
        )
        box[rng.choice((*names, odd.text(rng), "extension", "id", "resourceType", "contained"))] = value


def _retype(rng: Random, made: JsonObject, donors: tuple[JsonObject, ...]) -> None:
    others: tuple[Json, ...] = (None, True, 0, -1, Decimal("1.10"), "text", [], {}, [None], [[]], {"a": {}})
    _put(_somewhere(rng, made), copy.deepcopy(rng.choice(others)))


def _odd_text(rng: Random, made: JsonObject, donors: tuple[JsonObject, ...]) -> None:
    _put(_somewhere(rng, made, lambda value: isinstance(value, str)), odd.text(rng))


def _odd_date(rng: Random, made: JsonObject, donors: tuple[JsonObject, ...]) -> None:
    _put(
        _somewhere(rng, made, lambda value: isinstance(value, str) and value[:2] in ("19", "20")),
        rng.choice(odd.DATES),
    )


def _odd_number(rng: Random, made: JsonObject, donors: tuple[JsonObject, ...]) -> None:
    numeric = _somewhere(rng, made, lambda value: isinstance(value, int | Decimal)) or _somewhere(rng, made)
    _put(numeric, Raw(rng.choice(odd.NUMBERS)))


def _odd_reference(rng: Random, made: JsonObject, donors: tuple[JsonObject, ...]) -> None:
    place = _somewhere(rng, made, lambda value: isinstance(value, dict) and "reference" in value)
    if place:
        place[0][place[1]]["reference"] = rng.choice(odd.REFERENCES)


def _odd_escape(rng: Random, made: JsonObject, donors: tuple[JsonObject, ...]) -> None:
    raw = rng.choice(
        ('"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\x"', '"\t"', '"\\u00e9\\/"', "'a'", "undefined")
    )
    _put(_somewhere(rng, made, lambda value: isinstance(value, str)), Raw(raw))


def _hostile_text(rng: Random, made: JsonObject, donors: tuple[JsonObject, ...]) -> None:
    """Expressions where there are expressions, XHTML where there is narrative."""
    place = _somewhere(
        rng, made, lambda value: isinstance(value, dict) and ("expression" in value or "div" in value)
    )
    if place is None:
        made["text"] = {"status": "generated", "div": rng.choice(odd.XHTML)}
    elif "div" in place[0][place[1]]:
        place[0][place[1]]["div"] = rng.choice(odd.XHTML)
    else:
        place[0][place[1]]["expression"] = rng.choice(odd.EXPRESSIONS)
    if "expression" in made:
        made["expression"] = rng.choice(odd.EXPRESSIONS)


def _nest(rng: Random, made: JsonObject, donors: tuple[JsonObject, ...]) -> None:
    place = _somewhere(rng, made)
    if place:
        value = place[0][place[1]]
        _put(place, rng.choice(([value], {"value": value}, {str(place[1]): value}, [[value]])))


def _deep(rng: Random, made: JsonObject, donors: tuple[JsonObject, ...]) -> None:
    """Nested deeply, as R4 allows it or as it does not."""
    depth = rng.choice((20, 100, 400, 1500, 20_000))
    frame, member = rng.choice(
        (
            ('{"url":"http://x","extension":[%s]}', "extension"),
            ('{"linkId":"a","type":"group","item":[%s]}', "item"),
            ('{"resourceType":"Basic","contained":[%s]}', "contained"),
            ('{"system":"s","concept":[%s]}', "concept"),
            ("[%s]", "name"),
            ('{"a":%s}', "meta"),
        )
    )
    left, _, right = frame.partition("%s")
    inner = '{"url":"http://y","valueString":"z"}' if member == "extension" else "{}"
    made[member] = Raw("[" + left * depth + inner + right * depth + "]")


def _graft(rng: Random, made: JsonObject, donors: tuple[JsonObject, ...]) -> None:
    """A part of another resource in the place of one of this."""
    place, other = _somewhere(rng, made), _somewhere(rng, rng.choice(donors))
    if place and other:
        _put(place, copy.deepcopy(other[0][other[1]]))


def _retitle(rng: Random, made: JsonObject, donors: tuple[JsonObject, ...]) -> None:
    made["resourceType"] = rng.choice((rng.choice(donors)["resourceType"], "Resource", "Nope", "", None, 1))


def _meta(rng: Random, made: JsonObject, donors: tuple[JsonObject, ...]) -> None:
    made["meta"] = rng.choice(
        (
            {"versionId": odd.text(rng), "lastUpdated": rng.choice(odd.DATES)},
            {"profile": [odd.text(rng), rng.choice(odd.REFERENCES)]},
            {"profile": ["http://hl7.org/fhir/StructureDefinition/bmi"]},
            {"tag": [{"system": odd.text(rng), "code": odd.text(rng)}] * rng.choice((1, 2, 300))},
            {"security": [{"system": "http://x", "code": "R", "display": odd.text(rng)}]},
            {"source": odd.text(rng), "extension": [{"url": odd.text(rng)}]},
            [],
        )
    )


_MUTATIONS = (
    _drop,
    _twice,
    _rename,
    _retype,
    _odd_text,
    _odd_text,
    _odd_date,
    _odd_number,
    _odd_reference,
    _odd_escape,
    _hostile_text,
    _nest,
    _deep,
    _graft,
    _retitle,
    _meta,
)


def _cut(rng: Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _flip(rng: Random, data: bytes) -> bytes:
    flipped = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 20))):
        if flipped:
            flipped[rng.randrange(len(flipped))] = rng.randrange(256)
    return bytes(flipped)


def _wrap(rng: Random, data: bytes) -> bytes:
    before, after = rng.choice(
        ((b"\xef\xbb\xbf", b""), (b"", b"{}"), (b"[", b"]"), (b"", b",\n"), (b"\n \t", b"\x00"))
    )
    return before + data + after


def _recode(rng: Random, data: bytes) -> bytes:
    return data.decode("utf-8", "replace").encode(rng.choice(("utf-16", "utf-16-le", "utf-32")))


def _nothing(rng: Random, data: bytes) -> bytes:
    return rng.choice(
        (b"", b"null", b"[]", b"{}", b'""', b"0", b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe")
    )


_DAMAGES = (_cut, _flip, _wrap, _recode, _nothing)
