"""Voices: who speaks in a ledger, and of which record.

A source's own words about a resource have its id as their voice. What it said about a resource that was merged
into this one keeps that origin: ``ehr@dup``, or ``ehr@b/a`` for what came with ``b`` and had been merged into
that from ``a``. A voice stands wherever a ledger, a claim or a decision names a source.
"""

from __future__ import annotations

from collections.abc import Sequence

MARK = "@"
"""Stands between source and origin: no id of a source has it."""
_STEP = "/"


def voice(source: str, origin: str = "") -> str:
    """The voice of a source about the record of an origin; its own where there is none."""
    return f"{source}{MARK}{origin}" if origin else source


def speaker(voice: str) -> str:
    """The source."""
    return voice.partition(MARK)[0]


def origin_of(voice: str) -> str:
    """The origin: empty for a source's own words."""
    return voice.partition(MARK)[2]


def path(ids: Sequence[str]) -> str:
    """The origin of claims about the first of ids, each merged into the next, at what the last was merged into."""
    return _STEP.join(reversed(ids))


def first(origin: str) -> str:
    """The id of the resource that was merged into the holder itself."""
    return origin.partition(_STEP)[0]


def last(origin: str) -> str:
    """The id of the resource about which the claims were made."""
    return origin.rpartition(_STEP)[2]


def moved(voice: str, origin: str) -> str:
    """The voice after the record it speaks of was merged into another."""
    source, _, inner = voice.partition(MARK)
    return f"{source}{MARK}{origin}{_STEP + inner if inner else ''}"


def moved_back(voice: str, origin: str) -> str | None:
    """The voice once what came with ``origin`` is a resource of its own again; None where it did not."""
    source, _, where = voice.partition(MARK)
    if where == origin:
        return source
    if where.startswith(origin + _STEP):
        return f"{source}{MARK}{where.removeprefix(origin + _STEP)}"
    return None
