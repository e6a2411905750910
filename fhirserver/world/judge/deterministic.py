"""The judge that needs no model: find the claimed value in what was said, and the caller's yes to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from fhirserver.kernel.json import Json
from fhirserver.ports.judge import Claim, Evidence, Finding, Verdict
from fhirserver.world.judge import coverage, person, places
from fhirserver.world.judge.directory import Directory, default_directory
from fhirserver.world.judge.formats import malformed
from fhirserver.world.judge.hearing import Talk, as_spoken, talk
from fhirserver.world.judge.moments import assess_moment, start_of
from fhirserver.world.judge.person import Reader
from fhirserver.world.judge.reading import worst
from fhirserver.world.judge.reasons import assess_reason
from fhirserver.world.judge.written import assess_written, is_form

_ELEMENT = re.compile(r"[A-Za-z]+")
_PERSON: dict[str, Reader] = {
    "telecom": person.telecom,
    "address": places.postal_address,
    "birthDate": person.birth_date,
    "name": person.name,
    "gender": person.gender,
    "identifier": person.identifier,
}
_READERS: dict[str, dict[str, Reader]] = {
    "Coverage": {"subscriberId": coverage.member_id, "class": coverage.group_number, "payor": coverage.payer},
    "Patient": _PERSON,
    "Practitioner": _PERSON,
    "RelatedPerson": _PERSON,
    "Person": _PERSON,
}
_TESTIFIED = {
    "Coverage": ("payor", "subscriberId", "class"),
    "Patient": ("telecom", "address", "birthDate", "name"),
}
"""The elements of a statement that a caller can have said; the others follow from them."""
_OWN_RECORDS = frozenset({"Communication", "DocumentReference", "Composition", "MeasureReport"})


class DeterministicJudge:
    """A :class:`~fhirserver.ports.judge.Judge` of rules alone: the same claim and evidence, the same verdict.

    ``directory``: the payers that it knows by name.
    """

    name = "rules"

    def __init__(self, directory: Directory | None = None) -> None:
        self._directory = directory or default_directory()

    async def judge(self, claims: Sequence[Claim], evidence: Evidence) -> Sequence[Verdict]:
        """As the port says: one verdict for each claim."""
        return [self.assess(claim, evidence) for claim in claims]

    def assess(self, claim: Claim, evidence: Evidence) -> Verdict:
        """Compare one claim with the evidence it rests on. Never raises for what a claim holds."""
        verdict = _twice(self._assess, claim, evidence)
        return replace(verdict, quotes=as_spoken(verdict.quotes, evidence))

    def _assess(self, claim: Claim, evidence: Evidence) -> Verdict:
        element = _ELEMENT.match(claim.unit)
        name = element[0] if element else claim.unit
        if claim.method == "inferred":
            return Verdict(Finding.DOUBTFUL, 0.9, "The agent inferred this; the caller never said it.")
        wrong = malformed(claim.type, name, claim.value)
        if wrong:
            return Verdict(Finding.CONTRADICTED, 0.99, wrong)
        if not evidence.turns:
            return Verdict(Finding.DOUBTFUL, 0.9, "There is no transcript to compare with.")
        if is_form(evidence) and (written := assess_written(claim, name, evidence, self._directory)):
            return written
        if claim.type in ("Appointment", "Slot"):
            return _scheduling(claim, name, talk(claim, evidence))
        if claim.type in _OWN_RECORDS:
            return Verdict(Finding.VERIFIED, 0.7, "This is the record of the conversation itself.")
        if claim.value is None:
            return Verdict(Finding.DOUBTFUL, 0.7, "That a value is absent cannot be read from what was said.")
        return self._testified(claim, name, talk(claim, evidence))

    def assess_resource(self, claim: Claim, evidence: Evidence) -> Verdict:
        """The verdict on a whole statement: the worst of what its testified elements get."""
        names = [n for n in _TESTIFIED.get(claim.type, ()) if n in claim.resource]
        if not names:
            return self.assess(claim, evidence)
        verdict = _twice(partial(self._whole, names), claim, evidence)
        return replace(verdict, quotes=as_spoken(verdict.quotes, evidence))

    def _whole(self, names: Sequence[str], claim: Claim, evidence: Evidence) -> Verdict:
        heard = talk(claim, evidence)
        return worst([self._element(claim, n, claim.resource[n], heard) for n in names])

    def _testified(self, claim: Claim, name: str, heard: Talk) -> Verdict:
        if name in _READERS.get(claim.type, {}):
            return self._element(claim, name, claim.value, heard)
        named = [n for n in _TESTIFIED.get(claim.type, ()) if claim.resource.get(n) is not None]
        if not named:
            reason = f"{claim.type}.{name} is nothing this judge can find in speech."
            return Verdict(Finding.DOUBTFUL, 0.6, reason)
        parts = [self._element(claim, n, claim.resource[n], heard) for n in named]
        return worst(parts, f"{name} follows from what was said: ")

    def _element(self, claim: Claim, name: str, value: Json, heard: Talk) -> Verdict:
        reader = _READERS[claim.type][name]
        items = value if isinstance(value, list) else [value]
        if not items:
            return Verdict(Finding.DOUBTFUL, 0.7, f"{name} is empty.")
        return worst([reader(claim, item, heard, self._directory) for item in items])


def _twice(assess: Callable[[Claim, Evidence], Verdict], claim: Claim, evidence: Evidence) -> Verdict:
    """The verdict on what was heard, held against what a second recogniser heard: verified is what both bear."""
    verdict = assess(claim, evidence)
    if not evidence.second or verdict.finding is not Finding.VERIFIED:
        return verdict
    again = assess(claim, evidence.heard_again())
    if again.finding is Finding.VERIFIED:
        return verdict
    turns = ", ".join(map(str, sorted(evidence.second)))
    reason = f"A second recogniser heard the caller otherwise (turns {turns}); by that: {again.reasoning}"
    return replace(verdict, finding=Finding.DOUBTFUL, reasoning=reason)


def _scheduling(claim: Claim, name: str, heard: Talk) -> Verdict:
    resource = claim.resource or ({"start": claim.value} if name == "start" else {})
    start = start_of(resource) or (start_of({"start": claim.value}) if name == "start" else None)
    is_reason = claim.type == "Appointment" and name == "cancelationReason"
    if start is None and not is_reason:
        return Verdict(Finding.DOUBTFUL, 0.8, f"{claim.type}.start is missing, so no time can be compared.")
    gives_up = resource.get("status") in ("cancelled", "free") or (is_reason and "status" not in resource)
    verdict = assess_moment(start, heard, gives_up) if start is not None else None
    return _reason(claim, heard, verdict) if is_reason or verdict is None else verdict


def _reason(claim: Claim, heard: Talk, moment: Verdict | None) -> Verdict:
    """The reason must be the caller's, unless it is that the visit was moved."""
    text = _reason_text(claim.value)
    if moment is not None and (
        not text or text.startswith("Moved to another time") or moment.finding is Finding.CONTRADICTED
    ):
        return moment
    verdict = assess_reason(text, heard) if text else Verdict(Finding.DOUBTFUL, 0.7, "The reason is empty.")
    if moment is None or verdict.finding is not Finding.VERIFIED:
        return verdict
    return (
        replace(verdict, quotes=(*moment.quotes, *verdict.quotes))
        if moment.finding is Finding.VERIFIED
        else moment
    )


def _reason_text(value: Json) -> str:
    if not isinstance(value, dict):
        return value if isinstance(value, str) else ""
    codings = value.get("coding")
    displays = [c.get("display") for c in codings if isinstance(c, dict)] if isinstance(codings, list) else []
    return str(value.get("text") or next((d for d in displays if d), "") or "")
