"""Authorizations: from the request of an app to the code that it is sent back with."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from fhirserver.access.principals import token_digest
from fhirserver.access.smart.authorization_request import (
    AuthorizationRequest,
    Tellable,
    Untellable,
    authorization_request,
    error_location,
)
from fhirserver.access.smart.clients import REFRESH, Client, Clients
from fhirserver.access.smart.codes import Codes
from fhirserver.access.smart.errors import OAuthError
from fhirserver.access.smart.grants import Grant
from fhirserver.access.smart.launches import Launch, Launches
from fhirserver.access.smart.pending import Pending, Step, pending_of_json
from fhirserver.access.smart.people import SignedIn
from fhirserver.access.smart.redirects import with_parameters
from fhirserver.access.smart.scope_rules import chosen
from fhirserver.access.smart.settings import Addresses, Lifetimes
from fhirserver.ports.access_records import AccessRecord, AccessRecords

_PREFIX = "pending/"
_UNASKED = {
    Step.SIGN_IN: ("login_required", "The user is not signed in"),
    Step.OTHER_USER: ("login_required", "Another user is signed in"),
    Step.PATIENT: ("interaction_required", "A patient has to be picked"),
    Step.ENCOUNTER: ("interaction_required", "An encounter has to be picked"),
    Step.CONSENT: ("consent_required", "The user has to consent"),
}
"""What an app is told that asked for no page to be shown (``prompt=none``)."""


class World(Protocol):
    """What authorizations ask of the record."""

    async def has_patient(self, id: str) -> bool:
        """Whether there is such a patient."""
        ...

    async def patient_of_encounter(self, id: str) -> str:
        """The id of the patient of an encounter; empty where there is no such encounter."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an authorization stands: what is asked next of whom, for which app."""

    pending: Pending
    client: Client
    user: SignedIn | None
    step: Step


@dataclass(frozen=True, slots=True)
class Decided:
    """An authorization at its end: ``location`` is where the browser goes. ``grant`` is the id of what was granted with
    ``scope``; both are empty where nothing was."""

    location: str
    pending: Pending
    user: SignedIn | None = None
    grant: str = ""
    scope: str = ""


