"""Templates of the terminology ecosystem's tests, and R5 as R4 and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.corpus.terminology_matching import Matcher
from tests.corpus.terminology_versions import to_r4, to_r5

MATCHER = Matcher()


@pytest.mark.parametrize(
    ("template", "text", "fits"),
    [
        ("$$", "anything", True),
        ("$id$", "a-1.b", True),
        ("$id$", "a b", False),
        ("$uuid$", "urn:uuid:c0ffee00-0000-4000-8000-000000000001", True),
        ("$instant$", "2026-01-01T00:00:00Z", True),
        ("$date$", "2026-01", True),
        ("$url$", "http://a.b", True),
        ("$semver$", "1.0.0", True),
        ("$string$", " a", False),
        ("$string$", "a b", True),
        ("$version$", "4.0.1", True),
        ("x|$version$", "x|4.0.1", True),
        ("$choice:a|b$", "b", True),
        ("$choice:a|b$", "c", False),
        ("$fragments:Code|set$", "the CODE of a set", True),
        ("$external:1:http://a|b$", "is http://A and b", True),
        ("$external:1:http://a|c$", "is http://a and b", False),
        ("$external:4$", "what it likes", True),
        ("plain", "Plain", False),
    ],
)
def test_texts(template: str, text: str, fits: bool) -> None:
    assert (MATCHER.differs(template, text) == "") is fits


def test_a_servers_own_texts() -> None:
    own = Matcher(externals={"1": "No such code"})
    assert own.text_matches("$external:1:code$", "No such code")
    assert not own.text_matches("$external:1:code$", "the code")


def test_what_may_be_left_out_by_mode_and_version() -> None:
    for optional, modes in ((True, "general"), ("!tx", "general"), ("tx", "tx"), ("version:4", "general")):
        expected = [{"$optional$": optional, "a": 1}, {"b": 2}]
        assert Matcher(frozenset({modes})).differs(expected, [{"b": 2}]) == "", optional
    for needed in (False, "!general", "tx"):
        assert MATCHER.differs([{"$optional$": needed, "a": 1}], []) != "", needed
    assert MATCHER.differs([{"$only$": "version:5", "a": 1}], []) == ""
    assert MATCHER.differs([{"$only$": "version:5", "a": 1}], [{"a": 1}]) != ""
    assert MATCHER.differs([{"$only$": "version:4", "a": 1}], []) != ""


def test_properties_of_objects() -> None:
    expected = {"$optional-properties$": ["b"], "a": 1, "b": 2}
    assert MATCHER.differs(expected, {"a": 1}) == ""
    assert MATCHER.differs(expected, {"b": 2}) == " lacks a: 1"
    assert MATCHER.differs(expected, {"a": 1, "c": 3}) == " has c: 3"
    assert MATCHER.differs({"$count-arrays$": ["x"], "x": [1, 2]}, {"x": [3, 4]}) == ""
    assert MATCHER.differs({"$count-arrays$": ["x"], "x": [1, 2]}, {"x": [3]}) != ""
    assert MATCHER.differs({"a": True}, {"a": 1}) != ""


def test_an_optional_entry_does_not_take_what_a_needed_one_needs() -> None:
    expected = [{"$optional$": True, "$optional-properties$": ["b"], "a": "$$", "b": 1}, {"a": "x"}]
    assert MATCHER.differs(expected, [{"a": "x"}]) == ""
    assert MATCHER.differs(expected, [{"a": "x"}, {"a": "y"}]) == ""
    assert MATCHER.differs(expected, [{"a": "y"}]) != ""


def test_the_sentences_of_a_message_come_in_any_order() -> None:
    expected = {"name": "message", "valueString": "a; b"}
    assert MATCHER.differs(expected, {"name": "message", "valueString": "b; a"}) == ""


@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.integers(0, 3))), st.randoms())
def test_the_order_of_arrays_never_matters(entries: list[dict[str, int]], random: object) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert MATCHER.differs(entries, shuffled) == ""
    assert MATCHER.differs(entries, [*shuffled, {"c": 1}]) != ""


def test_r5_as_r4_and_back() -> None:
    value_set = {
        "resourceType": "ValueSet",
        "compose": {
            "property": ["p"],
            "include": [
                {"system": "urn:s", "filter": [{"property": "concept", "op": "child-of", "value": "a"}]}
            ],
        },
    }
    r4 = to_r4({"resourceType": "Parameters", "parameter": [{"name": "tx-resource", "resource": value_set}]})
    sent = r4["parameter"][0]["resource"]
    assert "op" not in sent["compose"]["include"][0]["filter"][0]
    assert to_r5(sent) == value_set


def test_properties_of_an_expansion() -> None:
    url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.contains.property"
    parts = [{"url": "code", "valueCode": "p"}, {"url": "value", "valueString": "v"}]
    contained = {"code": "a", "extension": [{"url": url, "extension": parts}]}
    assert to_r5(contained) == {"code": "a", "property": [{"code": "p", "valueString": "v"}]}


def test_a_request_to_translate_has_the_names_of_r4() -> None:
    asked = {"resourceType": "Parameters", "parameter": [{"name": "sourceCode", "valueCode": "a"}]}
    assert to_r4(asked, "translate")["parameter"][0]["name"] == "code"
