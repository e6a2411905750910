"""Probable duplicates in the console: in the queue, the two side by side, decided and undone; voices after a merge."""

from __future__ import annotations

from fhirserver.console.kinds import TWO_PEOPLE
from tests.duplicate_items import duplicate_item
from tests.facade import Facade
from tests.unit.console.test_pages import form_token, sign_in


async def test_the_two_side_by_side_decided_and_undone(server: Facade) -> None:
    item = await duplicate_item(server)
    async with server.browser() as browser:
        await sign_in(browser)
        queue = (await browser.get("/console")).text
        assert "Probable duplicate" in queue
        assert "= probable duplicate" in queue
        page = await browser.get(f"/console/review/{item}")
        assert page.status_code == 200
        for shown in (
            "Patient/kat",
            "Patient/kat-call",
            "1979-03-",
            "kat@example.org",
            "alike",
            "nearly the same",
        ):
            assert shown in page.text, shown
        assert 'value="kat" form="same" checked' in page.text, "the EHR's record stays"
        assert TWO_PEOPLE[0] in page.text
        pending = (await browser.get("/console/patient/kat")).text
        assert f"/console/review/{item}" in pending
        assert f"/console/review/{item}" in (await browser.get("/console/patient/kat-call")).text

        token = form_token(page)
        sent = {"form_token": token, "survivor": "kat", "seen": "1"}
        assert (await browser.post(f"/console/review/{item}/approve", data=sent)).status_code == 303
        assert (await server.ana.get("Patient/kat-call")).json()["active"] is False
        done = (await browser.get(f"/console/review/{item}")).text
        assert "Approved by ana" in done
        assert "was merged into" in done
        assert "Lindquist" in done.replace("<mark>", "").replace("</mark>", ""), "as they were before"

        undone = await browser.post("/console/queue/undo", data={"form_token": token})
        assert undone.status_code == 303
        assert "active" not in (await server.ana.get("Patient/kat-call")).json()
        seen = (await server.ana.get(f"Task/{item}")).json()["meta"]["versionId"]
        late = await browser.post(
            f"/console/review/{item}/reject", data={"form_token": token, "seen": "1", "reason": TWO_PEOPLE[0]}
        )
        assert late.status_code == 412
        now = {"form_token": token, "reason": TWO_PEOPLE[0], "seen": seen}
        assert (await browser.post(f"/console/review/{item}/reject", data=now)).status_code == 303
        assert TWO_PEOPLE[0] in (await browser.get(f"/console/review/{item}")).text


async def test_what_was_said_of_the_other_record_is_told_so(server: Facade) -> None:
    item = await duplicate_item(server)
    async with server.browser() as browser:
        await sign_in(browser)
        token = form_token(await browser.get(f"/console/review/{item}"))
        await browser.post(f"/console/review/{item}/approve", data={"form_token": token})
        page = (await browser.get("/console/patient/kat")).text
        assert "said of Patient/kat-call" in page
        assert "agent@" not in page