class Authorizations:
    """Those in progress. ``now``: seconds since 1970.

    All methods that take ``id`` and ``browser`` raise Untellable where there is no such authorization, not in this
    browser, or not any more; and Tellable where it is to end with an error.
    """

    def __init__(
        self,
        records: AccessRecords,
        clients: Clients,
        launches: Launches,
        codes: Codes,
        addresses: Addresses,
        lifetimes: Lifetimes,
        world: World,
        now: Callable[[], float] = time.time,
    ):
        self._records, self._clients, self._launches, self._codes = records, clients, launches, codes
        self._addresses, self._lifetimes, self._world, self._now = addresses, lifetimes, world, now

    async def begin(self, pairs: Sequence[tuple[str, str]], browser: str) -> str:
        """Begin what the parameters ask for; its id. ``browser`` is the secret of a cookie of the browser."""
        asked = await authorization_request(pairs, self._clients, self._addresses)
        launch = await self._launch(asked)
        id = secrets.token_urlsafe(32)
        pending = Pending(
            id,
            token_digest(browser),
            secrets.token_urlsafe(32),
            int(self._now()),
            asked.client.id,
            asked.redirect_uri,
            asked.scope,
            asked.state,
            asked.challenge,
            asked.nonce,
            asked.prompt,
            asked.max_age,
            asked.login_hint,
            bool(asked.launch),
            launch,
        )
        until = int(self._now()) + self._lifetimes.pending
        await self._records.swap(_PREFIX + token_digest(id), 0, pending.as_json(), until)
        return id

    async def _launch(self, asked: AuthorizationRequest) -> Launch:
        if not asked.launch:
            return Launch()
        try:
            return await self._launches.take(asked.launch, asked.client.id)
        except OAuthError as error:
            location = error_location(asked.redirect_uri, asked.state, error, self._addresses)
            raise Tellable(error, location) from None

    async def standing(self, id: str, browser: str, user: SignedIn | None) -> Standing:
        """Where it stands for who is signed in."""
        kept, pending = await self._kept(id, browser)
        client = await self._clients.find(pending.client)
        if client is None:
            raise Untellable("unauthorized_client", "The app is not registered here any more")
        while user is not None and pending.login != user.login:
            pending = pending.of(user)
            if not await self._records.swap(kept.key, kept.revision, pending.as_json(), kept.expires):
                kept, pending = await self._kept(id, browser)  # the same page, in another window
        standing = Standing(pending, client, user, pending.step(client, user))
        self._check(standing)
        return standing

    def _check(self, standing: Standing) -> None:
        """Raises Tellable where going on is of no use."""
        pending, user = standing.pending, standing.user
        if "none" in pending.prompt and standing.step in _UNASKED:
            raise self._told(pending, OAuthError(*_UNASKED[standing.step]))
        if user is None or standing.step in (Step.SIGN_IN, Step.OTHER_USER):
            return
        if pending.patient and user.patients is not None and pending.patient not in user.patients:
            raise self._told(
                pending, OAuthError("access_denied", "The user may not see this patient's record")
            )
        if standing.step in (Step.CONSENT, Step.DONE) and not pending.offered(standing.client, user):
            raise self._told(pending, OAuthError("invalid_scope", "The user may grant none of these scopes"))

    async def pick_patient(
        self, id: str, browser: str, form_token: str, user: SignedIn | None, patient: str
    ) -> Standing:
        """The user picks whose record the app works with. Picking again is possible until all is decided."""
        standing = await self._from_form(id, browser, form_token, user)
        assert standing.user is not None
        allowed = standing.user.patients is None or patient in standing.user.patients
        if not allowed or not await self._world.has_patient(patient):
            raise Untellable("invalid_request", "There is no such patient among those you may choose")
        if standing.pending.launch.patient:
            raise Untellable("invalid_request", "The app was started for a patient already")
        return await self._changed(standing, patient=patient, encounter="", skipped=False)

    async def pick_encounter(
        self, id: str, browser: str, form_token: str, user: SignedIn | None, encounter: str
    ) -> Standing:
        """The user picks an encounter of the patient; empty: there is none to be told."""
        standing = await self._from_form(id, browser, form_token, user)
        pending = standing.pending
        if encounter and (
            not pending.patient or await self._world.patient_of_encounter(encounter) != pending.patient
        ):
            raise Untellable("invalid_request", "There is no such encounter of this patient")
        return await self._changed(standing, encounter=encounter, skipped=not encounter)

    async def refuse(self, id: str, browser: str, form_token: str, user: SignedIn | None) -> Decided:
        """The user does not let the app in, or gives up, signed in or not."""
        kept, pending = await self._kept(id, browser)
        _check_form(pending, form_token)
        await self._records.remove(kept.key, kept.revision)
        told = self._told(pending, OAuthError("access_denied", "The user did not let the app in"))
        return Decided(told.location, pending, user)

    async def allow(
        self, id: str, browser: str, form_token: str, user: SignedIn | None, kept: Collection[str]
    ) -> Decided:
        """The user lets the app in, with those of the offered scopes (as they are written) that were ``kept``."""
        standing = await self._from_form(id, browser, form_token, user)
        if standing.step is not Step.CONSENT:
            raise Untellable(
                "invalid_request", "There is something to be done before: go back and reload the page"
            )
        return await self._finish(standing, frozenset(kept))

    async def finish(self, standing: Standing) -> Decided:
        """Send the browser back with a code where nothing is left to be asked (:attr:`Step.DONE`)."""
        assert standing.step is Step.DONE
        return await self._finish(standing, None)

    async def _finish(self, standing: Standing, left: frozenset[str] | None) -> Decided:
        pending, client, user = standing.pending, standing.client, standing.user
        assert user is not None
        scopes = pending.offered(client, user)
        if left is not None:
            scopes = chosen(scopes, left)
        found = await self._records.read(_PREFIX + token_digest(pending.id))
        if found is None or not await self._records.remove(found.key, found.revision):
            raise Untellable("invalid_request", "This was decided already")
        if not scopes:
            raise self._told(pending, OAuthError("access_denied", "The user let the app have nothing"))
        grant = _granted(pending, client, user, str(scopes), int(self._now()))
        code = await self._codes.put(grant, pending.redirect_uri, pending.challenge)
        told = {"code": code, "state": pending.state, "iss": self._addresses.issuer}
        return Decided(with_parameters(pending.redirect_uri, told), pending, user, grant.id, grant.scope)

    def _told(self, pending: Pending, error: OAuthError) -> Tellable:
        return Tellable(error, error_location(pending.redirect_uri, pending.state, error, self._addresses))

    async def _from_form(self, id: str, browser: str, form_token: str, user: SignedIn | None) -> Standing:
        standing = await self.standing(id, browser, user)
        _check_form(standing.pending, form_token)
        if standing.user is None or standing.step in (Step.SIGN_IN, Step.OTHER_USER):
            raise Untellable("invalid_request", "You are not signed in any more: go back and reload the page")
        return standing

    async def _changed(self, standing: Standing, **picks: object) -> Standing:
        key = _PREFIX + token_digest(standing.pending.id)
        kept = await self._records.read(key)
        if kept is None:
            raise _gone()
        pending = replace(pending_of_json(standing.pending.id, kept.value), **picks)  # type: ignore[arg-type]
        await self._keep(kept, pending)
        changed = replace(standing, pending=pending, step=pending.step(standing.client, standing.user))
        self._check(changed)
        return changed

    async def _keep(self, kept: AccessRecord, pending: Pending) -> None:
        if not await self._records.swap(kept.key, kept.revision, pending.as_json(), kept.expires):
            raise Untellable("invalid_request", "The page was used twice at once: go back and reload it")

    async def _kept(self, id: str, browser: str) -> tuple[AccessRecord, Pending]:
        kept = await self._records.read(_PREFIX + token_digest(id))
        if kept is None:
            raise _gone()
        pending = pending_of_json(id, kept.value)
        if not hmac.compare_digest(pending.browser, token_digest(browser)):
            raise _gone()
        return kept, pending


def _gone() -> Untellable:
    return Untellable(
        "invalid_request",
        "This was decided, has expired, or began in another browser: start the app again",
    )


def _check_form(pending: Pending, form_token: str) -> None:
    if not hmac.compare_digest(pending.form_token.encode(), form_token.encode("utf-8", "replace")):
        raise Untellable("invalid_request", "The form is not one of this page: go back and reload it")


def _granted(pending: Pending, client: Client, user: SignedIn, scope: str, now: int) -> Grant:
    online = "online_access" in scope.split() and REFRESH in client.grant_types
    context = dict(pending.launch.told())
    if pending.patient:
        # outside of an EHR nobody else shows whose record it is
        context.setdefault("need_patient_banner", True)
    return Grant(
        client.id,
        client.source,
        scope,
        asked=pending.scope,
        rights=user.rights,
        login=user.login,
        subject=user.subject,
        epoch=user.epoch,
        name=user.name,
        fhir_user=user.fhir_user,
        session=user.session if online else "",
        until=user.until if online else 0,
        patient=pending.patient,
        encounter=pending.encounter,
        context=context,
        authenticated=user.at,
        nonce=pending.nonce,
        made=now,
    )
