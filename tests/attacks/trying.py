"""All ways to a record, tried by those who may not see it: before it is stored, and after."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from fhirserver.kernel.json import JsonObject
from tests.attacks import ways
from tests.attacks.records import AUDIT
from tests.attacks.trail import Trail
from tests.attacks.ways import CHAINED, INCLUDED, PLAIN, REVERSED, Way
from tests.attacks.wire import FORM, Answer, Wire
from tests.attacks.world import BOB, CLEO, wire
from tests.server_process import ServerProcess

_VOLATILE = {"date", "x-request-id", "content-length"}
_MOMENT = re.compile(r'"(?:lastUpdated|timestamp)":"[^"]*"|<(?:lastUpdated|timestamp) value="[^"]*"/>')
ALL = os.environ.get("ATTACKS") == "all"
"""Try every way with every type: a minute and a half. Otherwise each parameter by its value, and some of the rest."""


@dataclass(frozen=True)
class Attacker:
    """Whose record a principal is after. ``whole``: the types of which it may see something (empty: all); ``kinds``:
    the ways that are tried with others; ``main``: with these, all are. ``own``: marks that the attacker knows."""

    name: str
    victim: str
    whole: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    main: frozenset[str] = frozenset()

    def tries(self, way: Way, type: str) -> bool:
        return not self.whole or type in self.whole or way.kind in self.kinds


LABS = frozenset({"Observation"})
LAB_MARKS = frozenset({f"{CLEO}-patient"})
ATTACKERS = (
    Attacker("ada-app", BOB),
    Attacker("cleo-labs", CLEO, LABS, frozenset({PLAIN, CHAINED}), LAB_MARKS, main=LABS),
    Attacker("labs", BOB, LABS, own=LAB_MARKS),
    Attacker("registry", BOB, frozenset({"Patient"}), frozenset({REVERSED, INCLUDED})),
)


class Tried(NamedTuple):
    """One way with what was answered before there was anything to tell, and after."""

    way: Way
    before: str
    after: Answer


@dataclass
class World:
    """The server, and what each attacker got by type."""

    server: ServerProcess
    records: dict[str, list[JsonObject]]
    trail: Trail = field(init=False)
    tried: dict[tuple[str, str], list[Tried]] = field(default_factory=dict)

    def of(self, name: str) -> int:
        return sum(len(found) for (attacker, _), found in self.tried.items() if attacker == name)


def cases(attacker: Attacker, found: Sequence[JsonObject]) -> dict[str, list[Way]]:
    """The ways that an attacker tries, by the type of what it is after."""
    patient, made = found[0], dict[str, list[Way]]()
    for number, resource in enumerate(found):
        type = resource["resourceType"]
        mine = [way for way in ways.ways(resource, patient) if attacker.tries(way, type)]
        whole = ALL or type in attacker.main
        made[type] = mine if whole else ways.thinned(mine, number, attacker.whole)
    made["Patient"] += [*ways.of_a_person(attacker.victim), ways.matching(patient)]
    made[AUDIT] = [Way(PLAIN, "GET", f"/fhir/{AUDIT}?patient=Patient/{attacker.victim}-patient")]
    return {type: mine for type, mine in made.items() if mine}


def ask(attacker: Wire, way: Way) -> Answer:
    if isinstance(way.body, str):
        return attacker(way.method, way.path, way.body, content_type=FORM)
    if way.path.endswith("$graphql"):
        return attacker(way.method, way.path, way.body, content_type="application/json")
    return attacker(way.method, way.path, way.body)


def normal(answer: Answer) -> str:
    """An answer without what differs from one second to the next."""
    headers = sorted(
        f"{name.lower()}: {value}" for name, value in answer.headers if name.lower() not in _VOLATILE
    )
    return f"{answer.status}\n{headers}\n{_MOMENT.sub('', answer.text)}"


def load(server: ServerProcess, resources: Iterable[JsonObject]) -> None:
    ehr = wire(server, "ehr")
    entries = [
        {"request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}, "resource": one}
        for one in resources
    ]
    answer = ehr("POST", "/fhir", {"resourceType": "Bundle", "type": "batch", "entry": entries})
    for sent, entry in zip(entries, answer.json()["entry"], strict=True):
        assert entry["response"]["status"] == "201", (sent["request"]["url"], entry["response"])
    ehr.close()


def try_all(
    server: ServerProcess, wanted: dict[tuple[str, str], list[Way]]
) -> dict[tuple[str, str], list[Answer]]:
    """What is answered to all ways, two at a time."""

    def some(key: tuple[str, str]) -> list[Answer]:
        asking = wire(server, key[0])
        try:
            return [ask(asking, way) for way in wanted[key]]
        finally:
            asking.close()

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(wanted, pool.map(some, wanted), strict=True))
