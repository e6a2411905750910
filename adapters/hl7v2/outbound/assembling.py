"""Segments put together to a message of HL7's own structure by hl7apy, which refuses what does not belong there.

The values are escaped before (:mod:`adapters.hl7v2.writing`), so that nothing in them divides anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hl7apy.core import Message as Built
from hl7apy.exceptions import HL7apyException, InvalidName

from adapters.hl7v2.message import Message, parse
from adapters.hl7v2.outbound.profile import Profile
from adapters.hl7v2.writing import Components, Field, write_header, write_segment
from fhirserver.ports.ehr import Permanent

_LEAST = {"MSH": 12, "PID": 5, "PV1": 2, "SCH": 2}


@dataclass(slots=True)
class Part:
    """One segment on its way: its fields by number, and the group that it belongs to, empty for none.

    ``opens``: a group of its own, rather than the one that is open.
    """

    name: str
    fields: dict[int, Field] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    opens: bool = False


def structure_of(event: str, version: str) -> str:
    """The message structure of an event (HL7 table 0354), by hl7apy's library of the version."""
    if event.startswith("S"):
        return "SIU_S12"
    wanted = {"A28": "ADT_A05", "A31": "ADT_A05", "A29": "ADT_A21"}.get(event, "ADT_A01")
    try:
        Built(wanted, version=version)
    except InvalidName:
        return "ADT_A01"
    return wanted


def assembled(
    event: str, control_id: str, at: str, parts: Sequence[Part], profile: Profile, about: Mapping[str, Any]
) -> Message:
    """The message. ``at`` is an HL7 time stamp; ``about`` the resources that the profile's paths are asked of, by type.

    Raises :class:`~fhirserver.ports.ehr.Permanent` where HL7's structure has no place for a segment.
    """
    structure = structure_of(event, profile.version)
    header = _header(event, structure, control_id, at, profile)
    signs = profile.separators
    characters = {"SEGMENT": "\r", "GROUP": "\r", "FIELD": signs.field, "COMPONENT": signs.component}
    characters |= {"SUBCOMPONENT": signs.subcomponent, "REPETITION": signs.repetition, "ESCAPE": signs.escape}
    try:
        built = Built(structure, version=profile.version, encoding_chars=characters)
        built.msh.value = head = write_header("MSH", header, signs)
        written = _fill(built, [*parts, *_own_segments(parts, profile)], profile, about)
    except HL7apyException as error:
        raise Permanent(
            f"no {event} of version {profile.version} can be made: {type(error).__name__}"
        ) from None
    # As they were written: hl7apy moves what follows a field that its version has withdrawn (EVN-1 in 2.8).
    return parse("".join(f"{segment}\r" for segment in (head, *written)), profile.encoding)


def _header(event: str, structure: str, control_id: str, at: str, profile: Profile) -> list[Field]:
    kind = ("SIU" if event.startswith("S") else "ADT", event, structure)
    numbers: dict[int, Field] = {
        3: profile.sending[0],
        4: profile.sending[1],
        5: profile.receiving[0],
        6: profile.receiving[1],
        7: at,
        9: Components(kind),
        10: control_id,
        11: profile.processing_id,
        12: profile.version,
        15: profile.accept,
        16: profile.application,
        18: profile.charset,
    }
    numbers.update(_set(profile.texts, "MSH"))
    return [numbers.get(number) for number in range(3, max(numbers) + 1)]


def _fill(built: Any, parts: Sequence[Part], profile: Profile, about: Mapping[str, Any]) -> list[str]:
    """Add the segments in their order, each to its group. Returns their texts."""
    written: list[str] = []
    open_groups: dict[tuple[str, ...], Any] = {(): built}
    for part in parts:
        holder = built
        for depth in range(1, len(part.groups) + 1):
            path = part.groups[:depth]
            if path not in open_groups or (part.opens and depth == len(part.groups)):
                open_groups = {known: group for known, group in open_groups.items() if known[:depth] != path}
                open_groups[path] = holder.add_group(path[-1])
            holder = open_groups[path]
        fields = {**part.fields, **dict(_own(part.name, profile, about))}
        written.append(_written(part.name, fields, profile))
        holder.add_segment(part.name).value = written[-1]
    return written


def _written(name: str, fields: Mapping[int, Field], profile: Profile) -> str:
    values = [fields.get(number) for number in range(1, max(fields, default=0) + 1)]
    return write_segment(name, values, profile.separators, _LEAST.get(name, 1))


def _own_segments(parts: Sequence[Part], profile: Profile) -> list[Part]:
    """The segments that only the profile speaks of, such as ZPI."""
    there = {part.name for part in parts} | {"MSH"}
    names = dict.fromkeys(place[:3] for place in (*profile.texts, *profile.paths) if place[:3] not in there)
    return [Part(name) for name in names if name.startswith("Z")]


def _own(name: str, profile: Profile, about: Mapping[str, Any]) -> list[tuple[int, Field]]:
    """What the profile says of a segment's fields."""
    found: list[tuple[int, Field]] = list(_set(profile.texts, name))
    for place, (type, path) in profile.paths.items():
        resource = about.get(type)
        if place[:3] == name and resource is not None and (values := path(resource)):
            found.append((int(place[4:]), str(values[0].value)))
    return found


def _set(texts: Mapping[str, str], name: str) -> list[tuple[int, str]]:
    return [(int(place[4:]), text) for place, text in texts.items() if place[:3] == name]
