"""The simulated HL7v2 EHR as a process: its feed over restarts and refusals, its answers, faults and control."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import hl7
import httpx
import pytest

from adapters.hl7v2.acknowledgement import Verdict, acknowledge
from adapters.hl7v2.message import Message, parse
from adapters.hl7v2.mllp.server import Listener
from tests.hl7_ehr import Hospital, HospitalFailed, start_hospital
from tests.hl7_feed import Wire, code_of
from tests.server_process import free_port
from tests.unit.adapters.test_simulated_hl7_ehr import adt, siu


class Recorder:
    """Whoever is told: keeps what comes, and answers what it is bidden."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.accepted: list[Message] = []
        self.answer: Callable[[Message], str] = lambda message: "AA"

    async def receive(self, raw: bytes, peer: str) -> Sequence[bytes]:
        self.raw.append(raw)
        message = parse(raw.decode())
        code = self.answer(message)
        if code == "AA":
            self.accepted.append(message)
        verdict = Verdict(code, "0" if code == "AA" else "207")
        return [acknowledge(message, verdict, "2026-11-28T00:00:00.000Z", "R").encode()]

    def too_large(self, head: bytes, most: int) -> bytes:
        raise AssertionError

    @property
    def ids(self) -> list[str]:
        """The control ids that were accepted, each once, in the order of their first acceptance."""
        return list(dict.fromkeys(message.control_id for message in self.accepted))


@asynccontextmanager
async def recorder() -> AsyncIterator[tuple[Recorder, int]]:
    found, port = Recorder(), free_port()
    listener = Listener("recorder", found, "127.0.0.1", port)
    running = asyncio.create_task(listener.run())
    await listener.ready.wait()
    try:
        yield found, port
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


@asynccontextmanager
async def ehr(tell: int = 0, *more: str, **options: Any) -> AsyncIterator[Hospital]:
    made = await start_hospital(tell, *more, **options)
    try:
        yield made
    finally:
        await made.close()


async def until(holds: Callable[[], Any], seconds: float = 30.0) -> Any:
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.02)


async def is_told(hospital: Hospital) -> bool:
    state = await hospital.state()
    return bool(state["feed_waiting"] == state["feed_repeats"] == 0)


def send(port: int, text: str, timeout: float = 10.0) -> bytes:
    with Wire(port, timeout) as wire:
        return wire.send(text.encode())


async def exchanged(hospital: Hospital, text: str, timeout: float = 10.0) -> str:
    return code_of(await asyncio.to_thread(send, hospital.port, text, timeout))


async def test_kill_and_restart_lose_nothing_of_the_feed(tmp_path: Path) -> None:
    data = tmp_path / "ehr.db"
    async with recorder() as (heard, port):
        hospital = await start_hospital(port, data=data)
        mrns = [await hospital.register(name=f"DOE^{n}") for n in range(4)]
        written = 0
        for crash in range(3):
            before = len(heard.accepted)
            await hospital.faults(slow=1, slow_seconds=0.02, duplicate=0.3, disorder=0.3)
            for _ in range(20):
                answer = await hospital.http.patch(
                    f"/patients/{mrns[written % 4]}", json={"phone": f"555{written}"}
                )
                assert answer.status_code == 200
                written += 1
            await until(lambda seen=before: len(heard.accepted) >= seen + 5)
            await hospital.kill()
            hospital = await start_hospital(port, data=data)
            assert (await hospital.state())["writes"] == 4 + written, crash
        await until(lambda: is_told(hospital), 60)
        feed = await hospital.list("feed")
        assert len(feed) == 64 and sorted(heard.ids) == sorted(row["control_id"] for row in feed)
        for mrn in mrns:
            ours = [row["control_id"] for row in feed if row["patients"] == mrn]
            assert [id for id in heard.ids if id in ours] == ours, "in order"
        contents = {row["control_id"]: row["content"] for row in feed}
        assert all(message.text.strip() == contents[message.control_id].strip() for message in heard.accepted)
        await hospital.close()


async def test_an_answer_is_worth_what_it_says_after_a_kill(tmp_path: Path) -> None:
    data, port = tmp_path / "ehr.db", free_port()
    hospital = await start_hospital(data=data, port=port)
    booking = siu("S12", "c1", "a1", "20261201090000", "20261201093000")
    assert await exchanged(hospital, booking) == "AA c1"
    await hospital.kill()
    async with ehr(data=data, port=port) as again:
        assert await exchanged(again, booking) == "AA c1"
        assert [one["control_id"] for one in await again.list("writes")] == ["c1"]
        assert [one["placer"] for one in await again.list("appointments")] == ["a1^CREDENCE"]
        assert [row["event"] for row in await again.list("feed", waiting="1")] == ["A28", "S12"]


