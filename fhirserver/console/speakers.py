"""Who speaks, as the pages write it: a source, and after a merge the record that it spoke of."""

from __future__ import annotations

from fhirserver.world.voices import last, origin_of


def said_of(voice: str, type: str) -> str:
    """``said of Patient/dup`` for what was said about a record that was merged since; else empty."""
    origin = origin_of(voice)
    return f"said of {type}/{last(origin)}" if origin else ""
