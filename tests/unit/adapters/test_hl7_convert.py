"""Messages to FHIR: what becomes of fields, nulls, dates, codes, groups, events; always valid R4."""

from __future__ import annotations

import base64
import re
from decimal import Decimal
from typing import Any

import pytest

from adapters.hl7v2.convert.conversion import Conversion, Mapped
from adapters.hl7v2.convert.engine import convert
from adapters.hl7v2.convert.explaining import explain, report
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.convert.site_file import SiteError, read_site
from adapters.hl7v2.message import parse
from fhirserver.model.validation import validate

SITE = Site(name="north", time_zone="Europe/Vienna")
PID = "PID|1||4711^^^MAIN^MR||Moss^Eve||19800229|F"


def converted(
    *segments: str, event: str = "ADT^A01^ADT_A01", site: Site = SITE, explain: bool = False
) -> Conversion:
    """The conversion of a message with these segments after its MSH; every resource of it is valid."""
    header = rf"MSH|^~\&|LAB|NORTH|CRED|X|20250301120000||{event}|1|P|2.5.1"
    made = convert(parse("\r".join((header, *segments))), site, explain)
    for mapped in made.resources:
        errors = [i for i in validate({**mapped.content, "id": "1"}) if i.severity == "error"]
        assert not errors, (mapped.local, errors)
    return made


def only(made: Conversion, type: str) -> dict[str, Any]:
    (mapped,) = made.of(type)
    return mapped.content


def mapped(made: Conversion, type: str) -> Mapped:
    (found,) = made.of(type)
    return found


class TestPatient:
    def test_identifiers_have_the_system_of_their_authority(self) -> None:
        site = read_site('authorities = { MAIN = "https://north.example/mrn" }', "north")
        made = converted("PID|1||4711^^^MAIN^MR~9^^^&1.2.3&ISO^PI~8^^^GP", site=site)
        systems = [one["system"] for one in only(made, "Patient")["identifier"]]
        assert systems == ["https://north.example/mrn", "urn:oid:1.2.3", "urn:credence:hl7v2:north:GP"]

    def test_the_same_namespace_at_another_site_is_another_system(self) -> None:
        one = only(converted(PID, site=Site("north")), "Patient")["identifier"][0]["system"]
        other = only(converted(PID, site=Site("south")), "Patient")["identifier"][0]["system"]
        assert one != other

    def test_a_mobile_is_a_phone(self) -> None:
        made = converted(r"PID|1||1^^^M||A^B||||||||^PRN^CP^^43^664^1234567~^NET^Internet^eve@example.org")
        assert [(t["system"], t.get("use"), t["value"]) for t in only(made, "Patient")["telecom"]] == [
            ("phone", "mobile", "+43 664 1234567"),
            ("email", None, "eve@example.org"),
        ]

    def test_a_name_with_everything(self) -> None:
        made = converted("PID|1||1^^^M||Moss&van^Eve^M^Jr^Dr^^L^^^^^20200101^20210101")
        (name,) = only(made, "Patient")["name"]
        assert name["given"] == ["Eve", "M"] and name["use"] == "official" and name["prefix"] == ["Dr"]
        assert name["_family"]["extension"][0]["valueString"] == "van"
        assert name["period"] == {"start": "2020-01-01", "end": "2021-01-01"}

    def test_birth_with_a_time(self) -> None:
        content = only(converted("PID|1||1^^^M||A^B||198002291330|F"), "Patient")
        assert content["birthDate"] == "1980-02-29"
        assert content["_birthDate"]["extension"][0]["valueDateTime"] == "1980-02-29T13:30:00+01:00"

    def test_multiple_citizenships_are_extensions_of_their_own(self) -> None:
        made = converted("PID|1||1^^^M||A^B" + "|" * 21 + "AT^Austria^ISO3166_1~DE^Germany^ISO3166_1")
        extensions = only(made, "Patient")["extension"]
        assert [
            e["extension"][1 if e["extension"][0]["url"] != "code" else 0]["url"] for e in extensions
        ] == ["code"] * 2

    def test_codes_are_translated_and_unknown_ones_kept(self) -> None:
        content = only(converted("PID|1||1^^^M||A^B|||x||||||||M^married^HL70002"), "Patient")
        assert "gender" not in content
        (coding,) = content["maritalStatus"]["coding"]
        assert coding["system"] == "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
        kept = only(converted("PID|1||1^^^M||A^B|||||||||||Q^odd^99X"), "Patient")["maritalStatus"]["coding"][
            0
        ]
        assert kept == {"code": "Q", "display": "odd", "system": "urn:credence:hl7v2:north:99X"}

    def test_a_code_that_r4_does_not_know_is_an_issue_without_its_value(self) -> None:
        made = converted("PID|1||1^^^M||A^B|||secret")
        (issue,) = made.issues
        assert issue.place == "PID-8" and "secret" not in issue.what


