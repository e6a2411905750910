"""What is measured: for each operation the requests, and what a right answer to each holds."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from benchmarks.dataset import IDENTIFIER, SEED, Json, Person, folded, name_parts, observation, transaction
from benchmarks.load import Loaded
from benchmarks.wire import Address, Request
from fhirserver.kernel.json import dumps, loads

PAGE = 20
ENTRIES = 50
_BLANK = b"########"


class WrongAnswer(Exception):
    """An answer had the right status and the wrong content.

    A figure made of such answers is worth nothing.
    """


@dataclass(frozen=True, slots=True)
class Operation:
    """``requests`` never ends; ``check(key, body)`` raises :class:`WrongAnswer`."""

    name: str
    requests: Iterator[Request]
    check: Callable[[int, bytes], None]


def operations(address: Address, loaded: Loaded) -> list[Operation]:
    """All that is measured, in the order in which it is."""
    return [
        read(address, loaded),
        create(address, "create-patient", _new_patient()),
        create_observation(address, loaded),
        search_patient(address, loaded),
        search_observation(address, loaded),
        transact(address),
    ]


def read(address: Address, loaded: Loaded) -> Operation:
    """Reads of known patients and observations, alternating."""
    chance = random.Random(SEED)
    seen = [id for ids in loaded.observations for id in ids]
    known = [("Patient", id) for id in loaded.patients] + [
        ("Observation", id) for id in chance.sample(seen, len(loaded.patients))
    ]
    chance.shuffle(known)
    asked = [
        Request(address.request("GET", f"{type}/{id}"), key, 200) for key, (type, id) in enumerate(known)
    ]

    def check(key: int, body: bytes) -> None:
        resource = loads(body)
        if (resource["resourceType"], resource["id"]) != known[key]:
            raise WrongAnswer(
                f"read of {'/'.join(known[key])} gave {resource['resourceType']}/{resource['id']}"
            )

    return Operation("read", itertools.cycle(asked), check)


def _new_patient() -> bytes:
    patient = {
        "resourceType": "Patient",
        "identifier": [{"system": f"{IDENTIFIER}/new", "value": "N########"}],
        "name": [{"family": "New########", "given": ["Nora", "Jane"]}],
        "telecom": [{"system": "phone", "value": "+1999########"}],
        "gender": "female",
        "birthDate": "1984-02-29",
        "address": [{"line": ["1 New Street"], "city": "Springfield", "postalCode": "01103"}],
    }
    return dumps(patient)


def _new_observation(loaded: Loaded) -> bytes:
    made = {**observation(random.Random(SEED)), "subject": {"reference": f"Patient/{loaded.patients[-1]}"}}
    made["identifier"] = [{"system": f"{IDENTIFIER}/observation", "value": "N########"}]
    return dumps(made)


def create_observation(address: Address, loaded: Loaded) -> Operation:
    """New observations of the last patient."""
    return create(address, "create-observation", _new_observation(loaded))


def create(address: Address, name: str, template: bytes) -> Operation:
    """Creates, each with content of its own: ``########`` in the template becomes a number."""
    type = str(loads(template)["resourceType"])
    wire = address.request("POST", type, template)
    key = itertools.count()
    requests = (Request(wire.replace(_BLANK, b"%08d" % number), number, 201) for number in key)

    def check(key: int, body: bytes) -> None:
        resource = loads(body)
        if resource["resourceType"] != type or not resource.get("id"):
            raise WrongAnswer(f"{name}: the answer is not the created {type}")
        if not any(one.get("value") == f"N{key:08d}" for one in resource["identifier"]):
            raise WrongAnswer(f"{name}: the answer is another resource than the one created")

    return Operation(name, requests, check)


@dataclass(frozen=True, slots=True)
class Search:
    """A search and the ids it must find, most recent first where ``ordered``."""

    where: str
    ids: tuple[str, ...]
    ordered: bool = False


def _search(address: Address, name: str, searches: list[Search]) -> Operation:
    asked = [Request(address.request("GET", one.where), key, 200) for key, one in enumerate(searches)]

    def check(key: int, body: bytes) -> None:
        entries = [
            one
            for one in loads(body).get("entry", ())
            if one.get("search", {}).get("mode", "match") == "match"
        ]
        found = [one["resource"]["id"] for one in entries]
        wanted = searches[key].ids
        right = found == list(wanted[:PAGE]) if searches[key].ordered else _page_of(found, wanted)
        if not right:
            raise WrongAnswer(
                f"{searches[key].where}: found {len(found)} of {min(PAGE, len(wanted))}, or others"
            )

    return Operation(name, itertools.cycle(asked), check)


