"""The FHIR connector as it runs: a server process, a simulated EHR process, and what happens between them."""

import json
import time

import httpx
import pytest
from joserfc.jwk import ECKey

from tests.e2e.fhir_peer import connected, count, found, until
from tests.server_process import ServerProcess, free_port
from tests.unit.adapters.in_process import tiny_bundles
from tests.unit.adapters.simulated_ehr import SimulatedEhrThread

SECRET = "correct-horse-battery-staple"
COUNTED = ("Patient", "Slot", "Observation", "Condition")
TOKEN = {"token": "test-token"}


def records(process):
    return process.state()["records"]


def same_numbers(server, process):
    return all(count(server, type) == number for type, number in records(process).items())


def nothing_twice(server, types):
    for type in types:
        marks = [
            (item["system"], item["value"])
            for resource in found(server, type)
            for item in resource.get("identifier", [])
            if "ehr.example" in item.get("system", "")
        ]
        assert len(marks) == len(set(marks)), f"a {type} is there twice"


@pytest.fixture
def small(tmp_path):
    bundles = tiny_bundles(tmp_path / "bundles")
    with SimulatedEhrThread(tmp_path / "ehr.db", "--bundles", str(bundles)) as process:
        yield process


@pytest.fixture
def synthea(tmp_path):
    with SimulatedEhrThread(
        tmp_path / "ehr.db",
        *("--weeks", "1", "--practitioners", "1"),
        *("--habit", "export=system", "--habit", "export_lines=40"),
    ) as process:
        yield process


def test_a_first_load_by_export_survives_being_killed_and_doubles_nothing(synthea, tmp_path):
    """The demo practice of Synthea patients; kill -9 in the middle of the load, again and again."""
    synthea.habits(export_seconds=1, export_cuts=2)
    server = connected(tmp_path / "server", synthea.base, page_size=20, **TOKEN)
    total = sum(records(synthea).get(type, 0) for type in COUNTED)
    kills = 0
    server.start()
    try:
        for share in (0.05, 0.5):
            until(lambda share=share: count_all(server) > share * total, every=0.02)
            server.kill()
            kills += 1
            server.start()
        until(lambda: same_numbers(server, synthea), 60)
        assert kills == 2 and synthea.state()["exports"] == 1, "one job, picked up where it stopped"
        nothing_twice(server, ("Patient", "Appointment"))
        versions = {resource["meta"]["versionId"] for resource in found(server, "Patient")}
        assert versions == {"1"}
        server.stop()
        server.rebuild_and_verify()
    finally:
        server.kill()


def count_all(server):
    return sum(count(server, type) for type in COUNTED)


@pytest.mark.parametrize("kind", ["criteria", "topic"])
def test_a_notification_makes_a_pull_within_a_second(small, tmp_path, kind):
    from adapters.simulator.notifier import TOPIC

    small.habits(subscriptions=kind)
    more = {"topics": [TOPIC]} if kind == "topic" else {}
    port = free_port()
    server = connected(
        tmp_path / "server",
        small.base,
        port,
        types=["Patient"],
        pull_seconds=3600,
        subscribe=kind,
        notify_url=f"http://127.0.0.1:{port}",
        notify_secret=SECRET,
        **more,
        **TOKEN,
    )
    with server:
        until(lambda: count(server, "Patient") == 1)
        until(lambda: any(s["status"] == "active" for s in small.resources("Subscription")))
        times = []
        for number in range(5):
            made = small.http.post(
                f"{small.base}/Patient", json={"resourceType": "Patient", "birthDate": f"198{number}-01-01"}
            )
            assert made.status_code == 201
            wanted = number + 2
            times.append(until(lambda wanted=wanted: count(server, "Patient") == wanted, 10, 0.01))
        assert sorted(times)[2] < 1.0, times
        id = made.json()["id"]
        small.http.delete(f"{small.base}/Patient/{id}")
        if kind == "topic":  # criteria of R4 do not tell of deletions
            until(lambda: count(server, "Patient") == 5, 10)
        notify = f"http://127.0.0.1:{port}/notify/clinic"
        with httpx.Client(trust_env=False) as http:
            assert http.post(notify).status_code == 401
            assert http.post(notify, headers={"Authorization": "Bearer wrong"}).status_code == 401
            assert http.post(f"{notify}x", headers={"Authorization": f"Bearer {SECRET}"}).status_code == 401
            assert http.post(notify, headers={"Authorization": f"Bearer {SECRET}"}).status_code == 200
        assert server.log_tail(100_000).count(SECRET) == 0


