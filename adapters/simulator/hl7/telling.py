"""How the simulated EHR tells of its changes: messages in order, each until it is answered, with faults where set."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from datetime import UTC, datetime

from adapters.hl7v2.message import Message, parse
from adapters.hl7v2.mllp.client import MllpClient
from adapters.simulator.hl7.book import AUTHORITY, Appointment, Book, Patient
from adapters.simulator.hl7.faults import Faults
from fhirserver.kernel.ids import new_id
from fhirserver.ports.ehr import EhrError

log = logging.getLogger("credence.simulator")

_PAUSE = 0.5
_RETRIED = frozenset(("AR", "CR"))


class Feed:
    """The messages that wait to be told. ``client`` is where; None tells nobody."""

    def __init__(self, book: Book, faults: Faults, client: MllpClient | None):
        self._book, self._faults, self._client = book, faults, client
        self._waiting: deque[Message] = deque()
        self._news = asyncio.Event()
        self._count = itertools.count(1)
        self._run = new_id()[:6]
        self.told = 0
        self.refused: list[str] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def tell(self, event: str, number: str) -> None:
        """Tell of a change as it stands now."""
        if self._client is None:
            return
        message = self._message(event, number)
        if self._faults.strikes("disorder") and self._waiting:
            self._waiting.insert(len(self._waiting) - 1, message)
        else:
            self._waiting.append(message)
        if self._faults.strikes("duplicate"):
            self._waiting.append(message)
        self._news.set()

    async def run(self) -> None:
        """Send for ever. What is refused for good is kept in ``refused`` by its control id."""
        while True:
            while self._waiting and self._client is not None:
                try:
                    answer = await self._client.send(self._waiting[0])
                except EhrError:
                    await asyncio.sleep(_PAUSE)
                    continue
                if answer is not None and answer.code in _RETRIED:
                    await asyncio.sleep(_PAUSE)
                    continue
                message = self._waiting.popleft()
                self.told += 1
                if answer is not None and not answer.accepted:
                    self.refused.append(message.control_id)
            self._news.clear()
            await self._news.wait()

    def _message(self, event: str, number: str) -> Message:
        at = datetime.now(UTC).strftime("%Y%m%d%H%M%S.%f")[:-2] + "+0000"
        kind = "SIU" if event.startswith("S") else "ADT"
        id = f"{self._run}-{next(self._count)}"
        head = f"MSH|^~\\&|SIMEHR|{AUTHORITY}|CREDENCE||{at}||{kind}^{event}|{id}|P|2.5.1"
        made = (
            self._booked(self._book.appointments[number])
            if kind == "SIU"
            else self._person(event, at, number)
        )
        return parse("\r".join((head, *made)) + "\r")

    def _person(self, event: str, at: str, mrn: str) -> list[str]:
        patient = self._book.patients[mrn]
        told = [one for one in patient.more if one.startswith("NK1")]
        cover = [one for one in patient.more if one.startswith("IN1")]
        return [f"EVN|{event}|{at}", pid(patient), *told, "PV1|1|N", *cover]

    def _booked(self, one: Appointment) -> list[str]:
        fields = {"1": one.placer, "2": f"{one.filler}^{AUTHORITY}", **one.fields, "25": one.status}
        fields["11"] = f"^^^{one.start}^{one.end}"
        return [_segment("SCH", fields), pid(self._book.patients[one.mrn]), *one.resources]


def pid(patient: Patient) -> str:
    """The PID of a patient: its own number first."""
    numbers = "~".join((f"{patient.mrn}^^^{AUTHORITY}^MR", *(f"{one}^PI" for one in patient.others)))
    return _segment("PID", {"1": "1", "3": numbers, **patient.fields})


def _segment(name: str, fields: dict[str, str]) -> str:
    last = max(int(number) for number in fields)
    return "|".join((name, *(fields.get(str(number), "") for number in range(1, last + 1))))
