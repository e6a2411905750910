"""Insurance: member id, group number, payer."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.ports.judge import Claim, Finding, Verdict
from fhirserver.world.judge.directory import Directory
from fhirserver.world.judge.fragments import partial_reader, tail_mender
from fhirserver.world.judge.hearing import Talk
from fhirserver.world.judge.kinds import Kind
from fhirserver.world.judge.misheard import may_be_misheard
from fhirserver.world.judge.pieces import in_pieces
from fhirserver.world.judge.reading import weigh
from fhirserver.world.judge.topics import Topics, topics_in
from fhirserver.world.spoken.identifiers import identifier_key, identifiers, is_member_id, phone_key, phones
from fhirserver.world.spoken.words import Found, fold

_ASKS = re.compile(
    r"\b(?:do|does|can|will|did) (?:you|they|he|she|the (?:doctor|office|clinic))(?: \w+)? (?:take|accept|work with)\b"
)
_INSURED = re.compile(r"\b(?:insur\w+|plan|covered|through|switched|policy|carrier|have|with|it's)\b")
_SENTENCE = re.compile(r"[^.?!;]+")
MEMBER_TOPICS = frozenset(("member", "payer"))


def member_id(claim: Claim, value: Json, talk: Talk, directory: Directory) -> Verdict:
    """``Coverage.subscriberId``."""
    text = str(value)
    if not is_member_id(text):
        return Verdict(Finding.DOUBTFUL, 0.8, "The member ID does not have the shape of one.")
    expected = identifier_key(text)
    kind = _member_kind(expected)
    verdict = in_pieces(weigh(expected, kind, talk), expected, talk, kind, letters=True)
    return _by_shape(claim, verdict, text, directory)


def _member_kind(expected: str) -> Kind:
    def read(said: str, asked: Topics) -> Sequence[Found[Hashable]]:
        numbers = {phone_key(f.value) for f in phones(said)} if "member" not in asked else set[str]()
        found = [Found(identifier_key(f.value), f.start, f.end) for f in identifiers(said, 5)]
        return [
            f for f in by_sentence(found, said, expected) if f.value == expected or f.value not in numbers
        ]

    return Kind(
        "member ID",
        MEMBER_TOPICS,
        read,
        tail_mender(len(expected), True),
        partial_reader(True),
        alike=may_be_misheard,
    )


def by_sentence(found: Sequence[Found[str]], said: str, expected: str) -> list[Found[str]]:
    """The ids found, but where a sentence by itself holds the expected one it is not run on into its neighbours:
    ``That's D as in David. B D K one oh four.``"""
    alone = [
        Found(expected, s.start() + f.start, s.start() + f.end)
        for s in _SENTENCE.finditer(said)
        for f in identifiers(s[0], 2)
        if identifier_key(f.value) == expected
    ]
    kept = [f for f in found if not any(f.start <= a.start < f.end for a in alone)]
    return sorted([*kept, *alone], key=lambda f: f.start)


def _by_shape(claim: Claim, verdict: Verdict, text: str, directory: Directory) -> Verdict:
    """Less sure where the payer's ids look otherwise: a shape known to the public is a hint, not a rule."""
    payor = claim.resource.get("payor")
    item = payor[0] if isinstance(payor, list) and payor and isinstance(payor[0], dict) else {}
    name = str(item.get("display") or claim.names.get(str(item.get("reference", "")), ""))
    payer = directory.find(name) if name else None
    if payer is None or verdict.finding is not Finding.VERIFIED or payer.fits(text):
        return verdict
    reason = f"{verdict.reasoning} It does not look like the usual ids of {payer.name}."
    return Verdict(verdict.finding, min(verdict.confidence, 0.7), reason, verdict.quotes)


def group_number(claim: Claim, value: Json, talk: Talk, directory: Directory) -> Verdict:
    """One item of ``Coverage.class``."""
    if isinstance(value, dict) and _class_code(value) not in ("group", ""):
        return Verdict(Finding.DOUBTFUL, 0.6, "Plans and pharmacy numbers are for a person to check.")
    expected = identifier_key(str(value.get("value", "")) if isinstance(value, dict) else "")
    if not expected:
        return Verdict(Finding.DOUBTFUL, 0.7, "The group number is empty.")

    def read(said: str, asked: Topics) -> Sequence[Found[Hashable]]:
        return [Found(identifier_key(f.value), f.start, f.end) for f in identifiers(said, 2)]

    kind = Kind(
        "group number",
        frozenset(("group",)),
        read,
        tail_mender(len(expected), True),
        partial_reader(True),
        strict=True,
        alike=may_be_misheard,
    )
    return in_pieces(weigh(expected, kind, talk), expected, talk, kind, letters=True)


def _class_code(item: JsonObject) -> str:
    codings: Sequence[JsonObject] = item.get("type", {}).get("coding") or ({},)
    return str(codings[0].get("code", ""))


def payer(claim: Claim, value: Json, talk: Talk, directory: Directory) -> Verdict:
    """One item of ``Coverage.payor``."""
    if not isinstance(value, dict):
        return Verdict(Finding.DOUBTFUL, 0.7, "The insurance company has no name.")
    reference = str(value.get("reference", ""))
    name = str(value.get("display") or claim.names.get(reference, ""))
    if not name:
        return Verdict(Finding.DOUBTFUL, 0.7, "The name of the insurance company is not known.")
    known = directory.including(name, claim.aliases.get(reference, ()))
    expected = known.key(name)

    def read(said: str, asked: Topics) -> Sequence[Found[Hashable]]:
        if _ASKS.search(fold(said)):
            return ()
        insured = bool((asked | topics_in(said)) & MEMBER_TOPICS) or _INSURED.search(fold(said)) is not None
        return [f for f in known.named_in(said) if insured or not known.is_common(f.value)]

    kind = Kind("insurance company", frozenset(("payer", "member")), read, foreign=frozenset(("other",)))
    return weigh(expected, kind, talk)
