"""People: phone, e-mail, birth date, name, gender, identifiers."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import date

from fhirserver.kernel.json import Json
from fhirserver.ports.judge import Claim, Finding, Verdict
from fhirserver.world.judge.directory import Directory
from fhirserver.world.judge.fragments import mend_date, partial_date, partial_reader, tail_mender
from fhirserver.world.judge.hearing import Talk
from fhirserver.world.judge.kinds import Kind
from fhirserver.world.judge.misheard import may_be_misheard
from fhirserver.world.judge.pieces import date_in_pieces, in_pieces
from fhirserver.world.judge.reading import weigh, worst
from fhirserver.world.judge.topics import Topics
from fhirserver.world.spoken.dates import birth_dates
from fhirserver.world.spoken.emails import domains, email_key, emails
from fhirserver.world.spoken.identifiers import (
    digit_strings,
    identifier_key,
    identifiers,
    is_nanp,
    phone_key,
    phones,
)
from fhirserver.world.spoken.names import bare_name, distance, introduced_names, same_given, sound
from fhirserver.world.spoken.spelling import spelled
from fhirserver.world.spoken.words import Found, fold, tokens

US_NPI = "http://hl7.org/fhir/sid/us-npi"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}\Z", re.I)
_OTHER_NUMBERS = frozenset(("member", "group", "npi", "fax", "other"))


def _is_self(claim: Claim) -> bool:
    """Whether the resource is about the one who calls: what is said of others is not theirs."""
    return claim.type == "Patient"


def telecom(claim: Claim, value: Json, talk: Talk, directory: Directory) -> Verdict:
    """A phone number or an e-mail address."""
    if isinstance(value, dict) and value.get("system") == "email":
        return _email(claim, str(value.get("value", "")), talk)
    if not isinstance(value, dict) or value.get("system", "phone") not in ("phone", "sms", "fax"):
        return Verdict(
            Finding.DOUBTFUL, 0.6, "Only phone numbers and e-mail addresses can be compared with speech."
        )
    number = str(value.get("value", ""))
    if not is_nanp(number):
        return Verdict(Finding.DOUBTFUL, 0.85, "The phone number is not one of the North American plan.")
    return _phone(claim, phone_key(number), value.get("system") == "fax", talk)


def _phone(claim: Claim, expected: str, fax: bool, talk: Talk) -> Verdict:
    def read(said: str, asked: Topics) -> Sequence[Found[Hashable]]:
        found = [Found(phone_key(f.value), f.start, f.end) for f in phones(said)]
        return found or _apart(said)

    topics = frozenset(("fax",)) if fax else frozenset(("phone",))
    kind = Kind(
        "fax number" if fax else "phone number",
        topics,
        read,
        tail_mender(10, False),
        partial_reader(False),
        strict=fax,
        foreign=_OTHER_NUMBERS - topics,
        alike=may_be_misheard,
        own=_is_self(claim),
    )
    return in_pieces(weigh(expected, kind, talk), expected, talk, kind, letters=False)


def _apart(said: str) -> list[Found[str]]:
    """A number whose parts words stand between (``let me see``), where the turn holds no other digits."""
    runs = digit_strings(said)
    joined = phone_key("".join(run.value for run in runs))
    whole = len(joined) == 10 and min(len(run.value) for run in runs) > 1
    return [Found(joined, runs[0].start, runs[-1].end)] if whole and is_nanp(joined) else []


def _email(claim: Claim, address: str, talk: Talk) -> Verdict:
    if not _EMAIL.match(address):
        return Verdict(Finding.DOUBTFUL, 0.85, "The e-mail address does not have the shape of one.")
    expected = email_key(address)

    def read(said: str, asked: Topics) -> Sequence[Found[Hashable]]:
        return [Found(f.value, f.start, f.end) for f in emails(said)]

    def mend(before: Hashable, said: str) -> Hashable | None:
        named = domains(said)
        return f"{str(before).partition('@')[0]}@{named[0]}" if named and "@" in str(before) else None

    kind = Kind(
        "e-mail address",
        frozenset(("email",)),
        read,
        mend,
        foreign=frozenset(("fax",)),
        alike=lambda heard, meant: (
            distance(str(heard), str(meant)) <= 1 and _same_shape(str(heard), str(meant))
        ),
        own=_is_self(claim),
    )
    return weigh(expected, kind, talk)


def _same_shape(left: str, right: str) -> bool:
    """Digits and signs must agree: only letters are misheard for others."""
    return re.sub(r"[a-z]", "", left) == re.sub(r"[a-z]", "", right)


def birth_date(claim: Claim, value: Json, talk: Talk, directory: Directory) -> Verdict:
    """``birthDate``, whole."""
    try:
        expected = date.fromisoformat(str(value))
    except ValueError:
        return Verdict(Finding.DOUBTFUL, 0.7, "The birth date is not a whole date.")

    def read(said: str, asked: Topics) -> Sequence[Found[Hashable]]:
        return [Found(f.value, f.start, f.end) for f in birth_dates(said, talk.today)]

    topics = frozenset(("birth", "name"))
    own = _is_self(claim)
    kind = Kind("birth date", topics, read, mend_date(talk.today), partial_date, personal=own, own=own)
    return date_in_pieces(weigh(expected, kind, talk), expected, talk, kind)


def name(claim: Claim, value: Json, talk: Talk, directory: Directory) -> Verdict:
    """Family and first given name, each as it was said or spelled."""
    if not isinstance(value, dict):
        return Verdict(Finding.DOUBTFUL, 0.7, "The name is empty.")
    family = bare_name(str(value.get("family", "")))
    given = [bare_name(str(g)) for g in value.get("given", ()) if str(g)]
    verdicts = [weigh(_letters(family), _name_kind(claim, family, True), talk)] if _letters(family) else []
    verdicts += [weigh(_letters(g), _name_kind(claim, g, False), talk) for g in given[:1] if _letters(g)]
    return worst(verdicts) if verdicts else Verdict(Finding.DOUBTFUL, 0.7, "The name is empty.")


def _letters(word: str) -> str:
    return re.sub(r"[^a-z]", "", fold(word))


def _alike(heard: Hashable, meant: Hashable) -> bool:
    a, b = str(heard), str(meant)
    return sound(a) == sound(b) or distance(a, b) <= max(1, len(b) // 4) or same_given(a, b)


_PUTS_NAME = re.compile(
    r"\b(?:is this|speaking (?:with|to)|i have (?:you|the name|it)|(?:first|last|full|your) name|name is|"
    r"spell(?:ed|ing)?|so that's|"
    r"that's|got|patient is|under)\b"
)
_GIVES_NAME = re.compile(r"\b(?:name|spell(?:ed|ing|s)?|surname|i'm|this is|speaking|patient|called)\b")
_CLAUSE = re.compile(r"[^,.;?!]+")
_SENTENCE = re.compile(r"[^.;?!]+")
_VOCATIVE = re.compile(
    r"^\W*(?:thanks|thank you|hi|hello|okay|ok|great|sorry|alright|got it|perfect|sure)\W+(?:[\w']+\W*){0,3}$"
)


def _name_kind(claim: Claim, name: str, family: bool) -> Kind:
    expected, own = _letters(name), _is_self(claim)

    def read(said: str, asked: Topics) -> Sequence[Found[Hashable]]:
        spelt = [f for f in _spelt(said) if _alike(_letters(f.value), expected)]
        if spelt:
            return [Found(_letters(f.value), f.start, f.end) for f in spelt]
        return _introduced(said, asked, expected, family, own)

    what = "family name" if family else "given name"
    return Kind(
        what,
        frozenset(("name", "birth")),
        read,
        foreign=frozenset(("payer", "group")),
        alike=_alike,
        personal=own,
        own=own,
    )


def _introduced(said: str, asked: Topics, expected: str, family: bool, own: bool) -> list[Found[Hashable]]:
    """The name where one is given; where one is put to the caller, or is a practitioner's, the very word."""
    by_agent = "agent" in asked
    found = [] if by_agent else list(_given(said, "name" in asked, expected, family))
    if any(f.value == expected for f in found):
        return found
    lead = (_PUTS_NAME if by_agent else _GIVES_NAME) if own else None
    places = _named(said, expected, lead)
    # A single word may be the other part of the name: it says nothing against this one.
    whole = [f for f in found if " " in said[f.start : f.end].strip() or not family]
    return places or whole


