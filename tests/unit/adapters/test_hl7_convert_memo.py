"""What is kept of earlier messages changes nothing: neither what a later one becomes nor what was handed out before."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.hl7v2.convert.conversion import Conversion
from adapters.hl7v2.convert.engine import convert
from adapters.hl7v2.convert.explaining import explain
from adapters.hl7v2.convert.generating import Source
from adapters.hl7v2.convert.memo import LONGEST, Entry, Memo
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.convert.site_file import read_site
from adapters.hl7v2.message import Message, parse
from benchmarks.adt_feed import message as adt
from tests.unit.adapters.test_hl7_convert_fuzz import HEADERS, SEGMENTS, VALUES

SITES = (
    Site("memo"),
    read_site(
        """
        time_zone = "Asia/Kolkata"
        [codes.AdministrativeSex]
        F = "unknown"
        [segment.PV1]
        7 = "drop"
        [segment.ZPI]
        1 = { resource = "Patient", path = "name.text" }
        """,
        "other",
    ),
)
"""They go on from one example to the next: what they have kept grows."""


def said(conversion: Conversion) -> list[Any]:
    """All of a conversion, the order of elements and lists as well."""
    return [
        *((one.local, repr(one.content), list(one.origin.items()), list(one.nulled.items()), one.absent, one.supplied)
          for one in conversion.resources),
        replace(conversion, resources=(), explained=()),
    ]  # fmt: skip


@st.composite
def segments(draw: st.DrawFn) -> str:
    fields = draw(st.sampled_from(SEGMENTS)).split("|")
    for number in draw(st.lists(st.integers(1, len(fields) - 1), max_size=2)):
        fields[number] = draw(st.sampled_from(VALUES))
    return "|".join(fields)


messages = st.builds(
    lambda header, lines: parse("\r".join((header, *lines))),
    st.sampled_from(HEADERS),
    st.lists(segments(), min_size=1, max_size=8),
)


@settings(max_examples=60, deadline=None)
@given(messages, st.sampled_from(SITES))
def test_what_was_kept_makes_the_same_as_the_maps_run_anew(message: Message, site: Site) -> None:
    anew = said(explain(message, site))  # Nothing is kept of a conversion that is explained, nor used for it.
    for times in ("first", "kept", "used"):
        assert said(convert(message, site)) == anew, times


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
def test_a_feed_makes_the_same_whatever_came_before(site: Site) -> None:
    feed = [parse(adt(number % 7, number // 7, f"M{number}").decode()) for number in range(70)]
    anew = [said(explain(message, site)) for message in feed]
    random.Random(5).shuffle(feed)
    for message in feed:
        convert(message, site)
    feed.sort(key=lambda message: int(message.control_id[1:]))
    assert [said(convert(message, site)) for message in feed] == anew


def test_a_site_that_has_seen_nothing_makes_the_same_as_one_that_has_seen_much() -> None:
    message = parse(adt(3, 4, "M").decode())
    for number in range(30):
        convert(parse(adt(number % 6, number // 6, f"M{number}").decode()), SITES[0])
    assert said(convert(message, Site("memo"))) == said(convert(message, SITES[0]))


def spoiled(value: Any) -> None:
    """Change everything in a result, however deep."""
    if isinstance(value, dict):
        for one in value.values():
            spoiled(one)
        value.clear()
        value["spoiled"] = True
    elif isinstance(value, list):
        for one in value:
            spoiled(one)
        value.append("spoiled")


@pytest.mark.parametrize(
    "text",
    [
        adt(3, 4, "M").decode(),
        "\r".join((HEADERS[0], *SEGMENTS)),
        # R4 requires a code, which is said to be unknown.
        "\r".join((HEADERS[1], "PID|1||1", "OBX|1|NM|||60")),
    ],
    ids=["ordinary", "every segment", "unknown"],
)
def test_a_caller_that_changes_a_result_changes_no_later_one(text: str) -> None:
    before = said(convert(parse(text), SITES[0]))
    for _ in range(4):
        for mapped in convert(parse(text), SITES[0]).resources:
            spoiled(mapped.content)
        assert said(convert(parse(text), SITES[0])) == before


def test_a_row_that_completes_what_was_kept_completes_it_for_its_own_message_only() -> None:
    header = "MSH|^~\\&|A|B|C|D|20250301||ADT^A01^ADT_A01|1|P|2.5.1"
    number = "V1^^^NORTH^VN"
    alone, completed = f"{header}\rPID|1||{number}", f"{header}\rPV1|1|I|||||||||||||||||{number}"
    before = [said(convert(parse(text), SITES[0])) for text in (alone, completed)]
    for _ in range(3):
        assert [said(convert(parse(text), SITES[0])) for text in (alone, completed)] == before
    (visit,) = convert(parse(completed), SITES[0]).of("Encounter")
    assert len(visit.content["identifier"][0]["type"]["coding"]) == 2


def test_no_more_is_kept_than_two_generations() -> None:
    memo = Memo(most=10)
    entry = Entry((), ())
    for number in range(100):
        memo.put(("row", str(number)), entry)
        assert len(memo) <= 20
        assert memo.get(("row", "0")) is (entry if number < 100 else None), "what is asked for stays"
    assert memo.get(("row", "50")) is None


def test_only_what_comes_again_is_kept_and_nothing_long() -> None:
    memo = Memo()
    assert [memo.admits(("row", "DOC")) for _ in range(3)] == [False, True, True]
    assert not memo.admits(("other row", "DOC"))
    assert not any(memo.admits(("row", "x" * (LONGEST + 1))) for _ in range(3))


def test_texts_of_a_map_are_no_source_of_the_functions_written_for_it() -> None:
    source = Source()
    text = '"); raise SystemExit("'
    name = source.bind(text)
    assert source.expression("given", f"given == {name}")(text) is True
    assert text not in "\n".join(source.lines)
    site = read_site(
        "[segment.PID]\n"
        """8 = { resource = "Patient", path = "gender", if = 'IF PID-8 IN ("F", ")(\\\\")', assign = '"); x ("' }""",
        "hostile",
    )
    made = convert(
        parse("MSH|^~\\&|A|B|C|D|20250301||ADT^A01^ADT_A01|1|P|2.5.1\rPID|1||1||A||19800101|F"), site
    )
    assert {issue.what for issue in made.issues} == {"no code that gender may have"}
