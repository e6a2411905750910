"""The demo's telephone: ``credence voice`` answers, ``credence simulate-phone`` calls, each a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx

from fhirserver.app.demo.processes import running
from fhirserver.app.demo.setup import Stage

NEEDED = ("numpy", "pocketsphinx", "espeakng_loader", "webrtcvad", "twilio")
"""Modules without which there is no sound (the extras ``voice`` and ``espeak``)."""
_LONGEST = 240.0
"""Seconds after which a call has gone wrong."""

Told = Callable[[dict[str, Any]], None]


class CallFailed(Exception):
    """The simulated telephone could not make its call; the message says why."""


def missing() -> list[str]:
    """What is not installed that sound needs."""
    return [name for name in NEEDED if find_spec(name) is None]


def missing_to_reach_out() -> list[str]:
    """What is not installed that a campaign on simulated telephones needs."""
    return [name for name in ("numpy", "twilio", "webrtcvad") if find_spec(name) is None]


@contextlib.contextmanager
def answering(stage: Stage) -> Iterator[None]:
    """``credence voice`` for as long as the block lasts."""
    arguments = ["voice", "--config", str(stage.config)]
    with running(arguments, stage.folder / "voice.log", f"{stage.voice}/readyz"):
        yield


def make_call(stage: Stage, caller: str, voice: str, told: Told) -> dict[str, Any]:
    """One call from its first ring to its end; ``told`` gets every event of the live feed as it comes.

    Returns the figures of ``credence simulate-phone``. Raises :class:`CallFailed`.
    """
    with as_file(files("fhirserver.app.demo") / "caller_sound.txt") as script:
        process = subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, "-m", "fhirserver.app.cli", *_phone(stage, caller, voice, script)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                **os.environ,
                "TWILIO_AUTH_TOKEN": stage.twilio_token,
                "CREDENCE_TOKEN": stage.tokens["admin"],
            },
        )
        following = threading.Thread(target=follow, args=(stage, process, told), daemon=True)
        following.start()
        try:
            out, err = process.communicate(timeout=_LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            raise CallFailed(f"the call was not over after {_LONGEST:.0f} s") from None
        following.join(10)
    try:
        [figures] = json.loads(out)
    except ValueError:
        raise CallFailed(err.decode(errors="replace")[-1000:]) from None
    return dict(figures)


def _phone(stage: Stage, caller: str, voice: str, script: Path) -> list[str]:
    return [
        "simulate-phone", "--webhook", f"{stage.voice}/telephony/voice", "--from", caller, "--voice", voice,
        "--script", str(script), "--record", str(stage.folder / "phone"), "--live", stage.voice, "--json",
    ]  # fmt: skip


def follow(stage: Stage, process: subprocess.Popen[bytes], told: Told) -> None:
    """Find the one call that is under way and hand on what the live feed tells, until it ends."""
    headers = {"Authorization": f"Bearer {stage.tokens['admin']}"}
    with httpx.Client(base_url=stage.voice, headers=headers, timeout=httpx.Timeout(10, read=60)) as client:
        call = ""
        while not call and process.poll() is None:
            calls = client.get("/live/calls").raise_for_status().json()["calls"]
            call = calls[0]["id"] if calls else ""
            threading.Event().wait(0.05)
        if not call:
            return
        told({"kind": "call", "text": call})
        with (
            contextlib.suppress(httpx.RemoteProtocolError),  # the process stops while it still tells
            client.stream("GET", f"/live/calls/{call}/events") as answer,
        ):
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    told(json.loads(line.removeprefix("data:")))
