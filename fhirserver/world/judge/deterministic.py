"""The judge that needs no model: find the claimed value in what was said, and the caller's yes to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from fhirserver.kernel.json import Json
from fhirserver.ports.judge import Claim, Evidence, Finding, Turn, Verdict
from fhirserver.world.judge.moments import assess_moment, start_of
from fhirserver.world.judge.reading import CALLER, mentions_of, quote, weigh, worst
from fhirserver.world.spoken.addresses import address, address_key
from fhirserver.world.spoken.answers import versions
from fhirserver.world.spoken.dates import birth_dates
from fhirserver.world.spoken.identifiers import (
    digit_strings,
    identifier_key,
    identifiers,
    is_member_id,
    is_nanp,
    is_npi,
    is_postal_code,
    phone_key,
    phones,
)
from fhirserver.world.spoken.names import bare_name, mentions, says_family, says_given
from fhirserver.world.spoken.payers import PAYERS
from fhirserver.world.spoken.words import fold

_ELEMENT = re.compile(r"[A-Za-z]+")
_GROUP = re.compile(r"\bgroup\b", re.I)
_OTHER_TOPIC = re.compile(
    r"\b(?:phone|telephone|cell|mobile|address|street|zip|date of birth|birth date|appointment)\b", re.I
)
_OWN_TOPIC = re.compile(r"\b(?:member|insurance|card|policy|plan)\b", re.I)
_NO_MORE = re.compile(r"\b(?:no group|don't have (?:one|a group)|there (?:isn't|is no))\b", re.I)
_TESTIFIED = {
    "Coverage": ("payor", "subscriberId", "class"),
    "Patient": ("telecom", "address", "birthDate", "name"),
}
"""The elements of a statement that a caller can have said; the others follow from them."""
_OWN_RECORDS = frozenset({"Communication", "DocumentReference"})


class DeterministicJudge:
    """A :class:`~fhirserver.ports.judge.Judge` of rules alone: the same claim and evidence, the same "
    "verdict."""

    def assess(self, claim: Claim, evidence: Evidence) -> Verdict:
        """Compare one claim with the transcript it rests on. Never raises for what a claim holds."""
        element = _ELEMENT.match(claim.unit)
        name = element[0] if element else claim.unit
        if claim.method == "inferred":
            return Verdict(Finding.DOUBTFUL, 0.9, "The agent inferred this; the caller never said it.")
        if not evidence.turns:
            return Verdict(Finding.DOUBTFUL, 0.9, "There is no transcript to compare with.")
        if claim.type in ("Appointment", "Slot"):
            return _scheduling(claim, evidence)
        if claim.type in _OWN_RECORDS:
            return Verdict(Finding.VERIFIED, 0.7, "This is the record of the conversation itself.")
        if claim.value is None:
            return Verdict(Finding.DOUBTFUL, 0.7, "That a value is absent cannot be read from what was said.")
        return _testified(claim, name, evidence)

    def assess_resource(self, claim: Claim, evidence: Evidence) -> Verdict:
        """The verdict on a whole statement: the worst of what its testified elements get."""
        resource = claim.resource
        names = [n for n in _TESTIFIED.get(claim.type, ()) if n in resource]
        if not names:
            return self.assess(claim, evidence)
        return worst([_element(claim, n, resource[n], evidence) for n in names])


def _testified(claim: Claim, name: str, evidence: Evidence) -> Verdict:
    if name in _READERS.get(claim.type, {}):
        return _element(claim, name, claim.value, evidence)
    named = [n for n in _TESTIFIED.get(claim.type, ()) if claim.resource.get(n) is not None]
    if not named:
        reason = f"{claim.type}.{name} is nothing this judge can find in speech."
        return Verdict(Finding.DOUBTFUL, 0.6, reason)
    parts = [_element(claim, n, claim.resource[n], evidence) for n in named]
    return worst(parts, f"{name} follows from what was said: ")


def _element(claim: Claim, name: str, value: Json, evidence: Evidence) -> Verdict:
    reader = _READERS[claim.type][name]
    items = value if isinstance(value, list) else [value]
    if not items:
        return Verdict(Finding.DOUBTFUL, 0.7, f"{name} is empty.")
    return worst([reader(claim, item, evidence) for item in items])


# Appointment and Slot


def _scheduling(claim: Claim, evidence: Evidence) -> Verdict:
    resource = claim.resource or ({"start": claim.value} if claim.unit.startswith("start") else {})
    start = start_of(resource)
    if start is None:
        return Verdict(Finding.DOUBTFUL, 0.8, f"{claim.type}.start is missing, so no time can be compared.")
    gives_up = resource.get("status") in ("cancelled", "free")
    verdict = assess_moment(start, evidence, gives_up)
    if claim.type == "Appointment" and claim.unit.startswith("cancelationReason"):
        return _reason(claim, evidence, verdict)
    return verdict


