"""An authorization in progress: from an app's request until the user has decided. A pure state, kept in access records.

::

    request → sign in → pick a patient → pick an encounter → consent → back to the app

Each page is reached by the opaque id of the state, in the browser where it began, and posts what was decided back.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import Enum
from typing import Any

from fhirserver.access.scopes import Scopes, parse_scopes
from fhirserver.access.smart.clients import Client
from fhirserver.access.smart.launches import Launch, launch_of_json
from fhirserver.access.smart.people import SignedIn
from fhirserver.access.smart.scope_rules import for_user, in_context, needs_patient
from fhirserver.kernel.json import JsonObject


class Step(Enum):
    """What comes next."""

    SIGN_IN = "sign_in"
    OTHER_USER = "other_user"
    """Somebody is signed in who is not the user for whom the app was launched: they have to sign in."""
    PATIENT = "patient"
    ENCOUNTER = "encounter"
    CONSENT = "consent"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Pending:
    """``id`` goes into URLs of pages; ``form_token`` into their forms. ``browser`` is the digest of the cookie of the
    browser where it began. ``started``: seconds since 1970.

    ``scope`` is what was asked for. ``max_age``: how many seconds ago the user may have signed in; -1: any. ``login``
    is whose the picks are: of anybody else they are forgotten. ``skipped``: the user has said that no encounter is
    to be told.
    """

    id: str
    browser: str
    form_token: str
    started: int
    client: str
    redirect_uri: str
    scope: str
    state: str
    challenge: str
    nonce: str = ""
    prompt: tuple[str, ...] = ()
    max_age: int = -1
    login_hint: str = ""
    launched: bool = False
    launch: Launch = field(default_factory=Launch)
    login: str = ""
    patient: str = ""
    encounter: str = ""
    skipped: bool = False

    @property
    def asked(self) -> Scopes:
        return parse_scopes(self.scope)

    def offered(self, client: Client, user: SignedIn) -> Scopes:
        """What the user can grant, of what was asked for."""
        possible = for_user(self.asked, client.registered, user.rights)
        return in_context(possible, self.patient, self.encounter, self.launched, user.fhir_user)

    def of(self, user: SignedIn) -> Pending:
        """The state as this user finds it: with the context of the launch, and nothing that another picked.

        A patient with one record has nothing to pick.
        """
        if self.login == user.login:
            return self
        patient = self.launch.patient
        if not patient and user.patients is not None and len(user.patients) == 1:
            (patient,) = user.patients
        return replace(
            self, login=user.login, patient=patient, encounter=self.launch.encounter, skipped=False
        )

    def step(self, client: Client, user: SignedIn | None) -> Step:
        """What comes next for who is signed in; the state is :meth:`of` them."""
        if user is None or self._is_stale(user):
            return Step.SIGN_IN
        if self.launch.user and self.launch.user != user.fhir_user:
            return Step.OTHER_USER
        possible = for_user(self.asked, client.registered, user.rights)
        if needs_patient(possible) and not self.patient:
            return Step.PATIENT
        if possible.has("launch/encounter") and self.patient and not self.encounter and not self.skipped:
            return Step.ENCOUNTER
        return Step.CONSENT if client.consent or "consent" in self.prompt else Step.DONE

    def _is_stale(self, user: SignedIn) -> bool:
        """Whether the user has to sign in again, as the app asked."""
        if "login" in self.prompt and user.at < self.started:
            return True
        return self.max_age >= 0 and user.at + self.max_age < self.started

    def as_json(self) -> JsonObject:
        """How it is kept: without its id."""
        kept = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "id"}
        return {**kept, "prompt": list(self.prompt), "launch": self.launch.as_json()}


def pending_of_json(id: str, kept: JsonObject) -> Pending:
    """The state that was kept."""
    given: dict[str, Any] = {one.name: kept[one.name] for one in fields(Pending) if one.name in kept}
    given |= {"prompt": tuple(kept["prompt"]), "launch": launch_of_json(kept["launch"])}
    return Pending(**{**given, "id": id})
