"""The simulated EHR as a separate process: what only a process and real connections can show."""

import time
from pathlib import Path

import httpx
import pytest

from tests.unit.adapters.simulated_ehr import TOKEN, SimulatedEhrProcess

SYNTHEA = Path(__file__).parents[3] / "shared" / "corpus" / "synthea-10.tar.xz"
FLAG = {"resourceType": "Flag", "status": "active", "code": {"text": "x"}}


@pytest.fixture
def ehr(tmp_path):
    with SimulatedEhrProcess(tmp_path / "ehr.db") as process:
        yield process


def test_a_cut_connection_has_done_the_write_and_says_nothing(ehr):
    ehr.faults(cut_rate=1)
    with pytest.raises(httpx.RemoteProtocolError):
        ehr.http.post(f"{ehr.base}/Flag", json=FLAG)
    assert len(ehr.writes()) == 1 and len(ehr.resources("Flag")) == 1


def test_while_it_is_down_nobody_is_answered_and_then_all_is_well(ehr):
    ehr.faults(down=0.4)
    start = time.monotonic()
    with pytest.raises(httpx.RemoteProtocolError):
        ehr.get("Patient")
    assert ehr.http.get(f"{ehr.root}/admin/faults").json()["down"] > 0, "the control stays reachable"
    while time.monotonic() - start < 0.45:
        time.sleep(0.05)
    assert ehr.get("Patient").status_code == 200
    assert ehr.writes() == []


def test_what_was_accepted_survives_kill_and_restart(ehr):
    made = [ehr.http.post(f"{ehr.base}/Flag", json=FLAG).json() for _ in range(20)]
    writes = ehr.writes()
    ehr.kill()
    ehr.start()
    assert ehr.writes() == writes
    assert ehr.resources("Flag") == made
    after = ehr.http.post(f"{ehr.base}/Flag", json=FLAG).json()
    assert after["meta"]["lastUpdated"] > made[-1]["meta"]["lastUpdated"]
    assert after["id"] not in {flag["id"] for flag in made}


def test_latency_is_kept_for_each_request_and_not_for_the_process(ehr):
    ehr.faults(latency=0.2)
    start = time.monotonic()
    ehr.get("Patient")
    assert time.monotonic() - start >= 0.2
    assert ehr.http.get(f"{ehr.root}/admin/state", timeout=0.15).status_code == 200


def test_faults_can_be_given_at_the_start(tmp_path):
    with SimulatedEhrProcess(tmp_path / "ehr.db", "--throttle-rate", "1", "--retry-after", "7") as ehr:
        answer = ehr.get("Patient")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


@pytest.mark.skipif(not SYNTHEA.exists(), reason="needs ../shared/corpus")
def test_synthea_bundles_are_loaded_whole(tmp_path):
    with SimulatedEhrProcess(tmp_path / "ehr.db", "--bundles", str(SYNTHEA)) as ehr:
        records = ehr.state()["records"]
        assert (records["Patient"], records["Observation"], records["Practitioner"]) == (12, 974, 195)
        observation = ehr.resources("Observation", _count="1")[0]
        assert ehr.get(observation["subject"]["reference"]).status_code == 200
        assert ehr.get(observation["encounter"]["reference"]).status_code == 200


def test_a_token_is_asked_for_over_the_wire(ehr):
    assert httpx.get(f"{ehr.base}/Patient", trust_env=False).status_code == 401
    assert TOKEN not in " ".join(ehr.get("Patient").headers.values())