def _given(said: str, asked: bool, expected: str, family: bool) -> Iterator[Found[Hashable]]:
    """The names that a caller gives; after a question for it, the first clause that is nothing but a name."""
    names = introduced_names(said, asked)
    if not names and asked:
        names = next(
            (run for c in _CLAUSE.finditer(said) if (run := _shifted(introduced_names(c[0]), c.start()))), []
        )
    for one in names:
        parts = [_letters(p) for p in one.value.split() if _letters(p)]
        if parts:
            yield Found(_joined(parts, expected) or (parts[-1] if family else parts[0]), one.start, one.end)


def _shifted(names: Sequence[Found[str]], by: int) -> list[Found[str]]:
    return [Found(one.value, one.start + by, one.end + by) for one in names]


def _spelt(said: str) -> list[Found[str]]:
    """The words spelled in each sentence by itself; letters that are set apart by full stops are read on."""
    found = [f for s in _SENTENCE.finditer(said) for f in _shifted(spelled(s[0], 2), s.start())]
    return found or spelled(said, 2)


def _joined(parts: Sequence[str], expected: str) -> str:
    """The expected name where it stands among the parts, however it is divided."""
    for i in range(len(parts)):
        for j in range(i + 1, len(parts) + 1):
            if "".join(parts[i:j]) == expected:
                return expected
    return ""


