"""Acknowledgements: what a receiver answers to a message, in original and in enhanced mode.

https://www.hl7.eu/HL7v2x/v251/std251/ch02.html (2.9, message processing rules; 2.15.5, ERR; 2.15.8, MSA).
Codes: HL7 table 0008 (AA, AE, AR, CA, CE, CR) and table 0357 (error conditions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from adapters.hl7v2.message import MalformedMessage, Message, Segment, parse
from adapters.hl7v2.places import read_place
from adapters.hl7v2.separators import Separators
from adapters.hl7v2.writing import Components, Field, Raw, write_header, write_segment

ERRORS = {
    "0": "Message accepted",
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "104": "Value too long",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "204": "Unknown key identifier",
    "205": "Duplicate key identifier",
    "206": "Application record locked",
    "207": "Application error",
}
"""HL7 table 0357."""

_COMMIT = {"AA": "CA", "AE": "CE", "AR": "CR"}
_DEFAULT_VERSION = "2.5.1"
_NEW_ERR = (2, 5)
_NAMED_STRUCTURE = (2, 3, 1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is answered. ``code`` is of table 0008, ``error`` of table 0357, ``severity`` E, W or I.

    ``place`` is such as ``PID-3``; ``text`` says what is wrong, without values of the message; ``own`` is a code of the
    application's (ERR-5).
    """

    code: str
    error: str = "0"
    place: str = ""
    text: str = ""
    severity: str = "E"
    warnings: tuple[str, ...] = ()
    own: str = ""

    @property
    def accepted(self) -> bool:
        return self.code in ("AA", "CA")

    def as_commit(self) -> Verdict:
        """The same as an accept acknowledgement (CA, CE, CR)."""
        return replace(self, code=_COMMIT.get(self.code, self.code))


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An answer as it was received. ``of`` is the control id of what it answers (MSA-2)."""

    code: str
    of: str
    message: Message
    text: str = ""

    @property
    def accepted(self) -> bool:
        return self.code in ("AA", "CA")

    @property
    def is_commit(self) -> bool:
        """Whether it only says that the message is safe, not what became of it."""
        return self.code[:1] == "C"


def read_acknowledgement(message: Message) -> Acknowledgement:
    """Raises :class:`MalformedMessage` where the message is no acknowledgement."""
    answer = message.first("MSA")
    code = answer.value(1) if answer else None
    if answer is None or not code:
        raise MalformedMessage("no acknowledgement", "MSA-1")
    return Acknowledgement(code, answer.value(2) or "", message, answer.value(3) or "")


def wants(message: Message) -> tuple[str, str]:
    """When the sender wants an accept and an application acknowledgement: AL, NE, ER or SU.

    In original mode, MSH-15 and MSH-16 both empty, it wants only the latter, always.
    """
    accept, application = message.header.value(15) or "", message.header.value(16) or ""
    if not accept and not application:
        return "NE", "AL"
    return accept or "NE", application or "NE"


def due(condition: str, verdict: Verdict) -> bool:
    """Whether an acknowledgement is due under AL (always), ER (errors), SU (success) or NE (never)."""
    return condition == "AL" or condition == ("SU" if verdict.accepted else "ER")


def acknowledge(message: Message, verdict: Verdict, at: str, control_id: str) -> str:
    """The text of an acknowledgement: sender and receiver change places, version and character set stay.

    ``at`` is an instant of ours; ``control_id`` the answer's own.
    """
    header, separators = message.header, message.separators
    # The sender may have chosen fewer separators than an answer needs.
    separators = _complete(separators)
    modern = _version(message.version) >= _NEW_ERR
    segments = [
        _header(header, separators, at, control_id),
        write_segment("MSA", _msa(header, verdict, modern), separators, least=2),
        *_errors(verdict, separators, modern),
    ]
    return "".join(f"{segment}\r" for segment in segments)


def refuse_unread(header: str, verdict: Verdict, at: str, control_id: str) -> str:
    """The acknowledgement of what could not be read, as far as its first segment tells whose it is."""
    try:
        return acknowledge(parse(header), verdict, at, control_id)
    except MalformedMessage:
        nobody = parse(f"MSH|^~\\&|||||||||P|{_DEFAULT_VERSION}")
        return acknowledge(nobody, verdict, at, control_id)


def _header(header: Segment, separators: Separators, at: str, control_id: str) -> str:
    def same(field: int) -> Raw:
        return Raw(header.field(field))

    fields: list[Field] = [
        same(5),
        same(6),
        same(3),
        same(4),
        timestamp(at),
        None,
        Components(_type(header)),
        control_id,
        same(11) or "P",
        same(12) or _DEFAULT_VERSION,
        *[None] * 5,
        same(18),
    ]
    return write_header("MSH", fields, separators)


def _type(header: Segment) -> tuple[str, ...]:
    """MSH-9. It has a message structure only from version 2.3.1 on."""
    event = header.value(9, component=2)
    if not event:
        return ("ACK",)
    return ("ACK", event, "ACK")[: 3 if _version(header.value(12) or "") >= _NAMED_STRUCTURE else 2]


def _msa(header: Segment, verdict: Verdict, modern: bool) -> Sequence[Field]:
    text = "" if modern or verdict.accepted else verdict.text[:80]
    return (verdict.code, Raw(header.field(10)), text)


def _errors(verdict: Verdict, separators: Separators, modern: bool) -> list[str]:
    segments = [] if verdict.accepted else [_error(verdict, separators, modern)]
    if modern:
        warnings = (Verdict("AA", "207", text=text, severity="W") for text in verdict.warnings[:20])
        segments += [_error(warning, separators, modern) for warning in warnings]
    return segments


def _error(verdict: Verdict, separators: Separators, modern: bool) -> str:
    code = (verdict.error, ERRORS.get(verdict.error, ""), "HL70357")
    place = read_place(verdict.place)
    if not modern:
        before = (place.segment, place.occurrence, place.field) if place else ("", "", "")
        return write_segment("ERR", (Components((*before, code)),), separators)
    location = Components(place.location()) if place else None
    text = verdict.text if place or not verdict.place else f"{verdict.place}: {verdict.text}"
    own = Components((verdict.own, None, "L")) if verdict.own else None
    fields: list[Field] = [None, location, Components(code), verdict.severity, own, None, None, text]
    return write_segment("ERR", fields, separators)


def _complete(separators: Separators) -> Separators:
    """The separators with those that were not declared filled in from the usual ones."""
    if separators.repetition and separators.escape and separators.subcomponent:
        return separators
    usual = iter("^~\\&!%*+")
    taken = set(separators.field + separators.encoding_characters)

    def or_unused(declared: str) -> str:
        if declared:
            return declared
        free = next(one for one in usual if one not in taken)
        taken.add(free)
        return free

    return replace(
        separators,
        repetition=or_unused(separators.repetition),
        escape=or_unused(separators.escape),
        subcomponent=or_unused(separators.subcomponent),
    )


def timestamp(at: str) -> str:
    """An instant of ours as an HL7 time stamp: ``20261128150126.123+0000``."""
    return at[:-1].replace("-", "").replace(":", "").replace("T", "") + "+0000"


@lru_cache(maxsize=64)
def _version(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in (text or _DEFAULT_VERSION).split("."))
    except ValueError:
        return _NEW_ERR
