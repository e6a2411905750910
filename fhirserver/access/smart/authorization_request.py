"""The request with which an app sends a browser here. https://hl7.org/fhir/smart-app-launch/app-launch.html

What is wrong with the client or its redirect URI is told to the user alone; all else is told to the app.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fhirserver.access.scopes import Scopes
from fhirserver.access.smart.clients import CODE, Client, Clients
from fhirserver.access.smart.errors import OAuthError, invalid_request, invalid_scope
from fhirserver.access.smart.pkce import check_challenge
from fhirserver.access.smart.redirects import matches, with_parameters
from fhirserver.access.smart.scope_rules import asked_scopes
from fhirserver.access.smart.settings import Addresses

_MOST_CHARACTERS = 8192
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_SIGNIFICANT = ("client_id", "redirect_uri")


class Untellable(OAuthError):
    """The app cannot be told: who it is, or where it is, is not certain. The user is."""


class Tellable(OAuthError):
    """An error that the app is told: ``location`` is where the browser is sent."""

    def __init__(self, error: OAuthError, location: str):
        super().__init__(error.code, error.description)
        self.location = location


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What is asked for, checked. ``max_age`` is -1 where nothing is said."""

    client: Client
    redirect_uri: str
    scopes: Scopes
    scope: str
    state: str
    challenge: str
    nonce: str
    launch: str
    prompt: tuple[str, ...]
    max_age: int
    login_hint: str


async def authorization_request(
    pairs: Sequence[tuple[str, str]], clients: Clients, addresses: Addresses
) -> AuthorizationRequest:
    """Read the parameters. Raises Untellable, Tellable."""
    given = dict(reversed(pairs))
    client = await _client(pairs, given, clients)
    try:
        return _checked(pairs, given, client, addresses)
    except OAuthError as error:
        raise Tellable(
            error, error_location(given["redirect_uri"], given.get("state", ""), error, addresses)
        ) from None


def error_location(redirect_uri: str, state: str, error: OAuthError, addresses: Addresses) -> str:
    """Where an app is told of an error. https://www.rfc-editor.org/rfc/rfc9207 adds ``iss``."""
    told = {"error": error.code, "error_description": error.description}
    return with_parameters(
        redirect_uri, told | ({"state": state} if state else {}) | {"iss": addresses.issuer}
    )


async def _client(pairs: Sequence[tuple[str, str]], given: Mapping[str, str], clients: Clients) -> Client:
    for name in _SIGNIFICANT:
        if sum(one == name for one, _ in pairs) > 1:
            raise Untellable("invalid_request", f"{name} is there more than once")
    client = await clients.find(given.get("client_id", ""))
    if client is None:
        raise Untellable("invalid_request", "The app is not known here: client_id is missing or unknown")
    if CODE not in client.grant_types:
        raise Untellable("unauthorized_client", "This client does not act for users")
    if not matches(client.redirect_uris, given.get("redirect_uri", "")):
        raise Untellable("invalid_request", "redirect_uri is not one that the app has registered")
    return client


def _checked(
    pairs: Sequence[tuple[str, str]], given: Mapping[str, str], client: Client, addresses: Addresses
) -> AuthorizationRequest:
    _check_form(pairs, given)
    if given.get("aud", "").rstrip("/") != addresses.fhir:
        raise invalid_request(f"aud is the FHIR base from which the app reads: {addresses.fhir}")
    check_challenge(given.get("code_challenge", ""), given.get("code_challenge_method", ""))
    scope = given.get("scope", "")
    scopes = asked_scopes(scope)
    if not scopes.within(client.registered):
        raise invalid_scope("The app is registered for none of the scopes that it asks for")
    launch = given.get("launch", "")
    if launch and not scopes.has(
        "launch"
    ):  # the scope alone is what an app asks for that may start either way
        raise invalid_request("the parameter launch needs the scope launch")
    return AuthorizationRequest(
        client,
        given["redirect_uri"],
        scopes,
        scope,
        given["state"],
        given["code_challenge"],
        given.get("nonce", ""),
        launch,
        _prompt(given.get("prompt", "")),
        _max_age(given.get("max_age", "")),
        given.get("login_hint", ""),
    )


def _check_form(pairs: Sequence[tuple[str, str]], given: Mapping[str, str]) -> None:
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise invalid_request(f"{twice[:40]} is there more than once")
    if any(len(value) > _MOST_CHARACTERS for _, value in pairs):
        raise invalid_request(f"a parameter is longer than {_MOST_CHARACTERS} characters")
    for name in ("request", "request_uri"):
        if given.get(name):
            raise OAuthError(f"{name}_not_supported", f"{name} is not supported")
    if given.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response_type is code")
    if given.get("response_mode", "query") != "query":
        raise invalid_request("response_mode is query")
    if not given.get("state"):
        raise invalid_request("state is needed")


def _prompt(text: str) -> tuple[str, ...]:
    prompts = tuple(text.split())
    if set(prompts) - _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise invalid_request(f"prompt is none alone, or some of {', '.join(sorted(_PROMPTS - {'none'}))}")
    # who may choose another account has to sign in to do so
    return tuple("login" if one == "select_account" else one for one in prompts)


def _max_age(text: str) -> int:
    if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise invalid_request("max_age is a number of seconds")
    return int(text) if text else -1
