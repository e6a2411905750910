"""``/metrics``: who may read it, what stands in it, and what never does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from fhirserver.access.principals import Principal, token_digest
from fhirserver.app.observing.settings import parse_metrics
from fhirserver.kernel.json import JsonObject
from tests.facade import SOURCES, Facade, facade, settings

URL = "http://facade.test/metrics"
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def patient(id: str, name: str = "Testperson") -> JsonObject:
    return {"resourceType": "Patient", "id": id, "name": [{"family": name}]}


async def read(server: Facade) -> Samples:
    """All that stands there, as Prometheus reads it."""
    answer = await server.admin.get(URL)
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


def requests(samples: Samples, interaction: str, category: str, status: str) -> float:
    labels = {"interaction": interaction, "category": category, "status": status}
    return value(samples, "credence_request_duration_seconds_count", **labels)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Facade]:
    async with facade(tmp_path, storage="sqlite") as running:
        yield running


async def test_requests_are_counted_by_what_they_are(server: Facade) -> None:
    before = await read(server)
    await server.ehr.put(patient("p"))
    await server.ehr.get("Patient/p")
    await server.ehr.get("Patient/p")
    await server.ehr.get("Patient/nobody")
    await server.ehr.get("Observation?code=1")
    await server.ehr.get("Patient/p/$everything")
    await server.anonymous.get("Patient/p")
    await server.ehr.get("Mrs_Smith/7")
    await server.ehr.batch({"request": {"method": "GET", "url": "Patient/p"}})
    after = await read(server)
    counted = {
        key: requests(after, *key) - requests(before, *key)
        for key in (
            ("update", "base", "2xx"),
            ("read", "base", "2xx"),
            ("read", "base", "4xx"),
            ("search-type", "clinical", "2xx"),
            ("$everything", "base", "2xx"),
            ("unknown", "base", "4xx"),
            ("unknown", "unknown", "4xx"),
            ("batch", "none", "2xx"),
        )
    }
    assert counted == {
        ("update", "base", "2xx"): 1,
        ("read", "base", "2xx"): 2,
        ("read", "base", "4xx"): 1,
        ("search-type", "clinical", "2xx"): 1,
        ("$everything", "base", "2xx"): 1,
        ("unknown", "base", "4xx"): 1,
        ("unknown", "unknown", "4xx"): 1,
        ("batch", "none", "2xx"): 1,
    }
    assert value(after, "credence_commits_total") - value(before, "credence_commits_total") == 1


async def test_a_histogram_counts_all_up_to_each_bound(server: Facade) -> None:
    await server.ehr.get("Patient/nobody")
    samples = await read(server)
    labels = {"interaction": "read", "category": "base", "status": "4xx"}
    name = "credence_request_duration_seconds"
    buckets = [
        number
        for (sample, of), number in samples.items()
        if sample == f"{name}_bucket" and set(labels.items()) <= of
    ]
    assert buckets == sorted(buckets) and len(buckets) == 14
    assert buckets[-1] == value(samples, f"{name}_count", **labels) >= 1
    assert 0 < value(samples, f"{name}_sum", **labels) < 60


async def test_the_log_its_followers_and_the_storage_are_told(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    async with asyncio.timeout(20):
        while value(samples := await read(server), "credence_follower_lag_commits", follower="verification"):
            await asyncio.sleep(0.1)
    head = value(samples, "credence_log_position")
    assert head == server.store.head > 0
    followers = {dict(of)["follower"] for name, of in samples if name == "credence_follower_position"}
    assert {"verification", "subscriptions", "relinking", "compensation"} <= followers
    assert value(samples, "credence_storage_bytes", part="wal") > 4096
    assert value(samples, "credence_subscriptions", status="active") == 0
    assert value(samples, "credence_loop_running", loop="verification", process="") == 1
    assert value(samples, "process_resident_memory_bytes", process="") > 1e7


async def test_tokens_are_told_by_how_they_were_found(server: Facade) -> None:
    before = await read(server)
    for _ in range(3):
        await server.reader.get("Patient/nobody")
    await server.ehr("GET", "Patient/p", authorization="Bearer wrong")
    after = await read(server)
    name = "credence_token_lookups_total"
    told = {
        result: value(after, name, result=result) - value(before, name, result=result)
        for result in ("cached", "known", "refused")
    }
    assert told == {"cached": 3, "known": 1, "refused": 1}  # reading the figures is one of those cached


async def test_who_may_read_it(tmp_path: Path) -> None:
    scraper = (
        token_digest("token-scraper"),
        Principal("scraper", SOURCES["operator"], frozenset({"metrics"})),
    )
    principals = (*settings(tmp_path).principals, scraper)
    async with facade(tmp_path, principals=principals) as server:
        seen = {
            "nobody": (await server.anonymous.get(URL)).status_code,
            "a reader": (await server.reader.get(URL)).status_code,
            "an operator": (await server.ana.get(URL)).status_code,
            "an admin": (await server.admin.get(URL)).status_code,
            "a scraper": (await server.anonymous.get(URL, authorization="Bearer token-scraper")).status_code,
            "a scraper, of patients": (
                await server.anonymous.get("Patient", authorization="Bearer token-scraper")
            ).status_code,
        }
    assert seen == {
        "nobody": 401,
        "a reader": 403,
        "an operator": 403,
        "an admin": 200,
        "a scraper": 200,
        "a scraper, of patients": 403,
    }


@pytest.mark.parametrize(
    ("open_to", "client", "headers", "status"),
    [
        (["127.0.0.1"], "127.0.0.1", {}, 200),
        (["127.0.0.1"], "::ffff:127.0.0.1", {}, 200),
        (["10.0.0.0/8", "::1"], "10.1.2.3", {}, 200),
        (["127.0.0.1"], "10.1.2.3", {}, 401),
        (["127.0.0.1"], "127.0.0.1", {"x-forwarded-for": "10.1.2.3"}, 401),
        (["127.0.0.1"], "127.0.0.1", {"forwarded": "for=10.1.2.3"}, 401),
        ([], "127.0.0.1", {}, 401),
    ],
)
async def test_addresses_may_need_no_token_but_nobody_behind_a_proxy_does(
    tmp_path: Path, open_to: list[str], client: str, headers: dict[str, str], status: int
) -> None:
    async with facade(tmp_path, metrics=parse_metrics({"open_to": open_to})) as server:
        transport = httpx.ASGITransport(server.application, client=(client, 4711))
        async with httpx.AsyncClient(transport=transport) as http:
            assert (await http.get(URL, headers=headers)).status_code == status


async def test_nothing_of_a_request_becomes_a_label(server: Facade) -> None:
    name, secret = "Wilhelmina", "b5c0ffee"
    await server.ehr.put(patient("p-4711", name))
    for path in (
        f"Patient?name={name}",
        "Patient/p-4711",
        f"Patient/{secret}/{secret}",
        f"{secret}/{secret}",
        f"${secret}",
        f"Patient/p-4711/${secret}",
        f"Patient/p-4711/_{secret}",
        f"http://facade.test/{secret}",
        f"http://facade.test/console/{secret}",
    ):
        await server.ehr.get(path, x_request_id=secret)
    await server.ehr(f"{secret}".upper(), "Patient")
    text = (await server.admin.get(URL)).text
    assert "credence_request_duration_seconds_bucket" in text
    for word in (name, secret, secret.upper(), "p-4711"):
        assert word not in text


async def test_unknown_types_cannot_fill_the_memory(server: Facade) -> None:
    meter = server.application._meter
    await server.ehr.get("Patient/p")
    known = len(meter._places)
    for number in range(50):
        await server.ehr.get(f"Thing{number}/p")
    assert len(meter._places) == known


async def test_a_client_may_ask_for_openmetrics(server: Facade) -> None:
    answer = await server.admin.get(URL, accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


async def test_it_can_be_switched_off(tmp_path: Path) -> None:
    async with facade(tmp_path, metrics=parse_metrics({"enabled": False})) as server:
        assert (await server.admin.get(URL)).status_code == 404
