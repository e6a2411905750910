"""From the request to the code: who signs in, picks and decides; and nothing that they may not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fhirserver.access.smart.authorization_request import Tellable, Untellable
from fhirserver.access.smart.launches import Launch
from fhirserver.access.smart.pending import Step
from fhirserver.access.smart.people import SignedIn
from tests.unit.access.smart.kit import BROWSER, CLINICIAN, ISSUER, PARENT, PATIENT, READER, Kit, query


async def standing(kit: Kit, flow: str, user: SignedIn | None) -> Step:
    return (await kit.server.authorizations.standing(flow, BROWSER, user)).step


async def error_of(kit: Kit, flow: str, user: SignedIn | None) -> str:
    with pytest.raises(Tellable) as told:
        await kit.server.authorizations.standing(flow, BROWSER, user)
    return query(told.value.location)["error"]


async def test_a_clinician_signs_in_picks_a_patient_and_lets_the_app_in(kit: Kit) -> None:
    flow = await kit.begin()
    assert await standing(kit, flow, None) is Step.SIGN_IN
    assert await standing(kit, flow, CLINICIAN) is Step.PATIENT
    form = (await kit.server.authorizations.standing(flow, BROWSER, CLINICIAN)).pending.form_token
    picked = await kit.server.authorizations.pick_patient(flow, BROWSER, form, CLINICIAN, "p2")
    assert picked.step is Step.CONSENT
    decided = await kit.server.authorizations.allow(
        flow, BROWSER, form, CLINICIAN, ["launch/patient", "patient/*.rs"]
    )
    found = query(decided.location)
    assert found["state"] == "st4te" and found["iss"] == ISSUER
    told = await kit.redeem(found["code"])
    assert told["patient"] == "p2" and told["scope"] == "launch/patient patient/*.rs"
    assert told["need_patient_banner"] is True


async def test_a_patient_has_one_record_and_nothing_to_pick(kit: Kit) -> None:
    flow = await kit.begin()
    assert await standing(kit, flow, PATIENT) is Step.CONSENT
    assert (await kit.redeem(query(await kit.decided(flow, PATIENT))["code"]))["patient"] == "p1"


async def test_a_parent_picks_among_the_children_and_no_others(kit: Kit) -> None:
    flow = await kit.begin()
    found = await kit.server.authorizations.standing(flow, BROWSER, PARENT)
    assert found.step is Step.PATIENT
    for other in ("p3", "nobody", ""):
        with pytest.raises(Untellable):
            await kit.server.authorizations.pick_patient(
                flow, BROWSER, found.pending.form_token, PARENT, other
            )
    picked = await kit.server.authorizations.pick_patient(
        flow, BROWSER, found.pending.form_token, PARENT, "p2"
    )
    assert picked.step is Step.CONSENT


async def test_what_one_user_picked_is_not_the_next_ones(kit: Kit) -> None:
    flow = await kit.begin()
    form = (await kit.server.authorizations.standing(flow, BROWSER, CLINICIAN)).pending.form_token
    await kit.server.authorizations.pick_patient(flow, BROWSER, form, CLINICIAN, "p3")
    found = await kit.server.authorizations.standing(flow, BROWSER, PATIENT)
    assert found.pending.patient == "p1"
    assert (await kit.server.authorizations.standing(flow, BROWSER, PARENT)).pending.patient == ""


async def test_another_browser_has_no_part_in_it(kit: Kit) -> None:
    flow = await kit.begin()
    for browser in ("", "another"):
        with pytest.raises(Untellable):
            await kit.server.authorizations.standing(flow, browser, CLINICIAN)


@pytest.mark.parametrize("form", ["", "x", "\udcff"])
async def test_a_form_of_another_place_decides_nothing(kit: Kit, form: str) -> None:
    flow = await kit.begin()
    authorizations = kit.server.authorizations
    with pytest.raises(Untellable, match="form"):
        await authorizations.allow(flow, BROWSER, form, PATIENT, ["patient/*.rs"])
    with pytest.raises(Untellable, match="form"):
        await authorizations.pick_patient(flow, BROWSER, form, CLINICIAN, "p1")
    with pytest.raises(Untellable, match="form"):
        await authorizations.refuse(flow, BROWSER, form, PATIENT)


async def test_nothing_is_allowed_before_somebody_has_signed_in_and_picked(kit: Kit) -> None:
    flow = await kit.begin()
    form = (await kit.server.authorizations.standing(flow, BROWSER, None)).pending.form_token
    for user in (None, CLINICIAN):
        with pytest.raises(Untellable):
            await kit.server.authorizations.allow(flow, BROWSER, form, user, ["patient/*.rs"])


async def test_it_is_decided_once(kit: Kit) -> None:
    flow = await kit.begin()
    await kit.decided(flow, PATIENT)
    with pytest.raises(Untellable):
        await kit.decided(flow, PATIENT)


async def test_it_does_not_wait_for_ever(kit: Kit) -> None:
    flow = await kit.begin()
    kit.now.pass_(kit.server.settings.lifetimes.pending)
    with pytest.raises(Untellable, match="expired"):
        await kit.server.authorizations.standing(flow, BROWSER, PATIENT)


async def test_who_refuses_sends_the_app_away(kit: Kit) -> None:
    flow = await kit.begin()
    form = (await kit.server.authorizations.standing(flow, BROWSER, PATIENT)).pending.form_token
    found = query((await kit.server.authorizations.refuse(flow, BROWSER, form, None)).location)
    assert found["error"] == "access_denied" and found["state"] == "st4te" and "code" not in found


async def test_the_user_leaves_what_they_like_of_the_scopes(kit: Kit) -> None:
    flow = await kit.begin(scope="openid launch/patient patient/Patient.rs patient/Observation.rs")
    form = (await kit.server.authorizations.standing(flow, BROWSER, PATIENT)).pending.form_token
    kept = ["launch/patient", "patient/Observation.rs", "user/*.cruds", "patient/*.cruds"]
    decided = await kit.server.authorizations.allow(flow, BROWSER, form, PATIENT, kept)
    told = await kit.redeem(query(decided.location)["code"])
    assert told["scope"] == "launch/patient patient/Observation.rs" and "id_token" not in told


async def test_who_lets_an_app_have_nothing_does_not_let_it_in(kit: Kit) -> None:
    flow = await kit.begin()
    form = (await kit.server.authorizations.standing(flow, BROWSER, PATIENT)).pending.form_token
    with pytest.raises(Tellable) as told:
        await kit.server.authorizations.allow(flow, BROWSER, form, PATIENT, [])
    assert query(told.value.location)["error"] == "access_denied"


async def test_nobody_gives_more_than_they_may_themselves(kit: Kit) -> None:
    told = await kit.tokens(scope="user/*.cruds user/Observation.cud launch/patient", user=READER)
    assert told["scope"] == "launch/patient user/*.rs"


async def test_nothing_of_a_system_is_given_by_a_user(kit: Kit) -> None:
    told = await kit.tokens(scope="system/*.rs user/*.rs", user=CLINICIAN)
    assert told["scope"] == "user/*.rs"


async def test_a_client_that_users_trust_is_let_in_without_a_question(kit: Kit) -> None:
    flow = await kit.begin("quiet")
    assert await standing(kit, flow, PATIENT) is Step.DONE
    assert query(await kit.decided(flow, PATIENT))["code"]
    asked = await kit.begin("quiet", prompt="consent")
    assert await standing(kit, asked, PATIENT) is Step.CONSENT


@pytest.mark.parametrize(
    ("client", "user", "code"),
    [
        ("app", None, "login_required"),
        ("app", CLINICIAN, "interaction_required"),
        ("app", PATIENT, "consent_required"),
    ],
)
async def test_an_app_that_wants_no_page_is_told_what_it_would_take(
    kit: Kit, client: str, user: SignedIn | None, code: str
) -> None:
    flow = await kit.begin(client, prompt="none")
    assert await error_of(kit, flow, user) == code


async def test_without_a_page_where_none_is_needed(kit: Kit) -> None:
    flow = await kit.begin("quiet", prompt="none")
    assert await standing(kit, flow, PATIENT) is Step.DONE


async def test_an_app_may_ask_for_a_fresh_sign_in(kit: Kit) -> None:
    for more in ({"prompt": "login"}, {"max_age": "60"}, {"prompt": "select_account"}):
        flow = await kit.begin(**more)
        assert await standing(kit, flow, PATIENT) is Step.SIGN_IN
        assert await standing(kit, flow, replace(PATIENT, at=int(kit.now()))) is Step.CONSENT


async def test_an_app_that_may_also_be_launched_starts_alone(kit: Kit) -> None:
    """The scope ``launch`` without a launch: most apps ask for the same scopes whichever way they start."""
    flow = await kit.begin(scope="launch launch/patient patient/*.rs")
    assert await standing(kit, flow, CLINICIAN) is Step.PATIENT
    told = await kit.redeem(query(await kit.decided(flow, CLINICIAN, "p2"))["code"])
    assert told["patient"] == "p2" and told["scope"] == "launch/patient patient/*.rs"


# launched from an EHR


async def launched(kit: Kit, launch: Launch, **more: str) -> str:
    value = await kit.server.launches.put(launch)
    return await kit.begin(**{"scope": "launch patient/*.rs", "launch": value, **more})


async def test_an_ehr_says_whose_record_is_open(kit: Kit) -> None:
    launch = Launch(
        "p1",
        "e1",
        "Practitioner/d",
        "app",
        "reconcile",
        need_patient_banner=False,
        contexts=[{"reference": "ImagingStudy/i"}],
    )
    flow = await launched(kit, launch, scope="launch patient/*.rs openid fhirUser")
    assert await standing(kit, flow, CLINICIAN) is Step.CONSENT
    told = await kit.redeem(query(await kit.decided(flow, CLINICIAN))["code"])
    assert (told["patient"], told["encounter"], told["intent"]) == ("p1", "e1", "reconcile")
    assert told["need_patient_banner"] is False and told["smart_style_url"] == f"{ISSUER}/style"
    assert told["fhirContext"] == [{"reference": "ImagingStudy/i"}]


async def test_a_launch_is_used_once(kit: Kit) -> None:
    value = await kit.server.launches.put(Launch("p1"))
    await kit.begin(scope="launch patient/*.rs", launch=value)
    with pytest.raises(Tellable, match="launch value"):
        await kit.begin(scope="launch patient/*.rs", launch=value)


async def test_a_launch_does_not_wait_for_ever(kit: Kit) -> None:
    value = await kit.server.launches.put(Launch("p1"))
    kit.now.pass_(kit.server.launches.seconds)
    with pytest.raises(Tellable, match="launch value"):
        await kit.begin(scope="launch patient/*.rs", launch=value)


async def test_a_launch_for_one_app_is_no_other_apps(kit: Kit) -> None:
    with pytest.raises(Tellable, match="launch value"):
        await launched(kit, Launch("p1", client="web"))


async def test_a_launch_for_one_user_is_no_other_users(kit: Kit) -> None:
    flow = await launched(kit, Launch("p1", user="Practitioner/d"))
    assert await standing(kit, flow, READER) is Step.OTHER_USER
    form = (await kit.server.authorizations.standing(flow, BROWSER, READER)).pending.form_token
    with pytest.raises(Untellable):
        await kit.server.authorizations.allow(flow, BROWSER, form, READER, ["patient/*.rs"])
    assert await standing(kit, flow, CLINICIAN) is Step.CONSENT


async def test_a_launch_opens_no_record_that_its_user_may_not_see(kit: Kit) -> None:
    flow = await launched(kit, Launch("p3"))
    assert await error_of(kit, flow, PARENT) == "access_denied"


async def test_the_patient_of_a_launch_is_not_picked_again(kit: Kit) -> None:
    flow = await launched(kit, Launch("p1"))
    form = (await kit.server.authorizations.standing(flow, BROWSER, CLINICIAN)).pending.form_token
    with pytest.raises(Untellable, match="already"):
        await kit.server.authorizations.pick_patient(flow, BROWSER, form, CLINICIAN, "p2")


async def test_an_encounter_is_picked_of_this_patient_or_none_is(kit: Kit) -> None:
    authorizations = kit.server.authorizations
    for encounter, granted in (("e1", True), ("", False)):
        flow = await kit.begin(scope="launch/patient launch/encounter patient/*.rs")
        found = await authorizations.standing(flow, BROWSER, PATIENT)
        assert found.step is Step.ENCOUNTER
        form = found.pending.form_token
        with pytest.raises(Untellable):
            await authorizations.pick_encounter(flow, BROWSER, form, PATIENT, "e2")
        found = await authorizations.pick_encounter(flow, BROWSER, form, PATIENT, encounter)
        assert found.step is Step.CONSENT
        assert found.pending.offered(found.client, PATIENT).has("launch/encounter") is granted