class TestNull:
    def test_an_explicit_null_states_absence(self) -> None:
        found = mapped(converted('PID|1||1^^^M||A^B||""|F|||||||||""'), "Patient")
        assert found.absent == {"birthDate"} and found.nulled["PID-7"] == "birthDate"

    def test_an_absent_field_states_nothing(self) -> None:
        found = mapped(converted("PID|1||1^^^M||A^B||"), "Patient")
        assert found.absent == frozenset() and not found.nulled

    def test_of_a_list_that_several_fields_feed_one_null_is_not_all(self) -> None:
        """PID-13 is the home phone: nobody said that there is no other."""
        found = mapped(converted('PID|1||1^^^M||A^B||||||||""'), "Patient")
        assert "telecom" not in found.absent and found.nulled["PID-13"] == "telecom"
        every = mapped(converted('PID|1||1^^^M||A^B||||||||""|""' + "|" * 25 + '|""'), "Patient")
        assert "telecom" in every.absent

    def test_a_null_component_is_left_out(self) -> None:
        content = only(converted('PID|1||1^^^M||A^B^""'), "Patient")
        assert content["name"][0]["given"] == ["B"]


class TestVisit:
    @pytest.mark.parametrize(
        ("event", "status"),
        [
            ("A01", "in-progress"),
            ("A03", "finished"),
            ("A04", "planned"),
            ("A05", "planned"),
            ("A08", "in-progress"),
            ("A11", "cancelled"),
            ("A12", "in-progress"),
            ("A13", "in-progress"),
            ("A27", "cancelled"),
        ],
    )
    def test_the_status_is_what_the_event_means(self, event: str, status: str) -> None:
        made = converted(PID, "PV1|1|I|W^1^2", event=f"ADT^{event}")
        assert only(made, "Encounter")["status"] == status

    def test_a_cancelled_discharge_has_no_end(self) -> None:
        pv1 = "PV1|1|I" + "|" * 42 + "20250101|20250110"
        content = only(converted(PID, pv1, event="ADT^A13"), "Encounter")
        assert content["period"] == {"start": "2025-01-01"} and content["status"] == "in-progress"
        assert only(converted(PID, pv1, event="ADT^A08"), "Encounter")["status"] == "finished"

    def test_a_bed_is_part_of_its_room_and_the_room_of_its_ward(self) -> None:
        made = converted(PID, "PV1|1|I|W1^R2^B3^HOSP^^^BLDG^3")
        places = {m.local: m.content for m in made.of("Location")}
        here = only(made, "Encounter")["location"][0]["location"]["reference"].removeprefix("urn:local:")
        kinds = []
        while here:
            content = places[here]
            kinds.append(content["identifier"][0]["value"])
            here = content.get("partOf", {}).get("reference", "").removeprefix("urn:local:")
        assert kinds == ["B3", "R2", "W1", "3", "BLDG", "HOSP"]

    def test_equal_practitioners_are_one(self) -> None:
        made = converted(PID, "PV1|1|I|||||7^House^Greg|7^House^Greg")
        assert len(made.of("Practitioner")) == 1
        assert len(only(made, "Encounter")["participant"]) == 2


