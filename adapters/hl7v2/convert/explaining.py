"""Where everything in a conversion came from: the matter of ``credence hl7 explain``."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.hl7v2.convert.conversion import Conversion, Explained
from adapters.hl7v2.convert.engine import convert
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.message import Message

SUPPLIED = "required by R4, or meant by the event"


def explain(message: Message, site: Site) -> Conversion:
    """The conversion, and in ``explained`` for every element the field and the row of the map that made it."""
    return convert(message, site, explain=True)


def rows(conversion: Conversion) -> Iterator[Explained]:
    """In the order of the resources and their elements; what no field said comes last of each resource."""
    for mapped in conversion.resources:
        yield from (one for one in conversion.explained if one.local == mapped.local and one.element)
        for name in sorted(mapped.supplied):
            yield Explained(mapped.local, name, mapped.origin.get(name, "-"), SUPPLIED)


def report(conversion: Conversion) -> str:
    """Plain text, a line each; holds no value of the message, so that it may be shown to anybody."""
    lines: list[str] = []
    local = ""
    for one in rows(conversion):
        if one.local != local:
            local = one.local
            lines.append(local)
        lines.append(f"  {one.element:<44} {one.place:<10} {one.source}")
    return "\n".join((*lines, *report_beside(conversion)))


def report_beside(conversion: Conversion) -> Iterator[str]:
    """What is stated to be nothing, merges, what no map speaks of, and what was wrong."""
    for mapped in conversion.resources:
        for place, element in mapped.nulled.items():
            yield f"{place} states {element} to be nothing"
    yield from (f"{fact.place} {fact.kind} of {fact.subject}" for fact in conversion.merges)
    for place in (*conversion.unmapped, *conversion.unmapped_fields):
        yield f"{place} is spoken of by no map"
    yield from (f"{issue.place}: {issue.what} ({issue.source})" for issue in conversion.issues)