@pytest.mark.parametrize("code", ["AE", "AR"])
async def test_what_is_refused_is_kept_and_tried_again_and_the_others_go_on(code: str) -> None:
    async with recorder() as (heard, port), ehr(port) as hospital:
        heard.answer = lambda message: code if "STUCK" in message.text else "AA"
        stuck = await hospital.register(name="STUCK^ANN")
        free = await hospital.register(name="FREE^BOB")
        await hospital.http.patch(f"/patients/{stuck}", json={"phone": "5551"})
        await hospital.http.patch(f"/patients/{free}", json={"phone": "5552"})
        await until(lambda: len(heard.accepted) == 2)

        async def refused() -> dict[str, Any] | None:
            row = (await hospital.list("feed", waiting="1"))[0]
            return row if row["refusals"] >= 3 else None

        row = await until(refused)
        assert (row["answer"], row["patients"]) == (code, stuck) and row["due"] > time.time() - 1
        state = await hospital.state()
        assert (state["feed_waiting"], state["feed_refused"]) == (2, 1)
        assert [one.event for one in heard.accepted] == ["A28", "A31"]
        heard.answer = lambda message: "AA"
        await until(lambda: is_told(hospital))
        assert [one.event for one in heard.accepted if "STUCK" in one.text] == ["A28", "A31"]


async def test_a_duplicate_is_the_same_to_the_letter() -> None:
    async with recorder() as (heard, port), ehr(port) as hospital:
        await hospital.faults(duplicate=1)
        mrn = await hospital.register(name="DOE^ANN")
        for n in range(6):
            await hospital.http.patch(f"/patients/{mrn}", json={"phone": f"555{n}"})
        await until(lambda: is_told(hospital))
        assert len(heard.raw) == 14 and len(set(heard.raw)) == 7
        assert len(heard.ids) == 7
        assert (await hospital.state())["feed_repeated"] == 7


async def test_faults_of_what_arrives() -> None:
    """Whether it was done, what was answered, and whether the connection stayed."""
    async with ehr() as hospital:

        async def tried(number: int, timeout: float = 0.7, **faults: float) -> tuple[bool, str]:
            await hospital.faults(reset=True, **faults)
            text = adt("A28", f"c{number}", f"p{number}^^^CREDENCE")
            try:
                answer = (await exchanged(hospital, text, timeout)).split()[0]
            except TimeoutError:
                answer = "open"
            except ConnectionError:
                answer = "closed"
            return any(one["control_id"] == f"c{number}" for one in await hospital.list("writes")), answer

        assert await tried(1, lost=1) == (False, "open")
        assert await tried(2, no_ack=1) == (True, "open")
        assert await tried(3, drop_before=1) == (False, "closed")
        assert await tried(4, drop_after=1) == (True, "closed")
        assert await tried(5, ae=1) == (False, "AE")
        assert await tried(6, ar=1) == (False, "AR")
        assert await tried(7, late=1, late_seconds=5) == (True, "open")
        began = time.monotonic()
        assert await tried(8, 10, late=1, late_seconds=0.5) == (True, "AA")
        assert time.monotonic() - began > 0.5
        assert await tried(9) == (True, "AA")
        assert (await hospital.state())["received"] == 9


async def test_it_is_down_for_so_long_and_then_on_the_same_port() -> None:
    async with recorder() as (heard, port), ehr(port) as hospital:
        await hospital.faults(down=1.5)
        await asyncio.sleep(0.5)
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", hospital.port), 1).close()
        await hospital.register(name="DOE^ANN")
        await asyncio.sleep(0.3)
        assert heard.raw == [], "it tells nothing either"
        await until(lambda: len(heard.accepted) == 1)

        async def answers() -> bool:
            with contextlib.suppress(OSError):
                return await exchanged(hospital, adt("A28", "c1", "p1^^^CREDENCE")) == "AA c1"
            return False

        await until(answers)


