"""What is found by canonical url and version, and what a request asks of that."""

from __future__ import annotations

import pytest

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.model.definitions import definitions
from terminology.asked import Asked
from terminology.built_in import built_in, built_in_urls
from terminology.holdings import Holdings, Resolved
from terminology.implicit import IMPLIED
from terminology.library import SUPPLEMENT, RequestLibrary
from terminology.overlays import Overlay
from terminology.versions import fits, newest

HELD = Holdings(Resolved(), lambda url: None)


def code_system(version: str, *codes: str, **members: object) -> JsonObject:
    return {
        "resourceType": "CodeSystem",
        "url": "urn:s",
        "version": version,
        "status": "active",
        "content": "complete",
        "concept": [{"code": code} for code in codes],
        **members,
    }


def library(*resources: JsonObject, **asked: object) -> RequestLibrary:
    return RequestLibrary(HELD, Overlay().with_these(resources), Asked(**asked))  # type: ignore[arg-type]


THREE = (code_system("1.0.0", "a"), code_system("1.2.0", "b"), code_system("2.0.0", "c"))


@pytest.mark.parametrize(
    ("version", "wanted", "does"),
    [
        ("1.2.3", "", True),
        ("1.2.3", "1.2.3", True),
        ("1.2.3", "1.x", True),
        ("1.2.3", "1.x.x", True),
        ("1.2.3", "1.x.3", True),
        ("1.2.3", "1.x.4", False),
        ("1.2.3", "1.2", False),
        ("1.2.3", "1", False),
        ("1.2.3", "1.2?", True),
        ("1.2.3", "1.x.x.x", True),
        ("12.3", "1.x", False),
        ("1.2", "1.2.x", True),
        ("1.2", "1.2.3", False),
        ("1.2", "2.x", False),
        ("http://snomed.info/sct/900/version/20240101", "http://snomed.info/sct/900", True),
        ("http://snomed.info/sct/9001/version/20240101", "http://snomed.info/sct/900", False),
    ],
)
def test_fits(version: str, wanted: str, does: bool) -> None:
    assert fits(version, wanted) is does


def test_the_newest_that_fits_is_meant() -> None:
    assert newest(["1.10.0", "1.9.0", "2.0"], "1.x") == "1.10.0"
    assert newest(["1.0", "1.0.5"], "1.0") == "1.0"
    assert newest(["1.0.2", "1.0.5"], "1.0") is None
    assert newest(["1.0"], "3") is None


def test_versions_of_a_system() -> None:
    found = library(*THREE)
    assert found.system_versions("urn:s") == ["1.0.0", "1.2.0", "2.0.0"]
    wanted = {"": "2.0.0", "1.0.0": "1.0.0", "1.x": "1.2.0"}
    for version, is_found in wanted.items():
        assert (one := found.system("urn:s", version)) is not None and one.version == is_found
    assert found.system("urn:s", "3.0.0") is None and found.system("urn:other") is None


def test_what_a_request_asks_of_versions() -> None:
    for asked, named, is_found in (
        ({"system_version": {"urn:s": "1.0.0"}}, "", "1.0.0"),
        ({"system_version": {"urn:s": "1.0.0"}}, "2.0.0", "2.0.0"),
        ({"check_system_version": {"urn:s": "1.x"}}, "", "1.2.0"),
        ({"check_system_version": {"urn:s": "1.x"}}, "2.0.0", "2.0.0"),
        ({"force_system_version": {"urn:s": "1.x"}}, "2.0.0", "1.2.0"),
    ):
        one = library(*THREE, **asked).system("urn:s", named)
        assert one is not None and one.version == is_found
    checked = library(*THREE, check_system_version={"urn:s": "1.x"})
    assert checked.is_checked("urn:s", "1.2.0") and not checked.is_checked("urn:s", "2.0.0")


def test_a_draft_is_not_meant_where_there_is_an_active_version() -> None:
    one = library(*THREE, code_system("3.0.0", "d", status="draft")).system("urn:s")
    assert one is not None and one.version == "2.0.0"


def test_what_a_request_brings_comes_before_what_is_held() -> None:
    gender = "http://hl7.org/fhir/administrative-gender"
    assert library().system(gender).size == 4  # type: ignore[union-attr]
    brought = library(code_system("9", "x", url=gender))
    assert brought.system(gender).size == 1  # type: ignore[union-attr]
    assert brought.system(gender, "4.0.1").size == 4  # type: ignore[union-attr]