class TestScheduling:
    SCH = "SCH|P1^SYS|F1^SYS|||||R^Checkup|ROUTINE|30|min|^^^20250401090000^20250401093000|||||||||||||Booked"

    @pytest.mark.parametrize(
        ("event", "status"),
        [("S12", "booked"), ("S15", "cancelled"), ("S17", "entered-in-error"), ("S26", "noshow")],
    )
    def test_the_event_decides_what_it_must(self, event: str, status: str) -> None:
        made = converted(self.SCH, PID, "RGS|1", "AIL|1||W1^R2", "AIP|1||7^House^Greg", event=f"SIU^{event}")
        assert only(made, "Appointment")["status"] == status

    def test_who_takes_part_and_when(self) -> None:
        content = only(
            converted(self.SCH, PID, "RGS|1", "AIL|1||W1^R2", "AIP|1||7^House^Greg", event="SIU^S12"),
            "Appointment",
        )
        actors = [p["actor"]["reference"].partition("[")[0] for p in content["participant"]]
        assert sorted(actors) == ["urn:local:Location", "urn:local:Patient", "urn:local:Practitioner"]
        assert (content["start"], content["end"]) == (
            "2025-04-01T09:00:00+02:00",
            "2025-04-01T09:30:00+02:00",
        )
        assert content["minutesDuration"] == 30
        assert [i["type"]["coding"][0]["code"] for i in content["identifier"]] == ["PLAC", "FILL"]


class TestObservations:
    @pytest.mark.parametrize(
        ("type", "value", "element", "made"),
        [
            ("NM", "1.20", "valueQuantity", {"value": Decimal("1.20"), "unit": "mg", "code": "mg"}),
            ("ST", "clear", "valueString", "clear"),
            ("TX", r"line\.br\next", "valueString", "line\nnext"),
            ("DT", "20250102", "valueDateTime", "2025-01-02"),
            ("TM", "0730", "valueTime", "07:30:00"),
            ("SN", "^1^-^5", "valueRange", {"low": {"value": 1}, "high": {"value": 5}}),
            ("SN", ">^100", "valueQuantity", {"value": 100, "comparator": ">"}),
            ("SN", "^1^:^128", "valueRatio", {"numerator": {"value": 1}, "denominator": {"value": 128}}),
            ("CWE", "A^alpha^99L", "valueCodeableConcept", {"coding": [{"code": "A"}]}),
            ("NA", "1^2^3", "valueString", "1^2^3"),
            ("DR", "20250101^20250102", "valuePeriod", {"start": "2025-01-01", "end": "2025-01-02"}),
        ],
    )
    def test_value_types(self, type: str, value: str, element: str, made: Any) -> None:
        obx = f"OBX|1|{type}|8867-4^x^LN||{value}|mg^mg^UCUM|||||F"
        content = only(converted(PID, "OBR|1", obx, event="ORU^R01"), "Observation")
        assert _holds(content[element], made), content[element]
        assert content["status"] == "final"

    def test_the_digits_of_a_number_stay(self) -> None:
        content = only(converted(PID, "OBR|1", "OBX|1|NM|1^x^LN||1.20|||||F", event="ORU^R01"), "Observation")
        assert str(content["valueQuantity"]["value"]) == "1.20"

    def test_repetitions_are_components_with_one_code(self) -> None:
        obx = "OBX|1|NM|8480-6^bp^LN||120~80|mm[Hg]^^UCUM|||||F"
        components = only(converted(PID, "OBR|1", obx, event="ORU^R01"), "Observation")["component"]
        assert [c["valueQuantity"]["value"] for c in components] == [120, 80]
        assert {c["code"]["coding"][0]["code"] for c in components} == {"8480-6"}
        assert {c["valueQuantity"]["system"] for c in components} == {"http://unitsofmeasure.org"}

    def test_encapsulated_data(self) -> None:
        data = base64.b64encode(b"%PDF-1.7").decode()
        obx = f"OBX|1|ED|1^x^LN||^AP^pdf^Base64^{data}||||||F"
        (extension,) = only(converted(PID, "OBR|1", obx, event="ORU^R01"), "Observation")["extension"]
        assert extension["valueAttachment"] == {"contentType": "application/pdf", "data": data}

    def test_results_belong_to_their_own_order(self) -> None:
        made = converted(
            PID,
            "ORC|RE|P1|F1",
            "OBR|1|P1|F1|A^a^LN|||||||||||||||||||||F",
            "OBX|1|ST|1^x^LN||one||||||F",
            "NTE|1||about one",
            "ORC|RE|P2|F2",
            "OBR|2|P2|F2|B^b^LN|||||||||||||||||||||F",
            "OBX|1|ST|2^y^LN||two||||||F",
            event="ORU^R01",
        )
        reports = [m.content for m in made.of("DiagnosticReport")]
        assert [r["code"]["coding"][0]["code"] for r in reports] == ["A", "B"]
        results = {m.local: m.content["valueString"] for m in made.of("Observation")}
        found = [results[r["result"][0]["reference"].removeprefix("urn:local:")] for r in reports]
        assert found == ["one", "two"] and all(len(r["result"]) == 1 for r in reports)
        notes = [m.content.get("note", [{}])[0].get("text") for m in made.of("Observation")]
        assert notes == ["about one", None]

    def test_a_number_that_is_none_is_an_issue(self) -> None:
        made = converted(PID, "OBR|1", "OBX|1|NM|1^x^LN||lots||||||F", event="ORU^R01")
        assert any(issue.place == "OBX-5" and "lots" not in issue.what for issue in made.issues)


