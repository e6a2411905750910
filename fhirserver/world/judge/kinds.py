"""A kind of value that can be heard: how it is read, what it is called, how a correction mends it."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from fhirserver.world.judge.remarks import Remark, remark
from fhirserver.world.judge.topics import Topics, topic_of
from fhirserver.world.spoken.answers import versions
from fhirserver.world.spoken.words import Found, fold

Read = Callable[[str, Topics], Sequence[Found[Hashable]]]
"""The values that a text holds, with their places; the topics are those of the question it answers."""
Mend = Callable[[Hashable, str], "Hashable | None"]
"""The value that an earlier one becomes by a correction of a part of it, or None."""


@dataclass(frozen=True, slots=True)
class Kind:
    """``topics``: what its values are spoken under; a value under another topic is not of the kind.

    ``strict``: a value needs a topic, by its own text or by the question. ``alike``: whether two values
    may be one, misheard. ``personal``: a birth date or a name, of which the caller has their own.
    """

    what: str
    topics: Topics
    read: Read
    mend: Mend | None = None
    partial: Callable[[str], Hashable | None] | None = None
    strict: bool = False
    foreign: Topics | None = None
    alike: Callable[[Hashable, Hashable], bool] = field(default=lambda a, b: False)
    personal: bool = False
    own: bool = True


@dataclass(frozen=True, slots=True)
class Value:
    """One value in a turn and what is said about it; ``unclear``: one of two that were offered."""

    key: Hashable
    remark: Remark
    unclear: bool = False


BY_AGENT = frozenset(("agent",))
"""Stands among the topics where it is the agent who speaks."""
_OR = re.compile(r"\bor\b")


def _on_topic(kind: Kind, text: str, found: Found[Hashable], asked: Topics) -> bool:
    topic, asked = topic_of(text, found.start, found.end), asked - BY_AGENT
    if topic in kind.topics:
        return True
    if topic and (kind.foreign is None or topic in kind.foreign):
        return False
    if asked & kind.topics:
        return True
    return not kind.strict and not (asked and (kind.foreign is None or asked <= kind.foreign))


def values_in(
    kind: Kind, text: str, asked: Topics, on_behalf: bool, base: str = "", offset: int = 0
) -> Iterator[Value]:
    """The kind's values in ``text``, which is the part of ``base`` that begins at ``offset``."""
    base = base or text
    found = [f for f in kind.read(text, asked) if _on_topic(kind, base, _moved(f, offset), asked)]
    for i, one in enumerate(found):
        since = offset + found[i - 1].end if i else 0
        until = offset + found[i + 1].start if i + 1 < len(found) else len(base)
        said = remark(base, offset + one.start, offset + one.end, since, until, on_behalf, kind.personal)
        gaps = [text[a.end : b.start] for a, b in pairwise(found) if one in (a, b)]
        unclear = any(_OR.search(fold(gap)) for gap in gaps) or _twice(found, one)
        yield Value(one.value, said, unclear)


def _moved(found: Found[Hashable], offset: int) -> Found[Hashable]:
    return Found(found.value, found.start + offset, found.end + offset)


def _twice(found: Sequence[Found[Hashable]], one: Found[Hashable]) -> bool:
    """Whether the same words can be read in another way."""
    return any(f is not one and f.start == one.start and f.value != one.value for f in found)


def last_version(
    kind: Kind, text: str, asked: Topics, on_behalf: bool, before: Hashable | None
) -> list[Value]:
    """The values of an utterance after all its corrections; a part said again mends what stood ``before``.

    ``before`` is the value that a read-back has just put to the caller, or None.
    """
    standing: list[Value] = []
    part: Hashable | None = before
    for version in reversed(versions(text)):
        found = list(values_in(kind, version.text, asked, on_behalf, text, version.start))
        mended = kind.mend(part, version.text) if kind.mend and part is not None else None
        repaired = [] if mended is None else [_repaired(mended, text, version.start, on_behalf)]
        if found:
            # What is said after a beginning was broken off may be all of it, or only its end.
            restarted = before is None and (not standing or _is_part(found[-1].key, mended))
            standing = [*found, *repaired] if restarted else found
            part = found[-1].key
        elif repaired and (standing or before is not None or version.start):
            standing, part = repaired, mended
        elif kind.partial and not standing:
            part = kind.partial(version.text) or part
    return standing


def _is_part(said: Hashable, whole: Hashable | None) -> bool:
    return isinstance(said, str) and isinstance(whole, str) and len(said) < len(whole)


def _repaired(value: Hashable, text: str, since: int, on_behalf: bool) -> Value:
    return Value(value, remark(text, len(text), len(text), since, len(text), on_behalf, False))
