"""Recordings are kept whole, privately, under the id of their call."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
from carrier import voice

from agent.audio.frames import RATE
from agent.audio.wav import read_channels
from agent.voice.archive import Archive
from agent.voice.recording import Recording


def recorded() -> Recording:
    recording = Recording()
    recording.caller.put(2.0, voice(1.0))
    recording.agent.put(0.0, voice(1.5))
    return recording


def test_a_call_is_kept_with_its_picture(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "sound")
    kept = archive.keep("c1", recorded())
    path = archive.file("c1")
    assert path is not None and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kept.seconds == 3.0 and kept.size == path.stat().st_size and len(kept.sha1) == 20
    caller, agent = read_channels(path)
    assert not caller[: 2 * RATE].any() and agent[:RATE].any() and not agent[round(1.6 * RATE) :].any()
    drawn = archive.loudness("c1")
    assert drawn is not None and drawn.seconds == 3.0 and len(drawn.caller) == len(drawn.agent) == 60
    assert max(drawn.caller[:40]) == 0 < min(drawn.caller[42:58])


def test_what_was_cut_is_not_on_it() -> None:
    recording = recorded()
    recording.agent.cut(0.5)
    assert len(recording.agent.pcm()) == RATE // 2
    assert abs(recording.seconds - 3.0) < 0.001
    assert np.array_equal(recording.mixed(2.0)[:100], recording.caller.pcm(2.0)[:100])


@pytest.mark.parametrize("name", ["", "../x", "a/b", "x" * 65])
def test_a_name_that_is_no_id_leads_nowhere(tmp_path: Path, name: str) -> None:
    archive = Archive(tmp_path)
    assert archive.file(name) is None and archive.loudness(name) is None
    with pytest.raises(ValueError, match="id of its call"):
        archive.keep(name, recorded())
