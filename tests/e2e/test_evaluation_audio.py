"""One scenario through the telephone: a caller's voice, media streams, the local recogniser, the same judgement."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pocketsphinx", reason="the extra voice is not installed")
pytest.importorskip("espeakng_loader", reason="the extra espeak is not installed")

from agent.audio import wav
from agent.evaluation.practice import practice
from agent.evaluation.report import Report
from agent.evaluation.runner import run
from agent.evaluation.scenario import load
from fhirserver.app.embedded import EmbeddedServers
from fhirserver.app.voice.evaluation import AudioDriver

SCENARIOS = {s.name: s for s in load()}


async def test_a_scenario_by_audio(tmp_path: Path) -> None:
    servers = EmbeddedServers(tmp_path, sockets=True)
    await servers.seed(practice().resources)
    async with AudioDriver(recordings=tmp_path / "sound") as driver:
        outcome = await run(SCENARIOS["asks-for-a-person"], 42, servers.fresh, driver)
    assert outcome.success, "\n".join([*outcome.wrong, *outcome.wrong_writes, *outcome.transcript])
    assert "  [spoken I'd like to speak to a real person please]" in outcome.transcript
    assert outcome.sound is not None
    assert outcome.sound.greeting is not None
    assert "greeting" in Report([outcome], "audio").sound_ms
    (recording,) = (tmp_path / "sound").rglob("*.wav")
    assert len(wav.read(recording)) > 0
