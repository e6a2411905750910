"""Codes, refresh tokens and services against access tokens: each once, each its own, none for more than was granted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from joserfc import jwt

from fhirserver.access.permissions import Rights
from fhirserver.access.principals import token_digest
from fhirserver.access.server_key import FormerKey, ServerKey
from fhirserver.access.smart.errors import OAuthError
from fhirserver.access.smart.keys import ES256
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from tests.unit.access.smart.kit import (
    CLINICIAN,
    FHIR,
    ISSUER,
    PARENT,
    PATIENT,
    SECRET,
    VERIFIER,
    Kit,
    basic,
)

OFFLINE = "launch/patient patient/*.rs offline_access"


async def refused(code: str, work: Any, status: int = 400) -> str:
    with pytest.raises(OAuthError) as told:
        await work
    assert (told.value.code, told.value.status) == (code, status), told.value
    return told.value.description


def claims_of(kit: Kit, token: str) -> dict[str, Any]:
    """The claims, verified with the published key."""
    from joserfc.jwk import KeySet

    return jwt.decode(
        token, KeySet.import_key_set(kit.server.ring.jwks()), algorithms=[ES256, "RS256"]
    ).claims


def opens(kit: Kit, told: JsonObject) -> bool:
    """Whether the access token of an answer lets somebody in, in the process that is asked."""
    try:
        kit.principals.authenticate(f"Bearer {told['access_token']}")
    except Refusal:
        return False
    return True


async def test_a_code_becomes_a_token_for_this_server(kit: Kit) -> None:
    told = await kit.tokens(scope="launch/patient patient/Observation.rs?category=laboratory")
    assert told["token_type"] == "Bearer" and told["expires_in"] == 600 and "refresh_token" not in told
    claims = claims_of(kit, told["access_token"])
    assert (claims["iss"], claims["aud"], claims["client_id"]) == (ISSUER, FHIR, "app")
    assert (claims["sub"], claims["patient"], claims["fhirUser"]) == ("sub-dana", "p1", "Practitioner/d")
    assert claims["scope"] == "launch/patient patient/Observation.rs?category=laboratory"
    assert "dana" not in str(claims).replace("sub-dana", ""), "a login is nothing for apps"
    assert claims["exp"] - claims["iat"] == 600 and claims["jti"] and claims["sid"]


async def test_who_asks_as_version_1_is_answered_so(kit: Kit) -> None:
    told = await kit.tokens(scope="launch/patient patient/*.read patient/Observation.write")
    assert told["scope"] == "launch/patient patient/*.read patient/Observation.write"


async def test_a_code_is_used_once_and_a_second_use_ends_what_came_of_the_first(kit: Kit) -> None:
    code = await kit.code(scope=OFFLINE)
    told = await kit.redeem(code)
    assert opens(kit, told)
    await refused("invalid_grant", kit.redeem(code))
    assert not opens(kit, told)
    await refused("invalid_grant", kit.refresh(told["refresh_token"]))


async def test_of_two_that_use_a_code_at_once_none_keeps_anything(kit: Kit) -> None:
    other = Kit(other=kit)
    code = await kit.code()
    answers = await asyncio.gather(kit.redeem(code), other.redeem(code), return_exceptions=True)
    failed = [one for one in answers if isinstance(one, OAuthError)]
    assert failed
    for told in answers:
        if isinstance(told, dict):
            await kit.server.revocations.refresh()
            await other.server.revocations.refresh()
            assert not opens(kit, told) and not opens(other, told)


async def test_a_code_holds_for_a_minute(kit: Kit) -> None:
    code = await kit.code()
    kit.now.pass_(60)
    assert "expired" in await refused("invalid_grant", kit.redeem(code))


async def test_a_code_of_one_client_is_no_other_clients(kit: Kit) -> None:
    code = await kit.code()
    await refused("invalid_grant", kit.redeem(code, "quiet"))
    await refused("invalid_grant", kit.redeem(code, authorization=basic("web", SECRET)))
    assert await kit.redeem(code), "and whose it is may still use it"


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"redirect_uri": "https://app.example/cb2"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"code_verifier": VERIFIER[:42]}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"code": "x"}, "invalid_grant"),
        ({"code": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "client_credentials", "scope": "system/*.rs"}, "unauthorized_client"),
    ],
)
async def test_what_is_wrong_with_a_request_is_named(kit: Kit, more: dict[str, str], error: str) -> None:
    code = more.pop("code", None)
    await refused(error, kit.redeem(await kit.code() if code is None else code, **more))


async def test_a_guess_of_the_verifier_is_the_last(kit: Kit) -> None:
    code = await kit.code()
    await refused("invalid_grant", kit.redeem(code, code_verifier="w" * 64))
    assert "used before" in await refused("invalid_grant", kit.redeem(code))


# who signed in


async def test_an_id_token_says_who_signed_in(kit: Kit) -> None:
    told = await kit.tokens(scope="openid fhirUser profile launch/patient", nonce="n0nce")
    claims = claims_of(kit, told["id_token"])
    assert (claims["iss"], claims["aud"], claims["sub"], claims["nonce"]) == (
        ISSUER,
        "app",
        "sub-dana",
        "n0nce",
    )
    assert claims["fhirUser"] == claims["profile"] == f"{FHIR}/Practitioner/d" and claims["name"] == "Dana"
    assert claims["auth_time"] == CLINICIAN.at


async def test_an_id_token_opens_nothing(kit: Kit) -> None:
    told = await kit.tokens(scope="openid launch/patient patient/*.rs")
    assert not opens(kit, {"access_token": told["id_token"]})


async def test_fhir_user_goes_with_openid(kit: Kit) -> None:
    told = await kit.tokens(scope="fhirUser launch/patient patient/*.rs")
    assert "id_token" not in told and told["scope"] == "launch/patient patient/*.rs"


# refreshing


async def test_each_refresh_makes_the_next_token(kit: Kit) -> None:
    told = await kit.tokens(scope=OFFLINE)
    for _ in range(3):
        kit.now.pass_(600)
        told = await kit.refresh(told["refresh_token"])
        assert (opens(kit, told) and told["scope"] == "offline_access launch/patient patient/*.rs") or told[
            "scope"
        ]
        assert told["patient"] == "p1"


async def test_a_used_refresh_token_ends_the_whole_grant(kit: Kit) -> None:
    first = await kit.tokens(scope=OFFLINE)
    second = await kit.refresh(first["refresh_token"])
    assert "revoked" in await refused("invalid_grant", kit.refresh(first["refresh_token"]))
    await refused("invalid_grant", kit.refresh(second["refresh_token"]))
    assert not opens(kit, first) and not opens(kit, second)


async def test_of_two_that_refresh_at_once_at_most_one_goes_on_and_the_grant_ends(kit: Kit) -> None:
    other = Kit(other=kit)
    told = await kit.tokens(scope=OFFLINE)
    answers = await asyncio.gather(
        kit.refresh(told["refresh_token"]), other.refresh(told["refresh_token"]), return_exceptions=True
    )
    assert [isinstance(one, OAuthError) for one in answers].count(True) >= 1
    for one in answers:
        if isinstance(one, dict):
            await refused("invalid_grant", kit.refresh(one["refresh_token"]))


async def test_a_refresh_token_of_one_client_is_no_other_clients(kit: Kit) -> None:
    told = await kit.tokens(scope=OFFLINE)
    await refused("invalid_grant", kit.refresh(told["refresh_token"], "quiet"))
    assert await kit.refresh(told["refresh_token"]), "nor can another client end the grant"


async def test_a_public_app_need_not_say_who_it_is_to_refresh(kit: Kit) -> None:
    """The browser's fhirclient does not, and no standard asks it to."""

    async def alone(token: str) -> JsonObject:
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return (await kit.server.endpoint.issue("", form)).told

    told = await kit.tokens(scope=OFFLINE)
    fresh = await alone(told["refresh_token"])
    assert opens(kit, fresh) and fresh["refresh_token"] != told["refresh_token"]
    assert "revoked" in await refused("invalid_grant", alone(told["refresh_token"])), "it was used before"
    assert not opens(kit, fresh)
    for nothing in (fresh["refresh_token"], "guessed", f"rt.{'x' * 20}.y.z"):
        await refused("invalid_grant", alone(nothing))
    await refused("invalid_client", alone(""), 401)
    web = await kit.redeem(await kit.code("web", OFFLINE), authorization=basic("web", SECRET))
    await refused("invalid_client", alone(web["refresh_token"]), 401)
    form = {"grant_type": "refresh_token", "refresh_token": web["refresh_token"]}
    assert (await kit.server.endpoint.issue(basic("web", SECRET), form)).told, "it was not used up"


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), lambda t: t + "x", lambda t: t[3:]]
)
async def test_a_guess_at_a_refresh_token_ends_nothing(kit: Kit, change: Any) -> None:
    told = await kit.tokens(scope=OFFLINE)
    await refused("invalid_grant", kit.refresh(change(told["refresh_token"])))
    assert await kit.refresh(told["refresh_token"])


