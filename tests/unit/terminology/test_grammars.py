"""Systems whose codes follow a grammar. Examples are from the standards themselves, or from R4's value sets."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.model.definitions import definitions
from terminology.grammars import GRAMMARS, UCUM, grammar
from terminology.grammars.grammar import Grammar

LANGUAGES, MEDIA, URIS = "urn:ietf:bcp:47", "urn:ietf:bcp:13", "urn:ietf:rfc:3986"


def system(url: str) -> Grammar:
    found = grammar(url)
    assert found is not None
    return found


def where(name: str, op: str, value: str) -> JsonObject:
    return {"property": name, "op": op, "value": value}


def display(url: str, code: str) -> str:
    found = system(url).find(code)
    assert found is not None
    return found.display


# Units


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("mm[Hg]", "millimeter of mercury"),  # as R4's list of common units says it
        ("mg/dL", "milligram per deciliter"),
        ("kg/h/m", "(kilogram) / (hour) / (meter)"),  # in words, where R4 does not list it
        ("mm[H2O].s", "(millimeter of water column) * (second)"),
    ],
)
def test_a_unit_has_the_common_name_or_is_said_in_words(code: str, said: str) -> None:
    assert display(UCUM, code) == said


def test_a_unit_says_what_it_is() -> None:
    found = system(UCUM).find("mm[Hg]")
    assert found is not None and found.version == "2.2"
    assert [one.value for one in found.designations] == ["(millimeter of mercury column)", "mm Hg", "mm[Hg]"]
    assert found.properties == (
        {"code": "canonical", "valueCode": "g.m-1.s-2"},
        {"code": "property", "valueString": "pressure"},
    )


@pytest.mark.parametrize("code", ["MM[HG]", "mmHg", "mg%dL", "kkg", "mg dL", "", "10³/uL", "Kg", "torr"])
def test_what_is_no_unit_is_none(code: str) -> None:
    assert system(UCUM).find(code) is None


@pytest.mark.parametrize(
    ("code", "name", "op", "value", "expected"),
    [
        ("min", "canonical", "=", "s", True),
        ("min", "canonical", "=", "a", True),  # ValueSet/all-time-units
        ("m", "canonical", "=", "a", False),
        ("[mi_i]", "canonical", "=", "m", True),  # ValueSet/all-distance-units
        ("[iU]/L", "canonical", "=", "m-3", False),
        ("Cel", "canonical", "=", "K", True),
        ("mm[Hg]", "canonical", "in", "g.m-1.s-2,m", True),
        ("mm[Hg]", "canonical", "regex", "g.*", True),
        ("mm[Hg]", "property", "=", "pressure", True),
        ("mg/dL", "property", "=", "mass concentration", True),
        ("mg/dL", "property", "=", "pressure", False),
        ("mg/dL", "property", "exists", "true", True),
        ("mg/dL", "code", "regex", "mg/.*", True),
        ("mg/dL", "code", "in", "mg, mg/dL", True),
        ("mg/dL", "concept", "is-a", "mg/dL", True),
        ("mg/dL", "concept", "descendent-of", "mg/dL", False),
        ("mg/dL", "concept", "is-not-a", "mg/dL", False),
        ("no unit", "concept", "is-not-a", "mg/dL", False),
    ],
)
def test_units_pass_filters(code: str, name: str, op: str, value: str, expected: bool) -> None:
    assert system(UCUM).holds(code, where(name, op, value)) is expected


@pytest.mark.parametrize(
    ("condition", "issue"),
    [
        (where("colour", "=", "red"), "not-supported"),
        (where("canonical", "is-a", "m"), "not-supported"),
        (where("canonical", "exists", "perhaps"), "invalid"),
        (where("code", "regex", "("), "invalid"),
        (where("code", "", "x"), "invalid"),
    ],
)
def test_filters_that_are_not_understood_are_refused(condition: JsonObject, issue: str) -> None:
    with pytest.raises(Refusal) as refused:
        system(UCUM).holds("mg", condition)
    assert refused.value.issues[0].code == issue


# Languages


@pytest.mark.parametrize(
    ("code", "normal", "said"),
    [
        ("en-US", "en-US", "English (United States)"),
        ("EN-us", "en-US", "English (United States)"),
        ("de-ch", "de-CH", "German (Switzerland)"),
        ("de-CH-1996", "de-CH-1996", "German (Switzerland, German orthography of 1996)"),
        ("zh-hant-HK", "zh-Hant-HK", "Chinese (Han (Traditional variant), Hong Kong)"),
        ("zh-cmn-Hans-CN", "zh-cmn-Hans-CN", "Chinese (Mandarin Chinese, Han (Simplified variant), China)"),
        ("sl-rozaj-biske", "sl-rozaj-biske", "Slovenian (Resian, The San Giorgio dialect of Resian)"),
        ("es-419", "es-419", "Spanish (Latin America and the Caribbean)"),
        (
            "qaa-Qaaa-QM-x-southern",
            "qaa-Qaaa-QM-x-southern",
            "Private use (Private use, Private use, x-southern)",
        ),
        ("en-US-u-islamcal", "en-US-u-islamcal", "English (United States, u-islamcal)"),
        ("zh-CN-a-myext-x-private", "zh-CN-a-myext-x-private", "Chinese (China, a-myext, x-private)"),
        ("x-whatever", "x-whatever", "Private use (x-whatever)"),
        ("i-enochian", "i-enochian", "Enochian"),
        ("EN-ca-X-CA", "en-CA-x-ca", "English (Canada, x-ca)"),
        ("mn-Cyrl-MN", "mn-Cyrl-MN", "Mongolian (Cyrillic, Mongolia)"),
        ("iw", "iw", "Hebrew"),
    ],
)
def test_language_tags_in_any_case(code: str, normal: str, said: str) -> None:
    """The examples of RFC 5646, appendix A and section 2.1.1."""
    found = system(LANGUAGES).find(code)
    assert found is not None and (found.code, found.display) == (normal, said)


@pytest.mark.parametrize(
    "code",
    [
        "de-419-DE", "a-DE", "ar-a-aaa-b-bbb-a-ccc", "enAU", "en-AUA", "zz", "english", "en_US", "en-", "-en", "",
        "de-1901-1901", "en-cmn", "zh-cmn-yue", "en-QQQ", "en-Abcd", "ﬀ", "en-US\n",
    ],
)  # fmt: skip
def test_tags_that_are_not_well_formed_or_not_registered_are_none(code: str) -> None:
    assert system(LANGUAGES).find(code) is None


def test_every_language_that_r4_lists_is_one_and_has_its_names() -> None:
    listed = definitions().archive.by_url("http://hl7.org/fhir/ValueSet/languages") or {}
    for one in (one for part in listed["compose"]["include"] for one in part["concept"]):
        found = system(LANGUAGES).find(one["code"])
        assert found is not None and found.code == one["code"]
        names = {found.display, *(held.value for held in found.designations)}
        assert {one["display"], *(held["value"] for held in one.get("designation", ()))} <= names


@pytest.mark.parametrize(
    ("code", "name", "op", "value", "expected"),
    [
        ("de-CH", "region", "exists", "true", True),
        ("de", "region", "exists", "false", True),
        ("de-CH", "region", "=", "ch", True),
        ("de-CH", "language", "=", "de", True),
        ("zh-Hant", "script", "=", "Hant", True),
        ("zh-yue", "ext-lang", "exists", "true", True),
        ("de-1996", "variant", "in", "1901,1996", True),
        ("en-u-islamcal", "extension", "exists", "true", True),
        ("en-x-a", "private-use", "exists", "false", False),
        ("x-a", "language", "exists", "true", False),
        ("EN-us", "code", "=", "en-us", True),
        ("en-US", "code", "regex", "[a-z]{2}-[A-Z]{2}", True),
        ("nonsense", "script", "exists", "false", False),
    ],
)
def test_languages_pass_filters(code: str, name: str, op: str, value: str, expected: bool) -> None:
    """As US Core's simple-language uses them."""
    assert system(LANGUAGES).holds(code, where(name, op, value)) is expected