def _reason(claim: Claim, evidence: Evidence, verdict: Verdict) -> Verdict:
    """The reason's own words must be the caller's, unless the reason is that the visit was moved."""
    text = claim.value.get("text", "") if isinstance(claim.value, dict) else ""
    if verdict.finding is not Finding.VERIFIED or not text or text.startswith("Moved to another time"):
        return verdict
    said = [t for t in evidence.turns if t.speaker == CALLER and fold(text) in fold(t.text)]
    if said:
        quotes = (*verdict.quotes, quote(said[-1]))
        return Verdict(Finding.VERIFIED, 0.9, "The reason is in the caller's own words.", quotes)
    return Verdict(Finding.DOUBTFUL, 0.7, "The reason is not found in what the caller said.", verdict.quotes)


# Coverage


def _subscriber_id(claim: Claim, value: Json, evidence: Evidence) -> Verdict:
    text = str(value)
    if not is_member_id(text):
        return Verdict(Finding.DOUBTFUL, 0.8, "The member ID does not have the shape of one.")
    expected = identifier_key(text)
    group = {identifier_key(str(c.get("value", ""))) for c in claim.resource.get("class", ())}

    def find(said: str) -> list[Hashable]:
        keys = [identifier_key(f.value) for f in identifiers(_before_group(said), 5)]
        numbers = {identifier_key(phone_key(f.value)) for f in phones(said)}
        return [k for k in keys if k == expected or (k not in group and k not in numbers)]

    turns = _on_topic(_window(claim, evidence))
    verdict = weigh(expected, mentions_of(turns, find), "member ID")
    return _in_pieces(verdict, expected, turns, "member ID")


def _on_topic(turns: Sequence[Turn]) -> list[Turn]:
    """Without the caller's answers to questions about something else: a street number is no member ID."""
    kept: list[Turn] = []
    asked = ""
    for turn in turns:
        if turn.speaker != CALLER:
            asked = turn.text
        elif _OTHER_TOPIC.search(asked) and not _OWN_TOPIC.search(asked):
            continue
        kept.append(turn)
    return kept


def _before_group(text: str) -> str:
    match = _GROUP.search(text)
    return text[: match.start()] if match else text


def _in_pieces(verdict: Verdict, expected: str, turns: Sequence[Turn], what: str) -> Verdict:
    """Given in several turns: the caller's characters one after another hold it."""
    if verdict.finding is Finding.VERIFIED or not verdict.reasoning.startswith(
        "The " + what + " is not found"
    ):
        return verdict
    for i in range(len(turns)):
        joined, used = "", []
        for turn in [t for t in turns[i:] if t.speaker == CALLER][:4]:
            joined += "".join(identifier_key(f.value) for f in identifiers(turn.text, 1)) or "".join(
                f.value for f in digit_strings(turn.text)
            )
            used.append(turn)
            if joined == expected:
                reason = f"The caller said the {what} in pieces; it was not confirmed as a whole."
                return Verdict(Finding.VERIFIED, 0.72, reason, tuple(quote(t) for t in used))
    return verdict


def _class(claim: Claim, value: Json, evidence: Evidence) -> Verdict:
    expected = identifier_key(str(value.get("value", "")) if isinstance(value, dict) else "")
    member = identifier_key(str(claim.resource.get("subscriberId", "")))
    turns = _window(claim, evidence)
    asked = {t.number + 1 for t in turns if t.speaker != CALLER and re.search(r"group number", t.text, re.I)}

    def find(said: str) -> list[Hashable]:
        match = _GROUP.search(said)
        if match is None or _NO_MORE.search(said):
            return []
        return [identifier_key(f.value) for f in identifiers(said[match.end() :], 2)[:1]]

    found = mentions_of(turns, find)
    bare = [t for t in turns if t.speaker == CALLER and t.number in asked and not _GROUP.search(t.text)]
    named = {t.number for t in bare for v in versions(t.text) if expected in _ids(v.text, member)}
    verdict = weigh(expected, found, "group number")
    if verdict.finding is Finding.DOUBTFUL and named:
        said = [t for t in bare if t.number in named]
        reason = "The caller said it when asked for the group number."
        return Verdict(Finding.VERIFIED, 0.78, reason, (quote(said[-1]),))
    return verdict


def _ids(text: str, other_than: str) -> list[str]:
    keys = [identifier_key(f.value) for f in identifiers(text, 2)]
    return [k for k in keys if k != other_than]


def _payor(claim: Claim, value: Json, evidence: Evidence) -> Verdict:
    if not isinstance(value, dict):
        return Verdict(Finding.DOUBTFUL, 0.7, "The insurance company has no name.")
    name = value.get("display") or claim.names.get(str(value.get("reference", "")), "")
    if not name:
        return Verdict(Finding.DOUBTFUL, 0.7, "The name of the insurance company is not known.")
    others = [p for p in PAYERS if not mentions(name, p) and not mentions(p, name)]

    def find(said: str) -> list[Hashable]:
        hits: list[Hashable] = [name] if mentions(said, name) else []
        return hits or [p for p in others if mentions(said, p)]

    return weigh(name, mentions_of(_window(claim, evidence), find), "insurance company")


