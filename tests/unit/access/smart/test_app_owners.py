"""Owners that are apps: judged by their authorization as it is, long after the token with which they made something."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fhirserver.access.masks import Mask
from fhirserver.access.owners import NamedOwners, Owner, OwnerGone, owner_of
from fhirserver.access.permissions import Grant, Rights
from fhirserver.access.principals import Principal
from fhirserver.access.rules import AccessRules
from fhirserver.access.smart.app_owners import AppOwners
from fhirserver.access.smart.token_principals import Apps
from fhirserver.interactions.statement import statement_of
from fhirserver.kernel.json import JsonObject
from fhirserver.world.sources import Source
from tests.unit.access.smart.kit import CLINICIAN, PARENT, SERVICE, Kit

HOOKED = "patient/Observation.rs patient/Subscription.cruds"


def owners(kit: Kit, rules: AccessRules | None = None, *named: Principal) -> AppOwners:
    apps = Apps({"apps": Source("apps")}, {"app": "apps"}, rules or AccessRules())
    return AppOwners(NamedOwners(named), kit.server.clients, kit.server.grants, apps)


def owner(kit: Kit, told: JsonObject) -> Owner:
    return owner_of(kit.principals.authenticate(f"Bearer {told['access_token']}"))


async def gone(kit: Kit, whose: Owner) -> str:
    with pytest.raises(OwnerGone) as caught:
        await owners(kit).principal(whose)
    return caught.value.reason


async def hooked(kit: Kit, scope: str = HOOKED, **more: object) -> tuple[JsonObject, Owner]:
    """What an app is told that stays, and whose a Subscription is that it makes."""
    told = await kit.tokens(scope=f"launch/patient offline_access {scope}", **more)
    return told, owner(kit, told)


async def test_an_authorization_outlives_its_tokens(kit: Kit) -> None:
    told, whose = await hooked(kit)
    assert (whose.client, whose.principal) == ("app", "app/Practitioner/d") and whose.grant
    for _ in range(3):
        kit.now.pass_(3600)
        told = await kit.refresh(told["refresh_token"])
        assert owner(kit, told).party == whose.party, "whichever token it comes with"
    found = await owners(kit).principal(whose)
    assert found.permissions is not None and set(found.permissions.grants) == {
        Grant("rs", "Observation", "p1"),
        Grant("cruds", "Subscription", "p1"),
    }
    assert (found.name, found.client, found.grant, found.roles) == (
        whose.principal,
        "app",
        whose.grant,
        {"read", "write"},
    )


async def test_nothing_more_is_done_than_the_token_was_for(kit: Kit) -> None:
    told, _ = await hooked(kit, "patient/*.cruds patient/Subscription.cruds")
    less = await kit.refresh(told["refresh_token"], scope="patient/Subscription.cruds patient/Condition.rs")
    found = await owners(kit).principal(owner(kit, less))
    assert found.permissions is not None and not found.permissions.may("rs", "Observation")
    assert found.permissions.may("rs", "Condition")


async def test_what_the_user_may_by_now_counts_and_what_is_confidential(kit: Kit) -> None:
    _, whose = await hooked(kit)
    kit.crowd.changed["dana"] = Rights("r")
    rules = AccessRules(frozenset({"R"}), masks=((Mask("Patient", ("name",)), frozenset()),))
    found = await owners(kit, rules).principal(whose)
    assert found.permissions is not None and found.permissions.hides and found.permissions.masks
    assert found.permissions.may("r", "Observation") and not found.permissions.may("sc", "Observation")


async def test_it_ends_with_the_authorization(kit: Kit) -> None:
    told, whose = await hooked(kit)
    kit.now.pass_(5)
    await kit.server.introspection.revoke(told["access_token"], await client(kit))
    assert "has ended" in await gone(kit, whose)


async def client(kit: Kit):  # type: ignore[no-untyped-def]
    found = await kit.server.clients.find("app")
    assert found is not None
    return found


async def test_without_refresh_it_ends_with_the_token(kit: Kit) -> None:
    told = await kit.tokens(scope=f"launch/patient {HOOKED}")
    whose = owner(kit, told)
    assert await owners(kit).principal(whose)
    kit.now.pass_(601)
    assert "has ended" in await gone(kit, whose)


async def test_a_stolen_refresh_token_ends_it(kit: Kit) -> None:
    told, whose = await hooked(kit)
    await kit.refresh(told["refresh_token"])
    with pytest.raises(Exception, match="used before"):
        await kit.refresh(told["refresh_token"])
    assert "has ended" in await gone(kit, whose)


async def test_it_ends_with_the_user_the_session_and_the_relation(kit: Kit) -> None:
    _, whose = await hooked(kit)
    _, of_child = await hooked(kit, user=PARENT, patient="p2")
    told = await kit.tokens(scope=f"launch/patient online_access {HOOKED}")
    online = owner(kit, told)
    kit.crowd.changed["par"] = Rights("rs", frozenset({"p1"}))
    assert "may not see the patient" in await gone(kit, of_child)
    kit.crowd.closed.add(CLINICIAN.session)
    assert "session has ended" in await gone(kit, online)
    assert await owners(kit).principal(whose)
    kit.crowd.gone.add("dana")
    assert "no more" in await gone(kit, whose)


async def test_it_ends_with_the_registration_of_the_app(kit: Kit) -> None:
    _, whose = await hooked(kit)
    kit.server.clients.fixed["app"] = replace(
        await client(kit), scopes="launch/patient patient/Observation.r"
    )
    found = await owners(kit).principal(whose)
    assert found.permissions is not None and found.permissions.grants == (Grant("r", "Observation", "p1"),)
    del kit.server.clients.fixed["app"]
    assert "not registered" in await gone(kit, whose)


async def test_a_backend_service_is_what_it_is_registered_for(kit: Kit) -> None:
    scopes = "system/Patient.rs system/Subscription.c"
    kit.server.clients.fixed["service"] = replace(SERVICE, scopes=scopes)
    first = owner(kit, await kit.service(kit.assertion(), scopes))
    second = owner(kit, await kit.service(kit.assertion(), scopes))
    assert first == second and first.grant == "", "each of its tokens is a grant of its own"
    kit.now.pass_(10_000)
    found = await owners(kit).principal(first)
    assert found.permissions is not None and found.permissions.may_all("rs", "Patient")
    kit.server.clients.fixed["service"] = SERVICE
    lesser = await owners(kit).principal(first)
    assert lesser.permissions is not None and not lesser.permissions.may("c", "Subscription")
    del kit.server.clients.fixed["service"]
    assert "not registered" in await gone(kit, first)


async def test_who_is_called_like_a_principal_of_the_settings_is_not_that_one(kit: Kit) -> None:
    same = Principal("service", Source("ehr"), frozenset({"admin"}))
    service = owner(kit, await kit.service(kit.assertion()))
    known = owners(kit, None, same)
    assert (await known.principal(service)).client == "service"
    assert not known.may_administrate(service) and known.may_administrate(owner_of(same))
    assert await known.principal(owner_of(same)) is same
    with pytest.raises(OwnerGone, match="settings"):
        await owners(kit).principal(owner_of(same))


async def test_a_statement_says_whose_it_is_and_only_what_is_needed(kit: Kit) -> None:
    told, whose = await hooked(kit)
    said = statement_of(kit.principals.authenticate(f"Bearer {told['access_token']}"), None)
    assert (said.client, said.grant, said.scope) == (whose.client, whose.grant, HOOKED)
    plain = await kit.tokens(scope="launch/patient patient/Observation.rs")
    assert statement_of(kit.principals.authenticate(f"Bearer {plain['access_token']}"), None).scope == ""
    named = statement_of(Principal("ehr", Source("ehr"), frozenset({"write"})), None)
    assert named.as_json() == {"source": "ehr", "principal": "ehr"}