@pytest.mark.parametrize(("hours", "goes_on"), [(1, True), (0, False)])
async def test_a_refresh_token_outlives_the_servers_key_for_its_grace(
    kit: Kit, hours: int, goes_on: bool
) -> None:
    told = await kit.tokens(scope="launch/patient patient/*.rs offline_access")
    old = kit.server_key.derive("refresh tokens")
    former = FormerKey(kit.server_key._secret, kit.now() + 3600 * hours)
    kit.server_key = ServerKey(b"n" * 32, [former], kit.now)
    later = Kit(other=kit)
    assert later.server_key.derive("refresh tokens") != old
    if not goes_on:
        await refused("invalid_grant", later.refresh(told["refresh_token"]))
        return
    fresh = await later.refresh(told["refresh_token"])
    kit.now.pass_(3601)
    assert await later.refresh(fresh["refresh_token"]), "sealed with the key of now"


async def test_a_refresh_may_ask_for_less_and_never_for_more(kit: Kit) -> None:
    told = await kit.tokens(scope="launch/patient patient/*.rs patient/Observation.cud offline_access")
    for more in ("user/*.rs", "patient/*.cruds", "patient/Condition.c", "openid", "system/*.rs"):
        await refused("invalid_scope", kit.refresh(told["refresh_token"], scope=more))
    less = await kit.refresh(told["refresh_token"], scope="patient/Observation.r")
    assert claims_of(kit, less["access_token"])["scope"] == "patient/Observation.r"
    whole = await kit.refresh(less["refresh_token"])
    assert "patient/*.rs" in whole["scope"], "what was granted stays granted"


