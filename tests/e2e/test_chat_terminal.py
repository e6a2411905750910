"""``credence chat`` as a process of its own against a real server: scripts, pictures, JSON, a server that dies."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.chat_world import BORN, NAME, chat_server, seed
from tests.insurance_cards import drawn
from tests.server_process import ServerProcess, command


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with chat_server(tmp_path_factory.mktemp("chat")) as process:
        seed(process)
        yield process


@contextlib.contextmanager
def chat(server: ServerProcess, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Ended after two minutes, so that whoever waits for its words does not wait for ever."""
    with subprocess.Popen(
        [*command(), "chat", "--server", server.root, "--demo", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
    ) as process:  # fmt: skip
        watch = threading.Timer(120, process.kill)
        watch.start()
        try:
            yield process
        finally:
            watch.cancel()
            process.kill()


def events(process: subprocess.Popen[str], until: str, holding: str = "") -> list[dict[str, object]]:
    """The events from now on to one of a kind, with a text in it."""
    seen = []
    assert process.stdout is not None
    for line in process.stdout:
        seen.append(json.loads(line))
        if seen[-1]["kind"] == until and holding in json.dumps(seen[-1]):
            return seen
    raise AssertionError(f"no {until} with '{holding}' after {seen[-3:]}")


def write(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{text}\n")
    process.stdin.flush()


def test_a_script_is_played_to_its_end(server: ServerProcess, tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    script.write_text(
        f"when is my appointment?\ndate of birth => {NAME}, {BORN}\nbe there => yes\nelse => no\n"
    )
    with chat(server, "--script", str(script)) as process:
        out, trouble = process.communicate()
    assert "You     when is my appointment?" in out and "the conversation is over" in out and not trouble
    assert "you will be there" in out


def test_a_picture_is_sent_and_a_file_that_is_none_is_told(server: ServerProcess, tmp_path: Path) -> None:
    card = drawn(12, "scan")
    (tmp_path / "card.png").write_bytes(card.png)
    (tmp_path / "notes.txt").write_text("no picture")
    with chat(server, "--json") as process:
        events(process, "message", "How can I help")
        for text, answer in (
            ("new insurance", "date of birth"),
            (f"{NAME}, {BORN}", "insurance company"),
            (f"/attach {tmp_path / 'notes.txt'}", ""),
            (f"/attach {tmp_path / 'nothing.png'}", ""),
            (f"/attach {tmp_path / 'card.png'}", card.printed.member),
            ("/rate 5 very good", ""),
            ("/finish", ""),
        ):
            write(process, text)
            if answer:
                events(process, "message", answer)
        events(process, "ended")
        assert process.wait(30) == 0


def test_the_end_of_input_leaves_and_the_conversation_stays(server: ServerProcess) -> None:
    with chat(server) as process:
        out, trouble = process.communicate("hello\n")
    assert process.returncode == 0 and not trouble
    assert "How can I help" in out and "over" not in out


def test_a_server_that_is_killed_and_comes_again_costs_nothing(server: ServerProcess) -> None:
    with chat(server, "--json") as process:
        seen = events(process, "message", "How can I help")
        write(process, "I want to cancel my appointment")
        seen += events(process, "answered")
        server.kill()
        write(process, f"{NAME}, {BORN}")
        time.sleep(1)
        server.start()
        seen += events(process, "message", "reason")
        write(process, "/finish")
        seen += events(process, "ended")
        assert process.wait(60) == 0
    numbers = [one["number"] for one in seen]
    assert numbers == list(range(1, len(numbers) + 1))
    said = [one["text"] for one in seen if one["kind"] == "message" and one["from"] == "user"]
    assert said == ["I want to cancel my appointment", f"{NAME}, {BORN}"]


def test_without_a_token_it_says_what_to_give(server: ServerProcess) -> None:
    done = subprocess.run(
        [*command(), "chat", "--server", server.root], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and "--token" in done.stderr


def test_a_token_that_is_none_is_refused(server: ServerProcess) -> None:
    arguments = [*command(), "chat", "--server", server.root, "--token", "nonsense"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "401" in done.stderr


def test_the_demo_is_off_unless_it_is_turned_on(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as plain:
        assert httpx.get(f"{plain.root}/chat/demo").status_code == 404
        visitor = {"visitor": "0" * 32}
        assert httpx.post(f"{plain.root}/chat/demo/token", json=visitor).status_code == 404
        assert httpx.get(f"{plain.root}/chat/widget.js").status_code == 200