def test_value_sets_and_their_versions() -> None:
    sets = [
        {"resourceType": "ValueSet", "url": "urn:v", "version": v, "status": "active"} for v in ("1.0", "2.0")
    ]
    found = library(*sets)
    assert found.value_set("urn:v")["version"] == "2.0"  # type: ignore[index]
    assert found.value_set("urn:v|1.x")["version"] == "1.0"  # type: ignore[index]
    assert found.value_set("urn:v|3") is None
    assert library(*sets, value_sets={"urn:v": "1.0"}).value_set("urn:v")["version"] == "1.0"  # type: ignore[index]


@pytest.mark.parametrize(
    ("url", "filter"),
    [
        ("urn:s?vs", None),
        ("urn:s?fhir_vs", None),
        ("urn:s?fhir_vs=isa/c", {"property": "concept", "op": "is-a", "value": "c"}),
        ("urn:s?fhir_vs=refset/c", {"property": "concept", "op": "in", "value": "c"}),
        ("urn:s?fhir_vs=ecl/%3C%20a%20%7Cb%7C", {"property": "constraint", "op": "=", "value": "< a |b|"}),
    ],
)
def test_implicit_value_sets(url: str, filter: JsonObject | None) -> None:
    include = library(*THREE).value_set(url)["compose"]["include"][0]  # type: ignore[index]
    assert include == {"system": "urn:s", **({"filter": [filter]} if filter else {})}
    assert library().value_set(url) is None


def test_the_value_set_of_all_codes_that_a_code_system_names() -> None:
    named = library(code_system("1", "a", valueSet="urn:all"), code_system("2", "b", valueSet="urn:all|7"))
    for canonical in ("urn:all", "urn:all|7"):
        found = named.value_set(canonical)
        assert found is not None
        assert found["url"] == "urn:all" and found["compose"]["include"] == [{"system": "urn:s"}]
    assert named.value_set("urn:all|1") is None and library(*THREE).value_set("urn:all") is None
    stated = {"resourceType": "ValueSet", "url": "urn:all", "status": "active", "name": "Stated"}
    assert library(THREE[0], stated).value_set("urn:all") is stated
    headless = code_system("1", valueSet="urn:all", content="not-present")
    assert library(headless).value_set("urn:all") is None


def test_the_value_sets_that_r4_and_what_is_built_in_name_and_do_not_define() -> None:
    archive = definitions().archive
    headers = [archive.by_url(entry.url, "CodeSystem") or {} for entry in archive.entries("CodeSystem")]
    headers += [one.header for url in built_in_urls() if (one := built_in(url)) is not None]
    named = {one["valueSet"]: one["url"] for one in headers if one.get("valueSet")}
    assert {url: of for url, of in named.items() if archive.by_url(url, "ValueSet") is None} == IMPLIED


@pytest.mark.parametrize("what", ["isa/none", "refset/none", "isa/", "other/a"])
def test_no_value_set_is_implied_by_what_is_not_there(what: str) -> None:
    assert library(*THREE).value_set(f"urn:s?fhir_vs={what}") is None


def test_supplements_are_in_use_when_asked_for_and_language_packs_always() -> None:
    more = code_system("1", "a", url="urn:more", content="supplement", supplements="urn:s|1.0.0")
    more["concept"][0]["designation"] = [{"value": "A!"}]

    def designations(found: RequestLibrary, version: str = "1.0.0") -> int:
        return len(found.system("urn:s", version).find("a").designations)  # type: ignore[union-attr]

    assert designations(library(*THREE, more)) == 0
    asked = library(*THREE, more, supplements=("urn:more", "urn:none"))
    assert designations(asked) == 1 and asked.missing_supplements() == ["urn:none"]
    needing = {"extension": [{"url": SUPPLEMENT, "valueCanonical": "urn:more|1"}]}
    assert designations(library(*THREE, more).with_supplements(needing)) == 1
    pack = {
        "url": "http://hl7.org/fhir/StructureDefinition/codesystem-supplement-type",
        "valueCode": "lang-pack",
    }
    assert designations(library(*THREE, {**more, "extension": [pack]})) == 1
    assert library(more).system("urn:more") is None


# tx-resource


def test_what_is_no_terminology_is_refused() -> None:
    for resource in ({"resourceType": "Patient"}, {"resourceType": "ValueSet"}):
        with pytest.raises(Refusal):
            Overlay().with_these([resource])