async def test_there_is_no_refresh_token_unless_it_was_asked_for_and_the_client_may_have_one(
    kit: Kit,
) -> None:
    assert "refresh_token" not in await kit.tokens()
    assert "refresh_token" not in await kit.tokens(client="plain", scope=OFFLINE)


async def test_a_refresh_token_that_is_not_used_ends(kit: Kit) -> None:
    told = await kit.tokens(scope=OFFLINE)
    kit.now.pass_(kit.server.settings.lifetimes.refresh_idle)
    await refused("invalid_grant", kit.refresh(told["refresh_token"]))


async def test_online_access_ends_with_the_session(kit: Kit) -> None:
    told = await kit.tokens(scope="launch/patient patient/*.rs online_access")
    told = await kit.refresh(told["refresh_token"])
    kit.crowd.closed.add("s1")
    assert "session" in await refused("invalid_grant", kit.refresh(told["refresh_token"]))
    assert not opens(kit, told)


async def test_offline_access_does_not(kit: Kit) -> None:
    told = await kit.tokens(scope=OFFLINE)
    kit.crowd.closed.add("s1")
    assert await kit.refresh(told["refresh_token"])


async def test_what_a_user_granted_ends_with_the_user(kit: Kit) -> None:
    told = await kit.tokens(scope=OFFLINE)
    kit.crowd.gone.add("dana")
    await refused("invalid_grant", kit.refresh(told["refresh_token"]))
    assert not opens(kit, told)


async def test_a_renewed_token_lets_do_what_the_user_may_by_then(kit: Kit) -> None:
    told = await kit.tokens(scope="user/*.cruds launch/patient offline_access")
    kit.crowd.changed["dana"] = Rights("rs")
    told = await kit.refresh(told["refresh_token"])
    found = kit.principals.authenticate(f"Bearer {told['access_token']}")
    assert found.permissions is not None and found.roles == {"read"}
    assert not found.permissions.may("cud", "Observation")


