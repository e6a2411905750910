"""Twilio's signatures on webhooks and websockets (https://www.twilio.com/docs/usage/webhooks/webhooks-security).

The signature is over the public address, which behind a proxy only the settings know: not what the request says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict

if TYPE_CHECKING:
    from agent.telephony.settings import TelephonySettings

HEADER = "X-Twilio-Signature"

Form = ImmutableMultiDict[str, str]


class Signatures:
    """Says whether a request is Twilio's."""

    def __init__(self, settings: TelephonySettings):
        from twilio.request_validator import RequestValidator

        if not settings.auth_token:
            raise ValueError("an empty auth token would let everybody in")
        self._validator = RequestValidator(settings.auth_token)
        self._base, self._socket_base = settings.base, settings.socket_base

    def of_webhook(self, path: str, query: str, form: Form, signature: str) -> bool:
        return self._valid(self._base, path, query, form, signature)

    def of_socket(self, path: str, query: str, signature: str) -> bool:
        return self._valid(self._socket_base, path, query, Form([]), signature)

    def _valid(self, base: str, path: str, query: str, form: Form, signature: str) -> bool:
        if not signature.isascii():
            return False
        address = f"{base}{path}?{query}" if query else f"{base}{path}"
        return bool(self._validator.validate(address, _Fields(form.multi_items()), signature))


class _Fields(dict[str, str]):
    """A form as the validator wants it: several values of one name are all signed."""

    def __init__(self, items: Iterable[tuple[str, str]]):
        self._all: dict[str, list[str]] = {}
        for name, value in items:
            self._all.setdefault(name, []).append(value)
        super().__init__({name: values[0] for name, values in self._all.items()})

    def getlist(self, name: str) -> list[str]:
        return self._all[name]


def form_of(body: bytes) -> Form:
    """The fields of a form as it was sent, empty ones too: all of them are signed. Raises ValueError."""
    return Form(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=200))
