"""``Patient/$everything`` of a whole Synthea patient, against a naive walk over the bundle."""

from __future__ import annotations

from fhirserver.kernel.json import dumps, loads
from fhirserver.kernel.references import walk_references
from tests.facade import Facade
from tests.unit.model.corpus import resources

_SHARED = ("Practitioner", "Organization", "Location", "PractitionerRole", "Medication")


async def test_nothing_of_a_synthea_patient_is_left_out(server: Facade) -> None:
    given = dict(resources("synthea-10.tar.xz"))
    first = [bundle for name, bundle in given.items() if name.startswith("0-")]
    largest = max(
        (bundle for name, bundle in given.items() if name[:2] != "0-"), key=lambda one: len(dumps(one))
    )
    for bundle in [*first, largest]:
        answer = await server.ehr("POST", "", bundle)
        assert answer.status_code == 200, answer.text[:500]
    made = [entry["response"]["location"].split("/_history")[0] for entry in answer.json()["entry"]]
    members = {"/".join(url.split("/")[-2:]) for url in made}
    (whose,) = (name for name in members if name.startswith("Patient/"))
    members = {name for name in members if name.partition("/")[0] not in _SHARED}
    support = set[str]()
    frontier = set(members)
    while frontier:
        named = set[str]()
        for name in frontier:
            resource = loads((await server.reader.get(name)).content)
            named |= {holder["reference"] for holder in walk_references(resource)}
        frontier = {name for name in named if name[:1] != "#"} - members - support
        support |= frontier
    answer = await server.reader.get(f"{whose}/$everything")
    modes = {
        f"{one['resource']['resourceType']}/{one['resource']['id']}": one["search"]["mode"]
        for one in answer.json()["entry"]
    }
    assert answer.json()["total"] == len(answer.json()["entry"]) == len(modes) > 100
    assert {name for name, mode in modes.items() if mode == "match"} == members
    assert {name for name, mode in modes.items() if mode == "include"} == support
