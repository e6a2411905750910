"""Apps that register themselves: closed, with a token, or open; and what they may say of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.access.principals import token_digest
from fhirserver.access.smart.errors import OAuthError
from fhirserver.access.smart.settings import CLOSED, OPEN, WITH_TOKEN, Registration
from fhirserver.kernel.json import JsonObject
from tests.unit.access.smart.kit import EC, REDIRECT, RSA, VERIFIER, Kit

INITIAL = "an initial access token"
APP: JsonObject = {
    "client_name": "Mine",
    "redirect_uris": [REDIRECT],
    "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": "launch/patient patient/*.cruds offline_access system/*.rs",
}


def kit_of(mode: str = OPEN) -> Kit:
    tokens = frozenset({token_digest(INITIAL)}) if mode == WITH_TOKEN else frozenset()
    return Kit(Registration(mode, tokens, "apps"))


async def refused(code: str, work: Any, status: int = 400) -> str:
    with pytest.raises(OAuthError) as told:
        await work
    assert (told.value.code, told.value.status) == (code, status), told.value
    return told.value.description


async def test_it_is_closed_unless_it_is_opened() -> None:
    await refused("access_denied", kit_of(CLOSED).server.registrations.register(APP, INITIAL), 403)
    await refused("access_denied", Kit().server.registrations.register(APP, ""), 403)


async def test_with_an_initial_access_token() -> None:
    registrations = kit_of(WITH_TOKEN).server.registrations
    for token in ("", "wrong"):
        await refused("invalid_token", registrations.register(APP, token), 401)
    assert (await registrations.register(APP, INITIAL))["client_id"]


async def test_an_app_that_registered_is_let_in_with_no_more_than_it_may_have() -> None:
    kit = kit_of()
    told = await kit.server.registrations.register(APP, "")
    assert told["scope"] == "launch/patient offline_access patient/*.rs" and "client_secret" not in told
    answer = await kit.tokens(client=told["client_id"], scope="launch/patient patient/*.cruds offline_access")
    assert "patient/*.rs" in answer["scope"]
    principal = kit.principals.authenticate(f"Bearer {answer['access_token']}")
    assert principal.source.id == "apps" and principal.client == told["client_id"]


async def test_a_secret_is_told_once_and_only_its_digest_is_kept() -> None:
    kit = kit_of()
    told = await kit.server.registrations.register(
        {**APP, "token_endpoint_auth_method": "client_secret_post"}, ""
    )
    secret = told["client_secret"]
    assert told["client_secret_expires_at"] == 0
    text = repr(await kit.records.find("client/"))
    assert secret not in text and told["registration_access_token"] not in text
    answer = await kit.redeem(
        await kit.code(told["client_id"]), told["client_id"], client_secret=secret, code_verifier=VERIFIER
    )
    assert answer["access_token"]
    shown = await kit.server.registrations.read(told["client_id"], told["registration_access_token"])
    assert "client_secret" not in shown and shown["client_name"] == "Mine"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://app.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://odd;script-src/cb"]}, "invalid_redirect_uri"),
        ({"launch_uri": "https://odd;script-src/launch"}, "invalid_client_metadata"),
        ({"redirect_uris": [REDIRECT] * 30}, "invalid_redirect_uri"),
        ({"redirect_uris": REDIRECT}, "invalid_client_metadata"),
        ({"redirect_uris": [1]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": 1}, "invalid_client_metadata"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"], "redirect_uris": []}, "invalid_client_metadata"),
        ({"grant_types": []}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"scope": "system/*.rs"}, "invalid_client_metadata"),
        ({"scope": "patient/Nothing.rs"}, "invalid_scope"),
        ({"client_name": "x" * 300}, "invalid_client_metadata"),
        ({"client_name": "a\nb"}, "invalid_client_metadata"),
        ({"logo_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
        ({"jwks_uri": "http://app.example/jwks"}, "invalid_client_metadata"),
        ({"id_token_signed_response_alg": "none"}, "invalid_client_metadata"),
    ],
)
async def test_what_is_wrong_is_named(change: JsonObject, code: str) -> None:
    kit = kit_of()
    await refused(code, kit.server.registrations.register({**APP, **change}, ""))
    assert not await kit.server.clients.added()


async def test_nobody_registers_private_keys() -> None:
    sent = {
        **APP,
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [RSA.as_dict(private=True)]},
    }
    assert "private" in await refused(
        "invalid_client_metadata", kit_of().server.registrations.register(sent, "")
    )


async def test_a_registration_is_changed_and_removed_by_its_token_alone() -> None:
    kit = kit_of()
    registrations = kit.server.registrations
    told = await registrations.register(APP, "")
    id, token = told["client_id"], told["registration_access_token"]
    other = await registrations.register(APP, "")
    for wrong in ("", "x", other["registration_access_token"]):
        await refused("invalid_token", registrations.read(id, wrong), 401)
        await refused("invalid_token", registrations.change(id, wrong, APP), 401)
        await refused("invalid_token", registrations.remove(id, wrong), 401)
    await refused("invalid_token", registrations.read("app", ""), 401)
    await refused("invalid_client_metadata", registrations.change(id, token, {**APP, "client_id": "app"}))
    keys = {
        **APP,
        "client_name": "Ours",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [EC.as_dict(private=False)]},
    }
    assert (await registrations.change(id, token, keys))["client_name"] == "Ours"
    granted = await kit.code(id)
    await registrations.remove(id, token)
    await refused("invalid_client", kit.redeem(granted, id), 401)
    await refused("invalid_token", registrations.read(id, token), 401)


async def test_a_client_that_is_removed_has_no_tokens_any_more() -> None:
    kit = kit_of()
    told = await kit.server.registrations.register(APP, "")
    answer = await kit.tokens(client=told["client_id"])
    assert kit.principals.authenticate(f"Bearer {answer['access_token']}")
    await kit.server.registrations.remove(told["client_id"], told["registration_access_token"])
    with pytest.raises(Exception, match="revoked"):
        kit.principals.authenticate(f"Bearer {answer['access_token']}")
