"""Embeddings by the real pyannote.audio and a tiny real model, and that it talks to nobody.

Needs the extra ``speaker``, in this environment or in ``.venv-speaker`` beside it (docs/voice.md); skipped elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from agent.audio.frames import RATE, Pcm, framed
from agent.emotion.analyst import Analyst
from agent.emotion.speakers import SpeakerListener, embedding, speaker_analyst
from agent.emotion.voices import Vector, Voices
from agent.emotion.worker_process import WorkerFailed, WorkerProcess
from agent.signals import Speakers

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
START = datetime(2026, 11, 28, 9, tzinfo=UTC)
BESIDE = ROOT / ".venv-speaker" / "bin" / "python"
PYTHON = sys.executable if find_spec("pyannote") else str(BESIDE) if BESIDE.exists() else ""
needs_extra = pytest.mark.skipif(not PYTHON, reason="the extra speaker (pyannote.audio) is not installed")
WATCH = """
import os, socket
def told(name, real):
    def asked(*arguments, **named):
        with open(os.environ["CONNECTS"], "a") as file:
            file.write(f"{name}\\n")
        return real(*arguments, **named)
    return asked
class Socket(socket.socket):
    connect = told("connect", socket.socket.connect)
    connect_ex = told("connect_ex", socket.socket.connect_ex)
    sendto = told("sendto", socket.socket.sendto)
socket.getaddrinfo = told("getaddrinfo", socket.getaddrinfo)
socket.socket = Socket
"""
TELLTALE = """
import sys, time
from tiny_checkpoint import extension
import os
os.environ["PYANNOTE_METRICS_ENABLED"] = "true"
from pyannote.audio import Model
Model.from_pretrained(sys.argv[1])
time.sleep(3)
os._exit(0)
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.ckpt"
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    subprocess.run([PYTHON, "-m", "tiny_checkpoint", str(path)], check=True, env=environment, timeout=300)
    return path


@pytest.fixture
async def watched(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Analyst[Vector]]:
    """The worker, with every attempt to connect or to look up a name written down in ``connects``.

    Its environment asks for telemetry.
    """
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}{os.pathsep}{HERE}")
    monkeypatch.setenv("CONNECTS", str(tmp_path / "connects"))
    monkeypatch.setenv("PYANNOTE_METRICS_ENABLED", "true")
    worker = WorkerProcess(
        "agent.emotion.speaker_worker", (str(checkpoint),), timeout=60, patience=300, python=PYTHON
    )
    analyst = speaker_analyst(checkpoint, worker)
    yield analyst
    await analyst.close()


def voice(hertz: float, seconds: float = 3.0) -> Pcm:
    t = np.arange(int(seconds * RATE)) / RATE
    sound = sum(np.cos(2 * np.pi * k * hertz * t) / k for k in range(1, int(3400 / hertz)))
    return (np.asarray(sound) * 2000).astype(np.int16)


@pytest.mark.slow
@needs_extra
async def test_real_embeddings_flow_and_nothing_is_sent(watched: Analyst[Vector], tmp_path: Path) -> None:
    told: list[Speakers] = []
    ear = SpeakerListener(
        watched, told.append, Voices(alike=2.0)
    )  # random weights: any piece is another voice
    for at in range(2):
        for frame in framed(voice(110 + 60 * at)):
            ear.hear(frame)
        ear.turn("", START + timedelta(seconds=at))
    async with asyncio.timeout(300):
        while not told:
            await asyncio.sleep(0.05)
    assert told == [Speakers(START + timedelta(seconds=1), "changed")]
    assert watched.counts.analysed == 2 and watched.counts.failed == 0
    await asyncio.sleep(1.5)  # telemetry is sent every half second
    assert not (tmp_path / "connects").exists()


@pytest.mark.slow
@needs_extra
def test_the_watch_sees_telemetry_where_it_is_on(checkpoint: Path, tmp_path: Path) -> None:
    """So that silence above means something."""
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    (tmp_path / "telltale.py").write_text(TELLTALE)
    environment = os.environ | {
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{HERE}", "CONNECTS": str(tmp_path / "connects"),
        "PYANNOTE_METRICS_ENABLED": "true", "no_proxy": "*",
    }  # fmt: skip
    subprocess.run([PYTHON, "-m", "telltale", str(checkpoint)], check=False, env=environment, timeout=300)
    assert (tmp_path / "connects").exists()


async def test_a_checkpoint_that_is_no_file_is_refused_and_never_fetched(tmp_path: Path) -> None:
    worker = WorkerProcess("agent.emotion.speaker_worker", (str(tmp_path / "pyannote" / "embedding"),))
    with pytest.raises(WorkerFailed):
        await worker.ask(b"\0\0")


async def test_without_the_extra_calls_go_on(tmp_path: Path) -> None:
    """The process dies at once; after two failures it is left alone for ten minutes."""
    analyst, told = speaker_analyst(tmp_path / "missing.ckpt"), list[Speakers]()
    ear = SpeakerListener(analyst, told.append)
    for at in range(4):
        for frame in framed(voice(120, 2.0)):
            ear.hear(frame)
        ear.turn("", START + timedelta(seconds=at))
    async with asyncio.timeout(60):
        while analyst.counts.failed + analyst.counts.skipped < 4:
            await asyncio.sleep(0.02)
    assert (analyst.counts.failed, analyst.counts.skipped, told) == (2, 2, [])
    await analyst.close()


def test_an_empty_answer_is_no_embedding() -> None:
    with pytest.raises(ValueError, match="empty"):
        embedding(b"")
