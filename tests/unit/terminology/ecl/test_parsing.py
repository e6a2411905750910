"""Constraints are read as the syntax specification says; what is none is refused, with the place."""

from __future__ import annotations

import re

import pytest

from fhirserver.kernel.outcomes import Refusal
from terminology.ecl.parsing import parse

SAME = [
    ("descendantOf 404684003 |Clinical finding|", "< 404684003"),
    ("<<! 404684003", "childOrSelfOf 404684003"),
    ("!!> (< 386617003 . 363698007)", "top ( descendantOf 386617003 dot 363698007 )"),
    ("<404684003 AND <64572001", "<404684003,<64572001"),
    ("<404684003 minus <64572001", "< 404684003 /* a ** comment */ MINUS < 64572001 /**/"),
    ("*: 246075003 != 387517004", "ANY : 246075003 not = 387517004"),
    ("*: 246075003 != 387517004", "ANY : 246075003 <> 387517004"),
    ("*: [1..*] 246075003 = *", "* : 246075003 = any"),
    ("*: [2..3] R 246075003 = *", "* : [2 to 3] reverseOf 246075003 = *"),
    ('* {{ term = match:"heart att" }}', '* {{ D term = "heart att" }}'),
    (
        "* {{ typeId = (900000000000013009 900000000000003001) }}",
        "* {{ typeId = ( 900000000000013009 |Synonym| 900000000000003001 ) }}",
    ),
    (
        "* {{ dialect = (en-gb en-us) (prefer) }}",
        "*{{dialect=(en-gb(preferred) en-us(900000000000548007 |Preferred|))}}",
    ),
    ("* {{ C active = 1 }}", "* {{ c active = true }}"),
    ("* {{ + HISTORY-MAX }}", "* {{+HISTORY}}"),
    ("* {{ + HISTORY-MIN }}", "* {{ + history_min }}"),
    ("* {{ + HISTORY (*) }}", "* {{ + HISTORY }}"),
    (
        "*: { 246075003 = *, 246075003 = * } or 246075003 = *",
        "*:({246075003=* and 246075003=*} or 246075003=*)",
    ),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_written_in_either_way(one: str, other: str) -> None:
    assert parse(one) == parse(other)


ALSO = [
    '< 373873005 : 3460481009 |Has product name| = "PANADOL"',
    "< 373873005 : 859999999102 = TRUE",
    "< 763158003 : 411116001 = << 385268001, { << 127489000 = *, 1142135004 >= #250.5, 1142135004 <= #+800 }",
    "* : (<< 47429007 OR << 363698007) = *, (363698007 = * OR 363704007 = *)",
    "<<(^ 700043003) : (363698007) = (< 39057004 : 272741003 = 7771000)",
    '^ 447562003 {{ M mapGroup = #2, mapPriority < #2, mapTarget = wild:"J*", moduleId = << 32570231000036109 }}',
    '* {{ term = ("heart" wild:"*itis"), language != sv }} {{ C effectiveTime >= "20190731" }} {{ D id = 3032638017 }}',
    "* {{ C definitionStatus = (primitive defined), moduleId = (900000000000207008 731000124108) }} {{ D active = 0 }}",
    "(<< 306206005 {{ + HISTORY-MOD }}) {{ dialectId = < 900000000000506000 (accept) }}",
]


@pytest.mark.parametrize("text", ALSO)
def test_are_read(text: str) -> None:
    parse(text)


WRONG = [
    ("", 1, "a concept"),
    ("<", 2, "a concept"),
    ("< 12345", 3, "a concept"),
    ("73211009 74732009", 10, "the end"),
    ("73211009 |Diabetes", 10, "the term does not end"),
    ("73211009 AND 74732009 OR 1234567", 23, "brackets are needed"),
    ("73211009 MINUS 74732009 MINUS 1234567", 25, "brackets are needed"),
    ("(73211009", 10, '")"'),
    ("* : 363698007", 14, "a comparison"),
    ("* : 363698007 < 39057004", 17, "only a number"),
    ("* : [3..1] 363698007 = *", 6, "the most"),
    ("* : { { 363698007 = * } }", 7, "a group"),
    ("* : [1..2 363698007 = *", 11, '"]"'),
    ("* {{ colour = red }}", 6, "the keyword"),
    ("* {{ term = 5 }}", 13, "a concept"),
    ('* {{ term = "" }}', 13, "the text is empty"),
    ('* {{ term = "a }}', 13, "the text in quotes"),
    ('* {{ C effectiveTime = "2019" }}', 24, "a date"),
    ("* {{ type = noun }}", 13, "one of"),
    ("/* no end", 1, "the comment"),
    ("< 73211009 {{ M active = 1 }}", 12, "a member filter"),
    ("* {{ + HISTORIES }}", 8, "HISTORY"),
]


@pytest.mark.parametrize(("text", "place", "why"), WRONG)
def test_a_refusal_names_the_place(text: str, place: int, why: str) -> None:
    with pytest.raises(Refusal, match=f"character {place}: .*{re.escape(why)}") as refused:
        parse(text)
    assert refused.value.issues[0].code == "invalid"
    assert not re.search("[0-9]{5}", refused.value.issues[0].diagnostics)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("(" * 5000 + "*" + ")" * 5000, "too-costly"),
        ("*: " + "(" * 5000 + "363698007 = *" + ")" * 5000, "too-costly"),
        ("<" * 100_000, "invalid"),
        ("*" + " AND *" * 200_000, "too-costly"),
        ("LOINC#54486-6", "not-supported"),
        ("^ [*] 447562003", "not-supported"),
        ("/*" + "*" * 50_000, "invalid"),
        ('* {{ term = "' + "\\" * 50_001, "invalid"),
    ],
    ids=("deep", "deep-refinement", "operators", "long", "identifier", "fields", "comment", "text"),
)
def test_hostile_texts_end(text: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse(text)
    assert refused.value.issues[0].code == code