def _named(said: str, expected: str, lead: re.Pattern[str] | None) -> list[Found[Hashable]]:
    out: list[Found[Hashable]] = []
    for sentence in re.finditer(r"[^.?!]+[.?!]*", said):
        text = sentence[0]
        if lead is not None and (not lead.search(fold(text)) or _VOCATIVE.match(fold(text))):
            continue
        words = [t for t in tokens(text) if t.is_word]
        hits = [t for t in words if _letters(t.text.removesuffix("'s")) == expected]
        out += [Found(expected, sentence.start() + t.start, sentence.start() + t.end) for t in hits]
    return out


def identifier(claim: Claim, value: Json, talk: Talk, directory: Directory) -> Verdict:
    """An identifier; an NPI must also have the right check digit."""
    number = str(value.get("value", "")) if isinstance(value, dict) else ""
    npi = isinstance(value, dict) and value.get("system") == US_NPI
    expected = identifier_key(number)
    if len(expected) < 4:
        return Verdict(Finding.DOUBTFUL, 0.7, "The identifier is too short to be recognised in speech.")

    def read(said: str, asked: Topics) -> Sequence[Found[Hashable]]:
        return [Found(identifier_key(f.value), f.start, f.end) for f in identifiers(said, 4)]

    topics = frozenset(("npi", "name")) if npi else frozenset(("member", "other", "npi", "payer"))
    kind = Kind(
        "NPI" if npi else "identifier",
        topics,
        read,
        tail_mender(len(expected), not npi),
        partial_reader(not npi),
        alike=may_be_misheard,
    )
    return in_pieces(weigh(expected, kind, talk), expected, talk, kind, letters=not npi)


_GENDERS = {"female": r"female|woman|girl|lady", "male": r"(?<!fe)male|man|boy|guy|gentleman"}


def gender(claim: Claim, value: Json, talk: Talk, directory: Directory) -> Verdict:
    """``gender`` in the caller's own words."""

    def read(said: str, asked: Topics) -> Sequence[Found[Hashable]]:
        folded = said.lower()
        return [
            Found(g, m.start(), m.end())
            for g, p in _GENDERS.items()
            for m in re.finditer(rf"\b(?:{p})\b", folded)
        ]

    return weigh(
        str(value), Kind("gender", frozenset(), read, foreign=frozenset(), own=_is_self(claim)), talk
    )


Reader = Callable[[Claim, Json, Talk, Directory], Verdict]
