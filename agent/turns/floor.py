"""Who has the floor of a telephone call, from what is voiced, what is said and what the caller hears of the agent.

All times are seconds on one axis, that of the caller's stream. They may come out of order between the methods;
the floor's own time never goes back. Every method returns what follows from it, in order.
"""

from __future__ import annotations

import math

from agent.turns.completeness import Said
from agent.turns.events import (
    BackChannel,
    BargeIn,
    FloorEvent,
    Overlap,
    Pause,
    Resume,
    SilenceDue,
    TurnEnded,
    TurnStarted,
)
from agent.turns.parties import AgentVoice, SilenceClock, Turn
from agent.turns.rules import Rules
from agent.turns.voicing import FRAME, Voicing

_ASKS = frozenset({"yes_no", "slot"})
"""Questions to which a short "yes" is the answer."""
_SLACK = 1e-9
DEFAULT = Rules()


class Floor:
    """The turn-taking of one call.

    The events of a turn: ``TurnStarted (Pause (BargeIn | Resume))* (TurnEnded | BackChannel)``; ``Overlap`` at most
    once within; ``SilenceDue`` only between turns, while the agent is silent and not at work.
    """

    def __init__(self, rules: Rules = DEFAULT):
        self.rules = rules
        self._now = 0.0
        self._frames_until = 0.0
        self._voicing = Voicing(rules.speech_after)
        self._agent = AgentVoice()
        self._silence = SilenceClock()
        self._turn: Turn | None = None
        self._expects = ""
        self._holding = False
        self._ended = -math.inf
        self._closed_until = -math.inf
        self._may_go_on = False
        self._out: list[FloorEvent] = []

    @property
    def agent_heard(self) -> bool:
        """Whether the caller hears the agent now: what :class:`~agent.turns.vad.VoiceDetector` wants to know."""
        return self._agent.speaking and not self._agent.paused

    def frame(self, at: float, voiced: bool, tonal: bool = True) -> list[FloorEvent]:
        """The 20 ms of the caller's sound from ``at`` on: :class:`~agent.turns.vad.Heard` of it."""
        if math.isfinite(at) and at + FRAME < self._frames_until and not voiced:
            return self._step(self._frames_until)  # silence for which time has passed already: it came late
        at = max(at, self._frames_until) if math.isfinite(at) else self._frames_until
        self._frames_until = at + FRAME
        self._voicing.hear(at, voiced, tonal)
        return self._step(at + FRAME)

    @property
    def frames_until(self) -> float:
        """The end of the last frame as the floor has it: frames that came late are moved behind what has passed."""
        return self._frames_until

    def tick(self, at: float) -> list[FloorEvent]:
        """Time has passed and no frame came: the carrier sends nothing."""
        self._frames_until = max(self._frames_until, at) if math.isfinite(at) else self._frames_until
        self._voicing.pass_to(self._frames_until)
        return self._step(at)

    def words(self, at: float, text: str) -> list[FloorEvent]:
        """All words of the open turn so far, or of the one that was paused for; empty: there were none in it."""
        self._pass_to(at)
        if self._turn is not None:
            self._turn.take(text, self._expects)
        self._silence.restart(self._now)
        return self._step(at)

    def agent_speaks(self, at: float, shielded: bool = False) -> list[FloorEvent]:
        """The caller begins to hear the agent, or what is heard from now on is (not) ``shielded``."""
        self._pass_to(at)
        self._agent.begin(self._now, shielded)
        self._silence.since = self._now
        self._may_go_on = False
        return self._step(at)

    def agent_quiet(self, at: float) -> list[FloorEvent]:
        """The caller has heard all that the agent had to say. Not for a pause, which the floor knows of."""
        self._pass_to(at)
        if self._agent.speaking:
            self._close_pause()
            self._agent.end()
            self._silence.restart(self._now)
            self._floor_is_free()
        return self._step(at)

    def expecting(self, expects: str) -> None:
        """The kind of answer asked for (``Hints.expects``)."""
        self._expects = expects
        if self._turn is not None and self._turn.heard:
            self._turn.take(self._turn.heard, expects)

    def waits(self, holding: bool) -> None:
        """Whether the agent is at work: no prompt is due while it is."""
        if self._holding and not holding:
            self._silence.restart(self._now)
        self._holding = holding

    def _pass_to(self, at: float) -> None:
        if math.isfinite(at):
            self._now = max(self._now, at)

    def _step(self, at: float) -> list[FloorEvent]:
        self._pass_to(at)
        if self._voicing.speaking and self._voicing.until > self._closed_until:
            self._hear()
        if self._turn is not None and self._agent.speaking:
            self._over_agent(self._turn)
        if self._turn is not None:
            self._end(self._turn)
        if self._turn is None:
            self._prompt()
        out, self._out = self._out, []
        return out

    def _hear(self) -> None:
        if self._turn is None:
            started = max(self._voicing.started, self._closed_until)
            self._turn = Turn(started, self._agent.speaking and not self._shielded, started, started)
            goes_on = self._may_go_on and started - self._ended <= self.rules.goes_on_within
            self._out.append(TurnStarted(self._now, started, goes_on))
        self._turn.hear(self._voicing, self.rules.resume_after)

    @property
    def _shielded(self) -> bool:
        return self._agent.shielded(self._now, self.rules.greeting_shield)

    def _overlap(self) -> float:
        """Seconds of voice, without a break, that the caller has now spoken over the agent."""
        if not self._voicing.speaking:
            return 0.0
        return min(self._voicing.voiced, self._voicing.until - self._agent.since) + _SLACK

    def _quiet_for(self, turn: Turn) -> float:
        """Seconds of silence; none while there is voice that may become speech."""
        if self._voicing.speaking or self._voicing.pending:
            return 0.0
        return self._now - turn.spoken_until + _SLACK

    def _over_agent(self, turn: Turn) -> None:
        if self._shielded:
            self._under_shield(turn)
            return
        if not self._agent.paused and self._overlap() >= self.rules.pause_after:
            self._pause()
        if self._interrupts(turn):
            self._barge_in(turn)
        elif self._agent.paused and self._quiet_for(turn) >= self.rules.resume_after:
            self._close_pause()
        if turn.over and not self._agent.paused:
            self._settle(turn)

    def _under_shield(self, turn: Turn) -> None:
        self._close_pause()
        turn.over = False
        if not turn.overlapped and self._overlap() >= self.rules.barge_in_after:
            turn.overlapped = True
            self._out.append(Overlap(self._now))

    def _interrupts(self, turn: Turn) -> bool:
        return turn.interrupts(self.rules) if turn.over else self._overlap() >= self.rules.barge_in_after

    def _pause(self) -> None:
        self._agent.paused = True
        self._out.append(Pause(self._now))

    def _close_pause(self) -> None:
        if self._agent.paused:
            self._agent.paused = False
            self._out.append(Resume(self._now))

    def _barge_in(self, turn: Turn) -> None:
        if not self._agent.paused:
            self._pause()
        self._out.append(BargeIn(self._now))
        self._agent.end()
        self._silence.restart(self._now)
        turn.over = False

    def _settle(self, turn: Turn) -> None:
        """A short sound over the agent is over: an answer is kept, an "uh-huh" is let go."""
        quiet = self._quiet_for(turn)
        if turn.has_content and quiet >= self.rules.resume_after:
            turn.over = False
        elif quiet >= self._settled_after(turn):
            self._let_go(turn)

    def _settled_after(self, turn: Turn) -> float:
        if self._expects in _ASKS and turn.heard != "":
            return max(self.rules.answer_hold, self.rules.resume_after)
        return (
            self.rules.resume_after
            if turn.only_listens
            else max(self.rules.words_wait, self.rules.resume_after)
        )

    def _let_go(self, turn: Turn) -> None:
        self._out.append(BackChannel(self._now, turn.started))
        self._close(turn)

    def _floor_is_free(self) -> None:
        """The agent has ended: what was said over its last words is a turn, unless it only says "uh-huh"."""
        turn = self._turn
        if turn is None or not turn.over:
            return
        asked = self._expects in _ASKS and turn.heard != ""
        if turn.only_listens and not asked and not self._voicing.speaking:
            self._let_go(turn)
        turn.over = False

    def _end(self, turn: Turn) -> None:
        if turn.over or self._agent.paused:
            return
        if self._now - turn.started >= self.rules.longest_turn - _SLACK:
            self._end_for("too_long", turn)
        elif self._quiet_for(turn) >= max(turn.end_wait(self.rules), _SLACK * 2):
            self._end_for("complete" if turn.said is Said.COMPLETE else "silence", turn)

    def _end_for(self, reason: str, turn: Turn) -> None:
        self._out.append(TurnEnded(self._now, turn.started, turn.spoken_until, reason))
        self._ended = self._now
        self._may_go_on = reason == "too_long" or not self._agent.speaking
        self._silence.count = 0
        self._close(turn)

    def _close(self, turn: Turn) -> None:
        self._closed_until = turn.spoken_until
        self._turn = None
        self._silence.restart(self._now)

    def _prompt(self) -> None:
        """Nobody speaks: the silence is counted, unless it is the agent's."""
        busy = self._agent.speaking or self._holding or self._voicing.speaking or self._voicing.pending
        if not busy and self._silence.due(self._now, self.rules):
            self._out.append(SilenceDue(self._now, self._silence.count))
