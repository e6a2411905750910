"""The agent over real HTTP against the real server: the call is served from the world model."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agent.call import CallRecord, Event
from agent.channels.terminal import CallOptions, run_call
from fhirserver.kernel.instants import FixedClock

ROOT = Path(__file__).resolve().parents[2]
ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 24, 14, 47, tzinfo=ZONE).astimezone(UTC)  # a Tuesday
CALLER = "+14125550142"


class Server:
    """The running server and its tokens."""

    def __init__(self, base: str, tokens: dict[str, str]):
        self.base, self.tokens = base, tokens

    def send(self, method: str, path: str, body: Any = None, who: str = "admin") -> tuple[int, Any, Any]:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "Content-Type": "application/fhir+json"}
        request = urllib.request.Request(f"{self.base}/fhir/{path}".rstrip("/"), data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                content = answer.read()
                return answer.status, json.loads(content or b"{}"), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}"), error.headers

    def search(self, query: str) -> list[dict[str, Any]]:
        status, body, _ = self.send("GET", query)
        assert status == 200, body
        return [
            e["resource"]
            for e in body.get("entry", ())
            if e["resource"]["resourceType"] == query.split("?")[0]
        ]


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("agent-server")
    command = [sys.executable, "-m", "fhirserver.app.cli"]
    if not (ROOT / "fhirserver/app/cli.py").read_text().rstrip().endswith("main())"):
        command = [sys.executable, "-c", "import sys; from fhirserver.app.cli import main; sys.exit(main())"]
    environment = os.environ | {"CREDENCE_CONFIG": str(folder / "credence.toml")}
    subprocess.run(
        [*command, "init", "--token-file", str(folder / "tokens"), "--config", str(folder / "credence.toml")],
        cwd=ROOT, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    tokens = dict(line.split("=", 1) for line in (folder / "tokens").read_text().split())
    port = free_port()
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [*command, "serve", "--port", str(port)], cwd=ROOT, env=environment, stdout=log, stderr=log
    )
    try:
        running = Server(f"http://127.0.0.1:{port}", tokens)
        wait_for(running, process, folder / "log")
        load(running)
        yield running
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def wait_for(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(400):
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{server.base}/healthz", timeout=1).read()
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text())


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> str:
    return datetime(2026, month, day, hour, minute, tzinfo=ZONE).isoformat()


def slot(id: str, start: str, status: str) -> dict[str, Any]:
    end = (datetime.fromisoformat(start) + timedelta(minutes=30)).isoformat()
    schedule = {"reference": "Schedule/lane"}
    return {
        "resourceType": "Slot",
        "id": id,
        "schedule": schedule,
        "status": status,
        "start": start,
        "end": end,
    }


def load(server: Server) -> None:
    """One patient, one appointment, a calendar: as the EHR states them."""
    doctor = {"reference": "Practitioner/lane", "display": "Dr. Ada Lane"}
    visit = {
        "resourceType": "Appointment",
        "id": "thu",
        "status": "booked",
        "start": at(26, 14, 30),
        "end": at(26, 15, 0),
        "slot": [{"reference": "Slot/thu"}],
        "participant": [
            {"actor": {"reference": "Patient/eve"}, "status": "accepted"},
            {"actor": doctor, "status": "accepted"},
        ],
    }
    resources: list[dict[str, Any]] = [
        {
            "resourceType": "Patient",
            "id": "eve",
            "name": [{"family": "Bradtke547", "given": ["Eve832"]}],
            "telecom": [{"system": "phone", "value": "412-555-0142", "use": "home"}],
            "birthDate": "1982-03-03",
            "address": [{"use": "home", "line": ["1 Old Road"], "city": "Boston", "postalCode": "02101"}],
        },
        {"resourceType": "Practitioner", "id": "lane", "name": [{"family": "Lane", "given": ["Ada"]}]},
        {"resourceType": "Organization", "id": "aetna", "name": "Aetna"},
        {"resourceType": "Schedule", "id": "lane", "active": True, "actor": [doctor]},
        slot("thu", at(26, 14, 30), "busy"),
        *[slot(f"d{d}h{h}", at(d, h, month=12), "free") for d in (1, 3) for h in (9, 10, 14)],
        visit,
    ]
    for resource in resources:
        status, body, _ = server.send("PUT", f"{resource['resourceType']}/{resource['id']}", resource, "ehr")
        assert status in (200, 201), body


async def call(server: Server, tmp_path: Path, script: str) -> tuple[CallRecord, list[Event]]:
    file = tmp_path / "script.txt"
    file.write_text("\n".join(line.strip() for line in script.splitlines()))
    events: list[Event] = []
    options = CallOptions(server.base, server.tokens["voice-agent"], CALLER, file, clock=FixedClock(NOW))
    return await run_call(options, events.append), events


async def test_the_whole_call(server: Server, tmp_path: Path) -> None:
    record, _ = await call(
        server,
        tmp_path,
        """Hi, I need to move my Thursday appointment to next week
        birth => It's Eve Bradtke, March third nineteen eighty two
        Which => The Tuesday at ten please
        Shall I => Yes please
        anything else => I lost my insurance card, I have new insurance with Aetna
        member => W as in whiskey one two double three four five
        group => nine oh two one
        right => yes that's right
        anything else => my phone number changed too
        new phone => 412 555 0199
        right => yes
        anything => No, that's all""",
    )
    said = "\n".join(f"{t.speaker}: {t.text}" for t in record.turns)
    assert record.outcome == "end: finished", said
    assert len(record.done) == 3, said
    check_scheduling(server)
    check_facts(server)
    check_record(server, record)


