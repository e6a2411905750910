"""What is granted of what an app asks for: never more than it asked, than it is registered for, than the user may.

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fhirserver.access.permissions import Rights
from fhirserver.access.scopes import InvalidScope, Scope, Scopes, parse_scope, parse_scopes
from fhirserver.access.smart.errors import invalid_scope

REFRESHING = ("offline_access", "online_access")
_CONDITION = "http://terminology.hl7.org/CodeSystem/condition-category"
_OBSERVATION = "http://terminology.hl7.org/CodeSystem/observation-category"
_US_CORE = "http://hl7.org/fhir/us/core/CodeSystem"
PARTS: Mapping[str, Sequence[str]] = {
    "Condition": (
        f"{_CONDITION}|problem-list-item",
        f"{_CONDITION}|encounter-diagnosis",
        f"{_US_CORE}/condition-category|health-concern",
    ),
    "Observation": (
        *(f"{_OBSERVATION}|{code}" for code in ("laboratory", "vital-signs", "social-history", "survey")),
        *(f"{_OBSERVATION}|{code}" for code in ("exam", "imaging", "procedure")),
        f"{_US_CORE}/us-core-category|sdoh",
    ),
}
"""The categories of a type of which a user may grant some instead of all: US certification asks for these."""


def asked_scopes(text: str) -> Scopes:
    """The scopes of a request. Raises OAuthError."""
    try:
        return parse_scopes(text)
    except InvalidScope as error:
        raise invalid_scope(str(error)) from None


def for_user(asked: Scopes, registered: Scopes, rights: Rights) -> Scopes:
    """What an app may be granted by a user: nothing of ``system/``, and no letter that the user has not.

    What the context of the launch comes to is told later, by :func:`in_context`.
    """
    allowed = asked.within(registered)
    access = tuple(_limited(one, rights) for one in allowed.access if one.level != "system")
    return Scopes(_one_refreshing(allowed.context), tuple(dict.fromkeys(s for s in access if s.letters)))


def in_context(granted: Scopes, patient: str, encounter: str, launched: bool, fhir_user: str) -> Scopes:
    """Without what cannot be kept: access to a patient's data where there is none in context, and the like."""
    gone = {
        "launch": launched,
        "launch/patient": bool(patient),
        "launch/encounter": bool(encounter),
        "fhirUser": bool(fhir_user) and granted.has("openid"),
    }
    context = tuple(one for one in granted.context if gone.get(one, True))
    return Scopes(context, tuple(one for one in granted.access if one.level != "patient" or patient))


def for_system(asked: Scopes, registered: Scopes) -> Scopes:
    """What a backend service is granted: of what it is registered for, ``system/`` alone. Raises OAuthError."""
    access = tuple(one for one in asked.within(registered).access if one.level == "system")
    if not access:
        raise invalid_scope("The client is registered for none of these scopes; they are system/...")
    return Scopes((), access)


def wants_refresh(scopes: Scopes) -> bool:
    """Whether a refresh token is asked for."""
    return any(scopes.has(one) for one in REFRESHING)


def needs_patient(scopes: Scopes) -> bool:
    """Whether the scopes mean nothing without a patient in context."""
    return scopes.has("launch/patient") or any(one.level == "patient" for one in scopes.access)


def chosen(offered: Scopes, kept: frozenset[str]) -> Scopes:
    """Those of the scopes that the user left on the consent page, by how they are written there.

    Of a scope of which parts are chosen these are granted, and not the whole.
    """
    context = tuple(one for one in offered.context if one in kept)
    access: list[Scope] = []
    for one in offered.access:
        some = [part for part in parts(one) if str(part) in kept]
        access += some or ([one] if str(one) in kept else [])
    return Scopes(context, tuple(dict.fromkeys(access)))


def parts(scope: Scope) -> tuple[Scope, ...]:
    """What a user may grant instead of a scope for all resources of a type."""
    if scope.criteria:
        return ()
    return tuple(replace(scope, criteria=(("category", code),)) for code in PARTS.get(scope.type, ()))


def narrowed(asked: str, granted: Scopes) -> Scopes:
    """What a refresh asks for of what was granted; all where it asks for nothing. Raises OAuthError for more."""
    if not asked.strip():
        return granted
    wanted = asked_scopes(asked)
    kept = wanted.within(granted)
    if set(kept.context) != set(wanted.context) or set(kept.access) != set(wanted.access):
        raise invalid_scope("A refresh cannot ask for more than was granted")
    return kept


def spelled(granted: Scopes, asked: str) -> str:
    """The granted scopes as the client wrote them, where it asked for just these: whoever asked for ``.read`` reads
    ``.read``, and not ``.rs``, which is the same."""
    words: dict[Scope, str] = {}
    for text in asked.split():
        scope = parse_scope(text)
        if scope is not None:
            words.setdefault(scope, text)
    return " ".join([*granted.context, *(words.get(one, str(one)) for one in granted.access)])


def _one_refreshing(context: tuple[str, ...]) -> tuple[str, ...]:
    """Offline access includes what online access is."""
    return tuple(one for one in context if one != "online_access" or "offline_access" not in context)


def _limited(scope: Scope, rights: Rights) -> Scope:
    return replace(scope, letters="".join(letter for letter in scope.letters if letter in rights.letters))
