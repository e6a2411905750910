"""The channels of the server's own process, asked for over HTTP: conversations in an app's chat, links to forms."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable
from typing import Any
from urllib.parse import quote

import httpx

from agent.campaigns.channels import Settled
from agent.campaigns.contacts import SKIPPED, UNMADE, Contact
from agent.errand import Errand, NotPlaced
from agent.text_out import TextSender
from fhirserver.kernel.json import InvalidJson, JsonObject, dumps, loads
from fhirserver.ports.forms import ASKED_LATELY, ENOUGH_FORMS, FORMS_OFF, NOT_OPEN, NOTHING_MISSING

NOT_NEEDED = "not-needed"
_SECONDS = 15.0


class Beside:
    """What the server has beside FHIR; ``base`` is its address (``http://127.0.0.1:8080``)."""

    def __init__(
        self,
        base: str,
        token: str,
        transport: httpx.AsyncBaseTransport | None = None,
        tls: ssl.SSLContext | None = None,
    ):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._base = base.rstrip("/")
        self._http = httpx.AsyncClient(
            headers=headers, transport=transport, timeout=_SECONDS, verify=tls or True, trust_env=False
        )

    async def post(self, path: str, body: JsonObject | None = None, key: str = "") -> tuple[int, JsonObject]:
        """Status and body. Raises NotPlaced where there is no answer, or none that says more than "not now"."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self._ask("POST", path, dumps(body or {}), headers)

    async def get(self, path: str) -> tuple[int, JsonObject]:
        """Status and body. Raises as :meth:`post`."""
        return await self._ask("GET", path, None, {})

    async def _ask(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> tuple[int, JsonObject]:
        try:
            answer = await self._http.request(method, self._base + path, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise NotPlaced(f"the server gave no answer: {type(error).__name__}", sure=False) from None
        if answer.status_code >= 500 or answer.status_code in (408, 429):
            raise NotPlaced(f"the server answers {answer.status_code}", sure=True)
        return answer.status_code, _read(answer)

    async def close(self) -> None:
        await self._http.aclose()


def _read(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = loads(answer.content)
    except InvalidJson:
        return {}
    return found if isinstance(found, dict) else {}


class ChatChannel:
    """Begins a conversation in the app that the patient uses. The same attempt again begins none."""

    def __init__(self, beside: Beside, sender: TextSender, at_once: int = 10):
        self._beside, self._sender, self._at_once, self._going = beside, sender, at_once, 0

    @property
    def free(self) -> int:
        return max(self._at_once - self._going, 0)

    async def reach(self, errand: Errand, number: str, words: str) -> Awaitable[None] | None:
        order = {
            "id": errand.id, "patient": errand.patient, "reason": errand.purpose,
            "request": errand.request, "run": errand.run, "words": words,
        }  # fmt: skip
        self._going += 1
        try:  # what has no answer stays open on record, and is asked after
            status, _ = await self._beside.post(
                f"/chat/services/{quote(errand.service, safe='')}/outreach", order
            )
        finally:
            self._going -= 1
        if status >= 400:
            why = (
                "the patient is in another conversation"
                if status == 409
                else f"the chat refuses it ({status})"
            )
            await self._sender.write(errand, number, "", UNMADE, why)
            raise NotPlaced(why, sure=True)
        await self._sender.write(errand, number, "", "sent", "a conversation waits for the patient")
        return None

    async def settle(self, contact: Contact) -> Settled | None:
        """The chat knows which orders have led to a conversation: one that has not was never made, and never will be,
        since its name is not ordered again."""
        status, _ = await self._beside.get(f"/chat/outreach?id={quote(contact.name, safe='')}")
        if status == 200:
            return Settled("sent", True, "a conversation waits for the patient")
        if status == 404:
            return Settled(UNMADE, False, "the chat knows of no such conversation")
        raise NotPlaced(f"the chat does not tell ({status})", sure=False)


_NO_FORM = {
    NOTHING_MISSING: (NOT_NEEDED, "nothing is missing"),
    ASKED_LATELY: (SKIPPED, "what is missing was asked for lately"),
    ENOUGH_FORMS: (SKIPPED, "the patient had enough forms this month"),
    FORMS_OFF: (SKIPPED, "forms are off"),
    NOT_OPEN: (SKIPPED, "the form is not open any more"),
}
"""By the code of a problem: what becomes of the attempt, and why."""
_CLOSED = {
    "completed": (NOT_NEEDED, "the form was filled in"),
    "nothing-missing": (NOT_NEEDED, "nothing is missing"),
    "revoked": (SKIPPED, "the form was taken back"),
    "locked": (SKIPPED, "the form is locked"),
    "expired": (SKIPPED, "the link to the form has ended"),
}
"""The same by the status of the form that an attempt before has made."""


class _NoForm(Exception):
    """There is no form to send, and there will be none."""

    def __init__(self, outcome: str, why: str):
        self.outcome, self.why = outcome, why
        super().__init__(why)


class FormChannel:
    """Makes a form for what is missing, and sends its link as a message. All attempts of one outreach bring the same
    form: what an attempt before has made, and perhaps never sent, is not asked for a second time."""

    def __init__(self, beside: Beside, sender: TextSender):
        self._beside, self._sender = beside, sender

    @property
    def free(self) -> int:
        return self._sender.free

    async def reach(self, errand: Errand, number: str, words: str) -> Awaitable[None] | None:
        try:
            link = await self._link(errand)
        except NotPlaced as failed:
            await self._sender.write(errand, number, "", UNMADE, str(failed))
            raise
        except _NoForm as none:
            await self._sender.write(errand, number, "", none.outcome, none.why)
            return None
        text = words.replace("{link}", link) if "{link}" in words else f"{words} {link}"
        return await self._sender.reach(errand, number, text)

    async def _link(self, errand: Errand) -> str:
        """The address of the form. Raises :class:`_NoForm`, NotPlaced."""
        order = {"patient": errand.patient, "purpose": "campaign", "about": errand.request}
        order |= {"requirements": errand.service} if errand.service else {}
        form = await self._asked("", order, errand.request)
        if (closed := _CLOSED.get(str(form.get("status", "")))) is not None:
            raise _NoForm(*closed)
        return str((await self._asked(f"/{form.get('id', '')}/link")).get("url", ""))

    async def _asked(self, path: str, body: JsonObject | None = None, key: str = "") -> JsonObject:
        status, told = await self._beside.post(f"/platform/forms{path}", body, key)
        if status < 400:
            return told
        code = str(told.get("type", "")).rpartition("/")[2]
        if code in _NO_FORM:
            raise _NoForm(*_NO_FORM[code])
        raise NotPlaced(f"the form is refused ({status})", sure=True)

    async def settle(self, contact: Contact) -> Settled | None:
        return await self._sender.settle(contact)