def test_a_token_that_ends_in_the_middle_of_paging_is_renewed(small, tmp_path):
    for number in range(120):
        body = {"resourceType": "Patient", "birthDate": f"1{number + 800}-01-01"}
        small.http.post(f"{small.base}/Patient", json=body)
    key = ECKey.generate_key("P-384", {"kid": "one"})
    client = {"client_id": "credence", "jwks": {"keys": [key.as_dict(private=False)]}}
    assert small.http.post(f"{small.root}/admin/clients", json=client).status_code == 200
    small.habits(token_seconds=1)
    small.faults(latency=0.15)
    key_file = tmp_path / "key.json"
    key_file.write_text(json.dumps(key.as_dict(private=True)))
    server = connected(
        tmp_path / "server",
        small.base,
        types=["Patient"],
        page_size=5,
        pull_seconds=3600,
        client_id="credence",
        client_key_file=str(key_file),
    )
    with server:
        until(lambda: count(server, "Patient") == 121, 60)
        assert small.state()["tokens"] >= 3, "it ended several times while pages were read"
        assert SECRET not in server.log_tail() and "credence.fhir" not in server.log_tail()


def test_a_wrong_key_is_told_and_makes_no_storm(small, tmp_path):
    key = ECKey.generate_key("P-384", {"kid": "one"})
    (tmp_path / "key.pem").write_bytes(key.as_pem(private=True))
    server = connected(
        tmp_path / "server", small.base, client_id="nobody", client_key_file=str(tmp_path / "key.pem")
    )
    with server:
        until(lambda: "Unauthorized" in server.log_tail())
        time.sleep(2)
        assert server.log_tail(100_000).count("Unauthorized") < 8


def test_two_credence_servers_keep_each_other_in_step(tmp_path):
    """Our own FHIR server as the EHR: records come over, changes go back, deletions are seen."""
    with ServerProcess(tmp_path / "ehr") as ehr, httpx.Client(trust_env=False, timeout=30) as http:
        at_ehr = ehr.headers_of("ehr")
        for number in range(30):
            body = {
                "resourceType": "Patient",
                "id": f"p{number}",
                "name": [{"family": f"Lane{number}", "given": ["Ada"]}],
                "birthDate": f"19{number + 40}-01-01",
            }
            assert http.put(f"{ehr.base}/Patient/p{number}", json=body, headers=at_ehr).status_code == 201
        server = connected(
            tmp_path / "server",
            ehr.base,
            types=["Patient", "Appointment", "Slot"],
            token=ehr.tokens["ehr"],
            page_size=7,
            copies=True,  # the writer of the test is an EHR as well
        )
        with server:
            until(lambda: count(server, "Patient") == 30)
            nothing_twice(server, ("Patient",))
            (held,) = found(server, "Patient", family="Lane7")
            changed = {
                **{name: value for name, value in held.items() if name not in ("meta", "text")},
                "telecom": [{"system": "phone", "value": "+13125550100", "use": "home"}],
            }
            answer = http.put(
                f"{server.base}/Patient/{held['id']}", json=changed, headers=server.headers_of("ehr")
            )
            assert answer.status_code == 200, answer.text
            until(lambda: "telecom" in http.get(f"{ehr.base}/Patient/p7", headers=at_ehr).json())
            theirs = http.get(f"{ehr.base}/Patient/p7", headers=at_ehr).json()
            assert theirs["telecom"][0]["value"] == "+13125550100" and theirs["name"][0]["family"] == "Lane7"
            made = http.post(
                f"{server.base}/Patient",
                json={"resourceType": "Patient", "name": [{"family": "New"}], "birthDate": "2001-02-03"},
                headers=server.headers_of("ehr"),
            )
            assert made.status_code == 201
            until(lambda: len(found(ehr, "Patient", family="New")) == 1)
            http.delete(f"{ehr.base}/Patient/p9", headers=at_ehr)
            until(lambda: not found(server, "Patient", family="Lane9"))
            before = theirs["meta"]["versionId"]
            time.sleep(2)
            now = http.get(f"{ehr.base}/Patient/p7", headers=at_ehr).json()
            assert now["meta"]["versionId"] == before, "our own write does not bounce"
            assert len(found(ehr, "Patient", family="New")) == 1 and count(server, "Patient") == 30
