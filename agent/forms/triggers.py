"""What makes forms by itself: an appointment that comes near, and a call that is over.

Both look again and again and keep nothing: a form's order is named by what it is for, so that it is made once, whoever
looks how often. What cannot be sent now, at night for one, waits as it is (``ready``), is tried again, and may be
handed on by the practice meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from agent.forms.office import Office
from agent.forms.task import READY
from agent.tools.client import Unreachable
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.kernel.wall import waiting
from fhirserver.ports.forms import FormOrder, FormState

BEFORE, AFTER = "before-appointment", "after-call"
"""The requirement sets, and the purposes."""
SYSTEM = "credence"
BEFORE_SECONDS, AFTER_SECONDS = 3600.0, 60.0
LOOKING_BACK = timedelta(hours=24)
_AGAIN = timedelta(minutes=15)
"""How long after a call a form waits that could not be sent, until that is tried again."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_MOST_KNOWN = 20_000
_EXPECTED = frozenset({Category.CONFLICT, Category.NOT_FOUND, Category.NOT_SUPPORTED, Category.UNPROCESSABLE})
log = logging.getLogger("credence.forms")


class _Asked(NamedTuple):
    """``made``: a form was made now. ``waits``: it could not be sent yet."""

    made: bool
    waits: bool


@dataclass
class Triggers:
    """``ahead``: how long before an appointment its patient is asked; zero: never. ``calls``: whether they are after a
    call."""

    office: Office
    ahead: timedelta
    calls: bool
    _looked_at: dict[str, datetime] = field(default_factory=dict)
    """Calls that were looked at, and when they are again."""

    async def run_before(self) -> None:
        """Look at coming appointments for ever."""
        while True:
            await self._guarded(self.before())
            await asyncio.sleep(waiting(BEFORE_SECONDS))

    async def run_after(self) -> None:
        """Look at calls that are over for ever."""
        while True:
            await self._guarded(self.after())
            await asyncio.sleep(waiting(AFTER_SECONDS))

    async def before(self) -> int:
        """Make forms for appointments that are near; how many were made."""
        now = self.office.clock.now()
        params = [("date", f"ge{instant(now)}"), ("date", f"le{instant(now + self.ahead)}")]
        found = await self.office.client.search(
            "Appointment", [*params, ("status", "booked"), ("_count", "200")]
        )
        made = 0
        for appointment in found:
            name = f"{BEFORE}/{appointment['id']}/{appointment.get('start', '')}"
            about = f"Appointment/{appointment['id']}"
            for patient in _patients(appointment):
                asked = await self._ask(FormOrder(patient, BEFORE, BEFORE, f"{name}/{patient}", about))
                made += asked.made
        return made

    async def after(self) -> int:
        """Make forms for patients whose call is over; how many were made."""
        now = self.office.clock.now()
        since = instant(now - LOOKING_BACK)
        params = [("status", "completed"), ("_lastUpdated", f"ge{since}"), ("_count", "200")]
        made = 0
        for call in await self.office.client.search("Communication", params):
            patient, about = str(call.get("subject", {}).get("reference", "")), f"Communication/{call['id']}"
            if (
                self._looked_at.get(about, now) > now
                or not patient.startswith("Patient/")
                or not _has_record(call)
            ):
                continue
            if len(self._looked_at) >= _MOST_KNOWN:
                self._looked_at.pop(next(iter(self._looked_at)))
            asked = await self._ask(FormOrder(patient, AFTER, AFTER, f"{AFTER}/{call['id']}", about))
            made += asked.made
            self._looked_at[about] = now + _AGAIN if asked.waits else _NEVER
        return made

    async def _ask(self, order: FormOrder) -> _Asked:
        """Make a form, unless it is there, and send its link, unless that was sent."""
        try:
            form = await self.office.make(order, SYSTEM)
        except Refusal as refusal:
            if refusal.category not in _EXPECTED:
                raise
            return _Asked(False, False)
        waits = form.status == READY and not await self._sent(form)
        return _Asked(not form.repeated, waits)

    async def _sent(self, form: FormState) -> bool:
        try:
            await self.office.send(form.id, SYSTEM)
        except Refusal as refusal:
            if not form.repeated:
                log.info("a form waits to be handed on: %s", refusal.issues[0].code)
            return False
        return True

    async def _guarded(self, looking: Awaitable[int]) -> None:
        """A look that failed is made again the next time."""
        try:
            await looking
        except (Refusal, Unreachable) as error:
            log.warning("forms could not be looked after just now: %s", type(error).__name__)


def _has_record(call: JsonObject) -> bool:
    """Whether something was said that is on record; a message that went out has its words alone."""
    return any("contentReference" in part for part in call.get("payload", ()))


def _patients(appointment: JsonObject) -> Iterable[str]:
    references = (str(p.get("actor", {}).get("reference", "")) for p in appointment.get("participant", ()))
    return dict.fromkeys(one for one in references if one.startswith("Patient/"))