def _holds(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return all(key in found and _holds(found[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(_holds(a, b) for a, b in zip(found, wanted, strict=True))
    return bool(found == wanted)


class TestDocuments:
    def test_lines_of_text_are_one_document(self) -> None:
        made = converted(
            PID, "PV1|1|I", "TXA|1|DS|TX|||20250101||||||D1^S|||||AU||AV",
            "OBX|1|TX|1^x^LN||first", r"OBX|2|TX|1^x^LN||a\T\b", event="MDM^T02",
        )  # fmt: skip
        content = only(made, "DocumentReference")
        data = [c["attachment"]["data"] for c in content["content"] if "data" in c["attachment"]]
        assert [base64.b64decode(one).decode() for one in data] == ["first\na&b"]
        assert (content["status"], content["docStatus"]) == ("current", "final")

    def test_a_cancelled_document(self) -> None:
        made = converted(PID, "PV1|1|I", "TXA|1|DS|TX|||20250101||||||D1^S", event="MDM^T11")
        assert only(made, "DocumentReference")["status"] == "entered-in-error"


class TestMerges:
    def test_merged_patients(self) -> None:
        made = converted("EVN|A40|20250101", PID, "MRG|4000^^^MAIN^MR~4001^^^MAIN", event="ADT^A40^ADT_A39")
        (fact,) = made.merges
        assert (fact.kind, fact.subject, fact.visits_move) == ("merge", "patient", False)
        assert [i["value"] for i in fact.surviving] == ["4711"]
        assert [i["value"] for i in fact.prior] == ["4000", "4001"]
        assert fact.prior[0]["system"] == fact.surviving[0]["system"]

    def test_two_merges_in_one_message(self) -> None:
        made = converted(PID, "MRG|1^^^MAIN", "PID|2||5^^^MAIN||C^D", "MRG|2^^^MAIN", event="ADT^A40^ADT_A39")
        assert [(f.surviving[0]["value"], f.prior[0]["value"]) for f in made.merges] == [
            ("4711", "1"),
            ("5", "2"),
        ]

    def test_a_visit_that_moves(self) -> None:
        made = converted(
            PID, "MRG|4000^^^MAIN||||V1^^^MAIN", "PV1|1|I" + "|" * 17 + "V2^^^MAIN", event="ADT^A45^ADT_A45"
        )
        (fact,) = made.merges
        assert (fact.kind, fact.subject, fact.visits_move) == ("move", "visit", True)
        assert (fact.surviving[0]["value"], fact.prior[0]["value"]) == ("V2", "V1")
        assert (fact.patient[0]["value"], fact.prior_patient[0]["value"]) == ("4711", "4000")

    def test_a_changed_number(self) -> None:
        (fact,) = converted(PID, "MRG|4000^^^MAIN", event="ADT^A47^ADT_A30").merges
        assert (fact.kind, fact.subject) == ("change", "patient")


class TestWhatIsLeftOut:
    def test_segments_and_fields_that_no_map_speaks_of(self) -> None:
        made = converted(PID + "|" * 14 + "N^x", "GT1|1|5", "ZPI|1|x", "ZPI|2|y")
        assert made.unmapped == ("GT1[1]", "ZPI[1]", "ZPI[2]")
        assert made.unmapped_fields == ("PID[1]-22",)

    def test_a_message_of_a_structure_that_nobody_knows(self) -> None:
        made = converted(PID, "OBX|1|ST|1^x^LN||v||||||F", event="ZZZ^Z01^ZZZ_Z01")
        assert only(made, "Observation")["subject"]["reference"] == "urn:local:Patient[1]"

    def test_segments_out_of_order(self) -> None:
        made = converted("PV1|1|I|W", PID, "AL1|1|DA|P^Penicillin^99L", event="ADT^A01")
        assert only(made, "AllergyIntolerance")["patient"]["reference"] == "urn:local:Patient[1]"
        assert only(made, "Encounter")["class"]["code"] == "IMP"

    def test_nothing_but_a_header(self) -> None:
        assert converted().resources == ()


class TestSites:
    def test_overrides_and_z_segments(self) -> None:
        site = read_site(
            """
time_zone = "America/New_York"
[codes.AdministrativeSex]
X = "other"
[segment.PID]
22 = [
  { resource = "Patient", path = "extension[9].url", assign = '"https://north.example/group"' },
  { resource = "Patient", path = "extension[9].valueString", assign = '$whole(PID-22)' },
]
13 = "drop"
[segment.ZPI]
2 = { resource = "Patient", path = "contact[1].name.text" }
[[sender]]
application = "LAB*"
authorities = { MAIN = "https://lab.example" }
""",
            "west",
        )
        made = converted(
            "PID|1||1^^^MAIN||A^B||198001011200|X|||||555" + "|" * 9 + "N^n", "ZPI|1|Joe", site=site
        )
        content = only(made, "Patient")
        assert content["gender"] == "other" and "telecom" not in content
        assert content["contact"] == [{"name": {"text": "Joe"}}] and made.unmapped == ()
        assert content["identifier"][0]["system"] == "https://lab.example"
        assert content["_birthDate"]["extension"][0]["valueDateTime"].endswith("-05:00")

    @pytest.mark.parametrize(
        ("text", "error"),
        [
            ("a = 1", "line 1: a is not known"),
            ('\ntime_zone = "Mars/North"', "line 2: Mars/North is no time zone"),
            ('[authorities]\nA = "x:y"\nB = "z"', "line 3: authorities: B is a URI"),
            ('[segment.PV1]\n1 = "drop"\n44 = "dropp"', "line 3: a field becomes"),
            (
                '[segment.PV1]\n44 = { resource = "Encounter", path = "x", colour = 1 }',
                "line 2: colour is not known",
            ),
            ('[segment.pv1]\n1 = "drop"', "pv1 is no segment"),
            ('[[sender]]\ntime_zone = "UTC"', "line 1: a sender is told by"),
            ("x = ", "line 1"),
            (
                '[segment.PV1]\n44 = { resource = "Encounter", path = "perid.start" }',
                "line 2: Encounter has no element",
            ),
            (
                '[segment.PV1]\n44 = { resource = "Encounter", path = "period.start", if = "IF (" }',
                "line 2: ",
            ),
        ],
    )
    def test_errors_name_the_line(self, text: str, error: str) -> None:
        with pytest.raises(SiteError, match=error.replace("(", r"\(")):
            read_site(text)


def test_the_same_message_gives_the_same_conversion() -> None:
    segments = (PID, "PV1|1|I|W^1^2||||7^House^Greg", "AL1|1|DA|P^Penicillin")
    assert converted(*segments) == converted(*segments, site=Site("north", "Europe/Vienna"))


def test_every_element_can_be_traced_to_its_row() -> None:
    made = converted(PID, "PV1|1|I|W^1^2", explain=True)
    rows = {(e.local, e.element): (e.place, e.source) for e in made.explained}
    assert rows["Patient[1]", "birthDate"] == ("PID-7", "PID[Patient] line 10")
    assert rows["Encounter[1]", "class"][1] == "PV1[Encounter] line 4"
    assert mapped(made, "Patient").origin["gender"] == "PID-8"
    assert mapped(made, "Encounter").origin["status"] == "MSH-9"
    assert "class" not in mapped(made, "Encounter").supplied


def test_an_explanation_names_fields_and_rows_and_no_value() -> None:
    message = parse(
        "\r".join((r"MSH|^~\&|A|B|C|D|20250301||ADT^A01|1|P|2.5.1", PID, "PV1|1|I|W", "ZPI|1|secret"))
    )
    text = report(explain(message, SITE))
    assert re.search(r"name\.family +PID-5 +FN\[HumanName\] line 3", text)
    assert re.search(r"status +MSH-9 +required by R4, or meant by the event", text) or "status" in text
    assert "ZPI[1] is spoken of by no map" in text
    assert not re.search("Moss|4711|secret", text)


class TestInsurance:
    IN1 = (
        "IN1|1|HMO^Plan|P1^^^PAY|Payer^L"
        + "|" * 4
        + "G1||||20250101|||HMO|Moss^Adam|SPO|19800101"
        + "|" * 31
        + "M77"
    )

    def test_every_in1_is_a_coverage_with_its_payer_and_subscriber(self) -> None:
        made = converted(PID, "PV1|1|I" + "|" * 18 + "SELF", self.IN1, self.IN1.replace("M77", "M78"))
        first, second = (m.content for m in made.of("Coverage"))
        assert (first["subscriberId"], second["subscriberId"]) == ("M77", "M78")
        assert first["type"]["coding"][0]["code"] == "HMO"
        assert [c["value"] for c in first["class"]] == ["HMO", "G1"]
        assert first["beneficiary"] == {"reference": "urn:local:Patient[1]"}
        assert first["payor"][0]["reference"].startswith("urn:local:Organization")
        people = [m.content for m in made.of("RelatedPerson")]
        assert people[0]["name"][0]["family"] == "Moss" and people[0]["patient"] == first["beneficiary"]

    def test_the_patient_may_be_the_subscriber(self) -> None:
        made = converted(PID, self.IN1.replace("SPO", "SEL"))
        assert only(made, "Coverage")["subscriber"] == {"reference": "urn:local:Patient[1]"}
        assert not made.of("RelatedPerson")

    def test_a_tariff_is_no_coverage(self) -> None:
        made = converted(PID, "PV1|1|I" + "|" * 18 + "SELF")
        assert not made.of("Coverage") and "PV1[1]-20" in made.unmapped_fields


@pytest.mark.parametrize("declared", ["^", "^~", "^~\\"])
def test_a_sender_that_declares_few_separators_is_converted(declared: str) -> None:
    header = f"MSH|{declared}|A|B|C|D|20250301||ADT^A01^ADT_A01|1|P|2.5.1"
    text = "\r".join((header, "PID|1||1^^^M||Moss^Eve||19800229|F|||Elm St|XYZ", "PV1|1|I|W^1|||||||MED"))
    made = [convert(parse(text), SITE) for _ in range(3)]
    assert only(made[0], "Patient")["name"] == [{"family": "Moss", "given": ["Eve"]}]
    assert made[0].resources == made[1].resources == made[2].resources
