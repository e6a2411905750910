"""Somebody wants no more calls or messages, or wants them again: kept as Flags, and not forgotten for a server that is
away."""

from __future__ import annotations

import hashlib

from agent.campaigns.flagging import put_flag
from agent.campaigns.ledger import Ledger
from agent.campaigns.look_again import look_at
from agent.campaigns.preferences import BARRED, barred_name, opt_out, without
from agent.insisting import Insisting
from agent.requests import FindPatients
from agent.results import PatientsFound
from agent.tools.client import Unreachable, version_of
from agent.tools.toolbox import Toolbox


class OptOuts:
    """Implements :class:`agent.telephony.text_webhook.Preferences`."""

    def __init__(self, ledger: Ledger, insisting: Insisting):
        self._ledger, self._insisting = ledger, insisting

    async def stop(self, number: str) -> bool:
        return await self._insisting.done(f"stop {number}", lambda: bar(self._ledger, number, "sms"))

    async def start(self, number: str) -> bool:
        return await self._insisting.done(f"start {number}", lambda: unbar(self._ledger, number, "sms"))


async def bar(ledger: Ledger, number: str, channel: str) -> None:
    """Nothing goes to this number by this channel any more, whoever's it is; where it is one patient's, nothing goes
    to that patient by it at all. Raises :class:`Unreachable`."""
    patients = await _patients(ledger, number)
    if not patients:
        await _bar_number(ledger, number, channel)
    for patient in patients:
        wish = opt_out(
            patient, number, (channel,), ledger.speaker.reference(), ledger.clock.now(), len(patients) == 1
        )
        await put_flag(ledger, wish)
        await _look(ledger, patient)


async def _bar_number(ledger: Ledger, number: str, channel: str) -> None:
    """A number that is on no record may be on one tomorrow. The Flag has an id made of it: it is there once."""
    name = barred_name(channel, number)
    wish = opt_out("", number, (channel,), ledger.speaker.reference(), ledger.clock.now(), whole=False)
    subject = {"type": "Patient", "display": "Whoever has the number"}
    id = f"barred-{hashlib.sha256(name.encode()).hexdigest()[:32]}"
    await ledger.put(wish | {"id": id, "subject": subject}, "", "")


async def unbar(ledger: Ledger, number: str, channel: str) -> None:
    """Raises :class:`Unreachable`."""
    name = barred_name(channel, number)
    found = await ledger.client.search("Flag", [("identifier", f"{BARRED}|{name}")])
    for resource in (one for one in found if one.get("status") == "active"):
        await ledger.put(without(resource, name), version_of(resource), "")


async def _patients(ledger: Ledger, number: str) -> list[str]:
    found = await Toolbox(ledger.client, ledger.clock, "UTC").run(FindPatients(number))
    if not isinstance(found, PatientsFound):
        raise Unreachable("patients could not be searched")
    return [patient.reference for patient in found.patients]


async def _look(ledger: Ledger, patient: str) -> None:
    """What waits to be sent to the patient is looked at again now."""
    for resource in await ledger.page("CommunicationRequest", [("patient", patient), ("status", "active")]):
        await look_at(ledger, f"CommunicationRequest/{resource['id']}")