# Media types and URIs


@pytest.mark.parametrize(
    ("code", "normal"),
    [
        ("application/fhir+json", "application/fhir+json"),
        ("TEXT/HTML; charset=UTF-8", "text/html; charset=UTF-8"),
        ('text/x;a="b;c\\"";d=e', 'text/x;a="b;c\\"";d=e'),
        ("application/vnd.ms-excel.sheet.macroEnabled.12", "application/vnd.ms-excel.sheet.macroenabled.12"),
        ("application/fhir+xml; fhirVersion=4.0", "application/fhir+xml; fhirVersion=4.0"),
        ("text", None),
        ("text/", None),
        ("text/html;", None),
        ("text/html; charset", None),
        ("te xt/html", None),
        ("text/html/x", None),
        ("*/*", None),
        ("text/" + "a" * 128, None),
    ],
)
def test_media_types(code: str, normal: str | None) -> None:
    found = system(MEDIA).find(code)
    assert (found.code if found is not None else None) == normal


@pytest.mark.parametrize(
    "code",
    ["ftp://ftp.is.co.za/rfc/rfc1808.txt", "http://www.ietf.org/rfc/rfc2396.txt", "ldap://[2001:db8::7]/c=GB?objectClass?one",
     "mailto:John.Doe@example.com", "news:comp.infosystems.www.servers.unix", "tel:+1-816-555-1212", "telnet://192.0.2.16:80/",
     "urn:oasis:names:specification:docbook:dtd:xml:4.1.2", "urn:oid:1.2.3", "http://a/b%20c#d"],
)  # fmt: skip
def test_uris(code: str) -> None:
    """Those of RFC 3986, section 1.1.2."""
    found = system(URIS).find(code)
    assert found is not None and found.code == code


