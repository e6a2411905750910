"""What a patient's Consents (https://hl7.org/fhir/R4/consent.html) say of being contacted. Pure.

A Consent speaks of outreach where one of its categories is ours (:data:`OUTREACH`). Its provision permits or denies;
``code`` narrows it to channels, ``purpose`` to purposes, ``period`` to a time; inner provisions are exceptions. Of
those that speak of the channel and purpose in hand the latest counts, and of equally late ones a denial.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum

from agent.tools.provenance import CANONICAL
from fhirserver.kernel.instants import comparable, instant
from fhirserver.kernel.json import JsonObject

CATEGORY = f"{CANONICAL}/CodeSystem/consent-category"
OUTREACH = "outreach"
CHANNEL = f"{CANONICAL}/CodeSystem/contact-channel"
"""Codes: ``call``, ``sms``, ``chat``, ``form``."""
PURPOSE = f"{CANONICAL}/CodeSystem/outreach-purpose"
"""Codes: the agent's purposes; a purpose of another system is not ours to tell and narrows the provision away."""
_CONFIDENCE = f"{CANONICAL}/StructureDefinition/confidence"
_TRUSTED = Decimal("0.5")
"""Confidence below which a Consent is hearsay: a permit of it permits nothing, a denial of it still denies."""


class Said(Enum):
    """What the consents come to."""

    PERMIT = "permit"
    DENY = "deny"
    NOTHING = "nothing"


def consented(consents: Iterable[JsonObject], channel: str, purpose: str, at: datetime) -> Said:
    """Whether the patient may be contacted by ``channel`` for ``purpose`` at ``at``."""
    spoken = [(_dated(c), said) for c in consents if (said := _says(c, channel, purpose, at)) is not None]
    if not spoken:
        return Said.NOTHING
    latest = max(date for date, _ in spoken)
    return Said.DENY if (latest, Said.DENY) in spoken else Said.PERMIT


def _says(consent: JsonObject, channel: str, purpose: str, at: datetime) -> Said | None:
    """What one Consent says of it; None for nothing."""
    if not _speaks_of_outreach(consent) or _dated(consent) > instant(at):
        return None
    if consent.get("status") == "rejected":
        return Said.DENY if _matches(consent.get("provision", {}), channel, purpose, at) else None
    if consent.get("status") != "active":
        return None
    said = _provided(consent.get("provision", {}), channel, purpose, at, Said.PERMIT)
    return None if said is Said.PERMIT and _hearsay(consent) else said


def _provided(provision: JsonObject, channel: str, purpose: str, at: datetime, standard: Said) -> Said | None:
    if not _matches(provision, channel, purpose, at):
        return None
    said = Said.DENY if provision.get("type", standard.value) == "deny" else Said.PERMIT
    other = Said.PERMIT if said is Said.DENY else Said.DENY
    inner = [_provided(one, channel, purpose, at, other) for one in provision.get("provision", ())]
    spoken = [one for one in inner if one is not None]
    if not spoken:
        return said
    return Said.DENY if Said.DENY in spoken else Said.PERMIT


def _matches(provision: JsonObject, channel: str, purpose: str, at: datetime) -> bool:
    return (
        _during(provision.get("period", {}), at)
        and _named(provision.get("code", ()), CHANNEL, channel)
        and _named([{"coding": [one]} for one in provision.get("purpose", ())], PURPOSE, purpose)
    )


def _named(concepts: Iterable[JsonObject], system: str, code: str) -> bool:
    codings = [coding for concept in concepts for coding in concept.get("coding", ())]
    return not codings or any(c.get("system") == system and c.get("code") == code for c in codings)


def _during(period: JsonObject, at: datetime) -> bool:
    start, end = str(period.get("start", "")), str(period.get("end", ""))
    return (not start or comparable(start) <= instant(at)) and (not end or instant(at) < _ends(end))


def _ends(end: str) -> str:
    """The instant at which a period's end is over: a date counts until its last moment."""
    if len(end) > 10:
        return comparable(end)
    first = datetime.fromisoformat(comparable(end))
    if len(end) == 10:
        return instant(first + timedelta(days=1))
    month, year = (
        (first.month % 12 + 1, first.year + first.month // 12) if len(end) == 7 else (1, first.year + 1)
    )
    return instant(datetime(year, month, 1, tzinfo=UTC))


def _dated(consent: JsonObject) -> str:
    return comparable(str(consent.get("dateTime") or consent.get("meta", {}).get("lastUpdated") or "1970"))


def _speaks_of_outreach(consent: JsonObject) -> bool:
    codings = [coding for concept in consent.get("category", ()) for coding in concept.get("coding", ())]
    return any(c.get("system") == CATEGORY and c.get("code") == OUTREACH for c in codings)


def _hearsay(consent: JsonObject) -> bool:
    for extension in consent.get("meta", {}).get("extension", ()):
        if extension.get("url") == _CONFIDENCE:
            return Decimal(str(extension.get("valueDecimal", 1))) < _TRUSTED
    return False