async def test_access_to_a_childs_record_ends_with_the_relation(kit: Kit) -> None:
    told = await kit.tokens(scope=OFFLINE, user=PARENT, patient="p2")
    told = await kit.refresh(told["refresh_token"])
    kit.crowd.changed["par"] = Rights("cruds", frozenset({"p1"}))
    assert "any more" in await refused("invalid_grant", kit.refresh(told["refresh_token"]))
    assert not opens(kit, told)


# what is kept


async def test_no_secret_is_kept(kit: Kit) -> None:
    code = await kit.code(scope=OFFLINE)
    told = await kit.redeem(code)
    value = await kit.server.launches.put(
        __import__("fhirserver.access.smart.launches", fromlist=["Launch"]).Launch()
    )
    kept = [*(await kit.records.find(""))]
    text = repr(kept)
    for secret in (code, told["refresh_token"], told["access_token"], value, VERIFIER, "a browser's secret"):
        assert secret not in text
    assert any(token_digest(code) in one.key for one in kept)


# telling of tokens, and ending them


async def test_a_client_is_told_of_its_own_tokens(kit: Kit) -> None:
    told = await kit.tokens(scope="openid fhirUser " + OFFLINE)
    web, app = await kit.server.clients.find("web"), await kit.server.clients.find("app")
    introspect = kit.server.introspection.introspect
    found = await introspect(told["access_token"], app)
    assert found["active"] is True and found["patient"] == "p1" and found["exp"] == int(kit.now()) + 600
    assert found["fhirUser"] == f"{FHIR}/Practitioner/d" and found["username"] == "dana"
    assert await introspect(told["access_token"], web) == {"active": False}
    assert (await introspect(told["access_token"]))["active"] is True, "an operator is told of all"
    assert (await introspect(told["refresh_token"], app))["active"] is True
    assert await introspect(told["refresh_token"], web) == {"active": False}
    for nothing in ("", "x", told["id_token"], told["access_token"] + "x"):
        assert await introspect(nothing) == {"active": False}
    kit.now.pass_(600)
    assert await introspect(told["access_token"], app) == {"active": False}


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_a_revoked_grant_opens_nothing_at_once(kit: Kit, which: str) -> None:
    told = await kit.tokens(scope=OFFLINE)
    app, web = await kit.server.clients.find("app"), await kit.server.clients.find("web")
    assert app and web
    await kit.server.introspection.revoke(told[which], web)
    await kit.server.introspection.revoke("anything", app)
    assert opens(kit, told), "whoever else revokes it"
    other = Kit(other=kit)
    assert opens(other, told)
    await kit.server.introspection.revoke(told[which], app)
    assert not opens(kit, told)
    assert await kit.server.introspection.introspect(told["access_token"], app) == {"active": False}
    await refused("invalid_grant", other.refresh(told["refresh_token"]))
    await other.server.revocations.refresh()
    assert not opens(other, told), "another process, when it has read the list"


async def test_what_was_revoked_is_forgotten_when_nothing_of_it_can_be_left(kit: Kit) -> None:
    told = await kit.tokens()
    await kit.server.introspection.revoke(told["access_token"], (await kit.server.clients.find("app")))  # type: ignore[arg-type]
    kit.now.pass_(4000)
    await kit.server.revocations.refresh()
    assert not await kit.records.find("revoked/")
    assert await kit.records.forget_expired() >= 1


# the user in the token


async def test_a_principal_may_what_was_granted(kit: Kit) -> None:
    told = await kit.tokens(scope="launch/patient patient/Observation.rs", user=PATIENT)
    found = kit.principals.authenticate(f"Bearer {told['access_token']}")
    assert (found.name, found.client, found.user) == ("app/Patient/p1", "app", "Patient/p1")
    assert found.source.id == "apps" and found.roles == {"read"}
    assert found.permissions is not None and found.permissions.patients == {"p1"}
    assert found.permissions.may("r", "Observation") and not found.permissions.may("c", "Observation")
    assert not found.permissions.may("r", "Condition")
    assert found.grant == claims_of(kit, told["access_token"])["sid"]


async def test_scopes_of_a_user_reach_no_further_than_the_user(kit: Kit) -> None:
    told = await kit.tokens(scope="user/*.rs", user=PATIENT)
    found = kit.principals.authenticate(f"Bearer {told['access_token']}")
    assert found.permissions is not None and found.permissions.patients == {"p1"}
