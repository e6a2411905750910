"""``/platform/connectors``: a real connector to a simulated EHR, paused, resumed, asked to sync; its dead letters."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from adapters.platform_client.api.connectors import (
    discard_dead_letters,
    list_connectors,
    list_dead_letters,
    pause_connector,
    read_connector,
    resume_connector,
    retry_dead_letters,
    sync_connector,
)
from adapters.platform_client.models.connector import Connector
from adapters.platform_client.models.discarded import Discarded
from adapters.platform_client.models.letters import Letters
from adapters.platform_client.models.letters_decided import LettersDecided
from adapters.platform_client.models.page_connector import PageConnector
from adapters.platform_client.models.page_dead_letter import PageDeadLetter
from adapters.platform_client.models.problem import Problem
from tests.e2e.test_connectors import server_for
from tests.platform_client import client_of
from tests.server_process import ServerProcess
from tests.unit.adapters.in_process import tiny_bundles
from tests.unit.adapters.simulated_ehr import SimulatedEhrThread

pytestmark = pytest.mark.xdist_group("connectors-api")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("platform-connectors")
    bundles = tiny_bundles(Path(folder) / "bundles")
    ehr = SimulatedEhrThread(folder / "ehr.db", "--bundles", str(bundles))
    with ehr, server_for(folder / "server", ehr) as running:
        yield running


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_a_connector_is_seen_paused_and_asked_to_sync(server: ServerProcess) -> None:
    client = client_of(server.root, server.tokens["admin"])

    def clinic() -> Connector:
        found = read_connector.sync("clinic", client=client)
        assert isinstance(found, Connector), found
        return found

    until(lambda: clinic().freshness == "fresh" and not clinic().syncing, "it has pulled")
    page = list_connectors.sync(client=client)
    assert isinstance(page, PageConnector) and [one.id for one in page.items] == ["clinic"]
    endpoint = clinic().endpoint
    assert endpoint and httpx.get(endpoint.url, headers=server.headers).json()["resourceType"] == "Endpoint"
    assert isinstance(pause_connector.sync("clinic", client=client), Connector)
    until(lambda: clinic().state == "paused", "it is paused")
    refused = sync_connector.sync("clinic", client=client)
    assert isinstance(refused, Problem) and refused.status == 409
    assert isinstance(resume_connector.sync("clinic", client=client), Connector)
    until(lambda: clinic().state == "running", "it works again")
    until(lambda: isinstance(sync_connector.sync("clinic", client=client), Connector), "it syncs")


def test_dead_letters_are_listed_tried_again_and_discarded(server: ServerProcess) -> None:
    client = client_of(server.root, server.tokens["admin"])
    page = list_dead_letters.sync("clinic", client=client)
    assert isinstance(page, PageDeadLetter) and page.items == []
    tried = retry_dead_letters.sync("clinic", client=client, body=Letters(tasks=["Task/nothing"]))
    assert isinstance(tried, LettersDecided) and [one.status for one in tried.results] == [404]
    gone = discard_dead_letters.sync("clinic", client=client, body=Discarded(["Task/nothing"], reason="old"))
    assert isinstance(gone, LettersDecided) and [one.status for one in gone.results] == [404]


def test_who_may_only_read_sees_and_does_nothing(server: ServerProcess) -> None:
    client = client_of(server.root, server.token)  # the EHR's own, a member
    assert isinstance(read_connector.sync("clinic", client=client), Connector)
    for refused in (
        pause_connector.sync("clinic", client=client),
        sync_connector.sync("clinic", client=client),
    ):
        assert isinstance(refused, Problem) and refused.status == 403
    missing = read_connector.sync("nothing", client=client)
    assert isinstance(missing, Problem) and missing.status == 404
