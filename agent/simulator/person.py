"""A caller: what is said when, by a script and by what is heard of the agent. Pure: a step each 20 ms.

Lines are those of :mod:`agent.channels.script`, with these directives more: ``[interrupt 1.5] words`` are said 1.5 s
after the agent began to speak; ``[uh-huh]`` (or ``[back-channel 2] right``) while it speaks, and is no turn; from
``[mood angry] words`` on the caller sounds angry; ``[play FILE]`` in place of words says what is in a WAV file;
``[keys 123]`` presses keys; ``[silence]`` keeps silent until the agent has spoken again, ``[wait 2]`` waits longer
before the next line, ``[hangup]`` hangs up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from agent.channels.script import InvalidScript, Script, Step

_DIRECTIVE = re.compile(r"\[(?P<name>[a-z-]+)(?: (?P<value>[^\]]*))?\]\s*(?P<words>.*)\Z", re.DOTALL)
_MOOD = re.compile(r"\[mood ?([^\]]*)\]")
_UH_HUH = "uh-huh"
_EARLY = ("interrupt", "back-channel", "uh-huh")
_TIMED = ("interrupt", "back-channel", "uh-huh", "wait")
_DIRECTIVES = (*_TIMED, "keys", "play", "mood", "silence", "hangup")


@dataclass(frozen=True, slots=True)
class Speak:
    """Say words, or what is in a file. ``interrupts``: over the agent's; ``answers`` False: a back-channel;
    ``mood``: how it sounds, empty where the script does not say."""

    words: str
    file: str = ""
    interrupts: bool = False
    answers: bool = True
    mood: str = ""


@dataclass(frozen=True, slots=True)
class Press:
    digits: str


@dataclass(frozen=True, slots=True)
class KeepSilent:
    """It is the caller's turn, and nothing will be said."""


@dataclass(frozen=True, slots=True)
class HangUp:
    pass


Act: TypeAlias = Speak | Press | KeepSilent | HangUp


@dataclass(frozen=True, slots=True)
class AgentHeard:
    """The agent as heard at one moment, in seconds of the call.

    ``speaking``: something is being played, since ``since``; else it has been quiet since then. ``last_sound``: when
    sound last arrived.
    """

    speaking: bool
    since: float
    last_sound: float


class Hears(Protocol):
    """How a caller knows what the agent says, and whether it has finished."""

    @property
    def words(self) -> str:
        """What the agent has said since :meth:`forget`."""
        ...

    @property
    def finished(self) -> bool:
        """False while more is to come (a tool is at work), and before anything was said."""
        ...

    def newest(self) -> float:
        """When the last words came, in seconds of the call; before any, minus infinity."""
        ...

    def forget(self) -> None:
        """The caller answers: what comes from now on is new."""
        ...


