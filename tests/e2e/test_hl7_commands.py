"""``credence hl7`` against a running server: send, see, correct, replay, close."""

from __future__ import annotations

import contextlib
import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhirserver.app.cli import main
from tests.hl7_feed import FeedServer, adt, code_of
from tests.server_process import command


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedServer]:
    with FeedServer(tmp_path_factory.mktemp("hl7")) as running:
        yield running


def _run(*arguments: str) -> tuple[int, str]:
    """The command in this process: a process of its own would take seconds for each."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        try:
            code = main(["hl7", *arguments])
        except SystemExit as ended:
            assert isinstance(ended.code, int)
            code = ended.code
    return code, told.getvalue()


def _on(server: FeedServer, action: str, *arguments: str) -> tuple[int, str]:
    return _run(action, "--config", str(server.config), "--data", str(server.data), *arguments)


def test_files_are_sent_over_several_connections(server: FeedServer, tmp_path: Path) -> None:
    plain, batch = tmp_path / "plain.hl7", tmp_path / "batch.hl7"
    plain.write_bytes(b"".join(adt(f"A{n}", f"P{n % 5}", family=f"N{n}") for n in range(30)))
    batch.write_bytes(b"FHS|^~\\&\rBHS|^~\\&|LAB\r" + adt("B1", "P1") + adt("B2", "P2") + b"BTS|2\rFTS|1\r")
    code, told = _run(
        "send", str(plain), str(batch), "--to", f"127.0.0.1:{server.mllp_port}", "--connections", "4"
    )
    assert (code, told.splitlines()[0].startswith("32 messages in ")) == (0, True), told
    assert "32 AA" in told
    assert "99 %" in told


def test_what_is_not_accepted_is_told_by_the_process_too(server: FeedServer, tmp_path: Path) -> None:
    file = tmp_path / "once.hl7"
    file.write_bytes(adt("T1", "P1") + adt("T1", "P2"))
    arguments = ["send", str(file), "--to", f"127.0.0.1:{server.mllp_port}"]
    done = subprocess.run([*command(), "hl7", *arguments], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (1, ""), done.stdout
    assert "1 AE" in done.stdout


def test_what_is_not_accepted_is_told(server: FeedServer, tmp_path: Path) -> None:
    file = tmp_path / "again.hl7"
    file.write_bytes(adt("C1", "P1") + adt("C1", "P2"))
    code, told = _run("send", str(file), "--to", f"127.0.0.1:{server.mllp_port}", "--verbose")
    assert code == 1
    assert "again.hl7 message 1: AA C1" in told
    assert "again.hl7 message 2: AE C1 MSH-10 205 this control id was used for another message" in told


@pytest.mark.parametrize(
    ("content", "to", "words"),
    [
        (b"nonsense", "127.0.0.1:1", "line 1: no header"),
        (b"BHS|^~\\&\rBTS|3\r", "127.0.0.1:1", "BTS-1"),
        (adt("1", "1"), "here", "--to is an address"),
    ],
)
def test_what_cannot_be_sent_is_told(tmp_path: Path, content: bytes, to: str, words: str) -> None:
    (tmp_path / "file.hl7").write_bytes(content)
    code, told = _run("send", str(tmp_path / "file.hl7"), "--to", to)
    assert code == 2
    assert words in told


def test_nobody_listens(tmp_path: Path) -> None:
    (tmp_path / "file.hl7").write_bytes(adt("1", "1"))
    code, told = _run("send", str(tmp_path / "file.hl7"), "--to", "127.0.0.1:1")
    assert code == 1
    assert "1 no answer" in told


def test_a_failure_is_seen_corrected_and_replayed(server: FeedServer, tmp_path: Path) -> None:
    broken = adt("D1", "P1") + b"this line is no segment\r"
    with server.connect() as wire:
        assert code_of(wire.send(broken)) == "AE D1"
        assert code_of(wire.send(b"MSH|^~\\&|only")) == "AR "
    code, told = _on(server, "list", "--listener", "lab")
    assert code == 0
    key = next(line.split()[0] for line in told.splitlines() if "line 5" in line)
    other = next(line.split()[0] for line in told.splitlines() if "MSH-10" in line)
    assert _on(server, "show", key)[1].splitlines()[2] == "why: line 5 no segment begins here"
    assert _on(server, "replay", key)[0] == 1
    (tmp_path / "right.hl7").write_bytes(adt("D1", "P1"))
    code, told = _on(server, "replay", key, "--with", str(tmp_path / "right.hl7"))
    assert (code, "AA D1" in told) == (0, True), told
    assert _on(server, "close", other, "--because", "a test of the sender")[0] == 0
    code, told = _on(server, "list", "--listener", "lab")
    assert key not in told
    assert other not in told
    assert "a test of the sender" in _on(server, "list", "--settled")[1]


def test_what_was_taken_in_is_found_by_its_control_id(server: FeedServer) -> None:
    with server.connect() as wire:
        assert code_of(wire.send(adt("E1", "P1", family="Ödön"))) == "AA E1"
    code, told = _on(server, "show", "E1", "--listener", "lab")
    assert code == 0
    assert "PID|1||P1" in told
    assert "Ödön" in told
    assert "E1" in _on(server, "list", "--received", "--listener", "lab")[1]
    assert _on(server, "show", "nothing")[0] == 1


def test_a_file_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "file.hl7"
    file.write_bytes(adt("F1", "P1", more='OBX|1|ST|a^b||""\r'))
    code, told = _run("explain", str(file), "--fields")
    assert code == 0
    assert "ADT^A08 (ADT_A01), version 2.5.1, utf-8" in told
    assert "PID-3.4 HOSP" in told
    assert "OBX-5 (null: stated to be absent)" in told
    assert "MSH-2 ^~\\&" in told
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert "PID-7 → Patient[1].birthDate PID[Patient] line 10" in lines
    assert lines.index("PID-5 → Patient[1].name.family FN[HumanName] line 3") < lines.index(
        "PV1[1] fields 1, 2, 3"
    )
    assert any("Z" not in line and "is spoken of by no map" in line for line in lines)
    ours = tmp_path / "site.toml"
    ours.write_text('[segment.PID]\n7 = "drop"\n')
    assert "Patient[1].birthDate" not in _run("explain", str(file), "--site", str(ours))[1]
    ours.write_text("nam = 1")
    assert _run("explain", str(file), "--site", str(ours))[0] == 2
    file.write_bytes(adt("F1", "P1") + b"x\r")
    assert _run("explain", str(file)) == (1, "file.hl7 message 1: line 5: no segment begins here\n")
