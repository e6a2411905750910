"""The resources of a message, each with the keys of the record that it is of; what is named twice is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from adapters.hl7v2.convert.conversion import Conversion, Mapped
from adapters.hl7v2.ingest.keys import DIRECTORY, KeyMaker, Keys
from adapters.hl7v2.ingest.locals import LOCALS
from adapters.hl7v2.ingest.patients import Named, Naming, facility_of, owners
from adapters.hl7v2.message import NULL, Message, Segment
from fhirserver.kernel.json import JsonObject, dumps

_ONCE = DIRECTORY | {"Patient", "Encounter", "Coverage", "Account", "EpisodeOfCare", "RelatedPerson"}
"""Types of which a message that names the same one twice means one; of others it means two."""
_ABOUT_THE_MESSAGE = frozenset({"MessageHeader", "Provenance", "Bundle", "Parameters", "Linkage"})
"""Types that say how a message was made; the statement itself says that (docs/hl7v2-world.md)."""


@dataclass(slots=True, eq=False)
class Subject:
    """One resource of which a message speaks, as a value: not frozen only since a message makes a dozen of them.

    ``locals`` are its names in the conversion. ``former`` says that it is only named as merged away or renamed: nothing
    is stated of it. ``supplied`` are the elements that no field said, ``doubtful`` those whose codes a ConceptMap made
    more of than they say.
    """

    type: str
    keys: tuple[str, ...]
    content: JsonObject = field(repr=False)
    absent: frozenset[str]
    origin: Mapping[str, str]
    locals: tuple[str, ...]
    own: bool = False
    former: bool = False
    supplied: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    _text: bytes = field(default=b"", init=False, repr=False)
    _refers: tuple[str, ...] | None = field(default=None, init=False, repr=False)

    @property
    def text(self) -> bytes:
        """The content as JSON."""
        if not self._text:
            self._text = dumps(self.content)
        return self._text

    @property
    def refers(self) -> tuple[str, ...]:
        """The names in the conversion of what the content refers to, in order."""
        if self._refers is None:
            self._refers = tuple([local.decode() for local in LOCALS.findall(self.text)])
        return self._refers

    @property
    def segment(self) -> str:
        """The segment that it comes from, such as ``AL1``; empty where that is not known."""
        places = iter(self.origin.values())
        return next(places, "").partition("-")[0].partition("[")[0]


def patients(conversion: Conversion, message: Message, naming: Naming, digest: str) -> list[Subject]:
    """The patients of a message. They are linked first: what is said of others rests on who they are."""
    made = [one for one in conversion.resources if one.content["resourceType"] == "Patient"]
    current = [found for _, found in owners(message, naming)]
    alive = {one.key for found in current for one in found}
    named = dict(_patients(made, message, naming, current))
    known = {local: Keys(tuple(one.key for one in found)) for local, found in named.items() if found}
    maker = KeyMaker(made, known, digest, facility_of(message))
    former = {local for local, keys in known.items() if alive.isdisjoint(keys.keys)}
    return _distinct(_subject(one, maker.of(one.local), one.local in former) for one in made)


def others(
    conversion: Conversion, message: Message, naming: Naming, digest: str, world: Mapping[str, str]
) -> list[Subject]:
    """What else a message speaks of. ``digest`` names the message, ``world`` the resources of its patients."""
    gone = _ABOUT_THE_MESSAGE | {"Patient"}
    resources = [one for one in conversion.resources if one.content["resourceType"] not in gone]
    facility = facility_of(message)
    of_type: dict[str, list[Mapped]] = {}
    for one in resources:
        of_type.setdefault(one.content["resourceType"], []).append(one)
    known = dict(_numbered(of_type, message, naming))
    unnumbered = any(one.local not in known for one in of_type.get("Encounter", ()))
    account = _account(message, naming, facility) if unnumbered else ""
    maker = KeyMaker(resources, known, digest, facility, account, world)
    return _distinct(_subject(one, maker.of(one.local), False) for one in resources)


def _distinct(made: Iterable[Subject]) -> list[Subject]:
    """Each record once: joined where it is named twice, counted where two are alike."""
    found: dict[tuple[str, str], Subject] = {}
    for subject in made:
        place = (subject.type, subject.keys[0])
        if place in found and subject.type in _ONCE:
            found[place] = _joined(found[place], subject)
        else:
            subject = _counted(subject, found)
            found[subject.type, subject.keys[0]] = subject
    return list(found.values())


def united(about: Sequence[Subject], world: Mapping[str, str]) -> list[Subject]:
    """The same, those joined that turned out to be one resource: an order, and its number named again in passing."""
    found: dict[str, Subject] = {}
    for subject in about:
        reference = world[subject.locals[0]]
        before = found.get(reference)
        found[reference] = subject if before is None else _joined(before, subject)
    return list(found.values())


def _subject(one: Mapped, keys: Keys, former: bool) -> Subject:
    type = one.content["resourceType"]
    local = (one.local,)
    return Subject(
        type, keys.keys, one.content, one.absent, one.origin, local, keys.own, former, one.supplied
    )


def _counted(subject: Subject, found: Mapping[tuple[str, str], Subject]) -> Subject:
    """The second of two results of one kind is the second: told from the first by its place."""
    if (subject.type, subject.keys[0]) not in found:
        return subject
    number, keys = 1, subject.keys
    while (subject.type, keys[0]) in found:
        number += 1
        keys = tuple(f"{key}#{number}" for key in subject.keys)
    return replace(subject, keys=keys)


def _joined(one: Subject, other: Subject) -> Subject:
    """What is said of a resource in two places of a message: the first place has the say, lists are of both."""
    content = dict(one.content)
    for name, value in other.content.items():
        mine = content.setdefault(name, value)
        if isinstance(mine, list) and isinstance(value, list) and mine is not value:
            content[name] = [*mine, *(item for item in value if item not in mine)]
    return replace(
        one,
        keys=tuple(dict.fromkeys((*one.keys, *other.keys))),
        content=content,
        absent=(one.absent | other.absent) - content.keys(),
        origin={**other.origin, **one.origin},
        locals=(*one.locals, *other.locals),
        former=one.former and other.former,
        supplied=(one.supplied | other.supplied) - one.origin.keys() - other.origin.keys(),
    )


def _patients(
    resources: Sequence[Mapped], message: Message, naming: Naming, current: Sequence[list[Named]]
) -> Iterator[tuple[str, list[Named]]]:
    """Who each Patient of the conversion is: the PID, or else the MRG, whose number it has."""
    facility = facility_of(message)
    left = [*current, *(naming.of_former(mrg, facility) for mrg in message.all("MRG"))]
    for one in resources:
        values = {item.get("value") for item in one.content.get("identifier", ())}
        holders = [found for found in left if not values.isdisjoint(given.value for given in found)]
        holder = holders[0] if holders else left[0] if left and len(resources) == 1 else []
        left = [found for found in left if found is not holder]
        yield one.local, holder


_NUMBERS = (("Encounter", "PV1", ((19, ""), (50, ""))), ("Account", "PID", ((18, ""),)))
_PLACED = ("Appointment", "SCH", ((2, "FILL:"), (1, "PLAC:")))
"""The numbers that MRG-5 and MRG-3 name too, of which the first that is there counts; and those that both count."""


def _numbered(
    of_type: Mapping[str, Sequence[Mapped]], message: Message, naming: Naming
) -> Iterator[tuple[str, Keys]]:
    """Visits, accounts and appointments by the numbers in their segments."""
    for type, segment, fields in (*_NUMBERS, _PLACED):
        holder = message.first(segment) if type in of_type else None
        found = list(_in_fields(holder, fields, type, naming, facility_of(message))) if holder else []
        some = found if type == "Appointment" else found[:1]
        for made in of_type[type] if some else ():
            values = {item.get("value") for item in made.content.get("identifier", ())}
            if some[0].value in values:
                yield made.local, Keys(tuple(one.key for one in some))


def _in_fields(
    holder: Segment, fields: Iterable[tuple[int, str]], type: str, naming: Naming, facility: str
) -> Iterator[Named]:
    for number, kind in fields:
        for item in holder.repetitions(number)[:1]:
            authority = 2 if type == "Appointment" else 4  # EI has it there, CX here
            if one := naming.named(item, facility, authority):
                yield Named(f"{kind}{one.key}", one.value, one.rank)


def _account(message: Message, naming: Naming, facility: str) -> str:
    """The key of a visit that has no number: that of its account, PID-18."""
    pid = message.first("PID")
    account = pid.repetitions(18) if pid and pid.value(18) not in (None, NULL) else ()
    found = naming.named(account[0], facility) if account else None
    return f"account:{found.key}" if found else ""
