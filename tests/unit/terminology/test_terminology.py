"""Code systems and value sets, against the official expansions and small ones made here."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable

import pytest

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.model.definitions import definitions
from fhirserver.ports.terminology import Terminology
from terminology.service import TerminologyService, packed
from tests.unit.model.corpus import CORPUS

GENDER = "http://hl7.org/fhir/administrative-gender"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
# Official expansions that leave out deprecated or retired codes although their compose does not say so;
# the last one follows nesting alone, where ActCode also has children by property.
V2, V3, CORE = (
    "http://terminology.hl7.org/ValueSet/v2-",
    "http://terminology.hl7.org/ValueSet/v3-",
    "http://hl7.org/fhir/ValueSet/",
)
DISPUTED = {
    f"{V2}0487",
    f"{V2}0916",
    f"{V3}ActCode",
    f"{V3}ActPharmacySupplyType",
    f"{CORE}diagnostic-service-sections",
    f"{CORE}observation-interpretation",
    f"{CORE}patient-contactrelationship",
    f"{CORE}relatedperson-relationshiptype",
    f"{CORE}security-labels",
    f"{CORE}detectedissue-category",
    f"{CORE}currencies",  # with those that came after R4
}

service = TerminologyService(limit=10_000)


def codes(value_set: str, terminology: Terminology = service) -> set[str]:
    return {c.code for c in terminology.expand(value_set).concepts}


def refusal(call: Callable[[], object]) -> tuple[Category, str]:
    with pytest.raises(Refusal) as refused:
        call()
    return refused.value.category, refused.value.issues[0].code


def test_it_conforms_to_the_port() -> None:
    terminology: Terminology = service
    assert terminology.lookup(GENDER, "female").display == "Female"


def test_lookup() -> None:
    concept = service.lookup("http://terminology.hl7.org/CodeSystem/v2-0001", "F")
    assert concept.display == "Female"
    assert {d.language for d in concept.designations}
    assert service.lookup(ROLE_CODE, "MTH").definition
    assert service.lookup(ROLE_CODE, "_PersonalRelationshipRoleType").abstract


def test_what_is_not_known_is_refused() -> None:
    not_found = (Category.NOT_FOUND, "not-found")
    assert refusal(lambda: service.lookup(GENDER, "x")) == not_found
    assert refusal(lambda: service.lookup("http://example.org", "x")) == not_found
    assert refusal(lambda: service.expand("http://example.org")) == not_found
    assert refusal(lambda: service.validate_code("http://example.org", GENDER, "female")) == not_found
    loinc_only = "http://hl7.org/fhir/ValueSet/observation-codes"
    assert refusal(lambda: service.expand(loinc_only)) == (Category.UNPROCESSABLE, "not-found")
    assert refusal(lambda: service.validate_code(loinc_only, "http://loinc.org", "8310-5")) == (
        Category.UNPROCESSABLE,
        "not-found",
    )


def test_validate_code() -> None:
    assert service.validate_code(GENDERS, GENDER, "female").concept.display == "Female"
    assert service.validate_code(f"{GENDERS}|4.0.1", GENDER, "female").result
    assert service.validate_code(GENDERS, "", "female").concept.system == GENDER
    assert not service.validate_code(GENDERS, GENDER, "F").result
    assert not service.validate_code(GENDERS, "http://loinc.org", "female").result
    assert "Zaphod" not in service.validate_code(GENDERS, GENDER, "Zaphod").message


def test_subsumption() -> None:
    assert service.subsumes(ROLE_CODE, "FAMMEMB", "MTH") == "subsumes"
    assert service.subsumes(ROLE_CODE, "MTH", "FAMMEMB") == "subsumed-by"
    assert service.subsumes(ROLE_CODE, "MTH", "MTH") == "equivalent"
    assert service.subsumes(ROLE_CODE, "MTH", "FTH") == "not-subsumed"


def test_subsumption_in_a_system_or_version_that_is_not_here() -> None:
    for url, version, id in (
        ("urn:none", "", "UNKNOWN_CODESYSTEM_EXP"),
        ("urn:none", "7", "UNKNOWN_CODESYSTEM_VERSION_EXP_NONE"),
        (ROLE_CODE, "7", "UNKNOWN_CODESYSTEM_VERSION_EXP"),
    ):
        with pytest.raises(Refusal) as refused:
            service.subsumes(url, "MTH", "FTH", version=version)
        issue = refused.value.issues[0].as_json()
        assert issue["extension"][0]["valueString"] == id and "expression" not in issue
        assert "could not be found, so the codes cannot be compared" in issue["details"]["text"]


def test_paging_and_text() -> None:
    whole = service.expand(GENDERS)
    assert whole.total == 4
    page = service.expand(GENDERS, offset=1, count=2)
    assert (page.total, page.concepts) == (4, whole.concepts[1:3])
    assert [c.code for c in service.expand(GENDERS, text="FEM").concepts] == ["female"]


def test_an_official_expansion_stands_in_for_a_system_that_is_not_here() -> None:
    currencies = "http://hl7.org/fhir/ValueSet/currencies"
    assert "EUR" in codes(currencies)
    assert service.validate_code(currencies, "urn:iso:std:iso:4217", "EUR").result
    assert not service.validate_code(currencies, "urn:iso:std:iso:4217", "XYZ").result


def test_a_large_expansion_is_refused() -> None:
    small = TerminologyService(limit=3)
    assert refusal(lambda: small.expand(GENDERS)) == (Category.UNPROCESSABLE, "too-costly")
    assert small.validate_code(GENDERS, GENDER, "female").result


# Value sets made here

SYSTEM = {
    "resourceType": "CodeSystem",
    "url": "urn:s",
    "caseSensitive": False,
    "content": "complete",
    "concept": [
        {
            "code": "A",
            "display": "a",
            "concept": [{"code": "A1", "concept": [{"code": "A11"}]}, {"code": "A2"}],
        },
        {"code": "B", "property": [{"code": "colour", "valueCode": "red"}]},
        {
            "code": "C",
            "property": [{"code": "parent", "valueCode": "B"}, {"code": "inactive", "valueBoolean": True}],
        },
    ],
}


def made(**value_sets: JsonObject) -> TerminologyService:
    resources = {"urn:s": SYSTEM}
    resources |= {f"urn:{n}": {"url": f"urn:{n}", "compose": compose} for n, compose in value_sets.items()}
    return TerminologyService(lambda url, _: resources.get(url))


def concept_filter(op: str, value: str, name: str = "concept") -> JsonObject:
    return {"include": [{"system": "urn:s", "filter": [{"property": name, "op": op, "value": value}]}]}


@pytest.mark.parametrize(
    ("compose", "expected"),
    [
        ({"include": [{"system": "urn:s"}]}, {"A", "A1", "A11", "A2", "B", "C"}),
        (
            {"include": [{"system": "urn:s"}], "exclude": [concept_filter("is-a", "A")["include"][0]]},
            {"B", "C"},
        ),
        (concept_filter("is-a", "A1"), {"A1", "A11"}),
        (concept_filter("descendent-of", "A"), {"A1", "A11", "A2"}),
        (concept_filter("is-not-a", "A"), {"B", "C"}),
        (concept_filter("generalizes", "A11"), {"A", "A1", "A11"}),
        (concept_filter("in", "A,C"), {"A", "C"}),
        (concept_filter("not-in", "A,C"), {"A1", "A11", "A2", "B"}),
        (concept_filter("regex", "A1*"), {"A", "A1", "A11"}),
        (concept_filter("=", "B", "parent"), {"C"}),
        (concept_filter("=", "red", "colour"), {"B"}),
        (concept_filter("exists", "true", "colour"), {"B"}),
        (concept_filter("=", "true", "inactive"), {"C"}),
        (
            {"include": [{"system": "urn:s", "concept": [{"code": "A"}, {"code": "C", "display": "sea"}]}]},
            {"A", "C"},
        ),
        ({"include": [{"valueSet": ["urn:ab"]}]}, {"A", "B"}),
        ({"include": [{"valueSet": ["urn:ab", "urn:bc"]}]}, {"B"}),
        (
            {"include": [{"system": "urn:s", "valueSet": ["urn:bc"]}], "exclude": [{"valueSet": ["urn:ab"]}]},
            {"C"},
        ),
    ],
)
def test_compose(compose: JsonObject, expected: set[str]) -> None:
    terminology = made(
        it=compose,
        ab={"include": [{"system": "urn:s", "concept": [{"code": "A"}, {"code": "B"}]}]},
        bc={"include": [{"system": "urn:s", "concept": [{"code": "B"}, {"code": "C"}]}]},
    )
    assert codes("urn:it", terminology) == expected
    for code in ("A", "A1", "A11", "A2", "B", "C", "D"):
        assert terminology.validate_code("urn:it", "urn:s", code).result is (code in expected)


def test_case_where_the_system_disregards_it() -> None:
    terminology = made(it=concept_filter("is-a", "A"))
    assert terminology.validate_code("urn:it", "urn:s", "a11").concept.code == "A11"
    assert not service.validate_code(GENDERS, GENDER, "Female").result


def test_the_display_of_a_value_set_goes_before_that_of_the_system() -> None:
    terminology = made(it={"include": [{"system": "urn:s", "concept": [{"code": "A", "display": "ay"}]}]})
    assert terminology.expand("urn:it").concepts[0].display == "ay"


def test_value_sets_in_a_circle_are_refused() -> None:
    terminology = made(x={"include": [{"valueSet": ["urn:y"]}]}, y={"include": [{"valueSet": ["urn:x"]}]})
    for call in (
        lambda: terminology.expand("urn:x"),
        lambda: terminology.validate_code("urn:x", "urn:s", "A"),
    ):
        assert refusal(call) == (Category.UNPROCESSABLE, "processing")


@pytest.mark.parametrize("pattern", ["(", "(?=a)b", "a" * 3000])
def test_a_dangerous_regex_is_refused(pattern: str) -> None:
    terminology = made(it=concept_filter("regex", pattern))
    assert refusal(lambda: terminology.expand("urn:it"))[0] is Category.UNPROCESSABLE


def test_an_unknown_filter_is_refused() -> None:
    terminology = made(it=concept_filter("resembles", "A"))
    assert refusal(lambda: terminology.expand("urn:it"))[1] == "not-supported"


def test_a_hierarchy_in_a_circle_terminates() -> None:
    ring = [{"code": c, "property": [{"code": "parent", "valueCode": p}]} for c, p in ("ab", "bc", "ca")]
    system = {"url": "urn:s", "concept": ring}
    terminology = TerminologyService(lambda url, _: system if url == "urn:s" else None)
    assert terminology.subsumes("urn:s", "a", "b") == "equivalent"


def test_forgetting_sees_what_changed() -> None:
    system = {"url": "urn:s", "concept": [{"code": "a"}]}
    terminology = TerminologyService(lambda url, _: dict(system) if url == "urn:s" else None)
    terminology.lookup("urn:s", "a")
    system["concept"] = [{"code": "b"}]
    terminology.forget()
    assert terminology.lookup("urn:s", "b").code == "b"


def test_what_did_not_change_is_not_read_again() -> None:
    read: list[str] = []
    status, codes = "http://hl7.org/fhir/observation-status", {"urn:s": "a", "urn:t": "t"}

    def stored(url: str, type: str) -> JsonObject | None:
        read.append(url)
        bare = url.partition("|")[0]
        return {"url": bare, "concept": [{"code": codes[bare]}]} if bare in codes else packed(url, type)

    terminology = TerminologyService(stored)

    def ask() -> None:
        assert terminology.validate_code(
            "http://hl7.org/fhir/ValueSet/observation-status", status, "final"
        ).result
        assert terminology.lookup("urn:t", "t")
        assert terminology.lookup("urn:s", codes["urn:s"])

    ask()
    read.clear()
    codes["urn:s"] = "b"
    terminology.forget({"urn:s"})
    ask()
    assert {url.partition("|")[0] for url in read} == {"urn:s"}
    read.clear()
    terminology.forget()
    ask()
    assert {status, "urn:t"} <= {url.partition("|")[0] for url in read}


def official_expansions() -> list[JsonObject]:
    path = CORPUS / "fhir-r4/definitions.tar.xz"
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    with tarfile.open(path) as tar:
        name = next(n for n in tar.getnames() if "expansions" in n)
        return [entry["resource"] for entry in json.load(tar.extractfile(name))["entry"]]


def contained(expansion: JsonObject) -> set[tuple[str, str]]:
    found, waiting = set(), list(expansion.get("contains", ()))
    for item in waiting:
        waiting.extend(item.get("contains", ()))
        if "code" in item and not item.get("abstract"):
            found.add((item["system"], item["code"]))
    return found


def test_expansions_equal_the_official_ones() -> None:
    compared, different = 0, []
    for value_set in official_expansions():
        expansion = value_set["expansion"]
        if expansion.get("extension") or packed(value_set["url"], "ValueSet") is None:
            continue
        try:
            mine = {(c.system, c.code) for c in service.expand(value_set["url"]).concepts if not c.abstract}
        except Refusal as refused:
            assert refused.issues[0].code == "not-found"
            continue
        compared += 1
        assert mine >= contained(expansion), value_set["url"]
        if mine != contained(expansion):
            different.append(value_set["url"])
    assert set(different) == DISPUTED
    assert compared > 400


# Systems that are no resources


@pytest.mark.parametrize(
    ("system", "right", "wrong"),
    [
        (
            "http://unitsofmeasure.org",
            [
                "mm[Hg]",
                "10*3/uL",
                "{score}",
                "1",
                "%",
                "/min",
                "kg/m2",
                "U/(10.g){feces}",
                "[acr_us]",
                "mg/(24.h)",
                "ug{FEU}/mL",
            ],
            ["mmHg", "kilogram", "", "mg/", "(mg", "{open", "mg mL", "[xyz]", "m//s"],
        ),
        (
            "urn:ietf:bcp:47",
            ["en", "de-CH", "zh-Hant-TW", "sl-rozaj-biske", "x-mine"],
            ["", "e", "english language", "en_US", "123"],
        ),
        (
            "urn:ietf:bcp:13",
            ["text/plain", "application/fhir+json; fhirVersion=4.0"],
            ["text", "text/", "a b/c"],
        ),
        ("urn:iso:std:iso:3166", ["DE", "DEU", "276"], ["XX", "de", "999"]),
        ("urn:iso:std:iso:4217", ["EUR"], ["EURO"]),
        ("https://www.iana.org/time-zones", ["Europe/Vienna"], ["Europe/Graz"]),
    ],
)
def test_systems_that_are_known_by_grammar_or_list(system: str, right: list[str], wrong: list[str]) -> None:
    for code in right:
        assert service.validate_code("", system, code).result, code
    for code in wrong:
        assert not service.validate_code("", system, code).result, code


def test_every_unit_that_r4_lists_is_a_unit() -> None:
    units = codes("http://hl7.org/fhir/ValueSet/ucum-common")
    assert len(units) > 1000
    assert {
        code for code in units if not service.validate_code("", "http://unitsofmeasure.org", code).result
    } == set()


def test_units_of_one_dimension() -> None:
    distances = "http://hl7.org/fhir/ValueSet/all-distance-units"
    assert service.validate_code(distances, "http://unitsofmeasure.org", "[in_i]").result
    assert not service.validate_code(distances, "http://unitsofmeasure.org", "kg").result
    assert refusal(lambda: service.expand(distances))[1] == "too-costly"


def test_countries_by_every_code() -> None:
    assert len(codes("http://hl7.org/fhir/ValueSet/iso3166-1-3")) == 249
    assert service.lookup("urn:iso:std:iso:3166", "276").display == "Germany"


def test_what_cannot_be_told_matters_only_where_nothing_else_holds() -> None:
    terminology = made(
        it={
            "include": [
                {"system": "http://snomed.info/sct"},
                {"system": "urn:s"},
                {"valueSet": ["urn:unknown"]},
            ]
        }
    )
    assert terminology.validate_code("urn:it", "urn:s", "A").result
    for system, code in (("urn:s", "no"), ("http://snomed.info/sct", "1")):
        assert refusal(lambda: terminology.validate_code("urn:it", system, code))[1] == "not-found"  # noqa: B023


# The cases about the version and the display


def test_a_display_is_compared() -> None:
    def check(display: str) -> tuple[bool, str]:
        found = service.validate_code(GENDERS, GENDER, "female", display=display)
        return found.result, found.cause

    assert check("Female") == check("  FEMALE ") == check("") == (True, "")
    assert check("Woman") == (False, "invalid-display")
    german = service.validate_code(
        "", "http://terminology.hl7.org/CodeSystem/v2-0001", "F", display="Weiblich"
    )
    assert german.result


def test_a_display_of_the_value_set_and_that_of_the_system_are_both_right() -> None:
    terminology = made(it={"include": [{"system": "urn:s", "concept": [{"code": "A", "display": "ay"}]}]})
    for display, result in (("ay", True), ("a", True), ("b", False)):
        assert terminology.validate_code("urn:it", "urn:s", "A", display=display).result is result


def test_a_version_that_is_not_here_cannot_be_told_of() -> None:
    assert service.validate_code(GENDERS, GENDER, "female", version="4.0.1").result
    with pytest.raises(Refusal, match="1999"):
        service.validate_code(GENDERS, GENDER, "female", version="1999")


def test_what_is_wrong_has_a_cause() -> None:
    assert service.validate_code(GENDERS, GENDER, "x").cause == "not-in-vs"
    assert service.validate_code("", GENDER, "x").cause == "invalid-code"


def test_a_value_set_can_be_given_itself() -> None:
    given = {"compose": {"include": [{"system": GENDER, "concept": [{"code": "male"}]}]}}
    assert service.validate_code(given, GENDER, "male").result
    assert not service.validate_code(given, GENDER, "female").result
    assert [c.display for c in service.expand(given).concepts] == ["Male"]


def test_a_version_of_hl7_in_the_url() -> None:
    assert "F" not in codes("http://terminology.hl7.org/ValueSet/v2-2.1-0006")
    assert len(codes("http://terminology.hl7.org/ValueSet/v2-2.1-0006")) > 3


EXTERNAL = (
    "snomed",
    "loinc",
    "sequenceontology",
    "ncbi",
    "ensembl",
    "genenames",
    "hgvs",
    "nucc",
    "ama-assn",
    "ebi.ac",
)


def test_what_r4_defines_expands_unless_it_draws_on_others() -> None:
    unknown: dict[str, str] = {}
    for entry in definitions().archive.entries("ValueSet"):
        try:
            service.expand(entry.url)
        except Refusal as refused:
            unknown[entry.url.rpartition("/")[2]] = refused.issues[0].diagnostics
    told = {name: why for name, why in unknown.items() if not any(word in why for word in EXTERNAL)}
    assert set(told) == {
        "all-distance-units",
        "all-languages",
        "all-time-units",
        "cosmic",
        "devicemetric-type",
        "media-modality",
        "mimetypes",
        "sequence-quality-method",
        "sequence-quality-standardSequence",
        "ucum-units",
        "use-context",
    }
    assert len(unknown) < 90


def test_codes_come_in_the_order_in_which_they_are_written() -> None:
    terminology = made(it={"include": [{"system": "urn:s"}]})
    assert [c.code for c in terminology.expand("urn:it").concepts] == ["A", "A1", "A11", "A2", "B", "C"]


def test_value_sets_that_import_each_other_many_times_over() -> None:
    leaf = {"include": [{"system": "urn:s"}]}
    unknown = {"include": [{"system": "urn:unknown"}]}
    for bottom in (leaf, unknown):
        levels = {f"v{n}": {"include": [{"valueSet": [f"urn:v{n - 1}"]}] * 3} for n in range(1, 30)}
        terminology = made(v0=bottom, **levels)
        if bottom is leaf:
            assert len(terminology.expand("urn:v29").concepts) == 6
            assert not terminology.validate_code("urn:v29", "urn:s", "none").result
            assert terminology.validate_code("urn:v29", "", "A").result
        else:
            assert refusal(lambda: terminology.validate_code("urn:v29", "urn:unknown", "x"))[1] == "not-found"  # noqa: B023


def test_value_sets_that_import_each_other_too_deeply_are_refused() -> None:
    levels = {f"v{n}": {"include": [{"valueSet": [f"urn:v{n - 1}"]}]} for n in range(1, 500)}
    terminology = made(v0={"include": [{"system": "urn:s"}]}, **levels)
    assert refusal(lambda: terminology.expand("urn:v499"))[1] == "too-costly"
    assert refusal(lambda: terminology.validate_code("urn:v499", "urn:s", "A"))[1] == "too-costly"
    assert refusal(lambda: terminology.validate_code("urn:v499", "", "A"))[1] == "too-costly"
