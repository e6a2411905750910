"""Value sets and their expansions: what is in them, how it is told, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Issue, Refusal
from fhirserver.ports.terminology import Question
from terminology.asked import Asked
from terminology.expanding.contains import CONTAINS_PROPERTY, EXPANSION_PROPERTY
from terminology.expanding.languages import Languages
from terminology.service import TerminologyService

SERVICE = TerminologyService()
TREE: JsonObject = {
    "resourceType": "CodeSystem",
    "url": "urn:s",
    "version": "1.0.0",
    "language": "en",
    "status": "active",
    "content": "complete",
    "property": [{"code": "colour", "uri": "urn:colour", "type": "code"}],
    "concept": [
        {
            "code": "a",
            "display": "Animal",
            "designation": [
                {"language": "de", "value": "Tier"},
                {"language": "de", "value": "Viech", "use": {"code": "slang"}},
            ],
            "concept": [
                {
                    "code": "b",
                    "display": "Bee",
                    "property": [{"code": "status", "valueCode": "retired"}],
                    "concept": [{"code": "d", "display": "Drone"}],
                },
                {
                    "code": "c",
                    "display": "Cat",
                    "definition": "It purrs",
                    "property": [{"code": "colour", "valueCode": "black"}],
                },
            ],
        },
        {
            "code": "e",
            "display": "Everything else",
            "property": [{"code": "notSelectable", "valueBoolean": True}],
        },
    ],
}
OTHER = {
    **TREE,
    "version": "2.0.0",
    "concept": [{"code": "a", "display": "Animal 2"}, {"code": "z", "display": "Zoo"}],
}


def value_set(*includes: JsonObject, exclude: list[JsonObject] | None = None, **members: Any) -> JsonObject:
    compose = {"include": [*includes], **({"exclude": exclude} if exclude else {})}
    return {"resourceType": "ValueSet", "url": "urn:v", "status": "active", "compose": compose, **members}


def expand(
    given: JsonObject | str,
    *resources: JsonObject,
    language: str = "",
    asked: JsonObject | None = None,
    **parameters: Any,
) -> JsonObject:
    """The ValueSet that is answered."""
    names = {"text": "filter"}
    values = {
        names.get(name, name): value if isinstance(value, list) else [value]
        for name, value in parameters.items()
    }
    values["url" if isinstance(given, str) else "valueSet"] = [given]
    wanted = Asked(resources=(TREE, *resources), **(asked or {}))
    return SERVICE.answer("expand", Question(values, "", language), wanted)


def codes(contains: list[JsonObject]) -> list[Any]:
    """Codes, with those below them in a list behind."""
    found: list[Any] = []
    for item in contains:
        found.append(item["code"])
        if "contains" in item:
            found.append(codes(item["contains"]))
    return found


def expanded(*given: Any, **parameters: Any) -> list[Any]:
    return codes(expand(*given, **parameters)["expansion"].get("contains", []))


def told(answer: JsonObject) -> set[tuple[str, Any]]:
    parameters = answer["expansion"]["parameter"]
    return {(one["name"], next(v for n, v in one.items() if n.startswith("value"))) for one in parameters}


def refused(*given: Any, **parameters: Any) -> Issue:
    with pytest.raises(Refusal) as caught:
        expand(*given, **parameters)
    return caught.value.issues[0]


WHOLE = {"system": "urn:s"}


def only(op: str, value: str, property: str = "concept") -> JsonObject:
    return {"system": "urn:s", "filter": [{"property": property, "op": op, "value": value}]}


# What is in them


def test_a_whole_system_and_a_part_of_its_hierarchy_are_trees() -> None:
    assert expanded(value_set(WHOLE)) == ["a", ["b", ["d"], "c"], "e"]
    assert expanded(value_set(only("descendent-of", "a"))) == ["b", ["d"], "c"]
    assert expanded(value_set(WHOLE), excludeNested=True) == ["a", "b", "d", "c", "e"]
    assert expanded(value_set(WHOLE), activeOnly=True) == ["a", ["d", "c"], "e"]
    assert expanded(value_set(WHOLE), excludeNotForUI="true") == ["a", ["b", ["d"], "c"]]


def test_what_is_no_tree_is_a_list() -> None:
    assert expanded(value_set(only("=", "black", "colour"))) == ["c"]
    assert expanded(
        value_set({"system": "urn:s", "concept": [{"code": "d"}, {"code": "a"}, {"code": "zz"}]})
    ) == ["d", "a"]
    assert expanded(value_set(WHOLE, exclude=[only("is-a", "b")])) == ["a", "c", "e"]
    assert expanded(value_set(only("is-a", "c"), only("is-a", "b"), WHOLE), excludeNested=True) == [
        "c",
        "b",
        "d",
        "a",
        "e",
    ]


def test_value_sets_without_inactive_codes() -> None:
    compose = {"inactive": False, "include": [WHOLE]}
    assert expanded({"resourceType": "ValueSet", "compose": compose}) == ["a", ["d", "c"], "e"]


def test_imports() -> None:
    below, black = value_set(only("is-a", "a")), value_set(only("=", "black", "colour"), url="urn:black")
    importing = {"resourceType": "ValueSet", "compose": {"include": [{"valueSet": ["urn:v", "urn:black"]}]}}
    answer = expand(importing, below, {**black, "version": "3"})
    assert codes(answer["expansion"]["contains"]) == ["c"]
    assert {
        ("used-valueset", "urn:v"),
        ("used-valueset", "urn:black|3"),
        ("used-codesystem", "urn:s|1.0.0"),
    } == told(answer)
    excluding = value_set(WHOLE, exclude=[{"valueSet": ["urn:black"]}], url="urn:other")
    assert expanded(excluding, black) == ["a", "b", "d", "e"]
    mixed = value_set({"system": "urn:s", "valueSet": ["urn:black"]}, url="urn:other")
    assert expanded(mixed, black) == ["c"]


def test_a_contained_value_set() -> None:
    inner = {
        "resourceType": "ValueSet",
        "id": "in",
        "compose": {"include": [{"system": "urn:s", "concept": [{"code": "b"}]}]},
    }
    outer = value_set({"valueSet": ["#in"]}, contained=[inner])
    assert expanded(outer) == ["b"]
    assert refused(value_set({"valueSet": ["#out"]}, contained=[inner])).message_id == "VS_EXP_IMPORT_UNK"


def test_cyclic_imports_are_refused() -> None:
    one, two = value_set({"valueSet": ["urn:two"]}), value_set({"valueSet": ["urn:v"]}, url="urn:two")
    issue = refused("urn:v", one, two)
    assert (issue.code, issue.type, issue.message_id) == (
        "processing",
        "vs-invalid",
        "VALUESET_CIRCULAR_REFERENCE",
    )


@pytest.mark.parametrize("url", ["urn:v", ""])
def test_contained_value_sets_that_import_each_other_are_refused(url: str) -> None:
    inside: list[JsonObject] = [
        {"resourceType": "ValueSet", "id": id, "compose": {"include": [WHOLE, {"valueSet": [other]}]}}
        for id, other in (("one", "#two"), ("two", "#one"))
    ]
    outer = value_set({"valueSet": ["#one"]}, contained=inside, url=url)
    issue = refused(outer)
    assert issue.message_id == "VALUESET_CIRCULAR_REFERENCE" and f"{url}#one" in issue.diagnostics


def test_codes_of_a_system_that_is_not_here_are_listed_as_they_are_written() -> None:
    unknown = {"system": "urn:unknown", "concept": [{"code": "x", "display": "Ex"}, {"code": "y"}]}
    answer = expand(value_set(unknown))["expansion"]
    assert answer["contains"] == [
        {"system": "urn:unknown", "code": "x", "display": "Ex"},
        {"system": "urn:unknown", "code": "y"},
    ]
    assert refused(value_set({"system": "urn:unknown"})).message_id == "UNKNOWN_CODESYSTEM_EXP"


def test_units_and_other_codes_without_an_end() -> None:
    units = {"system": "http://unitsofmeasure.org", "concept": [{"code": "mg"}, {"code": "no unit"}]}
    assert expanded(value_set(units)) == ["mg"]
    assert refused(value_set({"system": "http://unitsofmeasure.org"})).code == "too-costly"


UNCLOSED = {"url": "http://hl7.org/fhir/StructureDefinition/valueset-unclosed", "valueBoolean": True}


def test_codes_without_an_end_are_found_as_typed_and_the_expansion_says_that_there_are_more() -> None:
    answer = expand("http://hl7.org/fhir/ValueSet/ucum-units", text="millim", count=3)["expansion"]
    assert len(answer["contains"]) == 3 and answer["contains"][0]["display"].startswith("millim")
    assert UNCLOSED in answer["extension"] and "total" not in answer
    following = expanded("http://hl7.org/fhir/ValueSet/ucum-units", text="millim", count=3, offset=2)
    assert following[0] == answer["contains"][2]["code"]
    assert expanded("http://hl7.org/fhir/ValueSet/ucum-units", text="kg/h/m3") == ["kg/h/m3"]
    assert expanded("http://hl7.org/fhir/ValueSet/all-languages", text="de-ch", count=1) == ["de-CH"]
    assert expanded("http://hl7.org/fhir/ValueSet/mimetypes", text="text/plain") == ["text/plain"]
    assert expanded("http://hl7.org/fhir/ValueSet/mimetypes", text="nothing like that") == []


def test_a_part_of_codes_without_an_end() -> None:
    mass = {
        "system": "http://unitsofmeasure.org",
        "filter": [{"property": "canonical", "op": "=", "value": "g"}],
    }
    assert expanded(value_set(mass), text="kg", count=1) == ["kg"]
    assert expanded(value_set(mass), text="mm[Hg]") == []
    without = value_set(mass, exclude=[{"system": mass["system"], "concept": [{"code": "kg"}]}])
    assert "kg" not in expanded(without, text="kg")
    both = value_set({**mass, "valueSet": ["urn:few"]})
    few = value_set({"system": mass["system"], "concept": [{"code": "kg"}, {"code": "m"}]}, url="urn:few")
    assert expanded(both, few) == ["kg"]
    assert "g" in expanded(value_set(mass), limitedExpansion=True)
    refusal = {"system": mass["system"], "filter": [{"property": "colour", "op": "=", "value": "red"}]}
    assert refused(value_set(refusal), text="kg").code == "not-supported"


# Versions


def test_versions_are_told_and_those_not_here_refused() -> None:
    assert expanded(value_set({**WHOLE, "version": "2.x"}), OTHER) == ["a", "z"]
    assert expanded(value_set(WHOLE), OTHER, asked={"system_version": {"urn:s": "1.0.0"}})[0] == "a"
    issue = refused(value_set({**WHOLE, "version": "3"}), OTHER)
    assert issue.message_id == "UNKNOWN_CODESYSTEM_VERSION_EXP"
    assert issue.diagnostics.endswith("so the value set cannot be expanded. Valid versions: 1.0.0 or 2.0.0")
    issue = refused(
        value_set({**WHOLE, "version": "2.0.0"}), OTHER, asked={"check_system_version": {"urn:s": "1.x"}}
    )
    assert (issue.code, issue.type) == ("exception", "version-error")


def test_versions_are_told_of_codes_where_the_value_set_tells_them_apart() -> None:
    both = value_set(
        {"system": "urn:s", "version": "1.0.0", "concept": [{"code": "c"}]},
        {"system": "urn:s", "version": "2.0.0", "concept": [{"code": "z"}]},
    )
    told = [(one["code"], one["version"]) for one in expand(both, TREE, OTHER)["expansion"]["contains"]]
    assert told == [("c", "1.0.0"), ("z", "2.0.0")]
    forced = expand(both, TREE, OTHER, asked={"force_system_version": {"urn:s": "1.0.0"}})
    assert [one.get("version") for one in forced["expansion"]["contains"]] == ["1.0.0"]
    one_version = expand(value_set({"system": "urn:s", "version": "1.0.0"}), TREE, OTHER)
    assert not any("version" in one for one in one_version["expansion"]["contains"])


@pytest.mark.parametrize(
    "parameter, version, is_told",
    [
        ("system-version", "", True),
        ("system-version", "1.0.0", False),
        ("check-system-version", "", True),
        ("check-system-version", "1.0.0", False),
        ("force-system-version", "", True),
        ("force-system-version", "1.0.0", True),
    ],
)
def test_versions_asked_for_are_told_again_where_they_had_a_say(
    parameter: str, version: str, is_told: bool
) -> None:
    include = {"system": "urn:s", **({"version": version} if version else {})}
    given = {parameter: ["urn:s|1.0.0", "urn:elsewhere|7"]}
    asked = {parameter.replace("-", "_"): {"urn:s": "1.0.0", "urn:elsewhere": "7"}}
    told = expand(value_set(include), TREE, OTHER, asked=asked, **given)["expansion"]["parameter"]
    expected = [{"name": parameter, "valueUri": "urn:s|1.0.0"}] if is_told else []
    assert [one for one in told if one["name"] == parameter] == expected


def test_the_version_asked_for_of_an_imported_value_set_is_named_where_it_is_not_here() -> None:
    issue = refused(value_set({"valueSet": ["urn:other"]}), asked={"value_sets": {"urn:other": "3"}})
    assert issue.message_id == "VS_EXP_IMPORT_UNK_PINNED"
    assert issue.diagnostics.endswith("'urn:other' version '3'")


# Pages and texts


def test_pages() -> None:
    page = expand(value_set(WHOLE), offset=1, count=2)["expansion"]
    assert (codes(page["contains"]), page["total"], page["offset"]) == (["b", "d"], 5, 1)
    none = expand(value_set(WHOLE), count=0)["expansion"]
    assert "contains" not in none and none["total"] == 5
    assert "contains" not in expand(value_set(WHOLE), offset=9, count=9)["expansion"]


def test_too_many_codes_are_refused_unless_a_part_will_do() -> None:
    small = TerminologyService(limit=3)
    question = Question({"valueSet": [value_set(WHOLE)]})
    with pytest.raises(Refusal) as caught:
        small.answer("expand", question, Asked(resources=(TREE,)))
    assert (caught.value.issues[0].code, caught.value.issues[0].message_id) == (
        "too-costly",
        "VALUESET_TOO_COSTLY",
    )
    limited = Question({"valueSet": [value_set(WHOLE)], "limitedExpansion": [True]})
    part = small.answer("expand", limited, Asked(resources=(TREE,)))["expansion"]
    assert len(part["contains"]) == 3
    assert {
        "url": "http://hl7.org/fhir/StructureDefinition/valueset-toocostly",
        "valueBoolean": True,
    } in part["extension"]


def test_codes_that_are_called_so_are_never_cut_off_in_silence() -> None:
    small = TerminologyService(limit=3)

    def found(**more: Any) -> list[str]:
        given: dict[str, Any] = {"valueSet": [value_set(WHOLE)], "filter": ["e"], "excludeNested": [True]}
        given |= {name: [value] for name, value in more.items()}
        answer = small.answer("expand", Question(given), Asked(resources=(TREE,)))
        return codes(answer["expansion"]["contains"])

    assert len(found(count=4)) == 4
    assert len(found(limitedExpansion=True)) == 3 and len(found(offset=1)) == 3
    with pytest.raises(Refusal) as caught:
        found()
    assert caught.value.issues[0].code == "too-costly"


def test_what_the_tests_of_the_ecosystem_call_big_is_refused_and_shown_page_by_page() -> None:
    big = {"resourceType": "CodeSystem", "url": "urn:big", "status": "active", "content": "complete"}
    big["concept"] = [{"code": f"code{number}"} for number in range(2000)]
    assert refused(value_set({"system": "urn:big"}), big).message_id == "VALUESET_TOO_COSTLY"
    page = expand(value_set({"system": "urn:big"}), big, count=50, offset=50)["expansion"]
    assert codes(page["contains"])[0] == "code50" and (len(page["contains"]), page["total"]) == (50, 2000)
    assert len(expanded(value_set({"system": "urn:big"}), big, count=2000)) == 2000


def test_texts_are_found_in_names_of_the_system_and_of_the_value_set() -> None:
    own = {"system": "urn:s", "concept": [{"code": "c", "display": "Tom"}, {"code": "a"}, {"code": "b"}]}
    assert expanded(value_set(own), text="tom") == ["c"]
    assert expanded(value_set(WHOLE), text="tier") == ["a"]
    assert expanded(value_set(WHOLE), text="e") == ["e", "a", ["b", ["d"]]]
    unknown = {
        "system": "urn:unknown",
        "concept": [{"code": "x", "display": "Ex"}, {"code": "y", "display": "Why ex"}],
    }
    found = expand(value_set(unknown), text="ex")["expansion"]
    assert codes(found["contains"]) == ["x", "y"] and "total" not in found, "all that are found are there"
    page = expand(value_set(unknown), text="ex", count=1)["expansion"]
    assert (codes(page["contains"]), page["total"]) == (["x"], 2)


# How it is told


def test_languages() -> None:
    def displays(language: str, **more: Any) -> list[str | None]:
        contains = expand(value_set(WHOLE), excludeNested=True, displayLanguage=language, **more)[
            "expansion"
        ]["contains"]
        return [one.get("display") for one in contains[:2]]

    assert displays("de") == displays("de,*;q=0.1") == displays("de-CH") == ["Tier", "Bee"]
    assert displays("de,*;q=0") == ["Tier", None]
    assert displays("fr,en") == ["Animal", "Bee"]
    header = expand(value_set(WHOLE), language="de")
    assert header["expansion"]["contains"][0]["display"] == "Tier"
    assert expand(value_set(WHOLE, language="de"))["expansion"]["contains"][0]["display"] == "Tier"
    assert ("displayLanguage", "de,*;q=0") in told(expand(value_set(WHOLE), displayLanguage="de, *; q=0"))


@pytest.mark.parametrize(
    ("text", "wanted", "is_only"),
    [
        ("", (), False),
        ("de", ("de",), False),
        ("en;q=0.2, de-CH ,fr;q=0.5", ("de-CH", "fr", "en"), False),
        ("de,*;q=0", ("de",), True),
        ("de;q=0", (), False),
        ("de;q=x", (), False),
    ],
)
def test_reading_languages(text: str, wanted: tuple[str, ...], is_only: bool) -> None:
    read = Languages.read(text)
    assert (read.wanted, read.only) == (wanted, is_only)


def test_designations() -> None:
    def values(**parameters: Any) -> list[str]:
        item = expand(value_set(WHOLE), **parameters)["expansion"]["contains"][0]
        return [one["value"] for one in item.get("designation", ())]

    assert values() == []
    assert values(includeDesignations=True) == ["Tier", "Viech"]
    assert values(includeDesignations=True, displayLanguage="de") == ["Animal", "Viech"]
    assert values(designation=["urn:ietf:bcp:47|de"]) == ["Tier", "Viech"]
    assert values(designation=["|slang"]) == ["Viech"]
    assert values(designation=["es"]) == []


def properties(item: JsonObject) -> dict[str, Any]:
    held = [one["extension"] for one in item.get("extension", ()) if one["url"] == CONTAINS_PROPERTY]
    return {one[0]["valueCode"]: next(v for n, v in one[1].items() if n.startswith("value")) for one in held}


def test_properties_have_the_form_in_which_r4_carries_them() -> None:
    answer = expand(value_set(WHOLE), excludeNested=True, property=["colour", "definition", "parent"])[
        "expansion"
    ]
    by_code = {one["code"]: properties(one) for one in answer["contains"]}
    assert by_code["c"] == {"colour": "black", "definition": "It purrs", "parent": "a"}
    assert by_code["b"] == {"status": "retired", "parent": "a"} and by_code["e"] == {}
    declared = [one["extension"] for one in answer["extension"] if one["url"] == EXPANSION_PROPERTY]
    assert {one[0]["valueCode"]: one[1]["valueUri"] for one in declared}["colour"] == "urn:colour"


def test_a_value_set_says_how_its_codes_are_shown() -> None:
    base = "http://hl7.org/fhir/StructureDefinition/"
    own = [
        {"url": f"{base}valueset-label", "valueString": "1."},
        {"url": f"{base}valueset-conceptOrder", "valueInteger": 7},
        {"url": f"{base}valueset-deprecated", "valueBoolean": True},
        {"url": "urn:unheard-of", "valueBoolean": True},
    ]
    item = expand(
        value_set({"system": "urn:s", "concept": [{"code": "c", "display": "Tom", "extension": own}]})
    )["expansion"]["contains"][0]
    assert item["display"] == "Tom" and properties(item) == {"label": "1.", "order": 7}
    assert next(one["url"] for one in item["extension"]) == f"{base}valueset-deprecated"
    assert "urn:unheard-of" not in str(item)


def test_a_code_that_the_value_set_itself_deprecates_is_marked_as_it_marks_it() -> None:
    mark = {
        "url": "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status",
        "valueCode": "deprecated",
    }
    listed = {"system": "urn:s", "concept": [{"code": "a", "extension": [mark]}]}
    (item,) = expand(value_set(listed))["expansion"]["contains"]
    assert item["extension"] == [mark], "the status of the code in its system is another matter"


def test_the_definition_only_where_it_is_wanted() -> None:
    given = value_set(WHOLE, publisher="me", text={"status": "empty"})
    assert not {"compose", "publisher", "text"} & expand(given).keys()
    assert {"compose", "publisher"} <= expand(given, includeDefinition=True).keys()


def test_parameters_of_the_value_set_itself_stand_back_behind_those_of_the_request() -> None:
    url = "http://hl7.org/fhir/StructureDefinition/valueset-expansion-parameter"
    own = [
        {
            "url": url,
            "extension": [
                {"url": "name", "valueCode": "excludeNested"},
                {"url": "value", "valueBoolean": True},
            ],
        }
    ]
    given = value_set(WHOLE, extension=own)
    assert expanded(given) == ["a", "b", "d", "c", "e"]
    assert expanded(given, excludeNested=False) == ["a", ["b", ["d"], "c"], "e"]


@pytest.mark.parametrize(
    ("members", "warning"),
    [
        ({"status": "draft"}, "warning-draft"),
        ({"status": "retired"}, "warning-retired"),
        ({"experimental": True}, "warning-experimental"),
    ],
)
def test_warnings(members: JsonObject, warning: str) -> None:
    answer = SERVICE.answer(
        "expand", Question({"valueSet": [value_set(WHOLE)]}), Asked(resources=({**TREE, **members},))
    )
    assert (warning, "urn:s|1.0.0") in told(answer)


def test_a_hierarchy_in_a_circle_is_broken_up() -> None:
    ring = [{"code": c, "property": [{"code": "parent", "valueCode": p}]} for c, p in ("ab", "bc", "ca")]
    answer = SERVICE.answer(
        "expand", Question({"valueSet": [value_set(WHOLE)]}), Asked(resources=({**TREE, "concept": ring},))
    )
    assert answer["expansion"]["total"] == 3 and "'a'" in str(answer)


# What is refused


@pytest.mark.parametrize(
    ("given", "parameters", "code"),
    [
        ("urn:nowhere", {}, "not-found"),
        (value_set({"valueSet": ["urn:nowhere|1"]}), {}, "not-found"),
        (value_set({}), {}, "invalid"),
        (value_set(only("=", "", "colour")), {}, "invalid"),
        (value_set(only("=", "x", "unheard-of")), {}, "not-supported"),
        (value_set(WHOLE), {"count": "many"}, "value"),
        (value_set(WHOLE), {"activeOnly": "perhaps"}, "value"),
        (value_set(WHOLE), {"text": "x" * 5000}, "too-long"),
        (value_set(WHOLE), {"useSupplement": "x"}, None),
    ],
)
def test_refusals(given: Any, parameters: JsonObject, code: str | None) -> None:
    if code is None:
        assert (
            refused(given, asked={"supplements": ("urn:none",)}).message_id == "VALUESET_SUPPLEMENT_MISSING"
        )
    else:
        assert refused(given, **parameters).code == code