# Patient


def _telecom(claim: Claim, value: Json, evidence: Evidence) -> Verdict:
    if not isinstance(value, dict) or value.get("system", "phone") not in ("phone", "sms"):
        return Verdict(Finding.DOUBTFUL, 0.6, "Only phone numbers can be compared with speech.")
    number = str(value.get("value", ""))
    if not is_nanp(number):
        return Verdict(Finding.DOUBTFUL, 0.85, "The phone number is not one of the North American plan.")

    def find(said: str) -> list[Hashable]:
        return [phone_key(f.value) for f in phones(said)]

    turns = _window(claim, evidence)
    verdict = weigh(phone_key(number), mentions_of(turns, find), "phone number")
    return _in_pieces(verdict, phone_key(number), turns, "phone number")


def _address(claim: Claim, value: Json, evidence: Evidence) -> Verdict:
    if not isinstance(value, dict):
        return Verdict(Finding.DOUBTFUL, 0.7, "The address is empty.")
    postal, city = str(value.get("postalCode", "")), str(value.get("city", ""))
    if postal and not is_postal_code(postal):
        return Verdict(Finding.DOUBTFUL, 0.85, "The postal code does not have the shape of a ZIP code.")
    line = ", ".join(str(part) for part in value.get("line", ()))
    turns = _window(claim, evidence)
    parts = [
        (address_key(line), lambda said: [address_key(address(said).line)], "street"),
        (postal[:5], lambda said: [address(said).postal_code[:5]], "postal code"),
        (fold(city), lambda said: [fold(address(said).city)], "city"),
    ]
    verdicts = []
    for expected, reader, what in parts:
        if expected:
            found = mentions_of(turns, _filled(reader))
            verdicts.append(weigh(expected, found, what))
    return worst(verdicts) if verdicts else Verdict(Finding.DOUBTFUL, 0.7, "The address is empty.")


def _filled(reader: Callable[[str], Sequence[str]]) -> Callable[[str], list[Hashable]]:
    return lambda said: [value for value in reader(said) if value]


def _birth_date(claim: Claim, value: Json, evidence: Evidence) -> Verdict:
    try:
        expected = date.fromisoformat(str(value))
    except ValueError:
        return Verdict(Finding.DOUBTFUL, 0.7, "The birth date is not a whole date.")
    turns = _window(claim, evidence)
    today = turns[0].at.astimezone(ZoneInfo(evidence.zone)).date() if turns else expected

    def find(said: str) -> list[Hashable]:
        return [f.value for f in birth_dates(said, today)]

    return weigh(expected, mentions_of(turns, find), "birth date")


def _name(claim: Claim, value: Json, evidence: Evidence) -> Verdict:
    if not isinstance(value, dict):
        return Verdict(Finding.DOUBTFUL, 0.7, "The name is empty.")
    family = bare_name(str(value.get("family", "")))
    given = [bare_name(str(g)) for g in value.get("given", ())]
    for turn in _window(claim, evidence):
        if turn.speaker != CALLER:
            continue
        whole = (not family or says_family(turn.text, family)) and (
            not given or says_given(turn.text, given[:1])
        )
        if whole and (family or given):
            return Verdict(Finding.VERIFIED, 0.75, "The caller gave this name.", (quote(turn),))
    return Verdict(Finding.DOUBTFUL, 0.7, "The name is not found in what the caller said.")


def _npi(claim: Claim, value: Json, evidence: Evidence) -> Verdict:
    number = str(value.get("value", "")) if isinstance(value, dict) else ""
    if (
        isinstance(value, dict)
        and value.get("system") == "http://hl7.org/fhir/sid/us-npi"
        and not is_npi(number)
    ):
        return Verdict(Finding.CONTRADICTED, 0.99, "The check digit of the NPI is wrong.")

    def find(said: str) -> list[Hashable]:
        return [identifier_key(f.value) for f in identifiers(said, 4)]

    return weigh(identifier_key(number), mentions_of(_window(claim, evidence), find), "identifier")


def _window(claim: Claim, evidence: Evidence) -> tuple[Turn, ...]:
    """From just before the first turn the claim rests on to the end: later words count, earlier "
    "matters do not."""
    if not claim.turns:
        return evidence.turns
    first = min(claim.turns) - 1
    return tuple(t for t in evidence.turns if t.number >= first) or evidence.turns


_Reader = Callable[[Claim, Json, Evidence], Verdict]
_READERS: dict[str, dict[str, _Reader]] = {
    "Coverage": {"subscriberId": _subscriber_id, "class": _class, "payor": _payor},
    "Patient": {"telecom": _telecom, "address": _address, "birthDate": _birth_date, "name": _name},
    "Practitioner": {"identifier": _npi, "name": _name, "telecom": _telecom},
    "RelatedPerson": {"name": _name, "telecom": _telecom, "birthDate": _birth_date},
}
