"""Codes of HL7v2 messages and of a vendor's records, translated by ConceptMaps that are stored on the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from fhirserver.world.vocabulary import CONFIDENCE, MAPPED_BY, MAPPING_EQUIVALENCE
from tests.hl7_feed import FeedServer, adt, code_of
from tests.unit.terminology.concept_maps.shelves import concept_map, element, group
from tests.vendor_process import SECRET, VendorProcess

LAB, LOINC = "urn:credence:hl7v2:site:L", "http://loinc.org"
TESTS, VALUES, VISITS = (f"https://lab.example/ConceptMap/{name}" for name in ("tests", "values", "visits"))
MARITAL = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
SEX = "https://lab.example/ConceptMap/sex"
SITE = f"""
[codes]
AdministrativeSex = "{SEX}"
"""
SETTINGS = f"""site = "site.toml"
code_maps = ["OBX-3={TESTS}", "Observation.value[x]={VALUES}"]

[[source]]
id = "athena"
kind = "ehr"
authoritative = true

[[connector]]
name = "athena"
source = "athena"
kind = "rest"
mapping = "athenahealth"
url = "URL"
client_id = "credence"
client_secret_file = "SECRET"
options = ["practice=195900", "days=6"]
types = ["Location", "Practitioner", "Patient"]
visible_within_seconds = 1
pull_seconds = 0.5
code_maps = ["*={VISITS}"]
"""


def lab_map(target: str, **more: object) -> dict[str, Any]:
    glucose = element("GLU", target)
    sodium = element("NA", {"code": "2951-2", "equivalence": "inexact", "comment": "by any method"})
    return {**concept_map(TESTS, group(LAB, LOINC, glucose, sodium), **more), "id": "tests", "name": "Tests"}


@pytest.fixture(scope="module")
def vendor() -> Iterator[VendorProcess]:
    with VendorProcess("athenahealth") as vendor:
        yield vendor


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, vendor: VendorProcess) -> Iterator[FeedServer]:
    folder = tmp_path_factory.mktemp("maps")
    secret = folder / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    (folder / "server").mkdir()
    (folder / "server" / "site.toml").write_text(SITE)
    more = SETTINGS.replace("URL", vendor.url).replace("SECRET", str(secret))
    with FeedServer(folder / "server", more) as server:
        yield server


def put(server: FeedServer, resource: dict[str, Any]) -> None:
    path = f"{server.base}/{resource['resourceType']}/{resource['id']}"
    answer = httpx.put(path, json=resource, headers=server.headers)
    assert answer.status_code in (200, 201), answer.text


def found(server: FeedServer, query: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{server.base}/{query}", headers=server.headers_of("admin"), timeout=30)
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", [])]


def result(id: str, code: str, value: str = "H") -> bytes:
    return (
        f"MSH|^~\\&|LAB|NORTH|EHR|MAIN|20261128150000||ORU^R01^ORU_R01|{id}|P|2.5.1\r"
        "PID|1||P1^^^HOSP&1.2.3.4&ISO^MR||Miller^Jane||19700101|F\r"
        f"OBR|1|p{id}|f{id}|PAN^Panel^L|||20261128\r"
        f"OBX|1|CE|{code}^Local {code}^L||{value}^Value^L||||||F|||20261128\r"
    ).encode()


def patient(server: FeedServer, id: str, number: str, sex: str) -> dict[str, Any]:
    """Who a message speaks of."""
    with server.connect() as wire:
        message = adt(id, number).replace(b"|F|||", f"|{sex}|||".encode())
        assert code_of(wire.send(message)) == f"AA {id}"
    (one,) = found(server, f"Patient?identifier={number}")
    return one


def observation(server: FeedServer, id: str, code: str, value: str = "H") -> dict[str, Any]:
    """What becomes of a result that is sent."""
    with server.connect() as wire:
        assert code_of(wire.send(result(id, code, value))) == f"AA {id}"
    (report,) = found(server, f"DiagnosticReport?identifier=f{id}")
    (one,) = found(server, f"Observation?_id={report['result'][0]['reference'].partition('/')[2]}")
    return one


def said(coding: dict[str, Any], url: str) -> str | None:
    values = [one for one in coding.get("extension", ()) if one["url"] == url]
    return (
        next((value for key, value in values[0].items() if key.startswith("value")), None) if values else None
    )


def test_a_local_code_is_translated_and_says_by_which_map(server: FeedServer) -> None:
    put(server, lab_map("2345-7", version="1"))
    one = observation(server, "A1", "GLU")
    translated, original = one["code"]["coding"]
    assert (translated["system"], translated["code"]) == (LOINC, "2345-7")
    assert (said(translated, MAPPED_BY), said(translated, MAPPING_EQUIVALENCE)) == (
        f"{TESTS}|1",
        "equivalent",
    )
    assert original == {"system": LAB, "code": "GLU", "display": "Local GLU"}
    assert found(server, f"Observation?code={LOINC}|2345-7") and found(server, f"Observation?code={LAB}|GLU")
    (provenance,) = found(server, f"Provenance?target=Observation/{one['id']}")
    maps = [entity["what"] for entity in provenance["entity"] if entity["what"].get("type") == "ConceptMap"]
    assert [what["identifier"]["value"] for what in maps] == [f"{TESTS}|1"]
    assert any(entity["what"].get("reference", "").startswith("Binary/") for entity in provenance["entity"])


def test_a_changed_map_counts_for_the_next_message(server: FeedServer) -> None:
    put(server, lab_map("2345-7", version="1"))
    observation(server, "B1", "GLU")
    put(server, lab_map("14749-6", version="2"))
    translated = observation(server, "B2", "GLU")["code"]["coding"][0]
    assert (translated["code"], said(translated, MAPPED_BY)) == ("14749-6", f"{TESTS}|2")
    again = observation(server, "B1", "GLU")["code"]["coding"]
    assert [coding["code"] for coding in again][1:] == ["GLU"]


def test_a_code_that_the_map_does_not_have_is_kept_and_says_so(server: FeedServer) -> None:
    put(server, lab_map("2345-7", version="1"))
    (only,) = observation(server, "C1", "NEW")["code"]["coding"]
    assert (only["system"], only["code"], said(only, MAPPING_EQUIVALENCE)) == (LAB, "NEW", "unmatched")


def test_an_inexact_translation_is_trusted_as_a_machine_is(server: FeedServer) -> None:
    put(server, lab_map("2345-7", version="1"))
    one = observation(server, "D1", "NA")
    assert said(one["code"]["coding"][0], MAPPING_EQUIVALENCE) == "inexact"
    sure = [entry["valueDecimal"] for entry in one["code"]["extension"] if entry["url"] == CONFIDENCE]
    assert sure == [0.7]
    exact = observation(server, "D2", "GLU")
    assert "extension" not in exact["code"]


def test_a_map_that_is_not_here_is_told_and_the_message_is_taken_in(server: FeedServer) -> None:
    one = observation(server, "E1", "GLU")
    assert one["valueCodeableConcept"]["coding"] == [{"system": LAB, "code": "H", "display": "Value"}]
    put(server, {**concept_map(VALUES, group(LAB, "urn:snomed", element("H", "high"))), "id": "values"})
    one = observation(server, "E2", "GLU")
    assert [coding["code"] for coding in one["valueCodeableConcept"]["coding"]] == ["high", "H"]


def test_a_conceptmap_stands_for_a_table_of_the_site(server: FeedServer) -> None:
    genders = "http://hl7.org/fhir/administrative-gender"
    assert "gender" not in patient(server, "F1", "P71", "W"), "no map has this code"
    assert patient(server, "F2", "P72", "F")["gender"] == "female", "HL7's own map stays"
    sexes = group("http://terminology.hl7.org/CodeSystem/v2-0001", genders, element("W", "female"))
    put(server, {**concept_map(SEX, sexes), "id": "sex"})
    assert patient(server, "F3", "P73", "W")["gender"] == "female"
    put(server, {**concept_map(SEX, {**sexes, "element": [element("W", "other")]}), "id": "sex"})
    assert patient(server, "F4", "P74", "W")["gender"] == "other", "a changed map counts for the next message"


def test_code_systems_that_are_named_by_oids(server: FeedServer) -> None:
    message = result("G1", "2345-7").replace(b"^L||H", b"^2.16.840.1.113883.6.1||H")
    with server.connect() as wire:
        assert code_of(wire.send(message)) == "AA G1"
    (one,) = found(server, "Observation?code=http://loinc.org|2345-7&_sort=-_lastUpdated&_count=1")
    assert [coding["system"] for coding in one["code"]["coding"]] == [LOINC]


def test_codes_of_a_vendor(server: FeedServer, vendor: VendorProcess) -> None:
    def ada() -> dict[str, Any]:
        return next(iter(found(server, "Patient?family=Albers&given=Ada")), {})

    eventually(ada, "the patient comes")
    put(
        server,
        {**concept_map(VISITS, group(MARITAL, "urn:own", element("M", "married")), version="5"), "id": "v"},
    )
    vendor.alter("patients", "1001", maritalstatus="M")
    patient = eventually(lambda: (one := ada()) and "maritalStatus" in one and one, "the change comes")
    translated, original = patient["maritalStatus"]["coding"]
    assert (translated["code"], said(translated, MAPPED_BY)) == ("married", f"{VISITS}|5")
    assert (original["system"], original["code"]) == (MARITAL, "M")
    latest = found(server, f"Provenance?target=Patient/{patient['id']}&_sort=-recorded")[0]
    values = [entity["what"].get("identifier", {}).get("value") for entity in latest["entity"]]
    assert f"{VISITS}|5" in values
    vendor.alter("patients", "1001", maritalstatus="S")
    eventually(
        lambda: said(ada()["maritalStatus"]["coding"][0], MAPPING_EQUIVALENCE) == "unmatched", "it is kept"
    )


def eventually(check: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (held := check()):
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
    return held
