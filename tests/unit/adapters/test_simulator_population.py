from collections import Counter
from datetime import date, datetime

import pytest

from adapters.simulator.__main__ import parse
from adapters.simulator.populate import demo_bundles
from adapters.simulator.schedule import coming_thursday
from adapters.simulator.synthea import Loader, UnreadableBundles, presentable, read_bundles
from fhirserver.kernel.references import walk_references
from fhirserver.model.validation import validate
from tests.unit.adapters.in_process import TODAY, ehr_app


@pytest.fixture(scope="module")
def records():
    app = ehr_app()
    yield app.records
    app.close()


def of(records, type):
    return [stored.json() for stored in records.matching("type = ? ORDER BY updated", (type,))]


def test_every_record_is_valid_r4(records):
    stored = records.matching("deleted = ?", (0,))
    wrong = {each.type: validate(each.json()) for each in stored if validate(each.json())}
    assert wrong == {}


def test_every_reference_leads_to_a_record(records):
    for each in records.matching("deleted = ?", (0,)):
        for reference in walk_references(each.json()):
            type, _, id = reference["reference"].partition("/")
            assert records.current(type, id), f"{each.type} refers to {reference['reference']}"


def test_every_patient_can_be_called_and_two_share_a_phone(records):
    phones = Counter(p["telecom"][0]["value"] for p in of(records, "Patient"))
    assert all(phone.startswith("+1555") and len(phone) == 12 for phone in phones)
    assert sorted(phones.values()) == [1, 1, 2]


def test_maria_has_an_appointment_on_the_coming_thursday(records):
    first = of(records, "Appointment")[0]
    assert first["start"] == "2026-11-26T14:30:00-05:00"
    assert first["participant"][0]["actor"]["display"] == "Maria Alvarez"
    slot = records.current("Slot", first["slot"][0]["reference"].partition("/")[2]).json()
    assert (slot["status"], slot["start"]) == ("busy", first["start"])


def test_slots_lie_in_office_hours_and_enough_are_free(records):
    slots = of(records, "Slot")
    starts = [datetime.fromisoformat(slot["start"]) for slot in slots]
    assert all(at.weekday() < 5 and 9 <= at.hour < 17 and at.minute in (0, 30) for at in starts)
    free = Counter(s["start"][:10] for s in slots if s["status"] == "free")
    assert len(free) == 20 and min(free.values()) > 10


def test_there_are_recent_encounters_and_coverage_for_all(records):
    recent = [e for e in of(records, "Encounter") if e["period"]["start"] >= "2026-10"]
    assert {e["subject"]["reference"] for e in recent} == {
        f"Patient/{p['id']}" for p in of(records, "Patient")
    }
    assert len(of(records, "Coverage")) == 4


def test_one_seed_and_day_give_one_calendar(records):
    again = ehr_app()
    same = [{**slot, "meta": None} for slot in of(again.records, "Slot")]
    assert same == [{**slot, "meta": None} for slot in of(records, "Slot")]
    other = ehr_app(seed=2)
    assert [s["status"] for s in of(other.records, "Slot")] != [s["status"] for s in same]
    again.close()
    other.close()


def test_a_filled_database_is_not_filled_again(tmp_path):
    first = ehr_app(data=tmp_path / "ehr.db")
    counts = first.records.counts()
    first.close()
    second = ehr_app(data=tmp_path / "ehr.db")
    assert second.records.counts() == counts
    second.close()


@pytest.mark.parametrize(
    ("today", "thursday"),
    [
        (date(2026, 11, 22), date(2026, 11, 26)),
        (date(2026, 11, 25), date(2026, 11, 26)),
        (date(2026, 11, 26), date(2026, 12, 3)),
        (date(2026, 11, 27), date(2026, 12, 3)),
    ],
)
def test_the_coming_thursday_is_never_today(today, thursday):
    assert coming_thursday(today) == thursday


def test_references_of_every_kind_are_resolved():
    stored = {}
    loader = Loader(iter("abc").__next__, lambda content, id: stored.setdefault(id, content))
    loader.load(
        {
            "entry": [
                {
                    "resource": {
                        "resourceType": "Organization",
                        "identifier": [{"system": "urn:o", "value": "1"}],
                    },
                    "request": {"ifNoneExist": "identifier=urn:o|1"},
                }
            ]
        }
    )
    organization = {"resourceType": "Organization", "identifier": [{"system": "urn:o", "value": "1"}]}
    patient = {
        "resourceType": "Patient",
        "managingOrganization": {"reference": "Organization?identifier=urn:o|1"},
        "contact": [{"organization": {"identifier": {"system": "urn:o", "value": "1"}}}],
    }
    coverage = {"resourceType": "Coverage", "beneficiary": {"reference": "urn:uuid:p"}}
    loader.load(
        {
            "entry": [
                {"resource": organization, "request": {"ifNoneExist": "identifier=urn:o|1"}},
                {"fullUrl": "urn:uuid:p", "resource": patient},
                {"resource": coverage},
            ]
        }
    )
    assert set(stored) == {"a", "b", "c"}, "what exists is not created again"
    assert stored["b"]["managingOrganization"]["reference"] == "Organization/a"
    assert stored["b"]["contact"][0]["organization"]["reference"] == "Organization/a"
    assert stored["c"]["beneficiary"]["reference"] == "Patient/b"


def test_names_lose_the_numbers_that_synthea_hangs_on_them():
    patient = presentable(
        {
            "resourceType": "Patient",
            "name": [{"family": "O'Hara248", "given": ["Zandra428"]}],
            "generalPractitioner": [
                {"reference": "Practitioner/1", "display": "Dr. Courtney281 Hermiston71"}
            ],
            "address": [{"line": ["12 Main Street"]}],
        }
    )
    assert patient["name"] == [{"family": "O'Hara", "given": ["Zandra"]}]
    assert patient["generalPractitioner"][0]["display"] == "Dr. Courtney Hermiston"
    assert patient["address"][0]["line"] == ["12 Main Street"]


def test_the_packed_patients_are_small_and_carry_no_narrative():
    bundles = demo_bundles()
    assert all("text" not in entry["resource"] for bundle in bundles for entry in bundle["entry"])
    assert sum(len(bundle["entry"]) for bundle in bundles) < 300


def test_a_place_without_bundles_is_named(tmp_path):
    with pytest.raises(UnreadableBundles, match="nothing-here"):
        read_bundles(tmp_path / "nothing-here.tar.xz")
    with pytest.raises(UnreadableBundles, match=r"no \.json files"):
        read_bundles(tmp_path)


def test_the_command_line_gives_every_option(tmp_path):
    options = parse(
        [
            *("--token", "t", "--port", "0", "--data", str(tmp_path / "e.db"), "--today", TODAY.isoformat()),
            *("--error-rate", "0.3", "--cut-rate", "0.1", "--weeks", "2", "--bare", "--utc-offset=+01:00"),
        ]
    )
    assert (options.port, options.weeks, options.bare, options.today) == (0, 2, True, TODAY)
    assert (options.faults.error_rate, options.faults.cut_rate, options.utc_offset) == (0.3, 0.1, "+01:00")


@pytest.mark.parametrize("wrong", [["--error-rate", "2"], ["--today", "soon"], []])
def test_wrong_arguments_end_with_a_message(wrong, capsys):
    with pytest.raises(SystemExit):
        parse(["--token", "t", *wrong] if wrong else [])
    assert capsys.readouterr().err