def _page_of(found: list[str], wanted: tuple[str, ...]) -> bool:
    return len(set(found)) == min(PAGE, len(wanted)) == len(found) and set(found) <= set(wanted)


def search_patient(address: Address, loaded: Loaded) -> Operation:
    """A third each by the beginning of a name, by family and birth date, and by identifier."""
    chance = random.Random(SEED)
    known = list(zip(loaded.people, loaded.patients, strict=True))
    searches = [_one_search(kind, chance.choice(known)[0], known) for _ in range(100) for kind in range(3)]
    return _search(address, "search-patient", searches)


def _one_search(kind: int, person: Person, known: list[tuple[Person, str]]) -> Search:
    family = next(name["family"] for name in person.patient["name"] if "family" in name)
    if kind == 0:
        return _found(known, {"name": family}, lambda one: _starts(one, family))
    if kind == 1:
        birth = person.patient["birthDate"]
        by = {"family": family, "birthdate": birth}
        return _found(known, by, lambda one: one["birthDate"] == birth and _family(one, family))
    by = {"identifier": f"{IDENTIFIER}|{person.number}"}
    return Search("Patient?" + urlencode(by), tuple(id for one, id in known if one.number == person.number))


def _found(known: list[tuple[Person, str]], by: dict[str, str], holds: Callable[[Json], bool]) -> Search:
    ids = tuple(id for person, id in known if holds(person.patient))
    return Search("Patient?" + urlencode({**by, "_count": str(PAGE)}, quote_via=quote), ids)


def _starts(patient: Json, text: str) -> bool:
    return any(part.startswith(folded(text)) for part in name_parts(patient))


def _family(patient: Json, text: str) -> bool:
    return any(folded(name.get("family", "")).startswith(folded(text)) for name in patient["name"])


def search_observation(address: Address, loaded: Loaded) -> Operation:
    """By patient, code and a range of dates, the latest first."""
    chance = random.Random(SEED)
    searches: list[Search] = []
    while len(searches) < 200:
        index = chance.randrange(len(loaded.people))
        if loaded.observations[index]:
            searches.append(_latest(loaded, index, chance))
    return _search(address, "search-observation", searches)


def _latest(loaded: Loaded, index: int, chance: random.Random) -> Search:
    seen = loaded.people[index].observations
    coding = chance.choice(seen)["code"]["coding"][0]
    since = f"{chance.randrange(2012, 2019)}-01-01"
    by = {
        "patient": f"Patient/{loaded.patients[index]}",
        "code": f"{coding['system']}|{coding['code']}",
        "date": f"ge{since}",
        "_sort": "-date",
        "_count": str(PAGE),
    }
    start = datetime.fromisoformat(since).replace(tzinfo=UTC)
    hits = [
        (datetime.fromisoformat(one["effectiveDateTime"]), id)
        for one, id in zip(seen, loaded.observations[index], strict=True)
        if one["code"]["coding"][0]["code"] == coding["code"] and "effectiveDateTime" in one
    ]
    latest = sorted((hit for hit in hits if hit[0] >= start), reverse=True)
    distinct = len({time for time, _ in latest}) == len(latest)
    return Search("Observation?" + urlencode(by), tuple(id for _, id in latest), ordered=distinct)


def transact(address: Address) -> Operation:
    """Transactions of one new patient and 49 observations that refer to them."""
    wire = address.request("POST", "", transaction(random.Random(SEED), ENTRIES, "Transact########"))
    requests = (Request(wire.replace(_BLANK, b"%08d" % number), number, 200) for number in itertools.count())

    def check(key: int, body: bytes) -> None:
        statuses = [entry["response"]["status"][:3] for entry in loads(body)["entry"]]
        if statuses != ["201"] * ENTRIES:
            raise WrongAnswer(f"a transaction of {ENTRIES} creates answered with {sorted(set(statuses))}")

    return Operation(f"transaction-{ENTRIES}", requests, check)
