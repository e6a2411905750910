"""Launch contexts: what an EHR says of the place in it from which it starts an app. Opaque to the app, used once.

https://hl7.org/fhir/smart-app-launch/app-launch.html#launch-app-ehr-launch
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from fhirserver.access.principals import token_digest
from fhirserver.access.smart.errors import OAuthError, invalid_request
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.ports.access_records import AccessRecords

_PREFIX = "launch/"
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")
_USER = re.compile(r"(Patient|Practitioner|PractitionerRole|RelatedPerson|Person)/[A-Za-z0-9\-.]{1,64}\Z")
_REFERENCE = re.compile(r"[A-Z][A-Za-z]{1,60}/[A-Za-z0-9\-.]{1,64}\Z")
_MOST_CONTEXTS = 50
_MOST_CHARACTERS = 2000
_OF_CONTEXT = frozenset({"reference", "canonical", "identifier", "type", "role"})
_NOT_IN_CONTEXT = ("Patient/", "Encounter/")
"""These have parameters of their own; in fhirContext they need a role. """
_MEMBERS = (
    "patient",
    "encounter",
    "user",
    "client_id",
    "intent",
    "tenant",
    "need_patient_banner",
    "fhirContext",
)


@dataclass(frozen=True, slots=True)
class Launch:
    """Where an app is started. ``patient`` and ``encounter`` are ids, ``user`` is a reference: nobody else may go on.
    ``client``: the only app that may; empty for any."""

    patient: str = ""
    encounter: str = ""
    user: str = ""
    client: str = ""
    intent: str = ""
    tenant: str = ""
    need_patient_banner: bool | None = None
    contexts: list[JsonObject] = field(default_factory=list)

    def as_json(self) -> JsonObject:
        """How it is kept."""
        return asdict(self)

    def told(self) -> JsonObject:
        """What the token response says of it, beside patient and encounter."""
        told: JsonObject = {}
        if self.contexts:
            told["fhirContext"] = self.contexts
        if self.need_patient_banner is not None:
            told["need_patient_banner"] = self.need_patient_banner
        return told | {name: value for name in ("intent", "tenant") if (value := getattr(self, name))}


def launch_of_json(kept: JsonObject) -> Launch:
    """The launch that was kept."""
    return Launch(**kept)


def launch_of_request(sent: Json) -> Launch:
    """The launch that an EHR asks for. Raises OAuthError, which names what is wrong."""
    if not isinstance(sent, dict):
        raise invalid_request("the body is a JSON object")
    if unknown := sorted(sent.keys() - set(_MEMBERS)):
        raise invalid_request(f"there is no member '{unknown[0][:40]}'; there are {', '.join(_MEMBERS)}")
    banner = sent.get("need_patient_banner")
    if banner is not None and not isinstance(banner, bool):
        raise invalid_request("need_patient_banner is true or false")
    return Launch(
        _matching(sent, "patient", _ID, "an id"),
        _matching(sent, "encounter", _ID, "an id"),
        _matching(sent, "user", _USER, "a reference such as Practitioner/1"),
        _text(sent, "client_id"),
        _text(sent, "intent"),
        _text(sent, "tenant"),
        banner,
        _contexts(sent.get("fhirContext", [])),
    )


def _text(sent: JsonObject, name: str) -> str:
    value = sent.get(name, "")
    if not isinstance(value, str) or len(value) > _MOST_CHARACTERS:
        raise invalid_request(f"{name} is a text of at most {_MOST_CHARACTERS} characters")
    return value


def _matching(sent: JsonObject, name: str, form: re.Pattern[str], words: str) -> str:
    value = _text(sent, name)
    if value and not form.match(value):
        raise invalid_request(f"{name} is {words}")
    return value


def _contexts(sent: Any) -> list[JsonObject]:
    """https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#fhir-context"""
    if not isinstance(sent, list) or len(sent) > _MOST_CONTEXTS:
        raise invalid_request(f"fhirContext is a list of at most {_MOST_CONTEXTS} objects")
    for number, one in enumerate(sent):
        if (
            not isinstance(one, dict)
            or one.keys() - _OF_CONTEXT
            or not one.keys() & {"reference", "canonical", "identifier"}
        ):
            raise invalid_request(
                f"fhirContext[{number}] has a reference, canonical or identifier; type and role"
            )
        reference = one.get("reference", "Basic/1")
        if not isinstance(reference, str) or not _REFERENCE.match(reference):
            raise invalid_request(f"fhirContext[{number}].reference is a relative reference")
        if reference.startswith(_NOT_IN_CONTEXT) and one.get("role", "launch") == "launch":
            raise invalid_request(f"fhirContext[{number}]: patient and encounter have members of their own")
    return sent


class Launches:
    """Those that wait for their app. ``now``: seconds since 1970."""

    def __init__(self, records: AccessRecords, seconds: int, now: Callable[[], float] = time.time):
        self._records, self.seconds, self._now = records, seconds, now

    async def put(self, launch: Launch) -> str:
        """The ``launch`` value for the app's launch URL."""
        value = secrets.token_urlsafe(32)
        until = int(self._now()) + self.seconds
        await self._records.swap(_PREFIX + token_digest(value), 0, launch.as_json(), until)
        return value

    async def take(self, value: str, client: str) -> Launch:
        """The launch of a value, once. Raises OAuthError for one that is not known, is over, or is another app's."""
        key = _PREFIX + token_digest(value)
        kept = await self._records.read(key)
        if kept is None or not await self._records.remove(key, kept.revision):
            raise _unknown()
        launch = launch_of_json(kept.value)
        if launch.client not in ("", client):
            raise _unknown()
        return launch


def _unknown() -> OAuthError:
    return invalid_request("The launch value is not known, or was used, or has expired: start the app again")