def check_scheduling(server: Server) -> None:
    """The booking holds in the world at once."""
    visits = server.search("Appointment?patient=Patient/eve")
    by_status = {v["status"]: v for v in visits}
    assert len(visits) == 2
    assert by_status["cancelled"]["id"] == "thu"
    booked = by_status["booked"]
    assert booked["start"].startswith("2026-12-01T10:00") or booked["start"].startswith("2026-12-01T15:00")
    slots = {s["id"]: s["status"] for s in server.search("Slot?_count=100")}
    assert (slots["thu"], slots["d1h10"]) == ("free", "busy")


def check_facts(server: Server) -> None:
    (coverage,) = server.search("Coverage?beneficiary=Patient/eve")
    assert coverage["subscriberId"] == "W123345"
    assert coverage["payor"][0]["reference"] == "Organization/aetna"
    status, first, _ = server.send("GET", f"Coverage/{coverage['id']}/_history/1")
    assert (status, confidence(first)) == (200, 0.5)
    verified = eventually(lambda: confidence(server.search("Coverage?beneficiary=Patient/eve")[0]) == 0.7)
    assert verified, json.dumps(
        [server.search("Coverage?beneficiary=Patient/eve"), server.search("Task?_count=50")]
    )
    status, lineage, _ = server.send("GET", "Patient/eve/$lineage")
    assert status == 200
    assert "+14125550199" in json.dumps(lineage), "the number waits beside what the EHR states"


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it holds within ten seconds: the judge follows the log."""
    for _ in range(50):
        if holds():
            return True
        time.sleep(0.2)
    return False


def confidence(resource: dict[str, Any]) -> float | None:
    for extension in resource["meta"].get("extension", ()):
        if extension["url"].endswith("/confidence"):
            return float(extension["valueDecimal"])
    return None


def check_record(server: Server, record: CallRecord) -> None:
    id = record.communication.removeprefix("Communication/")
    (communication,) = server.search(f"Communication?_id={id}")
    assert communication["status"] == "completed"
    documents = server.search(f"DocumentReference?related={record.communication}")
    assert {f"DocumentReference/{d['id']}" for d in documents} == {record.transcript, record.summary}


async def test_nobody_books_a_slot_twice(server: Server, tmp_path: Path) -> None:
    script = """I'd like to book an appointment for december third at nine am
        Eve Bradtke, 3/3/82
        Shall I => yes
        anything else => no"""
    first, _ = await call(server, tmp_path, script)
    second, events = await call(server, tmp_path, script)
    assert first.done
    nine = [v for v in server.search("Appointment?patient=Patient/eve&status=booked") if "-03T" in v["start"]]
    assert len(nine) == 1, [e.text for e in events]
    assert not second.done


async def test_a_stranger_learns_nothing(server: Server, tmp_path: Path) -> None:
    record, _ = await call(
        server,
        tmp_path,
        """when is my appointment
        Eve Bradtke, march ninth 1982
        Eve Bradtke, march tenth 1982
        Eve Bradtke, march eleventh 1982""",
    )
    said = " ".join(t.text for t in record.turns if t.speaker == "agent").lower()
    assert record.outcome == "transfer: identity not established"
    assert not any(word in said for word in ("lane", "december", "thursday", "two thirty", "boston"))
