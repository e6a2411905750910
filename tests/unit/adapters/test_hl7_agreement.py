"""Other readers of HL7v2, python-hl7 and hl7apy, find the same values in the messages of the corpus."""

from pathlib import Path
from typing import Any

import hl7
import pytest
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message

from adapters.hl7v2.message import Message, parse
from tests.unit.adapters.hl7_corpus import message_files, needs_corpus

pytestmark = needs_corpus


def _read(path: Path) -> Message:
    return parse(path.read_text("utf-8"))


def _theirs(field: Any, repetition: int, component: int) -> str:
    """The text of a component in python-hl7, whose containers nest only as deep as the text does."""
    try:
        part = field[repetition]
        part = part[component] if isinstance(part, hl7.Repetition) else (part if component == 0 else "")
    except IndexError:
        return ""
    return str(part)


@pytest.mark.parametrize("path", message_files(), ids=lambda path: path.stem)
def test_python_hl7_finds_the_same_parts(path: Path) -> None:
    message = _read(path)
    theirs = hl7.parse(message.text)
    assert [segment.name for segment in message.segments] == [str(segment[0]) for segment in theirs]
    for segment, other in zip(message.segments, theirs, strict=True):
        assert len(segment) == len(other) - 1
        for number in range(3 if segment.name == "MSH" else 1, len(segment) + 1):
            for r, repetition in enumerate(segment.repetitions(number)):
                for c, text in enumerate(repetition.components):
                    assert text == _theirs(other[number], r, c), f"{segment.place}-{number}"


def _leaves(text: str) -> list[str]:
    """What hl7apy keeps of a field: it strips blanks and leading zeros, and has unknown components first."""
    return sorted(filter(None, (part.strip().lstrip("0") for part in text.replace("&", "^").split("^"))))


@pytest.mark.parametrize("path", message_files(), ids=lambda path: path.stem)
def test_hl7apy_finds_the_same_parts(path: Path) -> None:
    message = _read(path)
    try:
        theirs = parse_message(message.text, find_groups=False)
    except HL7apyException as error:
        pytest.skip(f"hl7apy does not read it: {error}")
    assert [segment.name for segment in message.segments] == [child.name for child in theirs.children]
    for segment, other in zip(message.segments, theirs.children, strict=True):
        for field in other.children:
            # What a version does not define has no name there, and so no number.
            numbers = [int(field.name.rpartition("_")[2])] if field.name else range(1, len(segment) + 1)
            ours = [_leaves(one.text) for number in numbers for one in segment.repetitions(number)]
            assert not ours or _leaves(field.to_er7()) in ours, segment.place


@pytest.mark.parametrize("path", message_files(), ids=lambda path: path.stem)
def test_writing_gives_what_was_read(path: Path) -> None:
    text = path.read_text("utf-8-sig").replace("\r\n", "\r").replace("\n", "\r").rstrip("\r") + "\r"
    assert _read(path).text == text.replace("\r\r", "\r")
