"""An attempt is claimed before anybody is reached: a Communication that is created only if there is none of its number.

Whatever dies then, the attempt was made at most once: it is never made again under its name.
"""

from __future__ import annotations

import uuid
from urllib.parse import quote

from agent.campaigns.contacts import CLAIM, next_number
from agent.campaigns.decision import Facts, Go
from agent.campaigns.definition import Campaign
from agent.communication import CONTACT, ordered
from agent.errand import Errand
from agent.live.escalation_record import by_operator
from agent.requests import CONFIRMED, Basis
from agent.tools.client import FhirClient, Unreachable
from agent.tools.provenance import Speaker, header, provenance
from fhirserver.kernel.instants import Clock
from fhirserver.kernel.json import JsonObject

_TRIES = 3


def errand_of(facts: Facts, go: Go, campaign: Campaign) -> Errand:
    """The next attempt of a member: its name, and its number among all contacts with the patient."""
    one = facts.member
    attempt = len(facts.attempts) + 1
    language = language_of(facts.patient or {})
    kept = campaign.machine.leave == "message" and go.channel == "call"
    return Errand(
        campaign.purpose,
        one.patient,
        message=campaign.words("voicemail", language) if kept else "",
        id=f"{one.key}.{attempt}",
        request=one.reference,
        run=one.run,
        contact=f"{one.patient.removeprefix('Patient/')}.{next_number(facts.contacts)}",
        channel=go.channel,
        about=one.about,
        words=campaign.words("call", language) if go.channel == "call" else "",
        service=go.step.service
        if go.channel == "chat"
        else campaign.questions
        if go.channel == "form"
        else "",
    )


def language_of(patient: JsonObject) -> str:
    """The language in which the patient wants to be spoken to (``es``), English where none is known."""
    spoken = sorted(patient.get("communication", ()), key=lambda one: not one.get("preferred"))
    codes = (
        str(coding.get("code", "")) for one in spoken for coding in one.get("language", {}).get("coding", ())
    )
    return next((code for code in codes if code), "en")


class Claims:
    """Each has a name that no other has, so that it is known again when the answer to it is lost."""

    def __init__(self, client: FhirClient, clock: Clock, speaker: Speaker):
        self._client, self._clock, self._speaker = client, clock, speaker

    async def claim(self, errand: Errand, number: str, by: str, words: str = "") -> str:
        """Claim it for ``by``, with the words that go out; the Communication's reference, empty where somebody
        else was faster.

        Raises :class:`Unreachable` where nobody knows: it was not made then, and is asked after as any that is open.
        """
        made = ordered(errand, number, self._speaker, self._clock.now(), words)
        name = uuid.uuid4().hex
        made["identifier"].append({"system": CLAIM, "value": name})
        query = f"identifier={quote(f'{CONTACT}|{errand.contact}', safe='')}"
        said = provenance(self._speaker, Basis(CONFIRMED, "observed", ()), "", "", self._clock.now())
        headers = {**header(by_operator(said, by)), "If-None-Exist": query}
        for attempt in range(1, _TRIES + 1):
            try:
                answer = await self._client.send("POST", "Communication", made, headers)
            except Unreachable:
                if attempt == _TRIES:
                    raise
                continue
            if answer.status == 201:
                location = answer.headers.get("location", "").split("Communication/")[-1].split("/")[0]
                return f"Communication/{answer.body.get('id') or location}"
            if answer.status == 200:
                return await self._ours(name)
            if answer.taken:
                return ""
        raise Unreachable("an attempt could not be claimed")

    async def _ours(self, name: str) -> str:
        """The one that is there may be our own, made by a request whose answer was lost."""
        found = await self._client.search("Communication", [("identifier", f"{CLAIM}|{name}")])
        return f"Communication/{found[0]['id']}" if found else ""
