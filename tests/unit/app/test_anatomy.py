"""A message taken apart for people: its fields, where it failed, and what each element comes from."""

from __future__ import annotations

import pytest

from adapters.hl7v2.charset import write
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.malformed import MalformedMessage
from fhirserver.app.anatomy import anatomy
from fhirserver.ports.messages import Anatomy, ShownField
from tests.hl7_feed import adt


def _taken(raw: bytes, place: str = "") -> Anatomy:
    return anatomy(raw, "utf-8", Site(), place)


def _wrong(made: Anatomy) -> list[ShownField]:
    return [field for segment in made.segments for field in segment.fields if field.wrong]


def test_fields_and_where_elements_come_from() -> None:
    made = _taken(adt("1", "P1", more='OBX|1|ST|a||""\rOBX|2|ST|b||x~y\rZPI|1\r'))
    assert [one.name for one in made.segments] == ["MSH", "EVN", "PID", "PV1", "OBX[1]", "OBX[2]", "ZPI"]
    assert [one.mapped for one in made.segments][-2:] == [True, False]
    pid, first, second = made.segments[2], made.segments[4], made.segments[5]
    assert next(one for one in pid.fields if one.place == "PID-5").components[:2] == [
        (1, "Miller"),
        (2, "Jane"),
    ]
    assert first.fields[-1].components == [(1, "(null: stated to be nothing)")]
    assert [one.place for one in second.fields][-2:] == ["OBX[2]-5[1]", "OBX[2]-5[2]"]
    birth = next(one for one in made.explained if one.element == "birthDate")
    assert (birth.resource, birth.place, birth.row) == ("Patient[1]", "PID-7", "PID[Patient] line 10")


@pytest.mark.parametrize(
    ("place", "shown"),
    [("PID-7", ["PID-7"]), ("OBX[2]-5", ["OBX[2]-5[1]", "OBX[2]-5[2]"]), ("OBX[2]-5[2].1", ["OBX[2]-5[2]"])],
)
def test_the_place_of_the_failure_is_marked(place: str, shown: list[str]) -> None:
    made = _taken(adt("1", "P1", more="OBX|1|ST|a||z\rOBX|2|ST|b||x~y\r"), place)
    assert [one.place for one in _wrong(made)] == shown
    assert [one.name for one in made.segments if one.wrong] == [place.partition("-")[0]]


def test_a_field_that_is_missing_is_marked_too() -> None:
    (field,) = _wrong(_taken(adt("1", "P1"), "PID-20"))
    assert (field.place, field.components) == ("PID-20", ())
    assert not _wrong(_taken(adt("1", "P1"), "PID"))


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (adt("1", "P1") + b"no segment\r", 5),
        (adt("1", "P1").replace(b"UNICODE UTF-8", b"KLINGON"), 1),
        (adt("1", "P1", family="X").replace(b"|X^", b"|\xff^"), 3),
    ],
)
def test_of_what_is_no_message_the_line_is_told(raw: bytes, line: int) -> None:
    made = _taken(raw)
    assert (made.line, made.segments) == (line, ())
    assert made.problem and made.text.count("\n") >= 3


def test_what_somebody_wrote_is_in_its_own_character_set() -> None:
    text = adt("1", "P1", family="Ödön").decode().replace("UNICODE UTF-8", "8859/1")
    assert "|Ödön^".encode("latin-1") in write(text)
    with pytest.raises(MalformedMessage) as caught:
        write(text.replace("Ödön", "Łukasz"))
    assert caught.value.place == "line 3" and "Ł" not in str(caught.value)
    with pytest.raises(MalformedMessage):
        write(text.replace("8859/1", "KLINGON"))
