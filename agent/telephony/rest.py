"""Twilio's REST API by its own SDK: calls out and text messages.

``api_url`` takes the place of https://api.twilio.com, for tests against a server of the same protocol.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from agent.errand import NotPlaced
from agent.telephony.settings import TelephonySettings

if TYPE_CHECKING:
    from twilio.rest import Client

_API = "https://api.twilio.com"
_SECONDS = 10.0
_MOST = 50
_CLOCKS = timedelta(seconds=5)
"""Twilio tells whole seconds, by its own clock."""
_silent = logging.getLogger("credence.telephony.rest")
_silent.setLevel(logging.CRITICAL)
"""The SDK logs requests with the numbers and words in them; none of that may reach a log."""


@dataclass(frozen=True, slots=True)
class Made:
    """A call or a message as Twilio lists it. ``at``: when it was asked for; ``body`` is empty for calls, and where the
    account has message bodies redacted."""

    sid: str
    status: str
    at: datetime
    body: str = ""


class RestFailed(NotPlaced):
    """Twilio did not do it. ``sure``: it certainly did not; else it may have, and nobody knows.

    The message has Twilio's code and no number and no words; ``code`` is that (https://www.twilio.com/docs/api/errors),
    0 for none.
    """

    def __init__(self, problem: str, sure: bool, code: int = 0):
        super().__init__(problem, sure)
        self.code = code


class TwilioRest:
    """One account. Made within a running loop; close it."""

    def __init__(self, settings: TelephonySettings):
        self._settings = settings
        self._client: Client | None = None
        self._http: Any = None

    async def send(self, to: str, text: str, status_callback: str = "") -> str:
        """Send a text message; its MessageSid. ``status_callback``: the address that is told how it goes on. Raises
        RestFailed."""
        client = self._opened()
        more = {"status_callback": status_callback} if status_callback else {}
        message = await _answered(
            client.messages.create_async(to=to, from_=self._settings.number, body=text, **more)
        )
        return str(message.sid)

    async def messages(self, to: str, since: datetime) -> Sequence[Made]:
        """The messages to this number since then, the earliest first. Raises RestFailed."""
        asked = self._opened().messages.list_async(
            to=to, from_=self._settings.number, date_sent_after=since, limit=_MOST
        )
        return _made_since(since, await _answered(asked))

    async def calls(self, to: str, since: datetime) -> Sequence[Made]:
        """The calls to this number since then, the earliest first. Raises RestFailed."""
        asked = self._opened().calls.list_async(
            to=to, from_=self._settings.number, start_time_after=since, limit=_MOST
        )
        return _made_since(since, await _answered(asked))

    async def asked_of(self, sid: str) -> Sequence[str]:
        """The addresses of ours that Twilio has asked about a call: known a while after its end at the latest
        (https://www.twilio.com/docs/voice/api/call-event-resource). Raises RestFailed."""
        events = await _answered(self._opened().calls(sid).events.list_async(limit=_MOST))
        return [str(event.request["url"]) for event in events if event.request and event.request.get("url")]

    async def call(self, to: str, parameters: Mapping[str, Any]) -> str:
        """Call out; the CallSid. ``parameters`` are those of Twilio's Calls resource. Raises RestFailed."""
        client = self._opened()
        call = await _answered(client.calls.create_async(to=to, from_=self._settings.number, **parameters))
        return str(call.sid)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    def _opened(self) -> Client:
        if not self._settings.account_sid or not self._settings.number:
            raise RestFailed(
                "account_sid and number are needed for calls and messages that go out", sure=True
            )
        if self._client is None:
            from twilio.rest import Client

            self._http = _rebased(self._settings.api_url.rstrip("/"))
            settings = self._settings
            self._client = Client(settings.account_sid, settings.auth_token, http_client=self._http)
        return self._client


def _made_since(since: datetime, found: Iterable[Any]) -> Sequence[Made]:
    """Twilio's filter may know whole days only, and lists the latest first."""
    made = [
        Made(str(one.sid), _status(one), one.date_created or since, str(getattr(one, "body", None) or ""))
        for one in found
    ]
    return sorted((one for one in made if one.at >= since - _CLOCKS), key=lambda one: one.at)


def _status(resource: Any) -> str:
    return str(getattr(resource.status, "value", resource.status) or "")


async def _answered(asking: Any) -> Any:
    import aiohttp
    from twilio.base.exceptions import TwilioException, TwilioRestException

    try:
        async with asyncio.timeout(_SECONDS):  # the SDK does not hold to its own
            return await asking
    except TwilioRestException as error:
        sure = 400 <= error.status < 500 and error.status != 408
        raise RestFailed(
            f"Twilio answers {error.status} (code {error.code})", sure, int(error.code or 0)
        ) from None
    except aiohttp.ClientConnectorError:
        raise RestFailed("Twilio cannot be reached", sure=True) from None
    except (aiohttp.ClientError, TimeoutError, ValueError, TwilioException) as error:
        raise RestFailed(f"Twilio gave no answer: {type(error).__name__}", sure=False) from None


def _rebased(base: str) -> Any:
    from twilio.http.async_http_client import AsyncTwilioHttpClient

    class Rebased(AsyncTwilioHttpClient):  # type: ignore[misc]  # the SDK has no types
        """Sends what is meant for the API's public address to another one."""

        async def request(self, method: str, url: str, *arguments: Any, **more: Any) -> Any:
            if url.startswith(f"{_API}/"):
                url = base + url.removeprefix(_API)
            return await super().request(method, url, *arguments, **more)

    return Rebased(logger=_silent)