async def test_what_cannot_be_read_is_refused_on_a_connection_that_stays() -> None:
    async with ehr() as hospital:
        with Wire(hospital.port) as wire:
            for nonsense, named in (
                (b"nonsense", ""),
                (b"MSH|^~\\&|A|B|C|D|2026||ADT^A28|bad|P|2.5.1\rthis is none\r", "bad"),
                (b"MSH|^~\\&|A|B|C|D|2026||ADT^A28|odd|P|2.5.1||||||MARTIAN\rPID|1||1\r", "odd"),
            ):
                answer = await asyncio.to_thread(wire.send, nonsense)
                assert code_of(answer) == f"AR {named}"
                assert str(hl7.parse(answer.decode()).segment("ERR")[3]).startswith("100^")
            answer = await asyncio.to_thread(wire.send, adt("A28", "c1", "p1^^^CREDENCE").encode())
            assert code_of(answer) == "AA c1"
            answer = await asyncio.to_thread(wire.send, adt("Z99", "c2", "p1^^^CREDENCE").encode())
            assert code_of(answer) == "AR c2"


async def test_the_modes_of_acknowledgement() -> None:
    def with_modes(id: str, accept: str, application: str) -> bytes:
        text = adt("A28", id, f"{id}^^^CREDENCE")
        return text.replace("|2.5.1\r", f"|2.5.1|||{accept}|{application}\r", 1).encode()

    async with ehr() as hospital:
        with Wire(hospital.port, 10) as wire:
            assert code_of(await asyncio.to_thread(wire.send, with_modes("c1", "AL", "AL"))) == "CA c1"
            assert code_of(await asyncio.to_thread(wire.answer)) == "AA c1"
            assert code_of(await asyncio.to_thread(wire.send, with_modes("c2", "AL", "NE"))) == "CA c2"
            wire.socket.sendall(b"\x0b" + with_modes("c3", "NE", "ER") + b"\x1c\r")
            assert code_of(await asyncio.to_thread(wire.send, with_modes("c4", "NE", "AL"))) == "AA c4"
        assert [one["control_id"] for one in await hospital.list("writes")] == ["c1", "c2", "c3", "c4"]


async def test_the_control_port_wants_its_token() -> None:
    async with ehr() as hospital:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic ÿ"}):
            raw = {name: value.encode("latin-1") for name, value in headers.items()}
            async with httpx.AsyncClient(trust_env=False) as anybody:
                for path in ("state", "patients"):
                    answer = await anybody.get(
                        f"http://127.0.0.1:{hospital.control}/admin/{path}", headers=raw
                    )
                    assert answer.status_code == 401
                answer = await anybody.post(f"http://127.0.0.1:{hospital.control}/admin/reset", headers=raw)
                assert answer.status_code == 401


async def test_a_clerk_takes_a_slot_moves_and_cancels(tmp_path: Path) -> None:
    async with ehr(0, "--seed", "7", "--patients", "2", "--days", "2") as hospital:
        patients, appointments = await hospital.records()
        assert (len(patients), len(appointments)) == (2, 2)
        slot, other = await hospital.list("slots", free="1", limit="2")
        wanted = {"patient": patients[0]["mrn"], "practitioner": slot["practitioner"], "start": slot["start"]}
        made = await hospital.http.post("/appointments", json=wanted)
        assert made.status_code == 201
        again = await hospital.http.post("/appointments", json=wanted)
        assert (again.status_code, again.json()["code"]) == (409, "SLOT_TAKEN")
        path = f"/appointments/{made.json()['filler']}"
        moved = await hospital.http.patch(
            path, json={"start": other["start"], "practitioner": other["practitioner"]}
        )
        assert moved.status_code == 200
        assert slot["id"] in [one["id"] for one in await hospital.list("slots", free="1")]
        assert (await hospital.http.delete(path, params={"event": "S26"})).status_code == 200
        assert [row["event"] for row in await hospital.list("feed")][-3:] == ["S12", "S13", "S26"]
        assert (await hospital.http.patch("/appointments/A9", json={})).status_code == 404
        assert (await hospital.http.post("/patients", json={"colour": "red"})).status_code == 400
        assert (await hospital.http.post("/appointments", content=b"[]")).status_code == 400
        assert (await hospital.http.get("/secrets")).status_code == 404
        assert (await hospital.http.post("/faults", json={"ae": 7})).status_code == 400
        before = {row["control_id"] for row in await hospital.list("feed")}
        await hospital.faults(rate=1)
        assert (await hospital.http.post("/reset")).status_code == 200
        state = await hospital.state()
        assert (state["appointments"], state["faults"]["lost"]) == (2, 0)
        assert [one["name"] for one in (await hospital.records())[0]] == [one["name"] for one in patients]
        assert not before & {row["control_id"] for row in await hospital.list("feed")}


async def test_a_command_line_that_is_wrong_is_refused() -> None:
    for more in (["--rate", "2"], ["--tell", "nowhere"], ["--zone", "Mars/Olympus"]):
        with pytest.raises(HospitalFailed):
            await start_hospital(0, *more)