@pytest.mark.parametrize(
    "code", ["a/b", "#a", "http://a b", "1http:a", "http://a/%2", "urn:", "http://ä", "a:b#c#d"]
)
def test_what_is_no_uri(code: str) -> None:
    assert system(URIS).find(code) is None


# All of them


@pytest.mark.parametrize("url", GRAMMARS)
def test_a_grammar_says_what_it_is_and_refuses_to_be_listed(url: str) -> None:
    one = system(url)
    assert one.header["url"] == one.url == url
    assert one.header["content"] == "complete" and one.header["compositional"] is True
    assert one.header["name"] and one.header["title"] and isinstance(one.header["caseSensitive"], bool)
    for listing in (
        lambda: one.size,
        lambda: one.select(where("code", "=", "m")),
        lambda: one.descendants("m"),
    ):
        with pytest.raises(Refusal) as refused:
            listing()
        assert refused.value.issues[0].code == "too-costly"


@pytest.mark.parametrize(
    ("url", "text", "first"),
    [
        (UCUM, "millimeter of merc", "mm[Hg]"),
        (UCUM, "mmol/L", "mmol/L"),
        (LANGUAGES, "germ", "de"),
        (LANGUAGES, "castil", "es"),
    ],
)
def test_usual_codes_are_found_as_they_are_typed(url: str, text: str, first: str) -> None:
    one = system(url)
    found = next(one.at(one.search(text)))
    assert found.code == first
    number = one.position(first)
    assert number is not None and [held.code for held in one.at([number])] == [first]


@pytest.mark.parametrize("url", GRAMMARS)
def test_hostile_codes_are_answered_at_once(url: str) -> None:
    one = system(url)
    one.find("m")
    for sign in ("a", "(", "-a", "m.", "a/b;c=d"):
        code = "text/x" + sign * (10_000_000 // len(sign))
        begun = time.perf_counter()
        assert one.find(code) is None and one.find(code[6:]) is None
        assert time.perf_counter() - begun < 0.5


def test_tables_take_little_memory() -> None:
    """Those of units and languages, with what is kept to search them."""
    from terminology.grammars.languages import Languages
    from terminology.grammars.subtags import Registry

    tracemalloc.start()
    kept = Registry(), Languages()
    list(kept[1].search("x"))
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert size < 3_000_000
