"""Twilio's side of a call: signed webhooks, TwiML obeyed, streams opened, and told how it ended."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx

from agent.simulator.twiml import (
    BadTwiml,
    Dial,
    Hangup,
    Pause,
    Play,
    Redirect,
    Reject,
    Say,
    Stream,
    Verb,
    parse,
)

_MOST_VERBS = 50

Streams: TypeAlias = Callable[[str, Stream, str, str], Awaitable[str]]
"""Carries one stream: call, verb, the address to connect to, its signature; says who ended it."""


@dataclass(frozen=True, slots=True)
class Line:
    """The number that is called. ``webhook`` is where requests go, ``public`` the address they are signed for and
    that TwiML names (scheme and host; by default that of ``webhook``)."""

    webhook: str
    auth_token: str = field(repr=False)
    public: str = ""
    account: str = "AC" + "0" * 32
    number: str = "+15555550100"
    transfer: str = "completed"
    """What becomes of ``<Dial>``: ``completed``, ``no-answer``, ``busy`` or ``failed``."""

    @property
    def local(self) -> str:
        url = httpx.URL(self.webhook)
        return f"{url.scheme}://{url.netloc.decode()}"

    @property
    def base(self) -> str:
        return (self.public or self.local).rstrip("/")

    def reached(self, address: str) -> str:
        """Where an address of the public name is reached from here."""
        for public, local in ((self.base, self.local), (_sockets(self.base), _sockets(self.local))):
            if address == public or address.startswith(f"{public}/"):
                return local + address.removeprefix(public)
        return address

    def named(self, address: str) -> str:
        """The public name of an address here."""
        return self.base + address.removeprefix(self.local) if address.startswith(self.local) else address

    def sign(self, address: str, form: dict[str, str]) -> str:
        from twilio.request_validator import RequestValidator

        return str(RequestValidator(self.auth_token).compute_signature(address, form))


def _sockets(base: str) -> str:
    return "ws" + base.removeprefix("http")


@dataclass
class Outcome:
    """What became of one call."""

    call: str
    ring: float = 0.0
    """Seconds until the first TwiML came: how long it rang."""
    verbs: list[str] = field(default_factory=list)
    ended_by: str = ""
    dialled: str = ""
    said: list[str] = field(default_factory=list)
    """What Twilio's own voice said."""
    trouble: str = ""

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass
class PhoneCarrier:
    """Makes calls to one line."""

    line: Line
    client: httpx.AsyncClient

    def sid(self) -> str:
        return f"CA{secrets.token_hex(16)}"

    async def call(self, call: str, caller: str, streams: Streams) -> Outcome:
        """One call from its first ring. Trouble is told in the outcome, never raised."""
        outcome = Outcome(call)
        form = self._form(call, caller)
        begun = time.monotonic()
        try:
            verbs = await self._ask(self.line.named(self.line.webhook), {**form, "CallStatus": "ringing"})
            outcome.ring = round(time.monotonic() - begun, 4)
            await self._obey(verbs, {**form, "CallStatus": "in-progress"}, streams, outcome)
        except (httpx.HTTPError, BadTwiml, OSError) as error:
            outcome.trouble = f"{type(error).__name__}: {error}"
        await self._completed(form, outcome)
        return outcome

    def _form(self, call: str, caller: str) -> dict[str, str]:
        return {
            "CallSid": call,
            "AccountSid": self.line.account,
            "From": caller or "anonymous",
            "To": self.line.number,
            "Direction": "inbound",
            "ApiVersion": "2010-04-01",
            "CallerCountry": "US",
            "ForwardedFrom": "",
        }

    async def _ask(self, address: str, form: dict[str, str]) -> list[Verb]:
        """POST to a public address; the TwiML that comes back. Raises httpx.HTTPError, BadTwiml."""
        headers = {"X-Twilio-Signature": self.line.sign(address, form), "User-Agent": "TwilioProxy/1.1"}
        answer = await self.client.post(self.line.reached(address), data=form, headers=headers)
        if not answer.is_success:
            raise BadTwiml(f"the webhook answers {answer.status_code}")
        return parse(answer.text) if answer.content else []

    async def _obey(
        self, verbs: list[Verb], form: dict[str, str], streams: Streams, outcome: Outcome
    ) -> None:
        todo = list(verbs)
        for _ in range(_MOST_VERBS):
            if not todo or isinstance(todo[0], Hangup | Reject):
                outcome.verbs += [type(verb).__name__ for verb in todo[:1]]
                outcome.ended_by = outcome.ended_by or "server"
                return
            verb = todo.pop(0)
            outcome.verbs.append(type(verb).__name__)
            following = await self._one(verb, form, streams, outcome)
            if outcome.ended_by == "caller":
                return
            todo = following if following is not None else todo

    async def _one(
        self, verb: Verb, form: dict[str, str], streams: Streams, outcome: Outcome
    ) -> list[Verb] | None:
        """Do one verb; the verbs that take the place of those after it, or None to go on with them."""
        if isinstance(verb, Stream):
            signature = self.line.sign(verb.url, {})
            ended_by = await streams(outcome.call, verb, self.line.reached(verb.url), signature)
            if ended_by == "caller":
                outcome.ended_by = ended_by
                return None
            return (
                await self._ask(verb.action, {**form, "StreamEvent": "stream-stopped"})
                if verb.action
                else None
            )
        if isinstance(verb, Dial):
            outcome.dialled = verb.number
            told = {**form, "DialCallStatus": self.line.transfer}
            return await self._ask(verb.action, told) if verb.action else None
        if isinstance(verb, Redirect):
            return await self._ask(verb.url, form)
        if isinstance(verb, Say):
            outcome.said.append(verb.text)
        assert isinstance(verb, Say | Play | Pause)
        return None

    async def _completed(self, form: dict[str, str], outcome: Outcome) -> None:
        address = self.line.named(self.line.webhook).rsplit("/", 1)[0] + "/status"
        try:
            await self._ask(address, {**form, "CallStatus": "completed"})
        except (httpx.HTTPError, BadTwiml) as error:
            outcome.trouble = outcome.trouble or f"status: {type(error).__name__}: {error}"
