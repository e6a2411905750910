"""``$validate-code`` and ``$lookup`` over the codes of a code system of R4, asked by GET and by POST in turn."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

from benchmarks.dataset import SEED, Json
from benchmarks.operations import Operation, WrongAnswer
from benchmarks.wire import Address, Request
from fhirserver.kernel.json import dumps, loads
from fhirserver.model.definitions import definitions

SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
VALUE_SET = "http://terminology.hl7.org/ValueSet/v3-ActCode"


def terminology_operations(address: Address) -> list[Operation]:
    """Each with all codes in turn. ``validate-code-new`` asks no question twice: a number in the display sees to it."""
    codes = _codes()
    return [
        _operation(address, "validate-code", "ValueSet/$validate-code", codes, _in_value_set, _validated),
        _operation(address, "cs-validate-code", "CodeSystem/$validate-code", codes, _in_system, _validated),
        _operation(address, "lookup", "CodeSystem/$lookup", codes, _looked_up, _found),
        _new_questions(address, codes),
    ]


def _codes() -> list[tuple[str, str]]:
    """Code and display of each concept that has one, in an order of chance."""
    resource = definitions().archive.by_url(SYSTEM, "CodeSystem")
    assert resource is not None, SYSTEM
    found = [(one["code"], one["display"]) for one in _concepts(resource["concept"]) if "display" in one]
    random.Random(SEED).shuffle(found)
    return found


def _concepts(concepts: list[Json]) -> Iterator[Json]:
    for one in concepts:
        yield one
        yield from _concepts(one.get("concept", []))


def _in_value_set(code: str, display: str) -> dict[str, str]:
    return {"url": VALUE_SET, "system": SYSTEM, "code": code}


def _in_system(code: str, display: str) -> dict[str, str]:
    return {"url": SYSTEM, "code": code}


def _looked_up(code: str, display: str) -> dict[str, str]:
    return {"system": SYSTEM, "code": code}


def _parameters(body: bytes) -> dict[str, object]:
    given = loads(body).get("parameter", ())
    return {one["name"]: next((v for n, v in one.items() if n.startswith("value")), None) for one in given}


def _validated(code: str, display: str, body: bytes) -> bool:
    return _parameters(body).get("result") is True


def _found(code: str, display: str, body: bytes) -> bool:
    return _parameters(body).get("display") == display


def _requests(address: Address, path: str, given: dict[str, str], key: int) -> Iterator[Request]:
    yield Request(address.request("GET", f"{path}?{urlencode(given)}"), key, 200)
    yield Request(address.request("POST", path, _body(given)), key, 200)


def _body(given: dict[str, str]) -> bytes:
    types = {"url": "Uri", "system": "Uri", "code": "Code"}
    parameters = [{"name": name, f"value{types.get(name, 'String')}": value} for name, value in given.items()]
    return dumps({"resourceType": "Parameters", "parameter": parameters})


def _operation(
    address: Address,
    name: str,
    path: str,
    codes: list[tuple[str, str]],
    asked: Callable[[str, str], dict[str, str]],
    right: Callable[[str, str, bytes], bool],
) -> Operation:
    requests = [one for key, code in enumerate(codes) for one in _requests(address, path, asked(*code), key)]

    def check(key: int, body: bytes) -> None:
        if not right(*codes[key], body):
            raise WrongAnswer(f"{name} of a code gave {body[:200]!r}")

    return Operation(name, itertools.cycle(requests), check)


def _new_questions(address: Address, codes: list[tuple[str, str]]) -> Operation:
    """Of known codes with wrong displays: the longest answers, and none that could have been kept."""

    def requests() -> Iterator[Request]:
        for number in itertools.count():
            given = {**_in_value_set(*codes[number % len(codes)]), "display": f"No display {number}"}
            yield from _requests(address, "ValueSet/$validate-code", given, number)

    def check(key: int, body: bytes) -> None:
        if _parameters(body).get("result") is not False:
            raise WrongAnswer(f"a wrong display gave {body[:200]!r}")

    return Operation("validate-code-new", requests(), check)
