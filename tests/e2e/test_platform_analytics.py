"""Analytics of a running server: figures of calls that the agent held, exact over replays, races and kills."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhirserver.interactions.analytics.export import as_csv, columns
from fhirserver.interactions.analytics.metrics import Selection
from fhirserver.interactions.analytics.projection import Projection
from fhirserver.interactions.analytics.rows import TALK, Rows
from tests.facade import Facade, facade
from tests.live_call import live_site
from tests.past_call import EVE, past_call
from tests.talks import Practice, escalation, member, moods, report, said, talk, visit

DAY = datetime(2026, 11, 30, 9, tzinfo=UTC)
PERIOD = "from=2026-11-01&to=2027-01-31"


@pytest.fixture(params=["memory", "sqlite"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Facade]:
    async with facade(tmp_path, request.param) as running:
        yield running


async def until(what: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(30):
        while not (found := await what()):
            await asyncio.sleep(0.02)
    return found


async def asked(server: Facade, path: str, who: str = "reader") -> httpx.Response:
    client = getattr(server, who)
    return await client.get(f"http://facade.test/platform/analytics/{path}")


async def counted(server: Facade, path: str) -> list[dict[str, Any]]:
    """The figures, once everything that is in the log by now has been counted."""
    head = (await server.store.storage.head()).position

    async def report() -> Any:
        told = (await asked(server, path)).json()
        return told if told["position"] >= head else None

    found: list[dict[str, Any]] = (await until(report))["items"]
    return found


async def test_a_call_that_the_agent_held_is_told_of_with_all_that_was_measured(tmp_path: Path) -> None:
    async with live_site(tmp_path) as site:
        await past_call(site, tmp_path)
        (figures,) = await counted(site.server, "conversations?from=2020-01-01&to=2029-01-01")
        assert (figures["conversations"], figures["reached"], figures["contained"]) == (1, 1, 1)
        assert figures["cancelled"] == 1 and figures["booked"] == 0
        assert figures["duration"]["p50"] > 0 and figures["first_word"]["p50"] >= 0
        assert 0 < figures["score"]["mean"] <= 100 and figures["reply_p95"]["count"] == 1
        assert -1 <= figures["valence"]["mean"] < 0 and figures["trend"]["mean"] < 0

        async def judged() -> Any:
            (now,) = await counted(site.server, "conversations?from=2020-01-01&to=2029-01-01")
            return now if now["verified"] + now["doubtful"] else None

        now = await until(judged)
        assert now["verification"] == round(now["verified"] / (now["verified"] + now["doubtful"]), 4)


async def test_every_figure_is_what_was_written(server: Facade) -> None:
    await server.ehr.put(EVE)
    write, now = server.agent, DAY
    for resource, on in (
        (talk("a", "in-progress", now), "a"),
        (visit("v", "booked"), "a"),
        (talk("a", "completed", now, now + timedelta(seconds=90)), "a"),
        (report("ra", "a", 90, 0.8), "a"),
        (moods("ma", "a", [-0.5, 0.0, 0.4]), "a"),
        (talk("b", "in-progress", now + timedelta(days=1)), "b"),
        (escalation("e", "b", "requested"), "b"),
        (escalation("e", "b", "connected"), "b"),
        (talk("b", "completed", now + timedelta(days=1), now + timedelta(days=1, seconds=30)), "b"),
        (report("rb", "b", 50, 2.0), "b"),
        (talk("c", "in-progress", now, medium="WRITTEN"), "c"),
    ):
        assert (await write.put(resource, x_provenance=said(on))).status_code in (200, 201)
    cover = {
        "resourceType": "Coverage",
        "id": "cover",
        "status": "active",
        "subscriberId": "M1",
        "beneficiary": {"reference": "Patient/eve"},
        "payor": [{"display": "Acme Health"}],
    }
    assert (await write.put(cover, x_provenance=said("b"))).status_code == 201
    (all,) = await counted(server, f"conversations?{PERIOD}")
    assert (all["conversations"], all["reached"], all["under_way"]) == (3, 2, 1)
    assert (all["contained"], all["containment"], all["escalated"]) == (1, 0.5, 1)
    assert (all["booked"], all["captured"]) == (1, 1)
    assert all["duration"] == {"count": 2, "mean": 60.0, "p50": 30.0, "p95": 90.0}
    assert all["score"]["mean"] == 70.0 and all["reply_p95"]["p95"] == 2.0
    assert all["valence"]["count"] == 1 and all["trend"]["mean"] == 0.9
    days = await counted(server, f"conversations?{PERIOD}&by=day")
    assert [(one["group"], one["conversations"]) for one in days] == [("2026-11-30", 2), ("2026-12-01", 1)]
    channels = await counted(server, f"conversations?{PERIOD}&by=channel")
    assert [(one["group"], one["conversations"]) for one in channels] == [("call", 2), ("chat", 1)]
    agents = await counted(server, f"conversations?{PERIOD}&by=agent")
    assert [one["group"] for one in agents] == ["Credence voice agent"]
    assert (await counted(server, "conversations?from=2026-12-01&to=2026-12-01"))[0]["conversations"] == 1


async def test_campaigns_have_their_patients_and_outcomes(server: Facade) -> None:
    await server.ehr.put(EVE)
    for id, status, outcome in (
        ("m1", "completed", "reached"),
        ("m2", "revoked", "no-consent"),
        ("m3", "active", ""),
    ):
        written = await server.ehr.put(member(id, "reminders", status, outcome))
        assert written.status_code == 201, written.text
    based = [{"reference": "CommunicationRequest/m1"}]
    await server.agent.put(
        talk("a", "completed", DAY, DAY + timedelta(seconds=40), basedOn=based), x_provenance=said("a")
    )
    (found,) = await counted(server, "campaigns?from=2020-01-01&to=2029-12-31")
    assert found["group"] == "reminders" and found["outcomes"] == {"no-consent": 1, "reached": 1}
    assert (found["patients"], found["left_out"], found["settled"]) == (3, 1, 2)
    assert (found["attempts"], found["reached"]) == (1, 1)
    (figures,) = await counted(server, f"conversations?{PERIOD}&campaign=reminders")
    assert figures["conversations"] == 1


async def test_a_rebuild_gives_the_same_and_so_do_two_that_race(server: Facade) -> None:
    await server.ehr.put(EVE)
    chance = random.Random(7)
    practice = Practice(server.agent, chance)
    one, other = Projection(server.store), Projection(server.store)
    for number in range(12):
        await practice.hold(DAY + timedelta(days=number % 3))
        await asyncio.gather(one.step(), other.step(), one.step())
    while await one.step() or await other.step():
        pass
    await one.catch_up()
    await other.catch_up()
    assert one.rows.kept == other.rows.kept and len(list(one.rows.of(TALK))) == 12
    known = dict(one.rows.kept)
    fresh = Projection(server.store)
    await fresh.rebuild()
    assert fresh.rows.kept == known, "made anew, the rows are others"
    async with asyncio.timeout(20):  # the log goes on meanwhile: what is read is noted in it
        while one.position != fresh.position:
            await asyncio.gather(one.catch_up(), fresh.catch_up())
    assert one.rows.kept == known
    await practice.hold(DAY)
    while await one.step() or await fresh.step():
        pass
    await fresh.catch_up()
    assert fresh.rows.kept == one.rows.kept != known


async def test_what_fails_in_its_middle_counts_once(server: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    await server.ehr.put(EVE)
    practice = Practice(server.agent, random.Random(3))
    await practice.hold(DAY)
    projection = Projection(server.store)
    journals = server.store.storage.journals
    append = journals.append

    async def after(*given: Any) -> bool:
        """It is kept, and nobody is told."""
        await append(*given)
        raise OSError("the connection broke")

    await until(lambda: _counted_all(server))
    await practice.hold(DAY)
    with monkeypatch.context() as patched:
        patched.setattr(type(journals), "append", lambda self, *given: after(*given))
        with contextlib.suppress(OSError):
            await projection.step()
    while await projection.step():
        pass
    await projection.catch_up()
    fresh = Projection(server.store)
    await fresh.rebuild()
    assert projection.rows.kept == fresh.rows.kept


async def _counted_all(server: Facade) -> bool:
    head = (await server.store.storage.head()).position
    told = (await asked(server, "conversations")).json()
    return bool(told["position"] >= head)


async def test_the_rows_leave_as_csv_and_parquet(server: Facade) -> None:
    await server.ehr.put(EVE)
    practice = Practice(server.agent, random.Random(5))
    for _ in range(4):
        await practice.hold(DAY)
    await counted(server, f"conversations?{PERIOD}")
    answer = await asked(server, f"export?{PERIOD}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "conversations-2026-11-01-2027-01-31.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 4 and list(rows[0]) == columns("conversations")
    assert {one["resource"] for one in rows} == {f"Communication/t{n}" for n in (1, 2, 3, 4)}
    assert "Eve" not in answer.text and "Acme" not in answer.text
    parquet = pytest.importorskip("pyarrow.parquet")
    answer = await asked(server, f"export?{PERIOD}&format=parquet")
    table = parquet.read_table(io.BytesIO(answer.content))
    assert table.num_rows == 4 and table.column_names == columns("conversations")
    assert [float(one["duration"]) for one in rows] == table.column("duration").to_pylist()
    for other in ("writebacks", "campaigns"):
        assert (await asked(server, f"export?table={other}&format=parquet&{PERIOD}")).status_code == 200


async def test_what_cannot_be_is_refused(server: Facade) -> None:
    for wrong in ("from=2026-12-02&to=2026-12-01", "from=x", "by=colour", "from=0001-01-01&to=9999-12-31"):
        assert (await asked(server, f"conversations?{wrong}")).status_code == 422, wrong
    assert (await asked(server, "conversations", "anonymous")).status_code == 401
    assert (await asked(server, "conversations", "officer")).status_code == 403


def test_a_spreadsheet_computes_nothing_of_what_is_exported() -> None:
    rows = Rows()
    rows.put(
        *(TALK, "x"),
        day="2026-11-30",
        channel="call",
        direction="inbound",
        agent="=HYPERLINK(1)",
        campaign="",
        status="completed",
        started="2026-11-30T10:00:00Z",
    )
    text = as_csv(rows, "conversations", Selection("2026-11-30", "2026-11-30")).decode()
    assert ",'=HYPERLINK(1)," in text
