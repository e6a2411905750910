"""The board of all calls of this process, as operators see it: implements ``fhirserver.ports.live_calls``."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.live.attended import Attended, Bridge, Ear, conflict
from agent.live.escalation_record import COMPLETED, CONNECTED, REQUESTED
from agent.live.scribe import FLUSH_SECONDS, Scribe
from agent.live.sound import endless
from agent.safety.risk import Thresholds
from agent.safety.watch import Watch
from agent.tools.writing import Writing
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.live_calls import ACTIONS, DISPOSITIONS, MAX_WORDS, LiveCall, LiveEvent, OperatorSound

if TYPE_CHECKING:
    from agent.call import Call, CallRecord
    from agent.errand import Errand

_KEPT_AFTER = 900.0
"""Seconds for which a call that is over stays on the board."""
_MOST_OVER = 50
_PRESSING = {
    "safety_concern": 0,
    "high_risk": 1,
    "long_wait": 2,
    "looping": 3,
    "negative_emotion": 3,
    "asked": 4,
}


@dataclass
class LiveBoard:
    """Calls register with :meth:`attend`; operators come in through the methods of ``LiveCalls``."""

    thresholds: Thresholds = field(default_factory=Thresholds)

    def __post_init__(self) -> None:
        self._calls: dict[str, Attended] = {}

    # calls

    def register(
        self, call: Call, id: str = "", bridge: Bridge | None = None, ear: Ear | None = None
    ) -> Attended:
        """Put a call on the board before it runs. ``id``: 16 random hex digits where none is given."""
        self._forget()
        name = id or secrets.token_hex(8)
        scribe = Scribe(call, Writing(call.client, call.keeper.written, patience=FLUSH_SECONDS))
        attended = Attended(name, call, Watch(self.thresholds), scribe, bridge, ear)
        self._calls[name] = attended
        return attended

    async def attend(
        self, call: Call, id: str = "", bridge: Bridge | None = None, ear: Ear | None = None
    ) -> CallRecord:
        """Run a call under the operators' eyes; what :meth:`agent.call.Call.run` returns."""
        return await self.run(self.register(call, id, bridge, ear))

    async def run(self, attended: Attended) -> CallRecord:
        """Run a call that is on the board."""
        try:
            return await attended.call.run()
        finally:
            attended.over(attended.call.session.over)
            await attended.release()
            await attended.scribe.flush()

    def _forget(self) -> None:
        """Drop calls that are over: those long over, and the oldest of too many."""
        over = [one for one in self._calls.values() if one.over_at is not None]
        over.sort(key=lambda one: one.over_at or one.now)
        for i, one in enumerate(over):
            age = (one.now - (one.over_at or one.now)).total_seconds()
            if age > _KEPT_AFTER or i < len(over) - _MOST_OVER:
                one.close()
                del self._calls[one.id]

    def told_operators(self, id: str) -> tuple[str, ...]:
        """References of what stands in the operators' queue because of a call."""
        one = self._calls.get(id)
        ids = one.escalation.ids if one is not None and one.escalation is not None else {}
        return tuple(f"{type}/{of}" for type, of in ids.items())

    def errand_of(self, id: str) -> Errand | None:
        """What a call out is for; None for another."""
        one = self._calls.get(id)
        return one.call.setting.errand if one is not None else None

    def records(self) -> frozenset[str]:
        """References of the records of calls that this process holds or has held."""
        return frozenset(one.call.keeper.communication for one in self._calls.values())

    # LiveCalls

    def calls(self) -> Sequence[LiveCall]:
        self._forget()
        shown = [one.snapshot() for one in self._calls.values() if not self._done(one)]
        return sorted(shown, key=pressing)

    @staticmethod
    def _done(one: Attended) -> bool:
        waits = one.escalation is not None and one.escalation.stage != COMPLETED
        return bool(one.ended) and not waits

    def call(self, id: str) -> LiveCall | None:
        one = self._calls.get(id)
        return one.snapshot() if one else None

    async def so_far(self, id: str) -> Sequence[LiveEvent]:
        one = self._calls.get(id)
        return tuple(one.timeline.events) if one else ()

    def follow(self, id: str, after: int = 0) -> AsyncIterator[LiveEvent]:
        return self._of(id).timeline.follow(after)

    async def act(
        self, id: str, action: str, operator: str, text: str = "", disposition: str = ""
    ) -> LiveCall:
        one = self._of(id)
        _check(action, text, disposition)
        if action == "take_over":
            await self._take_over(one, operator)
        elif action == "hand_back":
            await one.hand_back(operator)
        elif action == "wrap_up":
            await self._wrap_up(one, operator, text, disposition)
        else:
            _speak(one, action, operator, text.strip())
        return one.snapshot()

    def audio(self, id: str) -> AsyncIterator[bytes]:
        ear = self._of(id).ear
        if ear is None:
            raise refuse(Category.NOT_FOUND, "not-found", "The sound of this call cannot be listened to")
        return endless(ear.listen())

    async def sound(self, id: str, operator: str) -> OperatorSound:
        return self._of(id).sound(operator)

    def _of(self, id: str) -> Attended:
        one = self._calls.get(id)
        if one is None:
            raise refuse(Category.NOT_FOUND, "not-found", "There is no such call any more")
        return one

    # what operators do

    async def _take_over(self, one: Attended, operator: str) -> None:
        if one.holder == operator and not one.ended:
            return
        one.hold(operator)
        one.put("take_over", operator)
        if one.bridge is not None:
            try:
                await one.bridge.join(one.id, operator)
            except OSError:
                one.put("hand_back", operator)
                one.holder = ""
                raise refuse(Category.BUSY, "transient", "The operator could not be connected") from None
        if one.holder == operator:  # and has not given it up while being connected
            one.reach(CONNECTED, operator, "taken over")

    async def _wrap_up(self, one: Attended, operator: str, text: str, disposition: str) -> None:
        if one.holder and one.holder != operator:
            raise conflict(f"{one.holder} holds this call")
        if one.holder == operator and not one.call.session.over:
            one.put("finish", operator)
            await one.release()
        one.put("wrap_up", operator)
        one.wrap(operator, text.strip(), disposition)
        await one.scribe.flush()


def _speak(one: Attended, action: str, operator: str, text: str) -> None:
    if action == "listen":
        one.listens(operator)
        return
    if action == "say":
        one.held_by(operator)
    else:
        one.still_on()
        if one.holder:
            raise conflict(f"{one.holder} holds this call: the agent is silent")
    one.put(action, operator, text)


def _check(action: str, text: str, disposition: str) -> None:
    if action not in ACTIONS:
        raise _wrong(f"The action is one of {', '.join(ACTIONS)}", "action")
    if action in ("guide", "say", "wrap_up") and not text.strip():
        raise _wrong("A text is needed", "text")
    if len(text) > MAX_WORDS:
        raise _wrong(f"The text may have {MAX_WORDS} characters", "text")
    if action == "wrap_up" and disposition not in DISPOSITIONS:
        raise _wrong(f"The disposition is one of {', '.join(DISPOSITIONS)}", "disposition")


def _wrong(diagnostics: str, member: str) -> Refusal:
    return refuse(Category.UNPROCESSABLE, "value", diagnostics, member)


def pressing(call: LiveCall) -> tuple[bool, int, bool, int, float]:
    """Those who wait for a person first, by reason, then by risk and by time; last those that are over."""
    waits = call.stage == REQUESTED
    reason = _PRESSING.get(call.priority, 9) if waits else 9
    return (not waits, reason, bool(call.ended), -call.risk, call.started.timestamp())
