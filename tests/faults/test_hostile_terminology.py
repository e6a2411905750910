"""Questions that mean harm, at a real server: a clear refusal (or a right answer) in bounded time and memory, and
whoever reads meanwhile hardly waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import psutil
import pytest

from fhirserver.kernel.json import dumps
from tests.faults.terminology_attack_list import ATTACKS, EXPAND, SLOW
from tests.faults.terminology_attacks import GENDERS, URL, Attack, brought, chain, flat, parameters, value_set
from tests.server_process import ServerProcess

LONGEST, LONGEST_SLOW = 10.0, 40.0
"""Seconds until an answer, on a machine that is busy with other tests: usually it is a tenth of that."""
LONGEST_WAIT = 2.0
MOST_MEMORY = 450 * 1024 * 1024


@dataclass
class Reader:
    """Reads all the time, and knows how long it ever waited."""

    server: ServerProcess
    waits: list[float] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx.Client(headers=self.server.headers, timeout=120, trust_env=False) as http:
            while not (self.waits and self.ended.is_set()):
                began = time.monotonic()
                assert http.get(f"{self.server.base}/Patient/none").status_code == 404
                self.waits.append(time.monotonic() - began)
                time.sleep(0.01)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("hostile-terminology")) as server:
        yield server


@pytest.fixture
def reader(server) -> Iterator[Reader]:
    reader = Reader(server)
    thread = threading.Thread(target=reader.run)
    thread.start()
    yield reader
    reader.ended.set()
    thread.join()
    assert max(reader.waits) < LONGEST_WAIT
    assert psutil.Process(server.pid).memory_info().rss < MOST_MEMORY


def send(server: ServerProcess, attack: Attack) -> httpx.Response:
    url, made = f"{server.base}/{attack.path}", attack.body() if attack.body is not None else None
    if made is None:
        return httpx.get(url, headers=server.headers, timeout=120, trust_env=False)
    body = made if isinstance(made, bytes) else dumps(made)
    return httpx.post(url, content=body, headers=server.headers, timeout=120, trust_env=False)


def check(attack: Attack, answer: httpx.Response) -> None:
    """A refusal says what is wrong; so that it can be read, it is no longer than that takes."""
    expected = frozenset({422}) if attack.codes else attack.statuses
    assert answer.status_code in expected, answer.text[:300]
    if answer.status_code == 200:
        return
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome" and len(answer.content) < 256 * 1024
    first = outcome["issue"][0]
    assert first.get("diagnostics") or first["details"]["text"]
    assert first["code"] in attack.codes or not attack.codes


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_answered_soon(server, reader, name):
    began = time.monotonic()
    answer = send(server, ATTACKS[name])
    assert time.monotonic() - began < LONGEST
    check(ATTACKS[name], answer)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_what_takes_too_long_is_given_up(server, reader, name):
    began = time.monotonic()
    answer = send(server, SLOW[name])
    assert time.monotonic() - began < LONGEST_SLOW
    check(SLOW[name], answer)


def test_what_is_kept_for_many_is_bounded(server, reader):
    """A cache-id is filled over and over: what was used last stays."""
    system = flat(3000)
    for number in range(60):
        kept = [
            ("cache-id", {"valueId": f"cache-{number}"}),
            *brought(system, value_set("urn:x", {"system": "urn:y"})),
        ]
        body = dumps(parameters(("url", {"valueUri": GENDERS}), *kept))
        answer = httpx.post(
            f"{server.base}/{EXPAND}", content=body, headers=server.headers, timeout=60, trust_env=False
        )
        assert answer.status_code == 200


@pytest.mark.slow
def test_a_closure_of_a_deep_hierarchy_is_given_up(server, reader):
    system = {**chain(4000), "id": "deep"}
    with httpx.Client(headers=server.headers, timeout=120, trust_env=False) as http:
        assert http.put(f"{server.base}/CodeSystem/deep", content=dumps(system)).status_code == 201
        begun = [("name", {"valueString": "deep"})]
        assert http.post(f"{server.base}/$closure", content=dumps(parameters(*begun))).status_code == 200
        added = [("concept", {"valueCoding": {"system": URL, "code": f"c{n}"}}) for n in range(1000)]
        answer = http.post(f"{server.base}/$closure", content=dumps(parameters(*begun, *added)))
    assert answer.status_code == 422 and answer.json()["issue"][0]["code"] == "too-costly"


@pytest.mark.slow
def test_many_at_once(server, reader):
    """32 clients with what takes long and what does not."""
    attacks = [*SLOW.values(), *list(ATTACKS.values())[:29]]
    with ThreadPoolExecutor(32) as clients:
        for attack, answer in zip(attacks, clients.map(lambda one: send(server, one), attacks), strict=True):
            check(attack, answer)
