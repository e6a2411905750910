"""The MLLP listener of a real server, driven by clients that are not ours, each a process of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import hl7
import httpx
import pytest
from hl7apy.parser import parse_message

from tests.hl7_feed import LISTENER, FeedServer, adt, code_of
from tests.npm_packages import NODE, installed

NODE_FOLDER = Path(__file__).with_name("hl7_node")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedServer]:
    with FeedServer(tmp_path_factory.mktemp("hl7")) as running:
        yield running


def _mllp_send(server: FeedServer, *arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    program = str(Path(sys.executable).with_name("mllp_send"))
    return subprocess.run(
        [program, "--port", str(server.mllp_port), *arguments, "127.0.0.1"],
        input=text,
        capture_output=True,
        timeout=60,
    )


def test_python_hl7_sends_a_stream_of_messages(server: FeedServer, tmp_path: Path) -> None:
    framed = b"".join(b"\x0b" + adt(f"S{n}", "P1", family=f"Name{n}") + b"\x1c\r" for n in range(20))
    (tmp_path / "framed").write_bytes(framed)
    done = _mllp_send(server, "--file", str(tmp_path / "framed"))
    assert done.returncode == 0, done.stderr
    assert [code for n in range(20) if (code := f"MSA|AA|S{n}").encode() in done.stdout] == [
        f"MSA|AA|S{n}" for n in range(20)
    ]


def test_python_hl7_sends_a_loose_file(server: FeedServer, tmp_path: Path) -> None:
    text = (adt("F1", "P1") + adt("F2", "P2")).replace(b"\r", b"\r\n")
    (tmp_path / "loose").write_bytes(text)
    done = _mllp_send(server, "--loose", "--file", str(tmp_path / "loose"))
    assert done.returncode == 0, done.stderr
    assert b"MSA|AA|F1" in done.stdout
    assert b"MSA|AA|F2" in done.stdout


@pytest.mark.xdist_group("node")
def test_node_hl7_client_sends_messages_and_a_batch(server: FeedServer, tmp_path: Path) -> None:
    place = installed(NODE_FOLDER)
    assert NODE is not None
    shutil.copy(NODE_FOLDER / "send.mjs", place)
    done = subprocess.run(
        [NODE, "send.mjs", str(server.mllp_port)], cwd=place, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all done" in done.stdout


MESSAGES = [
    adt("R1", "P1"),
    adt("R1", "P9"),
    adt("R2", "P1").replace(b"|2.5.1|", b"|2.3.1|"),
    adt("R2", "P9").replace(b"|2.5.1|", b"|2.3.1|"),
    adt("R3", "P1").replace(b"|2.5.1|", b"|2.8|") + b"no segment",
    adt("R4", "P1").replace(b"ADT^A08^ADT_A01", b""),
    adt("R5", "P1").replace(b"UNICODE UTF-8", b"8859/1") + "NTE|1||Müller\r".encode("latin-1"),
]


@pytest.mark.parametrize("number", range(len(MESSAGES)))
def test_other_readers_read_every_answer(server: FeedServer, number: int) -> None:
    with server.connect() as wire:
        wire.send(adt("R1", "P1"))
        wire.send(adt("R2", "P1").replace(b"|2.5.1|", b"|2.3.1|"))
        text = wire.send(MESSAGES[number]).decode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = parse_message(text)
    assert theirs.msa.msa_1.to_er7() == str(hl7.parse(text)["MSA.F1"]) == code_of(text.encode())[:2]
    assert theirs.msh.msh_5.to_er7() == "LAB"


def test_enhanced_mode_on_one_connection(server: FeedServer) -> None:
    wanted = adt("E1", "P1").replace(b"|2.5.1||||||", b"|2.5.1|||AL|AL||")
    with server.connect() as wire:
        assert code_of(wire.send(wanted)) == "CA E1"
        assert code_of(wire.answer()) == "AA E1"


def test_what_was_taken_in_is_in_the_world_with_every_byte(server: FeedServer) -> None:
    raw = adt("B1", "P1", family="Ödön")
    with server.connect() as wire:
        assert code_of(wire.send(raw)) == "AA B1"
    found = httpx.get(f"{server.base}/_history?_count=50", headers=server.headers).json()
    binaries = [e["resource"] for e in found["entry"] if e["resource"]["resourceType"] == "Binary"]
    import base64

    assert raw in [base64.b64decode(one["data"]) for one in binaries]


def test_the_connector_is_seen_at_work(server: FeedServer) -> None:
    with server.connect() as wire:
        assert code_of(wire.send(adt("W1", "P1"))) == "AA W1"
    entries = httpx.get(f"{server.base}/Endpoint", headers=server.headers).json()["entry"]
    id = next(e["resource"]["id"] for e in entries if e["resource"]["name"] == LISTENER)
    deadline = time.monotonic() + 10
    while True:
        url = f"{server.base}/Endpoint/{id}/$connector-status"
        parts = httpx.get(url, headers=server.headers).json()["parameter"]
        status = {one["name"]: next(iter(list(one.values())[1:])) for one in parts if "part" not in one}
        if status["freshness"] == "fresh":
            break
        assert time.monotonic() < deadline, status
        time.sleep(0.1)
    assert "listening on 127.0.0.1" in (server.directory / "server.log").read_text()
