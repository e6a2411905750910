"""What a person wrote on a form: the answers are the evidence, and are compared as they stand.

That they wrote it is soon shown. What can still be wrong is the form of a value, what a directory knows better, and
that the record says something else: then a person decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial

from fhirserver.kernel.json import Json, JsonObject, dumps
from fhirserver.ports.judge import Claim, Evidence, Finding, Turn, Verdict
from fhirserver.world.judge.directory import Directory
from fhirserver.world.judge.reading import quote, worst
from fhirserver.world.spoken.addresses import address_key
from fhirserver.world.spoken.emails import email_key
from fhirserver.world.spoken.identifiers import (
    identifier_key,
    is_member_id,
    is_nanp,
    is_postal_code,
    phone_key,
)
from fhirserver.world.spoken.words import fold

FORM = "QuestionnaireResponse/"
Answers = Sequence[Turn]
Reader = Callable[[Claim, Json, Answers, Directory], "Verdict | None"]
_KNOWN_ALONE = frozenset({"birthDate", "gender"})
"""Elements of which there is one: what is on record otherwise contradicts."""
_ZIPS = {
    "0": "CT MA ME NH NJ RI VT PR VI AE",
    "1": "DE NY PA",
    "2": "DC MD NC SC VA WV",
    "3": "AL FL GA MS TN AA",
    "4": "IN KY MI OH",
    "5": "IA MN MT ND SD WI DC",
    "6": "IL KS MO NE",
    "7": "AR LA OK TX",
    "8": "AZ CO ID NM NV TX UT WY",
    "9": "AK AS CA GU HI OR WA AP",
}
"""The states in which ZIP codes begin with a digit (https://pe.usps.com/text/LabelingLists/L002.htm)."""


def is_form(evidence: Evidence) -> bool:
    """Whether the evidence is a form rather than a conversation."""
    return evidence.communication.startswith(FORM)


def assess_written(claim: Claim, name: str, evidence: Evidence, directory: Directory) -> Verdict | None:
    """The verdict on a claim by the answers it names (all, where it names none); None where none of them says it as it
    stands: it may still be found in their words."""
    answers = [
        one
        for one in evidence.turns
        if one.speaker == "caller" and (not claim.turns or one.number in claim.turns)
    ]
    if claim.value is None:
        return None
    other = _other_on_record(claim, name)
    if other is not None:
        return other
    reader = _READERS.get((claim.type, name))
    if reader is not None:
        items = claim.value if isinstance(claim.value, list) else [claim.value]
        return _all(reader(claim, item, answers, directory) for item in items)
    named = [(n, r) for (type, n), r in _READERS.items() if type == claim.type and type != "Patient"]
    said = [(n, r) for n, r in named if n in claim.resource]
    if said:
        items = [(r, item) for n, r in said for item in _list(claim.resource[n])]
        return _all(r(claim, item, answers, directory) for r, item in items)
    return _as_written(claim, answers)


def _other_on_record(claim: Claim, name: str) -> Verdict | None:
    if name not in _KNOWN_ALONE or claim.known is None or claim.known == claim.value:
        return None
    reason = f"The patient wrote another {name} than the one that is on record."
    return Verdict(Finding.CONTRADICTED, 0.9, reason)


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _all(verdicts: Iterator[Verdict | None]) -> Verdict | None:
    found = list(verdicts)
    sure = [one for one in found if one is not None]
    return worst(sure) if sure and len(sure) == len(found) else None


def _wrote(what: str, answers: Answers, same: Callable[[str], bool]) -> Verdict | None:
    """Verified by the answer that is the same."""
    for turn in answers:
        if same(turn.text):
            return Verdict(
                Finding.VERIFIED, 0.95, f"The patient wrote this {what} on the form.", (quote(turn),)
            )
    return None


def _same_words(text: str, said: str) -> bool:
    return address_key(said) == address_key(text)


def _doubt(verdict: Verdict | None, reason: str) -> Verdict | None:
    return Verdict(Finding.DOUBTFUL, 0.8, reason, verdict.quotes) if verdict is not None else None


def _telecom(claim: Claim, value: Json, answers: Answers, directory: Directory) -> Verdict | None:
    system, text = value.get("system"), str(value.get("value", ""))
    if system == "email":
        return _wrote("e-mail address", answers, lambda said: email_key(said) == email_key(text))
    found = _wrote("phone number", answers, lambda said: phone_key(said) == phone_key(text))
    if not is_nanp(text):
        return _doubt(found, "The phone number is not one of the North American plan.")
    return found


def _address(claim: Claim, value: Json, answers: Answers, directory: Directory) -> Verdict | None:
    lines = " ".join(str(line) for line in value.get("line", ()))
    parts = [("street", lines), *((n, str(value.get(n, ""))) for n in ("city", "state", "postalCode"))]
    found = _all(_wrote(name, answers, partial(_same_words, text)) for name, text in parts if text)
    code, state = str(value.get("postalCode", "")), str(value.get("state", ""))
    if not is_postal_code(code):
        return _doubt(found, "The ZIP code does not have the shape of one.")
    if len(state) == 2 and state not in _ZIPS[code[0]].split():
        return _doubt(found, "There is no such ZIP code in the state that was written.")
    return found


def _birth_date(claim: Claim, value: Json, answers: Answers, directory: Directory) -> Verdict | None:
    found = _wrote("birth date", answers, lambda said: said == value)
    try:
        day = date.fromisoformat(str(value))
    except ValueError:
        return _doubt(found, "The birth date is not a whole date.")
    written = answers[0].at.date() if answers else day
    if not 0 <= written.year - day.year <= 120:
        return _doubt(found, "Nobody has this birth date.")
    return found


def _payer(claim: Claim, value: Json, answers: Answers, directory: Directory) -> Verdict | None:
    name = str(value.get("display") or claim.names.get(str(value.get("reference", "")), ""))
    if str(value.get("reference", "")).startswith("Patient/"):
        return _wrote("that there is no insurance", answers, lambda said: fold(said) == "no")
    known = directory.find(name) is not None or str(value.get("reference", "")) != ""
    found = _wrote("insurance company", answers, lambda said: directory.key(said) == directory.key(name))
    return found if known else _doubt(found, "The insurance company is not in the directory.")


def _member(claim: Claim, value: Json, answers: Answers, directory: Directory) -> Verdict | None:
    text = str(value)
    found = _wrote("member ID", answers, lambda said: identifier_key(said) == identifier_key(text))
    if not is_member_id(text):
        return _doubt(found, "The member ID does not have the shape of one.")
    payor: Mapping[str, Json] = next(iter(claim.resource.get("payor") or ()), {})
    name = str(payor.get("display") or claim.names.get(str(payor.get("reference", "")), ""))
    payer = directory.find(name) if name else None
    if payer is not None and not payer.fits(text):
        return _doubt(found, f"The member ID does not look like the usual ids of {payer.name}.")
    return found


def _group(claim: Claim, value: Json, answers: Answers, directory: Directory) -> Verdict | None:
    text = str(value.get("value", ""))
    return _wrote("group number", answers, lambda said: identifier_key(said) == identifier_key(text))


_READERS: dict[tuple[str, str], Reader] = {
    ("Patient", "telecom"): _telecom,
    ("Patient", "address"): _address,
    ("Patient", "birthDate"): _birth_date,
    ("Coverage", "payor"): _payer,
    ("Coverage", "subscriberId"): _member,
    ("Coverage", "class"): _group,
}


def _as_written(claim: Claim, answers: Answers) -> Verdict | None:
    """Of what has no reader of its own: every answer that it names stands in what it states."""
    if not claim.turns or not answers:
        return None
    if claim.type == "Patient":
        return _part(claim, answers)
    text = _plain(dumps(claim.resource).decode())
    digits = re.sub(r"\D", "", text)
    if not all(_stands(one.text, text, digits, claim.resource) for one in answers):
        return None
    quotes = tuple(quote(one) for one in answers)
    return Verdict(Finding.VERIFIED, 0.9, "The patient wrote this on the form.", quotes)


def _part(claim: Claim, answers: Answers) -> Verdict | None:
    """An element of the Patient without a reader: what its first item says was written; the others were there."""
    first = _list(claim.value)[0] if _list(claim.value) else None
    said = [[one for one in answers if _is_same(one.text, text)] for text in _said_in(first)]
    if not said or not all(said):
        return None
    quotes = tuple(quote(some[0]) for some in said)
    return Verdict(Finding.VERIFIED, 0.9, "The patient wrote this on the form.", quotes)


def _said_in(value: Json) -> Iterator[str]:
    """The texts of a value that somebody wrote or chose: not what a person is, which stands in codes."""
    if isinstance(value, list):
        for one in value:
            yield from _said_in(one)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in ("text", "value", "display") and isinstance(inner, str):
                yield inner
            elif name != "relationship":
                yield from _said_in(inner)


def _is_same(said: str, text: str) -> bool:
    if is_nanp(text):
        return phone_key(said) == phone_key(text)
    return _plain(said) == _plain(text)


def _stands(said: str, text: str, digits: str, stated: JsonObject) -> bool:
    """Whether an answer is what is stated: a yes or no as what it means, words in any order of lines."""
    folded = fold(said)
    if folded in ("yes", "no"):
        return _means(folded, stated)
    if is_nanp(said):
        return phone_key(said) in digits
    parts = [line for line in said.splitlines() if line.strip()]
    return any(_plain(line) and _plain(line) in text for line in parts)


def _means(answer: str, stated: JsonObject) -> bool:
    provision = stated.get("provision", {}).get("type")
    if provision is not None:
        return bool(provision == ("permit" if answer == "yes" else "deny"))
    return answer == "no" and "no-known-" in dumps(stated).decode()


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", fold(text)))
