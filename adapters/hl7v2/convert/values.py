"""Rows that make a primitive value: of the text of their own place, of another one, or of none."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from adapters.hl7v2.convert.codes import Vocabulary
from adapters.hl7v2.convert.context import Context
from adapters.hl7v2.convert.drafts import Draft, Json
from adapters.hl7v2.convert.nodes import Node
from adapters.hl7v2.convert.operations import PutText, Run
from adapters.hl7v2.convert.terms import Make
from adapters.hl7v2.convert.writing import placer
from adapters.hl7v2.maps.targets import Target

MOST = 128
"""Texts of a row whose values are kept: codes, units and days come again and again."""

Read = Callable[[str], Any]
"""Text to the JSON value; None where it is no such value."""


def put_text(
    target: Target, read: Read, words: Vocabulary | None, allowed: frozenset[str] | None, source: str
) -> PutText:
    """Puts the value of a text where ``target`` says: translated by ``words``, one of ``allowed`` where these are
    given. What cannot be taken over is an issue."""
    place = placer(target, source)
    made = lru_cache(maxsize=MOST)(_maker(target, read, words, allowed))

    def put(context: Context, draft: Draft, start: Json, text: object, repetition: int) -> None:
        if isinstance(text, str) and text:
            value, wrong = made(text)
            if wrong:
                context.issue(wrong, source)
            else:
                place(context, draft, start, value, repetition)

    return put


def _maker(
    target: Target, read: Read, words: Vocabulary | None, allowed: frozenset[str] | None
) -> Callable[[str], tuple[Any, str]]:
    """Text to the value, or to what is wrong with it."""

    def made(text: str) -> tuple[Any, str]:
        if words is not None:
            found = words.find(text)
            if found is not None:
                text = found.code
            if not text:
                return None, f"the map leaves this code open ({words.name})"
        value = read(text)
        if value is None:
            return None, f"no {target.type}"
        if allowed is not None and value not in allowed:
            return None, f"no code that {target.top or target.name} may have"
        return value, ""

    return made


def run_text(make: Make, put: PutText) -> Run:
    """The row: ``put`` of what ``make`` makes."""

    def run(context: Context, draft: Draft, start: Json, node: Node | None, repetition: int) -> None:
        put(context, draft, start, make(context, node), repetition)

    return run
