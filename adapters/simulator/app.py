"""The simulated EHR over HTTP: FHIR under ``/fhir``, tokens under ``/oauth``, control under ``/admin``.

One ASGI application without a framework's routing, so that faults stand in one place around every request.
"""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import replace

from adapters.simulator import answers
from adapters.simulator.answers import Answer, outcome
from adapters.simulator.authority import Authority
from adapters.simulator.call import ABORT, MAX_BODY, Call, Receive, Scope, Send, cut, read_call, send_answer
from adapters.simulator.clinic import Clinic
from adapters.simulator.control import Control
from adapters.simulator.export import Exports
from adapters.simulator.faults import Fate, FaultPlan
from adapters.simulator.habits import HabitBook
from adapters.simulator.notifier import Notifier
from adapters.simulator.options import Options
from adapters.simulator.populate import populate
from adapters.simulator.records import Records
from adapters.simulator.routes import Routes

__all__ = ["ABORT", "SimulatedEhr", "create_app"]

_OPEN = ("oauth/token", "fhir/.well-known/smart-configuration")


class SimulatedEhr:
    """The ASGI application. It opens its database when made; :meth:`close` closes it."""

    def __init__(self, options: Options):
        self.options = options
        self.habits = HabitBook(options.habits)
        self.records = Records(options.data, self.habits)
        self.clinic = Clinic(self.records)
        self.plan = FaultPlan(options.faults)
        self.authority = Authority()
        self._being_written: set[str] = set()
        populate(self.records, self.clinic, options)
        exports = Exports(self.records, self.habits)
        self._routes = Routes(options, self.records, self.clinic, self.habits, exports)
        self._control = Control(self.records, self.plan, self.habits, self.authority, exports)
        self._notifier = Notifier(self.records, self.habits)

    def close(self) -> None:
        self.records.close()

    async def settle(self) -> None:
        """End what still runs, before the event loop ends."""
        await self._notifier.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"no {scope['type']} here")
        call = await read_call(scope, receive)
        answer = await self._answer(call)
        if answer is None:
            await cut(scope)
        else:
            await send_answer(self._dated(answer), send, scope)

    async def _answer(self, call: Call) -> Answer | None:
        """The answer, or None for none at all."""
        room, path = call.path[0], "/".join(call.path)
        if room == "fhir" and self.plan.is_down():
            return None
        if path not in _OPEN and not self._authorised(call):
            return self._manner(
                outcome(401, "login", "a bearer token is required", WWW_Authenticate="Bearer")
            )
        if len(call.body) > MAX_BODY:
            return outcome(413, "too-long", "the body is too large")
        if path == _OPEN[0]:
            return await self.authority.token(
                call, self.habits.now.token_seconds, self.records.time().timestamp()
            )
        if path == _OPEN[1]:
            return self.authority.configuration(call)
        if room == "fhir":
            answer = await self._suffer(call)
            return self._manner(answer) if answer else None
        if room == "desk":
            return self._routes.answer(replace(call, path=["fhir", *call.path[1:]]))
        return self._control.answer(call) if room == "admin" else outcome(404, "not-found", "nothing is here")

    def _authorised(self, call: Call) -> bool:
        """The token of the start opens everything, one from the token endpoint the FHIR interface."""
        stated = call.headers.get("authorization", "").encode()
        if hmac.compare_digest(stated, f"Bearer {self.options.token}".encode()):
            return True
        if call.path[:2] == ["fhir", "$export-file"] and not self.habits.now.export_token:
            return True
        return call.path[0] == "fhir" and self.authority.accepts(stated.decode().removeprefix("Bearer "))

    def _manner(self, answer: Answer) -> Answer:
        """The answer in the manner of this EHR."""
        if answer.status >= 400:
            return answers.refused(answer, self.habits.now.refusals)
        return answers.as_xml(answer) if self.habits.now.xml else answer

    def _dated(self, answer: Answer) -> Answer:
        if not self.habits.now.date_header:
            return answer
        return replace(answer, headers={**answer.headers, "Date": answers.http_date(self.records.time())})

    async def _suffer(self, call: Call) -> Answer | None:
        """Do the request under the faults in force."""
        fate = self.plan.draw()
        record = "/".join(call.path[1:]) if call.method in ("PUT", "DELETE") else ""
        if record and record in self._being_written:
            return outcome(409, "lock-error", "the record is being written by another request")
        self._being_written.add(record)
        try:
            if fate.latency:
                await asyncio.sleep(fate.latency)
            if self.plan.is_down():
                return None
            answer = self._misfortune(call, fate) or self._routes.answer(call)
        finally:
            self._being_written.discard(record)
        return None if fate.cut and call.writes and answer.status < 400 else answer

    def _misfortune(self, call: Call, fate: Fate) -> Answer | None:
        if fate.throttled:
            after = f"{self.plan.faults.retry_after:g}"
            return outcome(429, "throttled", "too many requests", Retry_After=after)
        if fate.error:
            return outcome(fate.error, "transient", "something went wrong on purpose")
        if fate.conflict and call.writes:
            return outcome(fate.conflict, "conflict", "somebody else is editing the record")
        return None


def create_app(options: Options) -> SimulatedEhr:
    """The ASGI application, its database opened and filled."""
    return SimulatedEhr(options)
