"""The other terminology server of the settings, put together: the guard for what goes out, who we are to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from fhirserver.app.connectors.secrets import MissingSecret, Secret, Secrets
from fhirserver.app.terminology_settings import TerminologySettings
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.concept_maps import ConceptMaps
from fhirserver.ports.terminology import Terminology

if TYPE_CHECKING:
    from subscriptions.channels.egress import Egress
    from terminology.remote.exchange import Tokens
    from terminology.remote.server import RemoteServer

Resolve = Callable[[str, str], JsonObject | None]


def routed(here: Terminology, chosen: TerminologySettings, secrets: Secrets, resolve: Resolve) -> Terminology:
    """What is here, with the other server beside it where one is set. Raises :class:`MissingSecret`."""
    if chosen.remote is None:
        return here
    from terminology.remote.routed import RoutedTerminology

    return RoutedTerminology(here, remote_server(chosen, secrets), resolve)


def routed_maps(here: ConceptMaps, terminology: Terminology) -> ConceptMaps:
    """The ConceptMaps that are here, with those of the other server where ``terminology`` has one."""
    if not terminology.waits:
        return here
    from terminology.remote.concept_maps import RoutedConceptMaps
    from terminology.remote.routed import RoutedTerminology

    return RoutedConceptMaps(here, terminology.there) if isinstance(terminology, RoutedTerminology) else here


def remote_server(chosen: TerminologySettings, secrets: Secrets) -> RemoteServer:
    """The server as the settings name it. Nothing is asked yet, and secrets that are missing are told at once."""
    from subscriptions.channels.egress import Egress
    from subscriptions.channels.guarded import guarded_client
    from terminology.remote.server import RemoteServer

    assert chosen.remote is not None
    egress = Egress(chosen.addresses, chosen.allow_http, chosen.ca_file)
    connect = partial(guarded_client, egress, chosen.remote.timeout)
    return RemoteServer(chosen.remote, connect, _tokens(chosen, secrets, egress))


def _tokens(chosen: TerminologySettings, secrets: Secrets, egress: Egress) -> Tokens | None:
    """By the token of the settings, or by SMART Backend Services; the token endpoint is behind the same guard."""
    from adapters.fhir.tokens import StaticToken

    if not chosen.client_id:
        return StaticToken(chosen.token.read(secrets)) if chosen.token else None
    from adapters.fhir.smart import (
        ClientSecret,
        Credentials,
        PrivateKeyJwt,
        SigningKeys,
        SmartTokens,
        TokenSettings,
    )
    from subscriptions.channels.guarded import GuardedTransport

    assert chosen.remote is not None
    credentials: Credentials
    if chosen.client_key:
        chosen.client_key.read(secrets)
        keys = SigningKeys(partial(_key, chosen.client_key, secrets), chosen.client_key_id)
        credentials = PrivateKeyJwt(chosen.client_id, keys)
    else:
        credentials = ClientSecret(chosen.client_id, chosen.client_secret.read(secrets))
    settings = TokenSettings(
        chosen.remote.server, chosen.scope, chosen.token_url, timeout=chosen.remote.timeout
    )
    return SmartTokens(settings, credentials, transport=GuardedTransport(egress))


def _key(secret: Secret, secrets: Secrets) -> str:
    """The key as it is now: it may have been changed since."""
    from adapters.fhir.smart import InvalidKey

    try:
        return secret.read(secrets)
    except MissingSecret as missing:
        raise InvalidKey(str(missing)) from None
