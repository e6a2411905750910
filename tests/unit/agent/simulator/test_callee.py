"""Who is called: an answering machine speaks, sounds its tone, records, and hangs up; nonsense is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.audio import wav
from agent.channels.script import InvalidScript
from agent.simulator.callee import Machine, callee_of, write_tone
from agent.simulator.person import AgentHeard, HangUp, Speak


def quiet(since: float) -> AgentHeard:
    return AgentHeard(False, since, since)


def test_a_machine_records_after_its_tone_until_nothing_is_said() -> None:
    begun: list[float] = []
    machine = Machine("leave a message", Path("tone.wav"), begun.append)
    assert machine.step(0.1, quiet(0.0)) is None
    assert machine.step(0.7, quiet(0.0)) == Speak("leave a message")
    assert machine.step(1.0, AgentHeard(True, 0.9, 1.0)) is None  # it does not listen
    machine.said(4.0)
    assert machine.step(4.1, quiet(0.0)) == Speak("", "tone.wav")
    assert not begun
    machine.said(4.6)
    assert begun == [4.6]
    assert machine.step(7.5, quiet(0.0)) is None
    assert machine.step(9.0, AgentHeard(True, 7.6, 9.0)) is None
    assert machine.step(12.0, quiet(9.5)) is None
    assert machine.step(12.6, quiet(9.5)) == HangUp()
    assert machine.step(12.7, quiet(9.5)) is None


def test_a_machine_does_not_record_for_ever() -> None:
    machine = Machine("", Path("tone.wav"))
    for at in (0.7, 0.8):
        machine.step(at, quiet(0.0))
        machine.said(at)
    assert machine.step(60.0, AgentHeard(True, 1.0, 60.0)) is None
    assert machine.step(61.0, AgentHeard(True, 1.0, 61.0)) == HangUp()


def test_the_tone_is_half_a_second_at_a_thousand_hertz(tmp_path: Path) -> None:
    pcm = wav.read(write_tone(tmp_path / "tone.wav"))
    assert len(pcm) == 4_000
    assert int(np.argmax(np.abs(np.fft.rfft(pcm.astype(float))))) * 2 == 1_000


@pytest.mark.parametrize("told", [{"answer": "dragon"}, {"script": ["[dance]"]}])
def test_nonsense_is_refused(told: dict[str, object]) -> None:
    with pytest.raises(InvalidScript):
        callee_of(told)