class Caller(Protocol):
    """Whoever is on the line: decides at each step of 20 ms, and is told when a line has been said."""

    def step(self, now: float, agent: AgentHeard) -> Act | None: ...

    def said(self, at: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Habits:
    """``pause``: seconds a caller waits once the agent is quiet; ``slow``: after which words whose sound never
    came are answered too; ``patience``: seconds of nothing after which a caller with nothing to say hangs up."""

    pause: float = 0.6
    slow: float = 6.0
    patience: float = 30.0


class Person:
    """Decides at each step; the one who holds it tells when a line has been said (:meth:`said`)."""

    def __init__(self, script: Script, hears: Hears, habits: Habits):
        self._script, self._hears, self._habits = script, hears, habits
        self._answered_until = -1.0
        self._wait = 0.0
        self._early_done = -1.0
        self._quiet_at = 0.0
        self._busy = False
        self._over = False
        self._mood = ""
        self._next: tuple[str, re.Match[str] | None] | None = None

    def said(self, at: float) -> None:
        """The line that was begun has been said, at this second of the call."""
        self._busy = False
        self._answered_until = at

    def step(self, now: float, agent: AgentHeard) -> Act | None:
        """What to do now, if anything; ``now`` in seconds of the call."""
        if self._over or self._busy:
            return None
        if agent.speaking:
            return self._during(now, agent)
        if self._may_answer(now, agent):
            return self._answer(now)
        if now - max(agent.since, self._answered_until) > self._habits.patience:
            self._over = True
            return HangUp()
        return None

    def _during(self, now: float, agent: AgentHeard) -> Act | None:
        """While the agent speaks: an interruption or a back-channel whose moment has come; one for each stretch."""
        if self._early_done == agent.since:
            return None
        found = self._early()
        if found is None or now - agent.since < float(found["value"] or 1.0):
            return None
        self._take()
        self._early_done, self._busy = agent.since, True
        if found["name"] == "interrupt":
            self._hears.forget()
            return self._speech(found["words"], interrupts=True)
        return self._speech(found["words"] or _UH_HUH, answers=False)

    def _early(self) -> re.Match[str] | None:
        """The line that is next by what was heard, if it is said while the agent speaks. Found once for the words."""
        words = self._hears.words
        if self._next is None or self._next[0] != words:
            found = _DIRECTIVE.match(self._script.peek(words) or "")
            self._next = words, found if found and found["name"] in _EARLY else None
        return self._next[1]

    def _take(self) -> str | None:
        """The next line, which is then used up."""
        self._next = None
        return self._script.next(self._hears.words)

    def _may_answer(self, now: float, agent: AgentHeard) -> bool:
        if now - agent.since < self._habits.pause + self._wait or not self._hears.finished:
            return False
        spoken = agent.since > self._answered_until and agent.last_sound >= self._hears.newest()
        return spoken or now - max(self._hears.newest(), self._answered_until) > self._habits.slow

    def _answer(self, now: float) -> Act | None:
        line = self._take()
        found = _DIRECTIVE.match(line or "[hangup]")
        name = found["name"] if found else ""
        if name == "wait" and found:
            self._wait += float(found["value"] or 1)
            return None
        self._wait = 0.0
        self._hears.forget()
        if name == "silence":
            self._answered_until = now
            return KeepSilent()
        return self._act(line or "", found)

    def _act(self, line: str, found: re.Match[str] | None) -> Act:
        self._busy = True
        name = found["name"] if found else ""
        if found and name == "keys":
            return Press(found["value"] or "")
        if name == "hangup":
            self._over = True
            return HangUp()
        if found is None or name in ("play", "mood"):
            return self._speech(line)
        return self._speech(found["words"])

    def _speech(self, words: str, interrupts: bool = False, answers: bool = True) -> Speak:
        """Words, or ``[play FILE]``; either after ``[mood …]``, which lasts."""
        found = _DIRECTIVE.match(words)
        if found and found["name"] == "mood":
            self._mood, words = found["value"] or "", found["words"]
            found = _DIRECTIVE.match(words)
        file = (found["value"] or "") if found and found["name"] == "play" else ""
        return Speak("" if file else words, file, interrupts, answers, self._mood)


def words_of(line: str) -> str:
    """The words that a line of a script has said; empty where it needs no voice."""
    found = _DIRECTIVE.match(line)
    if found is None:
        return line
    if not found["words"]:
        return _UH_HUH if found["name"] in ("uh-huh", "back-channel") else ""
    return words_of(found["words"])


def lines_of(steps: Iterable[Step]) -> Iterator[Speak]:
    """What a script has said, where its words are known before the call."""
    mood = ""
    for step in steps:
        mood = found[1] if (found := _MOOD.search(step.text)) else mood
        if (words := words_of(step.text)) and "{" not in words:
            yield Speak(words, mood=mood)


def check(steps: Iterable[Step], moods: Iterable[str] = ()) -> None:
    """Raises InvalidScript for a directive that cannot be done, or a mood that is none of ``moods``."""
    for step in steps:
        found = _DIRECTIVE.match(step.text)
        name, value = (found["name"], found["value"] or "") if found else ("", "")
        if found and name not in _DIRECTIVES:
            raise InvalidScript(f"line {step.line}: [{name}] is not known; known: {', '.join(_DIRECTIVES)}")
        mood = _MOOD.search(step.text)
        if mood and mood[1] not in moods:
            raise InvalidScript(f"line {step.line}: [mood {mood[1]}] is not known; known: {', '.join(moods)}")
        if name in _TIMED and value and not re.fullmatch(r"\d+(\.\d+)?", value):
            raise InvalidScript(f"line {step.line}: [{name} {value}] needs a number of seconds")
        if name == "keys" and not re.fullmatch(r"[0-9*#]+", value):
            raise InvalidScript(f"line {step.line}: [keys] needs digits, * or #")
        if name == "interrupt" and found and not found["words"]:
            raise InvalidScript(f"line {step.line}: [interrupt] needs words after it")
