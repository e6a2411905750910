"""``$validate-code`` over value sets and code systems made here: what is found, where, and in which words."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.code_validation import CodeAnswer, Coded, CodeQuestion
from fhirserver.ports.terminology_asked import PLAIN, Asked
from terminology.service import TerminologyService

Json = dict[str, Any]
V = "http://x.org/cs/version"
S = "http://x.org/cs/simple"


def system(url: str, version: str = "", **more: Any) -> Json:
    made = {"resourceType": "CodeSystem", "url": url, "status": "active", "content": "complete", **more}
    return {**made, "version": version} if version else made


def value_set(url: str, *include: Json, **more: Any) -> Json:
    compose = {"include": list(include), **more.pop("compose", {})}
    made = {
        "resourceType": "ValueSet",
        "url": url,
        "version": "5.0.0",
        "status": "active",
        "compose": compose,
    }
    return {**made, **more}


def concept(code: str, display: str = "", **more: Any) -> Json:
    return {"code": code, **({"display": display} if display else {}), **more}


def flagged(code: str, name: str, value: Any, type: str = "Boolean", **more: Any) -> Json:
    return concept(code, code.title(), property=[{"code": name, f"value{type}": value}], **more)


SIMPLE = system(
    S,
    "0.1.0",
    language="en",
    concept=[
        concept("a", "Letter A", designation=[{"language": "de", "value": "Buchstabe A"}]),
        concept("b", "Letter B", concept=[concept("b1", "Letter B1"), concept("b2", "Letter B2")]),
        flagged("old", "status", "retired", "Code"),
        flagged("off", "inactive", True),
        flagged("worn", "status", "deprecated", "Code"),
        flagged("group", "notSelectable", True),
    ],
)
VERSIONS = [
    system(V, number, language="en", concept=[concept("code1", f"Display 1 ({number})")])
    for number in ("1.0.0", "1.2.0")
]
CASELESS = system("http://x.org/cs/caseless", "1", caseSensitive=False, concept=[concept("code1", "One")])
FRAGMENT = {**system("http://x.org/cs/fragment", "0.1.0", concept=[concept("code1")]), "content": "fragment"}
DRAFT = {**system("http://x.org/cs/draft", "1", concept=[concept("c1"), concept("c2")]), "status": "draft"}
STATUS = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"

SETS = [
    value_set("http://x.org/vs/all", {"system": S}),
    value_set(
        "http://x.org/vs/below",
        {"system": S, "filter": [{"property": "concept", "op": "is-a", "value": "b"}]},
    ),
    value_set(
        "http://x.org/vs/listed", {"system": S, "concept": [{"code": "a", "display": "First"}, {"code": "b"}]}
    ),
    value_set("http://x.org/vs/active", {"system": S}, compose={"inactive": False}),
    value_set("http://x.org/vs/v10", {"system": V, "version": "1.0.0"}),
    value_set("http://x.org/vs/vnn", {"system": V}),
    value_set("http://x.org/vs/v1x", {"system": V, "version": "1.x.x"}),
    value_set("http://x.org/vs/v24", {"system": V, "version": "2.4.0"}),
    value_set("http://x.org/vs/both", {"system": V, "version": "1.0.0"}, {"system": V, "version": "1.2.0"}),
    value_set("http://x.org/vs/caseless", {"system": CASELESS["url"]}),
    value_set("http://x.org/vs/fragment", {"system": FRAGMENT["url"]}),
    value_set(
        "http://x.org/vs/draft",
        {
            "system": DRAFT["url"],
            "concept": [{"code": "c1", "extension": [{"url": STATUS, "valueCode": "withdrawn"}]}],
        },
    ),
    value_set("http://x.org/vs/imports", {"valueSet": ["http://x.org/vs/listed", "http://x.org/vs/below"]}),
    value_set("http://x.org/vs/lost", {"valueSet": ["http://x.org/vs/none"]}),
    value_set("http://x.org/vs/ring1", {"valueSet": ["http://x.org/vs/ring2"]}),
    value_set("http://x.org/vs/ring2", {"valueSet": ["http://x.org/vs/ring1"]}),
    value_set(
        "http://x.org/vs/without",
        {"system": S},
        compose={
            "exclude": [{"system": S, "concept": [{"code": "a"}]}, {"valueSet": ["http://x.org/vs/below"]}]
        },
    ),
    value_set(
        "http://x.org/vs/empty-filter", {"system": S, "filter": [{"property": "concept", "op": "is-a"}]}
    ),
    value_set(
        "http://x.org/vs/two", {"system": S, "concept": [{"code": "a"}]}, {"system": "http://x.org/cs/other"}
    ),
    {
        "resourceType": "ValueSet",
        "url": "http://x.org/vs/expanded",
        "status": "active",
        "expansion": {"contains": [{"system": S, "code": "b", "contains": [{"system": S, "code": "b1"}]}]},
    },
]
OTHER = system("http://x.org/cs/other", "1", concept=[concept("a", "Another A")])
SUPPLEMENT = {
    **system("http://x.org/cs/more", "1", concept=[concept("a", designation=[{"value": "Alpha"}])]),
    "content": "supplement",
    "supplements": S,
}
RESOURCES = (SIMPLE, *VERSIONS, CASELESS, FRAGMENT, DRAFT, OTHER, SUPPLEMENT, *SETS)
service = TerminologyService()
HERE = replace(PLAIN, resources=RESOURCES)


def ask(vs: str, *codings: Coded, asked: Asked = HERE, form: Any = "coding", **more: Any) -> CodeAnswer:
    return service.validate(CodeQuestion(codings, form, f"http://x.org/vs/{vs}", **more), asked)


def ids(answer: CodeAnswer) -> list[str]:
    """Severity and message of each issue."""
    return sorted(f"{one['severity']} {one['extension'][0]['valueString']}" for one in answer.issues)


def text(answer: CodeAnswer, id: str) -> str:
    return next(one["details"]["text"] for one in answer.issues if one["extension"][0]["valueString"] == id)


NOT_IN = "error None_of_the_provided_codes_are_in_the_value_set_one"


def test_a_code_that_is_in_the_value_set() -> None:
    answer = ask("all", Coded(S, "a"))
    assert answer.result
    assert answer.issues == ()
    assert (answer.code, answer.system, answer.version, answer.display) == ("a", S, "0.1.0", "Letter A")


@pytest.mark.parametrize(
    ("vs", "code", "result"),
    [
        ("below", "b1", True),
        ("below", "a", False),
        ("listed", "b", True),
        ("listed", "b1", False),
        ("imports", "b", True),
        ("imports", "a", False),
        ("without", "group", True),
        ("without", "a", False),
        ("without", "b1", False),
        ("expanded", "b1", True),
        ("expanded", "b2", False),
        ("all", "zzz", False),
    ],
)
def test_membership(vs: str, code: str, result: bool) -> None:
    answer = ask(vs, Coded(S, code))
    assert answer.result is result
    unknown = ["error Unknown_Code_in_Version"] if code == "zzz" else []
    assert ids(answer) == ([] if result else sorted([NOT_IN, *unknown]))


def test_places_are_those_of_the_question() -> None:
    def place(answer: CodeAnswer) -> list[str]:
        return [path for one in answer.issues for path in one.get("expression", ())]

    wrong = Coded(S, "zzz")
    assert set(place(ask("all", wrong))) == {"Coding.code"}
    assert set(place(ask("all", wrong, form="code"))) == {"code"}
    both = ask("all", Coded(S, "a"), wrong, form="codeableConcept")
    assert set(place(both)) == {"CodeableConcept.coding[1].code"}


def test_a_concept_is_right_with_one_right_coding_and_told_what_is_wrong_with_others() -> None:
    right, elsewhere, unknown = Coded(S, "a"), Coded(V, "code1"), Coded("http://x.org/none", "1")
    assert ask("all", elsewhere, right, form="codeableConcept").result
    answer = ask("all", unknown, right, form="codeableConcept")
    assert answer.result
    assert "warning UNKNOWN_CODESYSTEM" in ids(answer)
    assert answer.unknown_systems == ("http://x.org/none",)
    wrong = ask("all", elsewhere, form="codeableConcept")
    assert not wrong.result
    assert wrong.code == ""
    assert ids(wrong) == [
        "error TX_GENERAL_CC_ERROR_MESSAGE",
        "information None_of_the_provided_codes_are_in_the_value_set_one",
    ]
    assert not ask("all", form="codeableConcept").result


def test_the_first_right_coding_is_the_one_that_is_answered_with() -> None:
    active, inactive = Coded(S, "a"), Coded(S, "off")
    first = ask("all", active, inactive, form="codeableConcept")
    assert (first.result, first.code, first.display, first.inactive) == (True, "a", "Letter A", False)
    second = ask("all", inactive, active, form="codeableConcept")
    assert (second.result, second.code, second.inactive) == (True, "off", True)
    for answer, place in ((first, 1), (second, 0)):
        assert [one["expression"] for one in answer.issues] == [[f"CodeableConcept.coding[{place}]"]]


def test_codings_that_lack_code_or_system() -> None:
    no_code = ask("all", Coded(S, "", "", "Letter A"))
    assert (no_code.result, no_code.code, no_code.system) == (False, "", "")
    assert ids(no_code) == ["error Coding_has_no_code__cannot_validate"]
    assert ids(ask("all", Coded("", "", "", "Letter A"))) == [
        "error Coding_has_no_code__cannot_validate",
        "warning Coding_has_no_system__cannot_validate",
    ]
    assert "error TX_GENERAL_CC_ERROR_MESSAGE" in ids(ask("all", Coded(S, ""), form="codeableConcept"))
    for url in (S, None):
        question = CodeQuestion((Coded("", "a"),), "coding", code_system=url)
        assert ids(service.validate(question, HERE)) == ["warning Coding_has_no_system__cannot_validate"]


# Status


def test_inactive_codes_are_warned_of_and_refused_where_only_active_ones_are_asked() -> None:
    retired = ask("all", Coded(S, "old"))
    assert (retired.result, retired.inactive, retired.status) == (True, True, "retired")
    assert text(retired, "INACTIVE_CONCEPT_FOUND").endswith(
        "retired and inactive and its use should be reviewed"
    )
    off = ask("all", Coded(S, "off"))
    assert (off.result, off.inactive, off.status) == (True, True, "")
    for refused in (ask("all", Coded(S, "off"), active_only=True), ask("active", Coded(S, "off"))):
        assert not refused.result
        assert refused.inactive
        assert ids(refused) == [
            NOT_IN,
            "error STATUS_CODE_WARNING_CODE",
            "warning INACTIVE_CONCEPT_FOUND",
        ]


def test_deprecated_codes_are_warned_of() -> None:
    answer = ask("all", Coded(S, "worn"))
    assert (answer.result, answer.inactive, answer.status) == (True, False, "deprecated")
    assert ids(answer) == ["warning DEPRECATED_CONCEPT_FOUND"]
    assert answer.message == "The concept 'worn' is deprecated and its use should be reviewed"


def test_abstract_codes_will_do_unless_they_are_refused() -> None:
    assert ask("all", Coded(S, "group")).result
    answer = ask("all", Coded(S, "group"), abstract=False)
    assert ids(answer) == ["error ABSTRACT_CODE_NOT_ALLOWED", NOT_IN]
    assert answer.display == "Group"


def test_what_a_value_set_draws_on_may_be_a_draft_and_a_code_marked() -> None:
    answer = ask("draft", Coded(DRAFT["url"], "c1"))
    assert answer.result
    assert ids(answer) == ["information MSG_DRAFT", "warning CONCEPT_DEPRECATED_IN_VALUESET"]
    assert text(answer, "MSG_DRAFT") == f"Reference to draft CodeSystem {DRAFT['url']}|1"
    assert answer.message == ""


# Codes and systems


def test_case() -> None:
    answer = ask("caseless", Coded(CASELESS["url"], "CODE1"))
    assert (answer.result, answer.code, answer.normalized) == (True, "CODE1", "code1")
    assert ids(answer) == ["information CODE_CASE_DIFFERENCE"]
    assert not ask("all", Coded(S, "A")).result


def test_a_fragment_does_not_say_that_a_code_is_wrong() -> None:
    answer = ask("fragment", Coded(FRAGMENT["url"], "other"))
    assert answer.result
    assert ids(answer) == ["warning UNKNOWN_CODE_IN_FRAGMENT"]


def test_systems_that_are_none() -> None:
    assert "error Terminology_TX_System_Relative" in ids(ask("all", Coded("local", "a")))
    assert "error Terminology_TX_System_ValueSet2" in ids(ask("all", Coded("http://x.org/vs/all", "a")))
    assert "error CODESYSTEM_CS_NO_SUPPLEMENT" in ids(ask("all", Coded(SUPPLEMENT["url"], "a")))
    assert ids(ask("all", Coded("", "a"))) == [NOT_IN, "warning Coding_has_no_system__cannot_validate"]
    assert not ask("all", Coded(S, "")).result


def test_a_bare_code_is_of_the_one_system_that_has_it() -> None:
    answer = ask("all", Coded("", "a"), form="code")
    assert (answer.result, answer.system) == (True, S)
    assert ask("all", Coded("", "a"), infer_system=True).result
    two = ask("two", Coded("", "a"), form="code")
    assert not two.result
    assert text(two, "Unable_to_resolve_system__value_set_has_multiple_matches").endswith(
        f"value set expansion has multiple matches: [{S}, http://x.org/cs/other]"
    )
    assert ask("imports", Coded("", "b"), form="code").result


def test_membership_only() -> None:
    answer = ask("all", Coded(S, "zzz", display="x"), membership_only=True)
    assert ids(answer) == [NOT_IN]
    assert "#zzz ('x')'" in answer.message


# Versions


@pytest.mark.parametrize(
    ("vs", "version", "asked", "expected", "used"),
    [
        ("v10", "", {}, [], "1.0.0"),
        ("vnn", "", {}, [], "1.2.0"),
        ("vnn", "1.0.0", {}, [], "1.0.0"),
        ("v1x", "", {}, [], "1.2.0"),
        ("v1x", "1.0.0", {}, [], "1.0.0"),
        ("v10", "1.2.0", {}, ["error VALUESET_VALUE_MISMATCH"], "1.0.0"),
        (
            "v10",
            "2.4.0",
            {},
            ["error UNKNOWN_CODESYSTEM_VERSION", "error VALUESET_VALUE_MISMATCH"],
            "1.0.0",
        ),
        (
            "vnn",
            "2.4.0",
            {},
            ["error UNKNOWN_CODESYSTEM_VERSION", "warning VALUESET_VALUE_MISMATCH_DEFAULT"],
            "1.2.0",
        ),
        ("vnn", "", {"system_version": {V: "1.0.x"}}, [], "1.0.0"),
        ("v10", "", {"system_version": {V: "1.2.0"}}, [], "1.0.0"),
        ("v10", "", {"force_system_version": {V: "1.2.0"}}, [], "1.2.0"),
        (
            "v10",
            "1.0.0",
            {"force_system_version": {V: "1.2.0"}},
            ["error VALUESET_VALUE_MISMATCH_CHANGED"],
            "1.2.0",
        ),
        ("v10", "", {"check_system_version": {V: "1.0.x"}}, [], "1.0.0"),
        ("v10", "", {"check_system_version": {V: "1.2.x"}}, ["error VALUESET_VERSION_CHECK"], "1.0.0"),
        ("vnn", "", {"check_system_version": {V: "1.0.x"}}, [], "1.0.0"),
        ("both", "1.2.0", {}, [], "1.2.0"),
        ("both", "1.0.0", {}, [], "1.0.0"),
    ],
)
def test_versions(vs: str, version: str, asked: Json, expected: list[str], used: str) -> None:
    answer = ask(vs, Coded(V, "code1", version), asked=replace(HERE, **asked))
    assert ids(answer) == expected
    assert answer.version == used
    assert answer.result is (not any(one.startswith("error") for one in expected))


def test_a_version_that_is_not_known() -> None:
    answer = ask("v24", Coded(V, "code1"))
    assert not answer.result
    assert answer.unknown_systems == (f"{V}|2.4.0",)
    assert answer.caused_by_unknown
    assert answer.message.endswith("Valid versions: 1.0.0 or 1.2.0")


# Displays


@pytest.mark.parametrize(
    ("display", "languages", "expected"),
    [
        ("letter a", "", []),
        ("Buchstabe A", "", []),
        ("Buchstabe A", "de-CH", []),
        ("Letter  A", "", ["error Display_Name_WS_for__should_be_one_of__instead_of"]),
        ("Letter X", "", ["error Display_Name_for__should_be_one_of__instead_of"]),
        ("Buchstabe A", "en", ["error Display_Name_for__should_be_one_of__instead_of"]),
        ("Letter A", "fr", ["information NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_OK"]),
        ("Letter X", "fr", ["error NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_ERR"]),
        ("Letter A", "fr;q=0.5,en;q=0.1", []),
    ],
)
def test_displays(display: str, languages: str, expected: list[str]) -> None:
    answer = ask("all", Coded(S, "a", "", display), languages=languages)
    assert ids(answer) == expected
    soft = ask("all", Coded(S, "a", "", display), languages=languages, lenient_display=True)
    assert soft.result
    assert [one.replace("error", "warning") for one in expected] == ids(soft)


def test_the_valid_displays_are_listed() -> None:
    answer = ask("all", Coded(S, "a", "", "x"))
    assert answer.message == (
        f"Wrong Display Name 'x' for {S}#a. Valid display is one of 2 choices: 'Letter A' (en) or 'Buchstabe A' (de)"
        " (for the language(s) '--')"
    )
    assert ask("all", Coded(S, "a"), languages="de").display == "Buchstabe A"


def test_a_value_set_and_a_supplement_have_displays_of_their_own() -> None:
    assert ask("listed", Coded(S, "a", "", "First")).result
    assert not ask("all", Coded(S, "a", "", "First")).result
    assert not ask("all", Coded(S, "a", "", "Alpha")).result
    with_it = replace(HERE, supplements=(SUPPLEMENT["url"],))
    assert ask("all", Coded(S, "a", "", "Alpha"), asked=with_it).result


# What is refused or unresolved


def test_unknown_value_sets() -> None:
    with pytest.raises(Refusal) as refused:
        ask("none", Coded(S, "a"))
    assert refused.value.category.value == 404
    lost = ask("lost", Coded(S, "a"))
    assert ids(lost) == ["error Unable_to_resolve_value_Set_"]
    assert lost.code == "a"
    assert ask("lost", Coded(S, "a"), form="codeableConcept").code == ""


@pytest.mark.parametrize(
    ("vs", "asked", "id"),
    [
        ("ring1", {}, "VALUESET_CIRCULAR_REFERENCE"),
        ("all", {"supplements": ("http://x.org/none",)}, "VALUESET_SUPPLEMENT_MISSING"),
        ("empty-filter", {}, "UNABLE_TO_HANDLE_SYSTEM_FILTER_WITH_NO_VALUE"),
    ],
)
def test_refusals(vs: str, asked: Json, id: str) -> None:
    with pytest.raises(Refusal) as refused:
        ask(vs, Coded(S, "a"), asked=replace(HERE, **asked))
    assert 400 <= refused.value.category.value < 500
    assert [one.message_id for one in refused.value.issues] == [id]


def test_a_filter_without_a_value_is_named() -> None:
    with pytest.raises(Refusal) as refused:
        ask("empty-filter", Coded(S, "a"))
    assert refused.value.issues[0].expression == ("ValueSet.compose.include[0].filter[0]",)


def test_the_version_asked_for_of_an_imported_value_set_is_named_where_it_is_not_known() -> None:
    pinned = replace(HERE, value_sets={"http://x.org/vs/listed": "3"})
    answer = ask("imports", Coded(S, "a"), asked=pinned)
    assert text(answer, "Unable_to_resolve_value_Set_").endswith(
        "'http://x.org/vs/listed|3' could not be found"
    )


def test_a_contained_value_set() -> None:
    inner = {"resourceType": "ValueSet", "id": "in", "status": "active"}
    inner["compose"] = {"include": [{"system": S, "concept": [{"code": "b"}]}]}
    outer = {"resourceType": "ValueSet", "status": "active", "contained": [inner]}
    outer["compose"] = {"include": [{"valueSet": ["#in", "http://x.org/vs/below"]}]}
    for code, result in (("b", True), ("b1", False)):
        answer = service.validate(CodeQuestion((Coded(S, code),), "coding", outer), HERE)
        assert answer.result is result
    assert "'(unidentified)'" in answer.message


def test_value_sets_that_import_each_other_many_times_over_end_soon() -> None:
    levels = [
        value_set(
            f"http://x.org/vs/level{n}",
            *({"valueSet": [f"http://x.org/vs/level{n + 1}"]} for _ in range(3)),
            compose={"exclude": [{"valueSet": [f"http://x.org/vs/level{n + 1}", "http://x.org/vs/listed"]}]},
        )
        for n in range(40)
    ]
    levels.append(value_set("http://x.org/vs/level40", {"system": S}))
    asked = replace(HERE, resources=(*RESOURCES, *levels))
    started = time.process_time()
    assert ask("level0", Coded(S, "b1"), asked=asked).result
    assert not ask("level0", Coded(S, "a"), asked=asked).result
    assert ask("level0", Coded("", "b1"), asked=asked, form="code").result
    assert time.process_time() - started < 2


# Code systems


def test_code_systems() -> None:
    def ask_system(url: str, coded: Coded, form: Any = "code") -> CodeAnswer:
        return service.validate(CodeQuestion((coded,), form, code_system=url), HERE)

    assert ask_system(S, Coded("", "a")).result
    wrong = ask_system(S, Coded("", "zzz"))
    assert ids(wrong) == ["error Unknown_Code_in_Version"]
    unknown = ask_system("http://x.org/none", Coded("", "a"))
    assert ids(unknown) == ["error UNKNOWN_CODESYSTEM"]
    assert ids(ask_system(f"{V}|3.0.0", Coded("", "code1"))) == ["error UNKNOWN_CODESYSTEM_VERSION"]
    assert ids(ask_system(SUPPLEMENT["url"], Coded("", "a"))) == ["error CODESYSTEM_CS_NO_SUPPLEMENT"]
    assert ask_system(f"{V}|1.0.0", Coded("", "code1", "1.0.0")).display == "Display 1 (1.0.0)"
    assert ask_system("", Coded(V, "code1", "1.0.0"), "coding").version == "1.0.0"
    other = ask_system(S, Coded(V, "code1"), "coding")
    assert not other.result
    assert other.message
    with pytest.raises(Refusal):
        ask_system("", Coded("", "a"))


# Laws

_CODES = st.sampled_from(["a", "b", "b1", "b2", "old", "zzz"])
_PARTS = st.one_of(
    st.just({"system": S}),
    st.lists(_CODES, min_size=1, max_size=3).map(
        lambda codes: {"system": S, "concept": [{"code": one} for one in codes]}
    ),
    st.sampled_from(["a", "b", "b1"]).map(
        lambda code: {"system": S, "filter": [{"property": "concept", "op": "is-a", "value": code}]}
    ),
)


@given(st.lists(_PARTS, min_size=1, max_size=3), st.lists(_PARTS, max_size=2), _CODES)
def test_a_code_is_valid_where_the_expansion_has_it(
    include: list[Json], exclude: list[Json], code: str
) -> None:
    made = value_set("http://x.org/vs/made", *include, compose={"exclude": exclude} if exclude else {})
    small = TerminologyService(
        lambda url, type: SIMPLE if url.startswith(S) and type == "CodeSystem" else None
    )
    expanded = {one.code for one in small.expand(made).concepts}
    answer = small.validate(CodeQuestion((Coded(S, code),), "coding", made))
    assert answer.result is (code in expanded)
    assert answer.result or answer.message
